"""What a run learns from: pictures in memory, the product and family of each, captions for each product."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.captions import phrases
from visionseek.errors import FeedError, InputError
from visionseek.pixels import Rule, load_image

_PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_PHRASES_EACH = 12


@dataclass(frozen=True, slots=True)
class Source:
    """One picture before it is read.

    Attributes:
        path: where it is.
        product: which product it shows.
        family: the product's near twins.
        caption: what is said of the product, empty where nothing is.
        view: what the picture shows: `studio`, `hand`, `marble` ..., empty where the feed does not say.
        phrases: the caption in other words.
        group: pictures of one group belong together; empty: those of one product.
    """

    path: Path
    product: str
    family: str
    caption: str
    view: str = ""
    phrases: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures of products, decoded once.

    Attributes:
        pixels: uint8 [N, S, S, 3].
        labels: int64 [N], the product's number.
        families: int64 [P], the family's number of each product.
        products: the P product ids (or names of groups), position = number.
        captions: the P captions; empty where a product has none.
        skipped: files that could not be read, with the reason.
        phrases: P tuples, the caption in other words; empty where nothing is said.
        views: N words for what the pictures show; empty where no feed says.
        members: the ids of all products, and names of all photographs, that are in it.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    families: npt.NDArray[np.int64]
    products: tuple[str, ...]
    captions: tuple[str, ...]
    skipped: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    views: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def feed_sources(
    feed: Path, *, views: int | None = None, showing: Callable[[str], bool] = lambda _view: True
) -> list[Source]:
    """Pictures that a feed with columns `id`, `image_link`, `additional_image_link` names, relative to it.

    Args:
        feed: a CSV file; a column `views` says what each picture shows, `family` which products are near twins.
        views: pictures of each product at most.
        showing: which of them, by what they show.

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
            sources += [source for source in _row_sources(feed, row)[:views] if showing(source.view)]
    if not sources:
        raise FeedError("the feed names no picture", where=str(feed))
    return sources


def _row_sources(feed: Path, row: Mapping[str, str]) -> list[Source]:
    links = [row["image_link"] or "", *(row.get("additional_image_link") or "").replace("|", ",").split(",")]
    links = [link.strip() for link in links if link.strip()]
    shown = [view.strip() for view in (row.get("views") or "").split(",")]
    shown += [""] * (len(links) - len(shown))
    said = phrases(row, _PHRASES_EACH)
    return [
        Source(
            feed.parent / link, row["id"], row.get("family") or row["id"], row.get("title") or "", view, said
        )
        for link, view in zip(links, shown, strict=False)
    ]


def folder_sources(folder: Path, *, group_by_folder: bool = False) -> list[Source]:
    """Every picture below `folder`, each an item of its own, without a caption.

    Args:
        folder: searched through all its folders.
        group_by_folder: pictures of one folder belong together.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURE_SUFFIXES)
    return [
        Source(
            path,
            name := path.relative_to(folder).as_posix(),
            group := path.parent.name if group_by_folder else name,
            "",
            group=group,
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
    # Written into place, since a list of squares and their stack would need twice the memory.
    pixels = np.empty((len(sources), size, size, 3), np.uint8)
    kept: list[Source] = []
    skipped: list[str] = []
    for source in sources:
        try:
            pixels[len(kept)] = load_image(source.path, size, rule)
            kept.append(source)
        except (InputError, OSError) as error:
            skipped.append(f"{source.path}: {error}")
        on_read()
    if not kept:
        raise FeedError(f"none of {len(sources)} pictures could be read; the first: {skipped[:1]}")
    groups = [source.group or source.product for source in kept]
    products = {name: number for number, name in enumerate(_unique(groups))}
    families = {name: number for number, name in enumerate(_unique(source.family for source in kept))}
    first = dict(zip(reversed(groups), reversed(kept), strict=True))
    return PictureSet(
        pixels=pixels[: len(kept)],
        labels=np.array([products[name] for name in groups], dtype=np.int64),
        families=np.array([families[first[name].family] for name in products], dtype=np.int64),
        products=tuple(products),
        captions=tuple(first[name].caption for name in products),
        skipped=tuple(skipped),
        phrases=tuple(first[name].phrases for name in products),
        views=tuple(source.view for source in kept),
        members=tuple(_unique(source.product for source in kept)),
    )


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
