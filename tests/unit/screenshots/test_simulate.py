import hashlib
from typing import Any

import pytest
from PIL import Image

from training.screenshots import simulate
from visionseek.errors import InputError


def test_one_seed_is_one_picture_and_another_seed_is_another(
    ring: Image.Image, others: list[Image.Image]
) -> None:
    first, again, other = (simulate(ring, seed=seed, others=others) for seed in (5, 5, 6))
    assert hashlib.sha256(first.image.tobytes()).digest() == hashlib.sha256(again.image.tobytes()).digest()
    assert first.boxes == again.boxes
    assert first.image.tobytes() != other.image.tobytes()


def test_the_width_can_be_asked_for(ring: Image.Image) -> None:
    assert simulate(ring, seed=1, template="plain-phone", width=360).image.size == (360, 720)


def test_a_transparent_picture_lies_on_white() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    shot = simulate(clear, seed=1, template="plain-phone")
    left, top, right, bottom = shot.product.pixels
    assert shot.image.getpixel(((left + right) // 2, (top + bottom) // 2)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "RGBA", "I;16"])
def test_every_mode_of_picture_is_taken(mode: str) -> None:
    assert simulate(Image.new(mode, (50, 70)), seed=2, template="plain").image.mode == "RGB"


@pytest.mark.parametrize("size", [(10, 10), (20, 1000), (3, 400)])
def test_pictures_too_small_or_narrow_are_refused_with_their_size(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"{size[0]}x{size[1]}"):
        simulate(Image.new("RGB", size), seed=0)


@pytest.mark.parametrize("wrong", [{"template": "nope"}, {"theme": "nope"}, {"script": "nope"}, {"width": 3}])
def test_unknown_names_are_errors_that_say_what_is_known(ring: Image.Image, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"nope|width 3"):
        simulate(ring, seed=0, **wrong)


def test_jpeg_has_the_screen_size_and_refuses_wrong_quality(ring: Image.Image) -> None:
    shot = simulate(ring, seed=3, template="plain")
    assert shot.jpeg(40)[:2] == b"\xff\xd8"
    with pytest.raises(InputError, match="quality 0"):
        shot.jpeg(0)


def test_without_other_products_nothing_is_called_one(ring: Image.Image) -> None:
    for seed in range(6):
        assert all(box.kind != "other" for box in simulate(ring, seed=seed).boxes)
