import numpy as np
import pytest
from PIL import Image, features

from training.screenshots import fonts, simulate
from training.screenshots.fonts import available_scripts, choose_face, font_digest
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


def test_an_old_price_is_above_the_price_and_in_its_currency() -> None:
    for seed in range(20):
        words = Words("latin", np.random.default_rng(seed))
        now, old = (words.say(key, np.random.default_rng(seed)) for key in ("price", "old_price"))
        digits = [int("".join(c for c in text.split(".")[0] if c.isdigit())) for text in (now, old)]
        assert digits[0] < digits[1]
        assert {c for c in now if c.isalpha() or c in "$€£₹"} == {
            c for c in old if c.isalpha() or c in "$€£₹"
        }


def test_without_fonts_screens_fall_back_to_the_letters_of_pillow(
    monkeypatch: pytest.MonkeyPatch, ring: Image.Image
) -> None:
    monkeypatch.setattr(fonts, "_faces", lambda script, style: ())
    assert available_scripts() == ("latin",)
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


def test_the_font_digest_is_stable() -> None:
    assert font_digest() == font_digest()
    assert len(font_digest()) == 64
