import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from training.screenshots.box import Box, upright
from training.screenshots.crop import crop
from training.screenshots.letterbox import letterbox
from training.screenshots.photograph import photograph
from training.screenshots.transform import homography, move

PLACE = (120, 200, 300, 380)


def screen() -> tuple[Image.Image, tuple[Box, ...]]:
    picture = Image.new("RGB", (400, 600), (240, 240, 240))
    ImageDraw.Draw(picture).rectangle((120, 200, 299, 379), fill=(220, 20, 20))
    return picture, (Box("product", PLACE, picture.size, 1.0, -1, upright(PLACE)),)


def red(picture: Image.Image) -> npt.NDArray[np.bool_]:
    levels = np.asarray(picture, int)
    found: npt.NDArray[np.bool_] = levels[..., 0] - levels[..., 1] > 90
    return found


def test_a_homography_maps_its_own_corners() -> None:
    target = ((3.0, 4.0), (90.0, 8.0), (80.0, 120.0), (1.0, 99.0))
    matrix = homography(upright((0, 0, 50, 70)), target)
    for corner, goal in zip(upright((0, 0, 50, 70)), target, strict=True):
        assert np.allclose(move(corner, matrix), goal)


def test_in_a_photograph_the_corners_enclose_the_product() -> None:
    picture, boxes = screen()
    for seed in range(8):
        photo, moved = photograph(picture, boxes, np.random.default_rng(seed))
        assert photo.size == picture.size
        mask = Image.new("L", photo.size)
        ImageDraw.Draw(mask).polygon(moved[0].corners, fill=255)
        inside, seen = np.asarray(mask) > 0, red(photo)
        assert np.count_nonzero(inside & seen) / np.count_nonzero(inside | seen) > 0.9
        assert photo.tobytes() != picture.tobytes()


def test_letterbox_bars_shrink_the_screen_and_move_its_box() -> None:
    picture, boxes = screen()
    for seed in range(8):
        framed, moved = letterbox(picture, boxes, np.random.default_rng(seed))
        rows, columns = np.nonzero(red(framed))
        found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert np.abs(np.array(found) - np.array(moved[0].pixels)).max() <= 2


def test_a_hand_crop_keeps_the_whole_product() -> None:
    picture, boxes = screen()
    for seed in range(8):
        cut, moved = crop(picture, boxes, np.random.default_rng(seed))
        left, top, right, bottom = moved[0].pixels
        assert (right - left, bottom - top) == (180, 180)
        assert np.count_nonzero(red(cut)) == 180 * 180
        assert cut.width <= picture.width
        assert moved[0].visible == 1.0
