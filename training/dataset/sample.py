"""Samples of one product: its pictures, variants of them, screenshots that show it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from training.augment.chain import check_shape, load_chain
from training.dataset.product import Picture, TrainingProduct
from training.dataset.recipe import Recipe
from training.dataset.source import Reject
from training.screenshots import simulate
from training.screenshots.box import Box
from training.screenshots.dice import choose, generator
from visionseek.errors import VisionSeekError
from visionseek.pixels import open_image

AROUND = 10  # other products handed to a screenshot
BESIDE = 256  # longer side of their pictures, in pixels


@dataclass(frozen=True, slots=True)
class Made:
    """A sample: JPEG bytes and what is known about them."""

    key: str
    jpeg: bytes
    facts: dict[str, Any]


@dataclass(slots=True)
class Maker:
    """Makes the samples of products by a recipe; keeps what it had to leave out in `rejects`.

    Attributes:
        recipe: how.
        neighbours: products that screenshots show beside the product; their pictures stay in memory, small.
        rejects: pictures left out so far.
    """

    recipe: Recipe
    neighbours: Sequence[TrainingProduct]
    rejects: list[Reject] = field(default_factory=list)
    _small: dict[str, Image.Image | None] = field(default_factory=dict)

    def samples(self, number: int, product: TrainingProduct) -> Iterator[Made]:
        """All samples of one product; `number` is its place in the split and begins the keys."""
        recipe = self.recipe
        shown: list[tuple[Picture, Image.Image]] = []
        for place, picture in enumerate(product.pictures[: recipe.views]):
            image, reason = _open(picture, recipe.size)
            if image is None:
                self.rejects.append(Reject(product.id, picture.name, reason))
                continue
            shown.append((picture, image))
            stem = f"{number:07d}-{place}"
            yield self._made(f"{stem}-0", image, product, picture, "catalog", {})
            for variant in range(recipe.variants):
                rng = generator("variant", recipe.seed, product.id, picture.name, variant)
                name = choose(rng, recipe.chains)
                try:
                    varied, steps = load_chain(name).apply(image, rng)
                except VisionSeekError as error:
                    self.rejects.append(Reject(product.id, picture.name, f"chain {name}: {error.what}"))
                    continue
                facts = {"chain": name, "steps": list(steps)}
                yield self._made(f"{stem}-{variant + 1}", varied, product, picture, "augmented", facts)
        for shot in range(recipe.screenshots if shown else 0):
            yield self._screenshot(f"{number:07d}-s{shot}", product, shown, shot)

    def _screenshot(
        self, key: str, product: TrainingProduct, shown: Sequence[tuple[Picture, Image.Image]], shot: int
    ) -> Made:
        recipe = self.recipe
        rng = generator("shot", recipe.seed, product.id, shot)
        picture, image = shown[int(rng.integers(len(shown)))]
        around = self._around(product, rng)
        made = simulate(
            image,
            seed=int(rng.integers(2**31)),
            template=choose(rng, recipe.templates),
            others=[other for _, other in around],
            views=[view for _, view in shown],
            width=recipe.width,
            title=product.title if float(rng.random()) < 0.5 else None,
            price=product.price if float(rng.random()) < 0.5 else None,
        )
        facts = {
            "template": made.template,
            "script": made.script,
            "theme": made.theme,
            "boxes": [_box(box, product, around) for box in made.boxes],
        }
        jpeg = made.jpeg(int(rng.integers(55, 93)))
        return Made(key, jpeg, {**_facts(product, picture, "screenshot", made.image), **facts})

    def _around(self, product: TrainingProduct, rng: np.random.Generator) -> list[tuple[str, Image.Image]]:
        """Other products of the same split, those of the same kind first, as a shop would show them."""
        strangers = [one for one in self.neighbours if one.family != product.family]
        order = [strangers[int(place)] for place in rng.permutation(len(strangers))]
        kind = product.labels.get("category")
        order.sort(key=lambda one: one.labels.get("category") != kind)
        around: list[tuple[str, Image.Image]] = []
        for other in order:
            if len(around) == AROUND:
                break
            if other.id not in self._small:
                image, _ = _open(other.pictures[0], BESIDE)
                self._small[other.id] = image
            if (image := self._small[other.id]) is not None:
                around.append((other.id, image))
        return around

    def _made(
        self,
        key: str,
        image: Image.Image,
        product: TrainingProduct,
        picture: Picture,
        source: str,
        more: Mapping[str, object],
    ) -> Made:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=self.recipe.quality)
        return Made(key, out.getvalue(), {**_facts(product, picture, source, image), **more})


def _open(picture: Picture, size: int) -> tuple[Image.Image | None, str]:
    """The picture at most `size` pixels long; or None and why."""
    try:
        image = open_image(picture.path)
        check_shape(image)
        image.thumbnail((size, size), Image.Resampling.BICUBIC)
        check_shape(image)
    except VisionSeekError as error:
        return None, error.what
    return image, ""


def _facts(product: TrainingProduct, picture: Picture, source: str, image: Image.Image) -> dict[str, object]:
    return {
        "product_id": product.id,
        "family": product.family,
        "source": source,
        "picture": picture.name,
        "view": picture.view,
        "width": image.width,
        "height": image.height,
        "labels": product.labels,
    }


def _box(box: Box, product: TrainingProduct, around: Sequence[tuple[str, Image.Image]]) -> dict[str, object]:
    shown = product.id if box.kind in ("product", "view") else None
    if box.kind == "other" and box.source >= 0:
        shown = around[box.source][0]
    return {
        "kind": box.kind,
        "product_id": shown,
        "pixels": list(box.pixels),
        "visible": round(box.visible, 4),
        "corners": [[round(x, 2), round(y, 2)] for x, y in box.corners],
    }
