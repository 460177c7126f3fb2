"""Every step does what its name says, seen from the pixels alone."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from training.augment import STEPS
from training.augment.mask import cut_out

SEEDS = range(6)
SAME_SIZE = [name for name in STEPS if name != "cut"]
Array = npt.NDArray[np.int64]


def array(picture: Image.Image) -> Array:
    return np.asarray(picture).astype(np.int64)


def made(name: str, picture: Image.Image, seed: int) -> Image.Image:
    return STEPS[name](picture, np.random.default_rng(seed))


def changed(name: str, picture: Image.Image, seed: int, least: int = 12) -> npt.NDArray[np.bool_]:
    after: npt.NDArray[np.bool_] = np.abs(array(made(name, picture, seed)) - array(picture)).max(2) > least
    return after


@pytest.mark.parametrize("name", list(STEPS))
def test_a_step_gives_rgb_is_seeded_and_leaves_its_input_alone(name: str, ring: Image.Image) -> None:
    before = ring.tobytes()
    one, again = made(name, ring, 3), made(name, ring, 3)
    assert one.mode == "RGB"
    assert one.tobytes() == again.tobytes()
    assert ring.tobytes() == before
    assert any(made(name, ring, seed).tobytes() != before for seed in SEEDS)


@pytest.mark.parametrize("name", SAME_SIZE)
def test_steps_keep_the_size(name: str, ring: Image.Image) -> None:
    wide = ring.resize((200, 90))
    assert made(name, wide, 1).size == wide.size


@pytest.mark.parametrize("name", list(STEPS))
def test_steps_survive_small_and_plain_pictures(name: str) -> None:
    for size in ((32, 32), (32, 250), (251, 33)):
        for seed in range(3):
            assert made(name, Image.new("RGB", size, (255, 255, 255)), seed).mode == "RGB"


def test_cut_takes_a_part_of_the_picture(ring: Image.Image) -> None:
    for seed in SEEDS:
        part = made("cut", ring, seed)
        assert 0.69 * 200 <= part.width <= 0.99 * 200
        assert 0.69 * 200 <= part.height <= 0.99 * 200


def test_mirror_swaps_left_and_right(ring: Image.Image) -> None:
    assert np.array_equal(array(made("mirror", ring, 0)), array(ring)[:, ::-1])


@pytest.mark.parametrize("name", ["turn", "zoom", "tilt"])
def test_geometry_adds_no_colour_of_its_own_at_the_edge(name: str, ring: Image.Image) -> None:
    for seed in SEEDS:
        pixels = array(made(name, ring, seed))
        corners = [pixels[row, column] for row in (0, -1) for column in (0, -1)]
        assert np.array(corners).min() > 190  # the studio's grey, no black corners


@pytest.mark.parametrize(
    ("name", "low", "high"), [("exposure", 0.55, 1.2), ("gamma", 0.6, 1.25), ("shade", 0.4, 1.0)]
)
def test_light_changes_the_mean_within_its_range(
    name: str, low: float, high: float, ring: Image.Image
) -> None:
    ratios = [array(made(name, ring, seed)).mean() / array(ring).mean() for seed in SEEDS]
    assert all(low <= ratio <= high for ratio in ratios)
    assert max(ratios) - min(ratios) > 0.02


def test_contrast_keeps_middle_grey() -> None:
    grey = Image.new("RGB", (40, 40), (128, 128, 128))
    assert array(made("contrast", grey, 1)).mean() == 128


def test_white_balance_moves_red_against_blue(ring: Image.Image) -> None:
    for seed in SEEDS:
        shift = (array(made("white_balance", ring, seed)) - array(ring)).reshape(-1, 3).mean(0)
        assert shift[0] * shift[2] <= 0 or abs(shift).max() < 6


def test_saturation_leaves_greys_grey() -> None:
    grey = Image.new("RGB", (40, 40), (90, 90, 90))
    assert np.array_equal(array(made("saturation", grey, 1)), array(grey))


@pytest.mark.parametrize("name", ["defocus", "shake", "rescale"])
def test_blur_lowers_the_gradient_and_keeps_the_mean(name: str, ring: Image.Image) -> None:
    for seed in SEEDS:
        after = array(made(name, ring, seed))
        assert (np.diff(after, axis=1) ** 2).mean() < (np.diff(array(ring), axis=1) ** 2).mean()
        assert abs(after.mean() - array(ring).mean()) < 2.5


def test_grain_keeps_the_mean_of_a_grey_picture_and_adds_spread() -> None:
    grey = Image.new("RGB", (120, 120), (128, 128, 128))
    after = array(made("grain", grey, 2))
    assert abs(after.mean() - 128) < 1.5
    assert 1.5 < after.std() < 14


@pytest.mark.parametrize("name", ["finger", "tag", "caption", "scrawl", "arrow", "ring_around"])
def test_what_is_laid_over_hides_little(name: str, ring: Image.Image) -> None:
    for seed in SEEDS:
        part = float(changed(name, ring, seed).mean())
        assert 0.0 < part < 0.3, (name, seed, part)


@pytest.mark.parametrize("name", ["finger", "tag"])
def test_occlusion_reaches_an_edge_region_not_the_middle_only(name: str, ring: Image.Image) -> None:
    for seed in SEEDS:
        rows, columns = np.nonzero(changed(name, ring, seed))
        away = max(abs(rows.mean() - 100), abs(columns.mean() - 100))
        assert away > 25


def test_a_ring_around_goes_round_the_middle(ring: Image.Image) -> None:
    for seed in SEEDS:
        after = changed("ring_around", ring, seed)
        rows, columns = np.nonzero(after)
        assert rows.min() < 75
        assert rows.max() > 125
        assert columns.min() < 75
        assert columns.max() > 125
        assert not after[90:110, 90:110].any()


def test_a_watermark_is_translucent() -> None:
    grey = Image.new("RGB", (240, 240), (120, 120, 120))
    for seed in SEEDS:
        after = array(made("watermark", grey, seed))
        assert 5 < np.abs(after - 120).max() <= 0.52 * 135
        assert float((after != 120).any(2).mean()) < 0.5


def test_looks_never_take_all_colour_away(ring: Image.Image) -> None:
    stone = (slice(55, 70), slice(92, 108))
    for seed in range(20):
        red, _, blue = array(made("look", ring, seed))[stone].reshape(-1, 3).mean(0)
        assert blue - red > 20


def test_compression_stays_close_but_is_not_the_same(ring: Image.Image) -> None:
    for seed in SEEDS:
        off = np.abs(array(made("compress", ring, seed)) - array(ring))
        assert 0 < off.mean() < 8


def test_another_background_keeps_the_jewel_and_changes_the_ground(ring: Image.Image) -> None:
    for seed in range(10):
        after, before = array(made("background", ring, seed)), array(ring)
        stone, band = (slice(52, 72), slice(90, 110)), (slice(115, 125), slice(52, 58))
        assert np.abs(after[stone] - before[stone]).max() < 30
        assert np.abs(after[band] - before[band]).mean() < 30
        corner = (slice(0, 30), slice(0, 30))
        hole = (slice(112, 132), slice(90, 110))
        for ground in (corner, hole):
            assert after[ground].std() != before[ground].std()
    assert (
        max(np.abs(array(made("background", ring, s)) - array(ring))[0:30, 0:30].mean() for s in range(10))
        > 30
    )


def test_a_picture_without_a_plain_background_is_left_as_it_is() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3)).astype(np.uint8)
    dark = Image.new("RGB", (120, 120), (20, 20, 20))
    for picture in (Image.fromarray(noise), dark):
        assert made("background", picture, 1).tobytes() == picture.tobytes()


def test_a_white_pearl_on_white_is_not_dissolved() -> None:
    """Nothing tells its smooth side from the ground, so the picture must stay whole."""
    ground = Image.new("RGB", (200, 200), (236, 236, 236))
    ball = (
        Image.radial_gradient("L").point([max(250 - level // 5, 0) for level in range(256)]).resize((90, 90))
    )
    inside = Image.new("L", (90, 90))
    ImageDraw.Draw(inside).ellipse((0, 0, 89, 89), fill=255)
    ground.paste(Image.merge("RGB", [ball] * 3), (55, 70), inside)
    ImageDraw.Draw(ground).ellipse((92, 50, 108, 70), outline=(200, 160, 70), width=4)
    for seed in range(5):
        after, before = array(made("background", ground, seed)), array(ground)
        assert np.abs(after - before)[95:140, 80:120].max() < 30


def test_the_shadow_inside_a_ring_falls_on_the_new_ground() -> None:
    picture = Image.new("RGB", (240, 240), (240, 240, 240))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 40, 200, 200), fill=(205, 160, 70))
    draw.ellipse((64, 64, 176, 176), fill=(240, 240, 240))
    shadow = Image.new("L", picture.size)
    ImageDraw.Draw(shadow).chord((66, 66, 174, 174), 20, 160, fill=255)
    soft = shadow.filter(ImageFilter.GaussianBlur(6))
    inside = Image.new("L", picture.size)
    ImageDraw.Draw(inside).ellipse((64, 64, 176, 176), fill=255)
    picture.paste((222, 222, 222), mask=ImageChops.multiply(soft, inside))
    cutting = cut_out(picture)
    assert cutting is not None
    jewel = cutting.jewel[:, :, 0]
    assert jewel[100:170, 100:140].max() < 0.2, "the view through the ring is ground"
    assert jewel[120, 46:58].min() > 0.8, "the shank is jewel"
    assert 0.88 < cutting.light[160, 120].mean() < 0.97, "the shadow is kept as less light"
