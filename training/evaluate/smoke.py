"""The smoke suite: does a simulated screenshot of a catalog product find that product first?

It asks a running API, as a shopper's browser would: the whole way from bytes to products is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from training.evaluate.intervals import wilson
from training.pretrain.pictures import Source, feed_sources
from training.screenshots import Screenshot, simulate
from visionseek.errors import InputError, Unavailable
from visionseek.pixels import open_image

CASES = 100
# The product's picture takes at least this share of the screenshot's width, and at most that.
WIDTH_SHARE = (0.35, 0.60)
JPEG_QUALITY = (70, 92)
_ATTEMPTS = 60


@dataclass(frozen=True, slots=True)
class Case:
    """One query: a screenshot, and the product that must come first.

    Attributes:
        product: its id.
        jpeg: the screenshot.
        region: the product's box, fractions of the screenshot: left, top, right, bottom.
        template: what the screenshot was made from.
    """

    product: str
    jpeg: bytes
    region: tuple[float, float, float, float]
    template: str


def make_cases(feed: Path, *, cases: int = CASES, seed: int = 0) -> list[Case]:
    """Draw `cases` screenshots of the feed's products; case i depends on the feed, `seed` and i only.

    Raises:
        FeedError: the feed cannot be read.
    """
    sources = feed_sources(feed)
    made = []
    for number in range(cases):
        rng = np.random.default_rng((seed, number))
        source = sources[int(rng.integers(len(sources)))]
        shot = _screenshot(source, rng)
        region = shot.product.region
        made.append(
            Case(
                product=source.product,
                jpeg=shot.jpeg(int(rng.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1))),
                region=(region.left, region.top, region.right, region.bottom),
                template=shot.template,
            )
        )
    return made


def _screenshot(source: Source, rng: np.random.Generator) -> Screenshot:
    """A plain page around the picture, which takes 35 to 60 % of the width."""
    picture = open_image(source.path)
    for _ in range(_ATTEMPTS):
        shot = simulate(picture, seed=int(rng.integers(2**31)), template="plain")
        region = shot.product.region
        if WIDTH_SHARE[0] <= region.right - region.left <= WIDTH_SHARE[1] and not shot.product.occluded:
            return shot
    raise InputError(f"no plain screenshot shows {source.path} at {WIDTH_SHARE} of its width")


def run_smoke(
    cases: list[Case], url: str, *, k: int = 10, on_case: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Ask the API at `url` for every case, with the region given and without.

    Returns:
        `{"with_region": {"recall@1": [value, low, high], "recall@10": ..., "first": n}, "without_region": ...,
        "cases": n, "misses": [...]}`; intervals are Wilson's at 95 %.

    Raises:
        Unavailable: the API does not answer, or answers with an error.
    """
    ranks: dict[str, list[int | None]] = {"with_region": [], "without_region": []}
    misses = []
    with httpx.Client(base_url=url, timeout=30.0, trust_env=False) as client:
        for number, case in enumerate(cases):
            for way, ranked in ranks.items():
                hits = _search(client, case, k, region=way == "with_region")
                place = hits.index(case.product) + 1 if case.product in hits else None
                ranked.append(place)
                if way == "with_region" and place != 1:
                    misses.append(
                        {
                            "case": number,
                            "product": case.product,
                            "rank": place,
                            "first": hits[:1],
                            "template": case.template,
                        }
                    )
            on_case()
    result: dict[str, Any] = {"cases": len(cases)}
    for way, ranked in ranks.items():
        result[way] = {
            f"recall@{depth}": _share(sum(rank is not None and rank <= depth for rank in ranked), len(ranked))
            for depth in (1, k)
        } | {"first": sum(rank == 1 for rank in ranked)}
    return result | {"misses": misses}


def _share(successes: int, trials: int) -> list[float]:
    return [round(value, 4) for value in (successes / trials, *wilson(successes, trials))]


def _search(client: httpx.Client, case: Case, k: int, *, region: bool) -> list[str]:
    form: dict[str, str] = {"k": str(k)}
    if region:
        form["region"] = ",".join(f"{edge:.6f}" for edge in case.region)
    try:
        reply = client.post(
            "/v1/search", files={"image": ("screenshot.jpg", case.jpeg, "image/jpeg")}, data=form
        )
    except httpx.HTTPError as error:
        raise Unavailable(
            f"the API does not answer: {error}", where=str(client.base_url), mend="visionseek up"
        ) from error
    if not reply.is_success:
        raise Unavailable(
            f"the API answered {reply.status_code}: {reply.text[:300]}", where=str(client.base_url)
        )
    return [str(hit["product_id"]) for hit in reply.json()["hits"]]
