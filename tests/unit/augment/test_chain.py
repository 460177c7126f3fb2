from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.augment import Chain, chain_names, load_chain
from visionseek.errors import ImageRejected, SettingsError


@pytest.mark.parametrize("name", chain_names())
def test_a_chain_is_seeded_and_says_what_it_did(name: str, ring: Image.Image) -> None:
    chain = load_chain(name)
    one, steps = chain.apply(ring, np.random.default_rng(4))
    again, same = chain.apply(ring, np.random.default_rng(4))
    assert (one.tobytes(), steps) == (again.tobytes(), same)
    variants = {chain.apply(ring, np.random.default_rng(seed))[0].tobytes() for seed in range(8)}
    assert len(variants) > 4


def test_no_steps_leave_the_picture_as_it_is(ring: Image.Image) -> None:
    image, steps = Chain(steps=()).apply(ring, np.random.default_rng(0))
    assert image.tobytes() == ring.tobytes()
    assert steps == ()


@pytest.mark.parametrize("size", [(10, 10), (31, 400), (40, 2000)])
def test_pictures_too_small_or_narrow_are_rejected_with_their_size(size: tuple[int, int]) -> None:
    with pytest.raises(ImageRejected, match=f"{size[0]}x{size[1]}"):
        load_chain("light").apply(Image.new("RGB", size), np.random.default_rng(0))


def test_a_chain_from_a_file(tmp_path: Path, ring: Image.Image) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[soft]\nsteps = [{ step = "mirror" }, { one_of = ["turn", "zoom"], chance = 0.0 }]\n')
    image, steps = load_chain(f"{file}:soft").apply(ring, np.random.default_rng(0))
    assert steps == ("mirror",)
    assert image.tobytes() == ring.transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[a]\nsteps = [{ step = "nope" }]', "no step `nope`"),
        ('[a]\nsteps = [{ step = "turn", chance = 2 }]', "chance"),
        ("[a]\nsteps = [{ chance = 0.5 }]", "either"),
        ("[b]\nsteps = []", "no chain `a`"),
        ("[a", "not TOML"),
    ],
)
def test_a_wrong_chain_file_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=says):
        load_chain(f"{file}:a")


def test_an_unknown_chain_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="light"):
        load_chain("nope")
