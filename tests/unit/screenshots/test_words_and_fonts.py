import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from training.screenshots import fonts, simulate
from training.screenshots.fonts import available_scripts, choose_face, font_digest
from training.screenshots.lettering import _has
from training.screenshots.template import fragments, templates
from training.screenshots.theme import themes
from training.screenshots.words import Words

SCRIPTS = ("latin", "arabic", "devanagari", "chinese")


def keys_used() -> set[str]:
    stack = [element for page in templates().values() for element in page.body]
    stack += [element for part in fragments().values() for element in part.body]
    found = set()
    while stack:
        element = stack.pop()
        stack += element.children
        if element.text:
            found.add(element.text.removeprefix("product_"))
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_every_text_and_leaves_no_placeholder(script: str) -> None:
    rng = np.random.default_rng(0)
    words = Words(script, rng)
    for key in sorted(keys_used()):
        for _ in range(12):
            text = words.say(key, rng)
            assert "{" not in text, (key, text)


def test_templates_name_only_what_exists() -> None:
    for name, page in templates().items():
        assert set(page.themes) <= set(themes()), name
        assert set(page.over) <= set(templates()), name
        used = {one for bar in (*page.top, *page.bottom) for one in bar if one} | set(page.overlays)
        assert used <= set(fragments()), name
        assert set(page.scripts) <= set(SCRIPTS), name


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_old_price_belongs_to_the_price_beside_it(script: str) -> None:
    def amount(text: str) -> int:
        whole = text[:-3] if text[-3] == "." else text
        return int("".join(letter for letter in whole if letter.isdigit()))

    def currency(text: str) -> str:
        return "".join(c for c in text if not c.isdigit() and c not in ",. ")

    for seed in range(20):
        rng = np.random.default_rng(seed)
        words = Words(script, rng)
        for _ in range(3):
            now, old = words.say("price", rng), words.say("old_price", rng)
            assert 1.05 < amount(old) / amount(now) < 2.1, (now, old)
            assert currency(now) == currency(old)
    words.note_price("EUR 1,200.00")
    assert words.say("old_price", rng)
    words.note_price("on request")
    assert words.say("old_price", rng) == "on request"


def test_digits_of_the_script_leave_words_in_latin_letters_alone() -> None:
    said = set()
    for seed in range(30):
        words = Words("devanagari", np.random.default_rng(seed))
        said |= {words.say(key, np.random.default_rng(seed)) for key in ("carrier", "percent", "chip_metal")}
    assert {"5G", "9K"} <= said
    assert any(text[0].isdigit() and not text[0].isascii() for text in said), "no digits of the script"


@pytest.mark.parametrize("script", SCRIPTS)
def test_tabs_and_chips_fit_their_icons_and_labels(script: str) -> None:
    rng = np.random.default_rng(3)
    words = Words(script, rng)
    assert len({words.say("tab", rng) for _ in range(5)}) == 5
    table = tomllib.loads(
        (resources.files("training.screenshots") / f"texts/{script}.toml").read_text("utf-8")
    )
    assert words.say("tab", rng) == table["tab"][0]
    assert words.say("results_tab", rng) == table["results_tab"][0]
    assert len(table["chip"]) == len(table["size_label"])


def test_without_fonts_screens_fall_back_to_the_letters_of_pillow(
    monkeypatch: pytest.MonkeyPatch, ring: Image.Image
) -> None:
    monkeypatch.setattr(fonts, "_faces", lambda script, style: ())
    assert available_scripts() == ("latin",)
    assert fonts.missing_scripts() == ("arabic", "devanagari", "chinese")
    assert choose_face(np.random.default_rng(0), "latin", "sans") is fonts.BUILTIN
    for seed in range(3):
        shot = simulate(ring, seed=seed, template="mobile-product")
        assert shot.script == "latin"
        assert shot.product.visible > 0.4


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape Arabic letters")
def test_arabic_screens_run_from_right_to_left(ring: Image.Image) -> None:
    if "arabic" not in available_scripts():
        pytest.skip("no font with Arabic letters on this machine")
    boxes = {
        script: simulate(ring, seed=2, template="desktop-product", script=script).product.region
        for script in ("latin", "arabic")
    }
    assert (boxes["latin"].left + boxes["latin"].right) / 2 < 0.5
    assert (boxes["arabic"].left + boxes["arabic"].right) / 2 > 0.5


def test_fonts_of_the_extra_go_before_those_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "Roboto[wdth,wght].ttf", tmp_path / "DejaVuSans.ttf"
    monkeypatch.setattr(fonts, "_packaged", lambda: {ours.name: ours})
    monkeypatch.setattr(fonts, "_installed", lambda: {theirs.name: theirs})
    fonts._faces.cache_clear()
    try:
        assert [face.regular for face in fonts._faces("latin", "sans")] == [ours]
        assert fonts._faces("chinese", "sans") == ()
        monkeypatch.setattr(fonts, "_packaged", dict)
        fonts._faces.cache_clear()
        assert [face.regular for face in fonts._faces("latin", "sans")] == [theirs]
    finally:
        fonts._faces.cache_clear()


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_text_shows_an_empty_box_for_a_letter(script: str) -> None:
    if script not in available_scripts():
        pytest.skip(f"no font for {script} on this machine: pip install 'visionseek[fonts]'")
    rng = np.random.default_rng(0)
    table = tomllib.loads(
        (resources.files("training.screenshots") / f"texts/{script}.toml").read_text("utf-8")
    )
    letters = {
        letter for entry in table.values() for text in entry for letter in text if not letter.isspace()
    }
    for style in ("sans", "display"):
        lettering = choose_face(rng, script, style).lettering(24, bold=False)
        missing = {letter for letter in letters if not any(_has(font, letter) for font in lettering.fonts)}
        assert not missing, (style, missing)


def test_the_font_digest_is_stable() -> None:
    assert font_digest() == font_digest()
    assert len(font_digest()) == 64
