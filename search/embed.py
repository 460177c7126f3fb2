"""The catalog's pictures through the encoder into the embedding store; what is there already stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from search.embeddings import EmbeddingStore
from search.encoder import Encoder
from search.model_server import Pixels, Vectors
from visionseek.errors import Unavailable, VisionSeekError
from visionseek.vocabulary import Product, ProductImage

BATCH = 16
_IN_FLIGHT = 3  # one batch being decoded, one on the way, one in the encoder
_GRACE_S = 2.0  # for batches under way when another one fails
_SEGMENT_ROWS = 512
_SEGMENT_SECONDS = 5.0
_BATCH_DEADLINE_S = 120.0
# Triton starts a model's process anew when it died or a busy machine let it miss its heartbeat; that takes a second
# or two. Who is told of a failure has seen so many tries.
_PAUSES_S = (1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A picture that could not be embedded, by the first product that shows it."""

    product_id: str
    picture: str
    reason: str


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What `embed` did.

    Attributes:
        images: images in the catalog.
        pictures: different pictures among them.
        kept: pictures whose embedding was there already.
        embedded: pictures embedded now.
        unreadable: pictures left out.
        seconds: how long it took.
    """

    images: int
    pictures: int
    kept: int
    embedded: int
    unreadable: tuple[Unreadable, ...]
    seconds: float


async def embed(
    images: Iterable[tuple[ProductImage, Product]],
    load: Callable[[str], Pixels],
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    executor: Executor,
    on_progress: Callable[[int, int], None],
) -> EmbedReport:
    """Embed every picture that `store` does not have yet.

    Args:
        images: the catalog's live images with their products.
        load: picture sha256 -> uint8 [S, S, 3] as the encoder takes them; runs in `executor`, and says by a
            VisionSeekError that a picture cannot be read.
        encoder: the encoder whose fingerprint `store` belongs to.
        store: keeps the vectors; written at least every few seconds, so that a crash loses little.
        executor: threads that read and decode.
        on_progress: called with pictures done and pictures to do.

    Raises:
        Unavailable: the encoder does not answer; what was embedded before is kept.
        ArtifactError: the disk refused.
    """
    started = time.monotonic()
    missing = _missing(images, store)
    todo = list(missing.owners)
    writer = _Writer(store)
    unreadable: list[Unreadable] = []

    def take(batch: _Embedded) -> None:
        writer.take(batch)
        unreadable.extend(Unreadable(missing.owners[p], p, why) for p, why in batch.unreadable.items())
        on_progress(writer.taken + len(unreadable), len(todo))

    on_progress(0, len(todo))
    running: set[asyncio.Task[_Embedded]] = set()
    starts = iter(range(0, len(todo), BATCH))
    try:
        while True:
            for start in islice(starts, _IN_FLIGHT - len(running)):
                batch = _embed_batch(todo[start : start + BATCH], load, encoder, executor)
                running.add(asyncio.create_task(batch))
            if not running:
                break
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            # What succeeded is taken first: the failure of one batch loses no other.
            for task in sorted(finished, key=lambda task: task.exception() is not None):
                take(task.result())
    finally:
        if running:
            await asyncio.wait(running, timeout=_GRACE_S)
        for task in running:
            task.cancel()
        for result in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(result, BaseException):
                take(result)
        writer.flush()
    return EmbedReport(
        images=missing.images,
        pictures=len(missing.kept) + len(todo),
        kept=len(missing.kept),
        embedded=writer.taken,
        unreadable=tuple(unreadable),
        seconds=time.monotonic() - started,
    )


@dataclass(slots=True)
class _Missing:
    images: int = 0
    kept: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)  # picture -> the first product that shows it


@dataclass(frozen=True, slots=True)
class _Embedded:
    pictures: Sequence[str]
    vectors: Vectors
    unreadable: dict[str, str]


def _missing(images: Iterable[tuple[ProductImage, Product]], store: EmbeddingStore) -> _Missing:
    missing = _Missing()
    for image, product in images:
        missing.images += 1
        if image.sha256 in store:
            missing.kept.add(image.sha256)
        else:
            missing.owners.setdefault(image.sha256, product.id)
    return missing


async def _embed_batch(
    chunk: Sequence[str], load: Callable[[str], Pixels], encoder: Encoder, executor: Executor
) -> _Embedded:
    def read(picture: str) -> Pixels | VisionSeekError:
        try:
            return load(picture)
        except VisionSeekError as error:
            return error

    loop = asyncio.get_running_loop()
    loaded = await asyncio.gather(*(loop.run_in_executor(executor, read, picture) for picture in chunk))
    readable = {p: got for p, got in zip(chunk, loaded, strict=True) if not isinstance(got, VisionSeekError)}
    reasons = {p: got.what for p, got in zip(chunk, loaded, strict=True) if isinstance(got, VisionSeekError)}
    vectors: Vectors = np.empty((0, encoder.version.dimension), np.float32)
    if readable:
        vectors = await _encode(encoder, np.stack(list(readable.values())))
    return _Embedded(list(readable), vectors, reasons)


async def _encode(encoder: Encoder, pixels: Pixels) -> Vectors:
    for pause in _PAUSES_S:
        try:
            return await encoder.encode(pixels, deadline_s=_BATCH_DEADLINE_S)
        except Unavailable:
            await asyncio.sleep(pause)
    return await encoder.encode(pixels, deadline_s=_BATCH_DEADLINE_S)


class _Writer:
    """Gathers batches into segments worth a file."""

    def __init__(self, store: EmbeddingStore) -> None:
        self._store = store
        self._pictures: list[str] = []
        self._vectors: list[Vectors] = []
        self._since = time.monotonic()
        self.taken = 0

    def take(self, batch: _Embedded) -> None:
        self._pictures.extend(batch.pictures)
        self._vectors.append(batch.vectors)
        self.taken += len(batch.pictures)
        if len(self._pictures) >= _SEGMENT_ROWS or time.monotonic() - self._since > _SEGMENT_SECONDS:
            self.flush()

    def flush(self) -> None:
        pictures, vectors = self._pictures, self._vectors
        self._pictures, self._vectors, self._since = [], [], time.monotonic()
        if pictures:
            self._store.append(pictures, np.concatenate(vectors))
