"""A product's picture in, a screenshot of a shop, feed or chat that shows it out."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from training.screenshots.dice import choose, generator
from training.screenshots.effects import apply_effect
from training.screenshots.fonts import BUILTIN, available_scripts, choose_face
from training.screenshots.node import Chance
from training.screenshots.pictures import Pictures
from training.screenshots.screen import Screen, merge, pick_size
from training.screenshots.screenshot import Screenshot
from training.screenshots.template import template_names, templates
from training.screenshots.theme import themes
from training.screenshots.words import Words
from visionseek.errors import InputError

MIN_SIDE = 16
MAX_ASPECT = 12.0
MIN_WIDTH, MAX_WIDTH = 160, 4096
# Texts that a screen says the same in all places, as `product_title` and so on.
_SAME = ("title", "long_title", "price", "shop", "handle", "person", "host", "query")


def simulate(
    picture: Image.Image,
    *,
    seed: int,
    template: str | None = None,
    others: Sequence[Image.Image] = (),
    views: Sequence[Image.Image] = (),
    width: int | None = None,
    script: str | None = None,
    theme: str | None = None,
    title: str | None = None,
    price: str | None = None,
) -> Screenshot:
    """Draw a screenshot that shows `picture`; equal arguments give equal pixels.

    Args:
        picture: the product, any mode, at least 16 pixels on its shorter side.
        seed: of everything that chance decides.
        template: a template, a set of templates such as `plain`, or None for any of the set `rich`.
        others: pictures of other products around it, repeated where few; with none, grey boxes stand there.
        views: further pictures of the same product, for thumbnails.
        width: of the screenshot in pixels; None takes one of the template's screens.
        script: `latin`, `arabic`, `devanagari` or `chinese`; None draws one that this machine has fonts for.
        theme: a colour theme; None draws one of the template's.
        title: of the product, shown where the template shows one; None invents one.
        price: the same for its price.

    Raises:
        InputError: a picture too small or too narrow, or a template, script or theme that is not known.
    """
    product = usable(picture)
    if width is not None and not MIN_WIDTH <= width <= MAX_WIDTH:
        raise InputError(f"screenshot width {width} is not between {MIN_WIDTH} and {MAX_WIDTH} pixels")
    known = templates()
    names = template_names(template)
    rng = generator("screenshot", seed, template)
    name = choose(rng, names, [known[one].weight for one in names])
    page = known[name]
    label = name
    if page.over:
        inner = choose(rng, page.over)
        page, label = merge(page, known[inner]), f"{name}+{inner}"
    if script is not None and script not in available_scripts():
        raise InputError(
            f"script `{script}` cannot be set here",
            mend=f"install fonts for it; this machine has: {', '.join(available_scripts())}",
        )
    spoken = script or _script(float(rng.random()), page.scripts)
    colours = theme or choose(rng, page.themes)
    if colours not in themes():
        raise InputError(f"no screenshot theme `{colours}`", mend=f"themes: {', '.join(themes())}")
    size, scale = pick_size(page, width, rng)
    builtin = page.builtin_font
    faces = {
        "body": BUILTIN if builtin else choose_face(rng, spoken, "sans"),
        "heading": BUILTIN
        if builtin
        else choose_face(rng, spoken, ("sans", "display")[int(rng.integers(2))]),
    }
    few = spoken == "latin" and BUILTIN in faces.values()
    content = generator("content", seed, label)
    words = Words(spoken, content, ascii_only=few)
    asked = {"title": title, "price": price}
    given = {f"product_{key}": asked.get(key) or words.say(key, content) for key in _SAME}
    style = generator("style", seed, label)
    chance = Chance(scale=scale, style=style, content=content, words=words, faces=faces, given=given)
    pictures = Pictures(product, [usable(one) for one in views], [usable(one) for one in others], rng)
    screen = Screen(page, size, themes()[colours], chance, pictures)
    image, boxes = screen.image, screen.boxes
    for effect in page.effects:
        image, boxes = apply_effect(effect, image, boxes, generator(effect, seed, label))
    return Screenshot(image, boxes, label, spoken, colours, seed, page.effects)


def usable(picture: Image.Image) -> Image.Image:
    """The picture as RGB, alpha over white.

    Raises:
        InputError: too small or too narrow to show anything.
    """
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"picture of {width}x{height} pixels is smaller than {MIN_SIDE}", mend="use a larger picture"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(f"picture of {width}x{height} pixels is narrower than 1:{MAX_ASPECT:.0f}")
    if picture.mode == "RGB":
        return picture
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def _script(place: float, weights: dict[str, float]) -> str:
    have = available_scripts()
    names = [name for name in weights if name in have] or ["latin"]
    total = sum(weights.get(name, 1.0) for name in names)
    place *= total
    for name in names:
        place -= weights.get(name, 1.0)
        if place < 0:
            return name
    return names[-1]
