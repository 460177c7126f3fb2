"""Products from a feed with local pictures, or from the catalog database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from catalog.database import Catalog
from catalog.drafting import Drafter
from catalog.drafts import Draft
from catalog.feeds.opening import open_feed
from catalog.locations import Base, allowed_file
from catalog.mapping import guess
from catalog.pictures import PictureStore
from catalog.store import local_copy
from training.dataset.product import LABELS, Picture, TrainingProduct
from visionseek.errors import InputError, VisionSeekError
from visionseek.settings import Settings
from visionseek.vocabulary import Product


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that was left out, and why."""

    product: str
    picture: str
    reason: str


def read_feed(path: Path) -> tuple[list[TrainingProduct], list[Reject]]:
    """Products of a feed file, by id; rows of one id join their pictures.

    Only pictures inside the feed's folder are taken: a feed with web addresses is imported first.

    Raises:
        FeedError: the feed cannot be read at all.
        InputError: not one product with a picture.
    """
    feed = open_feed(str(path))
    drafter = Drafter(guess(feed.columns()))
    found: dict[str, TrainingProduct] = {}
    rejects: list[Reject] = []
    for row in feed.rows():
        draft, findings = drafter.draft(row)
        if draft is None:
            rejects += [Reject(one.product_id or "", f"line {row.line}", one.reason) for one in findings]
            continue
        product = _from_draft(draft, path.parent, rejects)
        if product.id in found:
            known = found[product.id]
            names = {picture.name for picture in known.pictures}
            more = tuple(picture for picture in product.pictures if picture.name not in names)
            product = replace(known, pictures=known.pictures + more)
        found[product.id] = product
    return _with_pictures(found, rejects, str(path))


def read_catalog(settings: Settings) -> tuple[list[TrainingProduct], list[Reject]]:
    """Live products of the catalog database with their stored pictures, by id.

    Raises:
        InputError: no catalog in the data folder, or not one product with a picture.
        Unavailable: the database does not answer.
    """
    url = settings.catalog_url()
    local = url.removeprefix("sqlite:///")
    if local != url and not Path(local).is_file():
        raise InputError("no catalog in the data folder", where=local, mend="visionseek catalog import FEED")
    store = PictureStore(settings.pictures)
    catalog = Catalog.open(url)
    try:
        products = list(catalog.all_products())
        for sha256 in {image.sha256 for product in products for image in product.images}:
            local_copy(settings, sha256)
        found = {product.id: _from_product(product, store) for product in products}
    finally:
        catalog.close()
    return _with_pictures(found, [], local)


def _with_pictures(
    found: dict[str, TrainingProduct], rejects: list[Reject], where: str
) -> tuple[list[TrainingProduct], list[Reject]]:
    rejects += [
        Reject(one.id, "", "no picture that can be used") for one in found.values() if not one.pictures
    ]
    usable = sorted((one for one in found.values() if one.pictures), key=lambda one: one.id)
    if not usable:
        first = f"the first of {len(rejects)} reasons: {rejects[0].reason}" if rejects else None
        raise InputError("not one product with a picture", where=where, mend=first)
    return usable, rejects


def _from_draft(draft: Draft, folder: Path, rejects: list[Reject]) -> TrainingProduct:
    extra: dict[str, str] = json.loads(draft.attributes)
    pictures = []
    for link, view in zip(draft.links, _kinds(extra, len(draft.links)), strict=True):
        try:
            path = allowed_file(Base(folder).resolve(link), folder, allow_files=False)
        except (
            VisionSeekError
        ) as error:  # a web address too: such a feed is imported first, and read with --data
            rejects.append(Reject(draft.id, link, error.what))
        else:
            pictures.append(Picture(path, link, view))
    known = {**extra, **{name: getattr(draft, name, None) for name in LABELS if hasattr(draft, name)}}
    return TrainingProduct(
        draft.id,
        extra.get("family") or draft.id,
        draft.title,
        _price(draft.price, draft.currency),
        _labels(known),
        tuple(pictures),
    )


def _from_product(product: Product, store: PictureStore) -> TrainingProduct:
    kinds = _kinds(product.attributes, len(product.images))
    pictures = tuple(
        Picture(store.path(image.sha256), image.sha256, view)
        for image, view in zip(product.images, kinds, strict=True)
    )
    known = {**product.attributes, **{name: getattr(product, name, None) for name in LABELS[:-1]}}
    family = product.attributes.get("family") or product.id
    price = _price(product.price, product.currency)
    return TrainingProduct(product.id, family, product.title, price, _labels(known), pictures)


def _kinds(attributes: Mapping[str, str], count: int) -> Iterable[str]:
    """What each picture shows, where the catalog lists it in `views`."""
    told = [text.strip() for text in attributes.get("views", "").split(",")]
    if len(told) == count and all(told):
        return told
    return ["main" if position == 0 else "further" for position in range(count)]


def _price(price: Decimal | None, currency: str | None) -> str:
    return f"{currency or ''} {price:,}".strip() if price else ""


def _labels(known: Mapping[str, object]) -> dict[str, str]:
    return {name: str(known[name]) for name in LABELS if known.get(name)}
