"""Templates: screens as TOML files, read once and checked.

A template either has a `body` of its own or stands `over` other templates and changes their theme or adds
effects, such as a photograph of the screen.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import lru_cache
from importlib import resources
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from training.screenshots.element import Element, Number
from visionseek.errors import InputError, SettingsError

EffectName = Literal["photograph", "letterbox", "crop"]


class Fragment(BaseModel):
    """A part that many screens share: a status bar, a browser, a cookie banner.

    Attributes:
        at: for an overlay, where it stands on the screen: 0, 0 is start and top, 1, 1 end and bottom.
        margin: points between an overlay and the edge of the screen.
        share: width of an overlay as a fraction of the screen; the rest keep the screen's.
        width: of an overlay in points instead, never more than the screen.
        dim: how much an overlay darkens the screen behind it, 0 to 1.
        body: its boxes, from top to bottom.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: tuple[Number, Number] = (0.5, 1.0)
    margin: Number = 0
    share: Number = 1.0
    width: Number | None = None
    dim: Number = 0.0
    body: tuple[Element, ...]


class Template(BaseModel):
    """A kind of screen.

    Attributes:
        summary: one line for people.
        sets: names that choose among several templates; `rich` is the default of `simulate`.
        weight: how often it is chosen within a set.
        screens: sizes in pixels to choose from.
        points: width of the screen in layout points.
        themes: names of colour themes to choose from.
        scripts: script -> weight.
        top: fragments at the top of the screen; each a list of alternatives, "" meaning none.
        bottom: the same at the bottom.
        overlays: fragment -> chance; they lie over the page and may hide a part of it.
        scroll: points that the page is scrolled by, under the top fragments.
        builtin_font: draw with the letters that Pillow carries, so that machines agree to the byte.
        body: boxes of the page, from top to bottom.
        over: templates to choose from instead of a body.
        effects: done to the finished screen, in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: str
    sets: tuple[str, ...] = ("rich",)
    weight: float = Field(1.0, gt=0)
    screens: tuple[tuple[int, int], ...] = ()
    points: Number = 390
    themes: tuple[str, ...] = ()
    scripts: dict[str, float] = Field(default_factory=lambda: {"latin": 1.0})
    top: tuple[tuple[str, ...], ...] = ()
    bottom: tuple[tuple[str, ...], ...] = ()
    overlays: dict[str, float] = {}
    scroll: Number = 0
    builtin_font: bool = False
    body: tuple[Element, ...] = ()
    over: tuple[str, ...] = ()
    effects: tuple[EffectName, ...] = ()

    @model_validator(mode="after")
    def _has_a_page(self) -> Self:
        if bool(self.body) == bool(self.over):
            raise ValueError("a template has either a body or stands over others")
        if self.body and not (self.screens and self.themes):
            raise ValueError("a template with a body needs screens and themes")
        return self


_Model = TypeVar("_Model", bound=BaseModel)


def _read(kind: type[_Model], folder: str, name: str) -> _Model:
    file = resources.files(__package__) / folder / f"{name}.toml"
    try:
        return kind.model_validate(tomllib.loads(file.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(error), where=f"{folder}/{name}.toml") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"`{field}`: {first['msg']}", where=f"{folder}/{name}.toml") from error


@lru_cache(maxsize=1)
def templates() -> dict[str, Template]:
    """Every template by name, sorted.

    Raises:
        SettingsError: a template file that does not parse or names an unknown field.
    """
    names = sorted(_stems("templates"))
    return {name: _read(Template, "templates", name) for name in names}


@lru_cache(maxsize=1)
def fragments() -> dict[str, Fragment]:
    """Every fragment by name, sorted."""
    return {name: _read(Fragment, "fragments", name) for name in sorted(_stems("fragments"))}


def template_names(choice: str | None = None) -> tuple[str, ...]:
    """Names of the templates that `choice` stands for: one template, a set of them, or None for `rich`.

    Raises:
        InputError: neither a template nor a set.
    """
    known = templates()
    if choice in known:
        return (choice,)
    names = tuple(name for name, one in known.items() if (choice or "rich") in one.sets)
    if not names:
        sets = sorted({label for one in known.values() for label in one.sets})
        raise InputError(
            f"no screenshot template or set `{choice}`",
            mend=f"templates: {', '.join(known)}; sets: {', '.join(sets)}",
        )
    return names


@lru_cache(maxsize=1)
def data_digest() -> str:
    """Hex digest over every file that screens are made of: templates, fragments, words, colours, icons."""
    total = hashlib.sha256()
    root = resources.files(__package__)
    for folder in (root, *(root / name for name in ("fragments", "templates", "texts"))):
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.name.endswith(".toml"):
                total.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _stems(folder: str) -> list[str]:
    files = (resources.files(__package__) / folder).iterdir()
    return [file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")]
