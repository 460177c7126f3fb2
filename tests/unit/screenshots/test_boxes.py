"""Boxes say where the product really is: found again from pixels alone."""

import numpy as np
import pytest
from PIL import Image

from training.screenshots import Box, simulate, template_names
from training.screenshots.template import templates

UPRIGHT = [name for name, one in templates().items() if not one.effects]


def found_again(name: str, seed: int, others: list[Image.Image]) -> tuple[tuple[int, int, int, int], Box]:
    """The box of the pixels that differ between two renders whose only difference is the product's colour."""
    red, blue = (Image.new("RGB", (240, 240), colour) for colour in ((250, 10, 10), (10, 10, 250)))
    one, two = (
        simulate(colour, seed=seed, template=name, others=others, width=420) for colour in (red, blue)
    )
    assert one.boxes == two.boxes
    left, top, right, bottom = one.product.pixels
    difference = np.abs(np.asarray(one.image, int) - np.asarray(two.image, int)).sum(2)
    # The same product may stand elsewhere too (thumbnails, a blurred backdrop): look around the box only.
    reach = 12
    x, y = max(left - reach, 0), max(top - reach, 0)
    window = difference[y : bottom + reach, x : right + reach]
    window = window > 0.85 * window.max()
    rows, columns = np.nonzero(window.any(1))[0], np.nonzero(window.any(0))[0]
    found = (x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1)
    return found, one.product


def overlap(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    shared = max(width, 0) * max(height, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return shared / (areas - shared)


@pytest.mark.parametrize("name", UPRIGHT)
def test_the_product_is_found_again_where_its_box_says(name: str, others: list[Image.Image]) -> None:
    for seed in range(3):
        found, box = found_again(name, seed, others)
        if box.visible > 0.98:
            assert overlap(found, box.pixels) >= 0.95, (name, seed, found, box)


@pytest.mark.parametrize("name", template_names("plain"))
def test_plain_pages_show_the_product_at_35_to_60_percent_of_the_width(name: str, ring: Image.Image) -> None:
    for seed in range(12):
        region = simulate(ring, seed=seed, template=name).product.region
        assert 0.345 <= region.right - region.left <= 0.605


@pytest.mark.parametrize("name", list(templates()))
def test_every_box_lies_on_the_screen_and_one_is_the_product(
    name: str, ring: Image.Image, others: list[Image.Image]
) -> None:
    for seed in range(2):
        shot = simulate(ring, seed=seed, template=name, others=others, width=420)
        assert shot.product.visible > 0.4
        for box in shot.boxes:
            left, top, right, bottom = box.pixels
            assert 0 <= left < right <= shot.image.width
            assert 0 <= top < bottom <= shot.image.height
            assert 0 < box.visible <= 1
            assert box.size == shot.image.size
            assert box.region.left == left / shot.image.width
