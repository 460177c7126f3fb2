"""Colours of a screen by role."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from PIL import ImageColor

from visionseek.errors import InputError

Colour = tuple[int, int, int]


class Theme:
    """A named set of colours; looks up roles and reads `#rrggbb`."""

    def __init__(self, name: str, roles: dict[str, str], *, dark: bool) -> None:
        self.name = name
        self.dark = dark
        self._roles = {role: _rgb(text) for role, text in roles.items()}

    def colour(self, role: str) -> Colour:
        """The colour of `role`.

        Raises:
            InputError: neither a role nor a colour.
        """
        if role in self._roles:
            return self._roles[role]
        if role.startswith("#"):
            return _rgb(role)
        raise InputError(f"theme {self.name} has no colour `{role}`", mend=f"roles: {', '.join(self._roles)}")


@lru_cache(maxsize=1)
def themes() -> dict[str, Theme]:
    """Every theme by name."""
    table = tomllib.loads((resources.files(__package__) / "themes.toml").read_text("utf-8"))
    return {name: Theme(name, roles, dark=bool(roles.pop("dark", False))) for name, roles in table.items()}


@lru_cache(maxsize=256)
def _rgb(text: str) -> Colour:
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue
