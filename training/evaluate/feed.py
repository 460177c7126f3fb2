"""`feed`: any catalog with several pictures a product; does one picture find the others?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from catalog.drafting import Drafter
from catalog.drafts import Draft
from catalog.feeds.opening import open_feed
from catalog.locations import allowed_file
from catalog.mapping import guess
from training.evaluate.look import Look
from training.evaluate.suite import Item, Query, Suite
from visionseek.errors import FeedError, InputError, VisionSeekError
from visionseek.pixels import open_image


def feed_suite(feed: Path, *, products: int | None = None) -> Suite:
    """Every product's first picture is the gallery, its further pictures ask.

    Products with one picture are in the gallery too, where they can be taken for others. Pictures at web
    addresses, and those that cannot be read, are left out and counted in the notes.

    Args:
        feed: in any format that `visionseek catalog import` reads, with pictures in its folder.
        products: use the first so many; None for all.

    Raises:
        FeedError: it cannot be read, or names no picture that is there.
        InputError: no product has two pictures.
    """
    opened = open_feed(feed)
    drafter = Drafter(guess(opened.columns()))
    drafts: dict[str, Draft] = {}
    links: dict[str, dict[str, None]] = {}
    left: Counter[str] = Counter()
    for row in opened.rows():
        draft, _ = drafter.draft(row)
        if draft is None:
            left["rows without a usable id"] += 1
        elif draft.id in drafts or products is None or len(drafts) < products:
            drafts.setdefault(draft.id, draft)
            addresses = [opened.base.resolve(link) for link in draft.links]
            links.setdefault(draft.id, {}).update(dict.fromkeys(addresses))
    items: list[Item] = []
    queries: list[Query] = []
    for name, draft in drafts.items():
        looks = _readable(list(links[name]), opened.base.folder, left)
        if not looks:
            left["products without a picture"] += 1
            continue
        number = len(items)
        items.append(_item(draft, looks[0]))
        queries += [
            Query(f"{name}/cross-view/{view}", "cross-view", number, frozenset({number}), look=look)
            for view, look in enumerate(looks[1:], start=1)
        ]
    if not items:
        raise FeedError(f"no picture of {len(drafts)} products is there ({_told(left)})", where=str(feed))
    if not queries:
        raise InputError(
            f"each of {len(items)} products has one picture: there is nothing to ask with ({_told(left)})",
            where=str(feed),
            mend="a feed with additional pictures, such as the column additional_image_link",
        )
    notes = tuple(f"left out: {count} {what}" for what, count in left.items())
    return Suite("feed", tuple(items), tuple(queries), notes=notes, parameters={"feed": feed.name})


def _item(draft: Draft, look: Look) -> Item:
    known = {"type": draft.category, "shape": draft.shape, "setting": draft.setting, "metal": draft.metal}
    attributes = {name: word for name, word in (known | {"stone": draft.stone}).items() if word}
    others: dict[str, str] = json.loads(draft.attributes)
    if others.get("prongs"):
        attributes["prongs"] = others["prongs"]
    return Item(draft.id, others.get("family") or draft.id, draft.shown_title(), (look,), attributes)


def _readable(addresses: list[str], folder: Path | None, left: Counter[str]) -> list[Look]:
    looks = []
    for address in addresses:
        if address.startswith(("http://", "https://", "s3://", "data:")):
            left["pictures that are not in the feed's folder"] += 1
            continue
        try:
            path = allowed_file(address, folder, allow_files=False)
            open_image(path)
        except VisionSeekError:
            left["pictures that are missing or cannot be read"] += 1
            continue
        looks.append(Look(path))
    return looks


def _told(left: Counter[str]) -> str:
    return "; ".join(f"{count} {what}" for what, count in left.items()) or "nothing was left out"
