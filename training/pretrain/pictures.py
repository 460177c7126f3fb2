"""What a run learns from: pictures in memory, the product and family of each, a caption for each product."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visionseek.errors import FeedError, InputError
from visionseek.pixels import Rule, load_image

_PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Source:
    """One picture before it is read: where it is, which product it shows, what is said of it."""

    path: Path
    product: str
    family: str
    caption: str


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures of products, decoded once.

    Attributes:
        pixels: uint8 [N, S, S, 3].
        labels: int64 [N], the product's number.
        families: int64 [P], the family's number of each product.
        products: the P product ids, position = number.
        captions: the P captions; empty where a product has none.
        skipped: files that could not be read, with the reason.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    families: npt.NDArray[np.int64]
    products: tuple[str, ...]
    captions: tuple[str, ...]
    skipped: tuple[str, ...]


def feed_sources(feed: Path, *, views: int | None = None) -> list[Source]:
    """Pictures that a feed with columns `id`, `image_link`, `additional_image_link` names, relative to it.

    Raises:
        FeedError: the file is missing, empty or lacks a column.
    """
    if not feed.is_file():
        raise FeedError("there is no feed here", where=str(feed))
    sources = []
    with feed.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        missing = {"id", "image_link"} - set(reader.fieldnames or ())
        if missing:
            raise FeedError(f"the feed lacks the columns {sorted(missing)}", where=str(feed))
        for row in reader:
            links = [
                row["image_link"],
                *(row.get("additional_image_link") or "").replace("|", ",").split(","),
            ]
            for link in [link.strip() for link in links if link.strip()][:views]:
                family = row.get("family") or row["id"]
                sources.append(Source(feed.parent / link, row["id"], family, row.get("title") or ""))
    if not sources:
        raise FeedError("the feed names no picture", where=str(feed))
    return sources


def folder_sources(folder: Path, *, group_by_folder: bool = False) -> list[Source]:
    """Every picture below `folder`, each an item of its own (or of its folder), without a caption."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURE_SUFFIXES)
    return [
        Source(
            path,
            str(name := path.parent.name if group_by_folder else path.relative_to(folder)),
            str(name),
            "",
        )
        for path in paths
    ]


def read_pictures(
    sources: Sequence[Source],
    *,
    size: int,
    rule: Rule,
    on_read: Callable[[], None] = lambda: None,
) -> PictureSet:
    """Decode `sources` to squares of `size` pixels; unreadable ones are skipped and named.

    Raises:
        FeedError: not one of them could be read.
    """
    pixels: list[npt.NDArray[np.uint8]] = []
    kept: list[Source] = []
    skipped: list[str] = []
    for source in sources:
        try:
            pixels.append(load_image(source.path, size, rule))
            kept.append(source)
        except (InputError, OSError) as error:
            skipped.append(f"{source.path}: {error}")
        on_read()
    if not kept:
        raise FeedError(f"none of {len(sources)} pictures could be read; the first: {skipped[:1]}")
    products = {name: number for number, name in enumerate(_unique(source.product for source in kept))}
    families = {name: number for number, name in enumerate(_unique(source.family for source in kept))}
    first = {source.product: source for source in reversed(kept)}
    return PictureSet(
        pixels=np.stack(pixels),
        labels=np.array([products[source.product] for source in kept], dtype=np.int64),
        families=np.array([families[first[name].family] for name in products], dtype=np.int64),
        products=tuple(products),
        captions=tuple(first[name].caption for name in products),
        skipped=tuple(skipped),
    )


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
