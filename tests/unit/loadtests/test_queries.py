import io
from pathlib import Path

import pytest
from PIL import Image

from loadtests.queries import NoPictures, find_pictures, photographs, screenshots


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(10):
        Image.new("RGBA" if number % 2 else "L", (120 + number, 90), number).save(
            tmp_path / f"{number:02d}.png"
        )
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_are_spread_over_the_folder(folder: Path) -> None:
    assert [path.name for path in find_pictures(folder, 3)] == ["00.png", "03.png", "06.png"]
    assert len(find_pictures(folder, 100)) == 10


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPictures):
        find_pictures(tmp_path, 3)
    with pytest.raises(NoPictures):
        find_pictures(tmp_path / "nowhere", 3)


def test_queries_are_jpegs_and_repeatable(folder: Path) -> None:
    paths = find_pictures(folder, 4)
    first = [query.content for query in screenshots(paths, seed=7)]
    assert first == [query.content for query in screenshots(paths, seed=7)]
    assert first != [query.content for query in screenshots(paths, seed=8)]
    for content in [*first, *(query.content for query in photographs(paths))]:
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == "JPEG"


def test_a_screenshot_is_a_phone_screen_around_the_picture(folder: Path) -> None:
    (query,) = screenshots([folder / "01.png"], seed=1)
    with Image.open(io.BytesIO(query.content)) as screen:
        assert screen.height > 1.5 * screen.width
