"""Shots: simulated screenshots of catalog pictures as squares, kept in memory-mapped files.

Simulation makes about ten screenshots a second; a run reads thousands. So each is made once:

    <cache>/shots-<digest>/region.npy   cut to the product as a shopper draws the box
                           whole.npy    the whole screenshot
                           crop.npy     cut by hand around the product, with some of what is around it
                           phone.npy    no screenshot: a snapshot as by a phone, made from the picture
                           KIND.made.npy   of each row: 0 to be made, 1 made, 2 its picture cannot be used

The digest is of everything that decides a pixel, so another seed or a changed picture is another folder. A
stopped filling goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.augment import load_chain
from training.pretrain.pictures import Source
from training.screenshots import simulate
from training.screenshots.crop import crop
from training.tune.mapped import mapped_array
from visionseek.errors import InputError
from visionseek.files import sha256_file
from visionseek.pixels import PIXEL_VERSION, Rule, open_image, square
from visionseek.vocabulary import Region

Kind = Literal["region", "whole", "crop", "phone"]
KINDS: tuple[Kind, ...] = ("region", "whole", "crop", "phone")
# Raised when the same seed makes other pixels.
_VERSION = 2
_OTHERS = 5
_PHONE_CHAIN = "phone"
_TO_MAKE, _MADE, _UNUSABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Shots:
    """Shots of a list of sources.

    Attributes:
        pixels: by kind, uint8 [N * each, S, S, 3], read from the disk as they are used.
        source: int64 [N * each], which source each row shows.
        made: bool [N * each]; rows of unusable pictures are False and black.
        rate: shots made in a second, each of all kinds; None where all were there.
    """

    pixels: dict[Kind, npt.NDArray[np.uint8]]
    source: npt.NDArray[np.int64]
    made: npt.NDArray[np.bool_]
    rate: float | None


def make_shots(
    sources: Sequence[Source],
    *,
    each: int,
    kinds: Sequence[Kind],
    size: int,
    rule: Rule,
    seed: int,
    cache: Path,
    workers: int = 1,
    on_shot: Callable[[], None] = lambda: None,
) -> Shots:
    """Make, or find in the cache, `each` shots of every source.

    Row `i * each + turn` depends on the sources, i, turn and `seed` only, not on the kinds asked for.

    Args:
        sources: what to show; products that a screenshot shows beside are drawn from them too.
        each: shots of each source.
        kinds: which squares are made of each.
        size: their side in pixels.
        rule: how a picture becomes a square.
        seed: of the simulation.
        cache: folder of all caches.
        workers: processes that make them.
        on_shot: called for every row.

    Raises:
        InputError: no source, or none of them can be used.
        OSError: the disk refused; whole rows that were made stay.
    """
    if not sources:
        raise InputError("no picture to make screenshots of")
    folder = cache / f"shots-{_digest(sources, each, size, rule, seed)}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = len(sources) * each
    pixels = {kind: mapped_array(folder / f"{kind}.npy", (rows, size, size, 3)) for kind in kinds}
    made = {kind: mapped_array(folder / f"{kind}.made.npy", (rows,)) for kind in kinds}
    missing = [row for row in range(rows) if any(made[kind][row] == _TO_MAKE for kind in kinds)]
    for _ in range(rows - len(missing)):
        on_shot()
    began = time.perf_counter()
    job = _Job(tuple(sources), each, tuple(kinds), size, rule, seed)
    for row, squares in _made(job, missing, workers):
        for kind in kinds:
            if squares is not None:
                pixels[kind][row] = squares[kind]
            made[kind][row] = _UNUSABLE if squares is None else _MADE
        on_shot()
    took = time.perf_counter() - began
    for array in (*pixels.values(), *made.values()):
        array.flush()
    usable = np.all([made[kind] == _MADE for kind in kinds], axis=0)
    if not usable.any():
        raise InputError(f"none of {len(sources)} pictures gave a screenshot", where=str(sources[0].path))
    rate = len(missing) / took if missing else None
    return Shots(dict(pixels), np.repeat(np.arange(len(sources)), each), usable, rate)


@dataclass(frozen=True, slots=True)
class _Job:
    sources: tuple[Source, ...]
    each: int
    kinds: tuple[Kind, ...]
    size: int
    rule: Rule
    seed: int


_Squares = dict[Kind, npt.NDArray[np.uint8]] | None
_job: list[_Job] = []  # of a worker process


def _made(job: _Job, rows: Sequence[int], workers: int) -> Iterator[tuple[int, _Squares]]:
    if workers <= 1 or len(rows) < 2 * workers:
        for row in rows:
            yield row, _make(job, row)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (job,)) as pool:
        try:
            yield from zip(rows, pool.map(_make_in_worker, rows, chunksize=8), strict=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker(job: _Job) -> None:
    _job.append(job)  # by name: a bound `_job.append` would be sent along with a list of its own


def _make_in_worker(row: int) -> _Squares:
    return _make(_job[0], row)


def _make(job: _Job, row: int) -> _Squares:
    """The squares of one row, or None where its picture cannot be used."""
    number, turn = divmod(row, job.each)
    source = job.sources[number]
    rng = np.random.default_rng((job.seed, number, turn))
    own = {
        kind: np.random.default_rng((job.seed, number, turn, place)) for place, kind in enumerate(KINDS, 1)
    }
    try:
        picture = open_image(source.path)
        squares: dict[Kind, npt.NDArray[np.uint8]] = {}
        if "phone" in job.kinds:
            snapshot, _ = load_chain(_PHONE_CHAIN).apply(picture, own["phone"])
            squares["phone"] = square(snapshot, job.size, job.rule)
        if set(job.kinds) - {"phone"}:
            shot = simulate(picture, seed=int(rng.integers(2**31)), others=_others(job, source, rng))
            image, region = shot.image, shot.product.region
            cuts: dict[Kind, Callable[[], Image.Image]] = {
                "region": lambda: image.crop(loose_box(region, image, own["region"])),
                "whole": lambda: image,
                "crop": lambda: crop(image, shot.boxes, own["crop"])[0],
            }
            squares |= {
                kind: square(cut(), job.size, job.rule) for kind, cut in cuts.items() if kind in job.kinds
            }
    except (InputError, OSError):
        return None
    return squares


def _others(job: _Job, source: Source, rng: np.random.Generator) -> list[Image.Image]:
    """Pictures of other products for listings and advertisements; an unreadable one is left out."""
    found = []
    for number in rng.integers(len(job.sources), size=_OTHERS):
        other = job.sources[int(number)]
        if other.product == source.product:
            continue
        try:
            found.append(open_image(other.path))
        except (InputError, OSError):
            continue
    return found


def loose_box(
    region: Region, screenshot: Image.Image, rng: np.random.Generator, slack: float = 0.08
) -> tuple[int, int, int, int]:
    """Pixel box around `region`, each edge off by up to `slack` of the box, as hand-drawn boxes are."""
    width, height = screenshot.size
    wide, high = region.right - region.left, region.bottom - region.top
    off = rng.uniform(-slack, slack, 4)
    left = int(max(0.0, region.left + off[0] * wide) * width)
    top = int(max(0.0, region.top + off[1] * high) * height)
    right = round(min(1.0, region.right + off[2] * wide) * width)
    bottom = round(min(1.0, region.bottom + off[3] * high) * height)
    return left, top, max(left + 1, right), max(top + 1, bottom)


def _digest(sources: Sequence[Source], each: int, size: int, rule: Rule, seed: int) -> str:
    contents = [
        (source.product, sha256_file(source.path) if source.path.is_file() else "") for source in sources
    ]
    known = [_VERSION, PIXEL_VERSION, each, size, rule, seed, contents]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
