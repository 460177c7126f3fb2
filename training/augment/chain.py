"""Chains of steps: read from TOML, applied with a seed, bad pictures refused with a reason."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from training.augment.steps import STEPS
from visionseek.errors import ImageRejected, SettingsError

MIN_SIDE = 32
MAX_ASPECT = 8.0


class Link(BaseModel):
    """One place of a chain: a step, or one of several, with its chance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str | None = None
    one_of: tuple[str, ...] = ()
    chance: float = Field(1.0, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _names_steps(self) -> Self:
        if bool(self.step) == bool(self.one_of):
            raise ValueError("give either `step` or `one_of`")
        for name in (self.step, *self.one_of):
            if name and name not in STEPS:
                raise ValueError(f"no step `{name}`; steps: {', '.join(STEPS)}")
        return self


class Chain(BaseModel):
    """Steps in order; `apply` makes one variant of a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: str = ""
    steps: tuple[Link, ...]

    def apply(self, image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, tuple[str, ...]]:
        """A variant of `image` and the names of the steps that made it.

        Args:
            image: RGB, upright.
            rng: decides which steps and how strong; equal generators give equal variants.

        Raises:
            ImageRejected: smaller than 32 pixels or narrower than 1:8: no variant would show anything.
        """
        check_shape(image)
        done = []
        for link in self.steps:
            if float(rng.random()) >= link.chance:
                continue
            name = link.step or link.one_of[int(rng.integers(len(link.one_of)))]
            # A generator of its own: a step that draws more numbers does not change the steps after it.
            own = np.random.Generator(np.random.PCG64(int(rng.integers(2**63))))
            image = STEPS[name](image, own)
            done.append(name)
        return image, tuple(done)


def check_shape(image: Image.Image) -> None:
    """Refuse pictures too small or narrow to vary.

    Raises:
        ImageRejected: with the size, and what is the least.
    """
    width, height = image.size
    if min(width, height) < MIN_SIDE:
        raise ImageRejected(f"{width}x{height} pixels; at least {MIN_SIDE} a side are needed")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageRejected(f"{width}x{height} pixels is narrower than 1:{MAX_ASPECT:.0f}")


def chain_names() -> tuple[str, ...]:
    """Names of the chains that come with the project."""
    return tuple(_shipped())


def load_chain(name: str) -> Chain:
    """A shipped chain by name, or the chain of that name in a file given as `FILE.toml:NAME`.

    Raises:
        SettingsError: no such chain or file, or a chain that names an unknown step.
    """
    path, separator, inner = name.rpartition(":")
    if separator and path.endswith(".toml"):
        table = _read(Path(path))
        where, known = path, inner
    else:
        table, where, known = _shipped(), "chains.toml", name
    if known not in table:
        raise SettingsError(f"no chain `{known}`", where=where, mend=f"chains: {', '.join(table)}")
    try:
        return Chain.model_validate(table[known])
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"chain `{known}`, `{field}`: {first['msg']}", where=where) from error


@lru_cache(maxsize=1)
def _shipped() -> dict[str, object]:
    return tomllib.loads((resources.files(__package__) / "chains.toml").read_text("utf-8"))


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError("no such file", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not TOML: {error}", where=str(path)) from error
