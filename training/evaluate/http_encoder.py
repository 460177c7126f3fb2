"""Any HTTP embedder: a picture is posted, a JSON vector comes back."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
from PIL import Image

from training.evaluate.encoder import Pixels, Vectors, unit
from training.trained_on import TrainedOn
from visionseek.errors import InputError, Unavailable
from visionseek.pixels import Rule

_TIMEOUT_S = 30.0
_AT_ONCE = 4
_TRIES = 4
_WAIT_S = 0.5
# Where answers of embedders that are in use keep the vector.
_KEYS = ("embedding", "vector", "embeddings", "data", "result")


class HttpEncoder:
    """`POST address` with a PNG as body; the answer is a vector, or an object that holds one.

    The server resizes. Its answer may hold the vector as `embedding`, `vector`, `embeddings[0]`,
    `data[0].embedding` or `result`; `/v1/embed` of the API is of the first kind.

    Args:
        address: of the endpoint.

    Raises:
        InputError: no http or https address.
    """

    reads_text = False

    def __init__(self, address: str) -> None:
        self.name = address
        self.size: int | None = None
        self.rule: Rule = "pad"
        self.trained_on: TrainedOn | None = None
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL as error:
            raise InputError(f"no address: {error}", where=address) from error
        if url.scheme not in ("http", "https") or not url.host:
            raise InputError("not an http:// or https:// address", where=address)
        self._client = httpx.Client(timeout=_TIMEOUT_S, trust_env=False)

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """[H, W, 3] each -> [N, D]."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            rows = list(pool.map(self._embed, pictures))
        lengths = {len(row) for row in rows}
        if len(lengths) > 1:
            raise Unavailable(f"answered with vectors of {sorted(lengths)} numbers", where=self.name)
        return unit(np.array(rows, dtype=np.float64), len(pictures), where=self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Refused: this embedder is asked for pictures only."""
        raise InputError(f"an HTTP embedder is asked for pictures only, not {texts[0]!r}", where=self.name)

    def _embed(self, picture: Pixels) -> list[float]:
        body = io.BytesIO()
        Image.fromarray(picture).save(body, "PNG", compress_level=1)
        for attempt in range(_TRIES):
            try:
                reply = self._client.post(
                    self.name, content=body.getvalue(), headers={"Content-Type": "image/png"}
                )
            except httpx.HTTPError as error:
                raise Unavailable(
                    f"does not answer ({error})", where=self.name, mend="start it, or check the address"
                ) from error
            if reply.status_code != httpx.codes.TOO_MANY_REQUESTS or attempt == _TRIES - 1:
                break
            time.sleep(_WAIT_S * 2**attempt)
        if not reply.is_success:
            raise Unavailable(f"answered {reply.status_code}: {reply.text[:200]}", where=self.name)
        try:
            return _vector(reply.json())
        except ValueError as error:
            raise Unavailable(
                f"answered with no vector ({reply.text[:120]!r})",
                where=self.name,
                mend='it must be JSON, such as {"embedding": [numbers]}',
            ) from error


def _vector(answer: Any) -> list[float]:
    """The vector in an answer.

    Raises:
        ValueError: there is none.
    """
    if isinstance(answer, dict):
        for key in _KEYS:
            if key in answer:
                return _vector(answer[key])
    if isinstance(answer, list) and answer:
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in answer):
            return [float(value) for value in answer]
        if len(answer) == 1:
            return _vector(answer[0])
    raise ValueError("no vector")
