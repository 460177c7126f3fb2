"""`jewelbench`: rendered products that no training may see, with every kind of question a shopper has."""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from training.evaluate.captions import caption, change, spoken
from training.evaluate.look import Look, Shot
from training.evaluate.pixel_cache import drawing_code
from training.evaluate.suite import Item, Query, Suite
from visionseek.errors import FeedError, InputError

SEED = 600
"""Of the products; whoever trains keeps away from it."""
PRODUCTS, VIEWS, SIZE, SAMPLES = 600, 4, 224, 16

# Of the four pictures that are rendered of each product, a shop shows the first and the last one.
_GALLERY = (0, 3)
_WORN = ("hand", "neck", "ear", "wrist")
_NEIGHBOURS = 5
_COLUMNS = {"id", "image_link", "category"}
_ATTRIBUTES = {
    "type": "category", "shape": "shape", "setting": "setting", "prongs": "prongs", "metal": "metal",
    "stone": "stone",
}  # fmt: skip


def ensure_rendered(folder: Path, products: int, *, on_product: Callable[[], None] = lambda: None) -> None:
    """Render what is missing of the first `products` products; a run that was stopped goes on.

    Raises:
        InputError: the folder holds another catalog.
        VisionSeekError: the extra `render` is not installed, or the disk refused.
    """
    if _has_first(folder / "feed.csv", products):
        return
    from catalog.render.job import render_catalog  # noqa: PLC0415 -- an extra, needed only here

    render_catalog(
        folder,
        products=products,
        views=VIEWS,
        seed=SEED,
        size=SIZE,
        samples=SAMPLES,
        workers=len(os.sched_getaffinity(0)),
        report=lambda _pictures: on_product(),
    )


def _has_first(feed: Path, products: int) -> bool:
    """Whether the feed lists the first `products` products; a run that was stopped may have left holes."""
    try:
        numbers = [row["id"].rpartition("-")[2] for row in read_rows(feed)[:products]]
    except FeedError:
        return False
    return numbers == [f"{number:05d}" for number in range(products)]


def jewelbench(folder: Path, *, products: int = PRODUCTS, seed: int = SEED) -> Suite:
    """The suite from a rendered catalog: its first `products` products, fewer where fewer are rendered.

    Args:
        folder: holds `feed.csv` and the pictures that it names.
        products: how many; a smaller gallery is the beginning of a larger one.
        seed: of the screenshots.

    Raises:
        FeedError: no feed, an empty one, or one that lacks a column.
        InputError: no product with two pictures.
    """
    rows = read_rows(folder / "feed.csv")[:products]
    items = [_item(folder, row) for row in rows]
    mains = [item.pictures[0].path for item in items]
    queries: list[Query] = []
    for number, row in enumerate(rows):
        looks, kinds = _looks(folder, row), _kinds(row)
        for view, look in enumerate(looks):
            if view not in _GALLERY:
                kind = kinds[view]
                label = "studio" if kind == "studio" else "on-person" if kind in _WORN else "lifestyle"
                queries.append(
                    Query(f"{row['id']}/{label}/{view}", label, number, frozenset({number}), look=look)
                )
    if not queries:
        raise InputError("no product has a second picture to ask with", where=str(folder / "feed.csv"))
    for number, row in enumerate(rows):
        shot = _shot(mains, number, seed)
        for label, cropped in (("screenshot", False), ("screenshot-region", True)):
            look = Look(mains[number], shot, cropped)
            queries.append(Query(f"{row['id']}/{label}", label, number, frozenset({number}), look=look))
    queries += [*_text_queries(rows), *_twin_queries(folder, rows)]
    order = ("studio", "on-person", "lifestyle", "screenshot-region", "screenshot", "text", "image+text")
    queries.sort(key=lambda query: order.index(query.slice))
    notes = [] if len(rows) == products else [f"{len(rows)} of {products} products are rendered"]
    return Suite(
        "jewelbench",
        tuple(items),
        tuple(queries),
        notes=tuple(notes),
        parameters={
            "products": len(rows),
            "seed": seed,
            "first": rows[0]["id"],
            "screenshots": drawing_code()[:12],
        },
    )


def read_rows(feed: Path) -> list[dict[str, str]]:
    """Rows of a rendered catalog's feed.

    Raises:
        FeedError: missing, unreadable, empty, or without the columns that are needed.
    """
    try:
        with feed.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
            missing = _COLUMNS - set(reader.fieldnames or ())
    except FileNotFoundError as error:
        raise FeedError(
            "there is no feed here", where=str(feed), mend="visionseek catalog render --out DIR"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"cannot be read ({error})", where=str(feed)) from error
    if missing:
        raise FeedError(f"the feed lacks the columns {', '.join(sorted(missing))}", where=str(feed))
    if not rows:
        raise FeedError("the feed has no product", where=str(feed))
    ids = Counter(row["id"] for row in rows)
    bad = [name for name, count in ids.items() if not name or count > 1]
    if bad:
        raise FeedError(f"the id {bad[0]!r} is empty or comes twice", where=str(feed))
    return rows


def _item(folder: Path, row: Mapping[str, str]) -> Item:
    looks = _looks(folder, row)
    shown = tuple(looks[view] for view in _GALLERY if view < len(looks))
    attributes = {name: row[column] for name, column in _ATTRIBUTES.items() if row.get(column)}
    return Item(
        row["id"],
        row.get("family") or row["id"],
        row.get("title") or row["id"],
        shown,
        attributes,
        tuple(look.path.name for look in looks),
    )


def _looks(folder: Path, row: Mapping[str, str]) -> list[Look]:
    names = [row["image_link"], *(row.get("additional_image_link") or "").split(",")]
    return [Look(folder / name.strip()) for name in names if name.strip()]


def _kinds(row: Mapping[str, str]) -> list[str]:
    """What each picture shows; studio where the feed does not say."""
    return [*(kind.strip() for kind in (row.get("views") or "").split(",")), *["studio"] * VIEWS]


def _shot(mains: Sequence[Path], number: int, seed: int) -> Shot:
    """A product's screenshot, with other products of the gallery around it."""
    rng = np.random.default_rng((seed, number))
    # From the products next to it, so that a larger gallery leaves the screenshots of a smaller one alone.
    near = [other for other in range(max(0, number - 40), number) if other != number] or list(range(number))
    picked = rng.permutation(np.array(near, dtype=np.int64))[:_NEIGHBOURS]
    return Shot(int(rng.integers(2**31)), tuple(mains[int(other)] for other in picked))


def _text_queries(rows: Sequence[Mapping[str, str]]) -> list[Query]:
    same: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        same[spoken(row)].append(number)
    return [
        Query(f"{row['id']}/text", "text", number, frozenset(same[spoken(row)]), text=caption(row))
        for number, row in enumerate(rows)
    ]


def _twin_queries(folder: Path, rows: Sequence[Mapping[str, str]]) -> list[Query]:
    """Ask for "this, in rose gold": a picture of one product and the word that makes it another of its family."""
    families: defaultdict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.get("varies"):
            families[row.get("family") or row["id"]].append(number)
    queries = []
    for members in families.values():
        for place, number in enumerate(members):
            twin = members[(place + 1) % len(members)]
            looks, varies = _looks(folder, rows[number]), rows[number]["varies"]
            words = change(rows[twin], varies)
            if twin == number or not words or len(looks) < 2 or rows[twin]["varies"] != varies:
                continue
            queries.append(
                Query(
                    f"{rows[number]['id']}/image+text",
                    "image+text",
                    twin,
                    frozenset({twin}),
                    look=looks[1],
                    text=words,
                )
            )
    return queries
