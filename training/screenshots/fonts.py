"""Fonts by script: those of the extra `fonts`, else the machine's own; none is never a failure.

Which fonts there are changes pixels, so `font_digest` says which were found, for a manifest.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageFont, features

from training.screenshots.lettering import Font, Lettering


@dataclass(frozen=True, slots=True)
class Face:
    """A family in two weights; `regular` None is the letters that Pillow carries.

    Attributes:
        regular: file of the upright letters.
        bold: file of the heavier ones.
        index: face inside a collection file.
        shaped: letters join or reorder, which needs Raqm (HarfBuzz and FriBiDi).
        weights: of a variable file, upright and heavier; None for files of one weight.
        others: faces that lend the letters that this one lacks, such as Latin ones in an Arabic line.
    """

    regular: Path | None = None
    bold: Path | None = None
    index: int = 0
    shaped: bool = False
    weights: tuple[int, int] | None = None
    others: tuple[Face, ...] = ()

    def lettering(self, size: int, *, bold: bool, rtl: bool = False) -> Lettering:
        """The face at `size` pixels."""
        fonts = tuple(one._font(size, bold=bold) for one in (self, *self.others))
        return Lettering(fonts, rtl)

    def _font(self, size: int, *, bold: bool) -> Font:
        weight = self.weights[bold] if self.weights else None
        return _load(self.bold if bold else self.regular, max(size, 6), self.index, self.shaped, weight)


BUILTIN = Face()


def available_scripts() -> tuple[str, ...]:
    """Scripts that this machine can set; Latin always, with Pillow's own letters where need be."""
    return ("latin", *(name for name in _table() if name != "latin" and _faces(name, "sans")))


def missing_scripts() -> tuple[str, ...]:
    """Scripts that templates ask for and that this machine cannot set."""
    return tuple(name for name in _table() if name not in available_scripts())


def choose_face(rng: np.random.Generator, script: str, style: str) -> Face:
    """A face for `script` in `style` (`sans` or `display`) that this machine has, else the built-in one."""
    faces = _faces(script, style) or _faces(script, "sans")
    # Draw even when there is nothing to choose: the rest of the screen must not depend on the fonts.
    place = float(rng.random())
    if not faces:
        return BUILTIN
    chosen = faces[int(place * len(faces))]
    lenders = [face for face in _faces("latin", "sans") if face != chosen]
    # A Latin face for a foreign line's letters; then the last one, which has the most signs.
    return replace(chosen, others=tuple(dict.fromkeys([*lenders[:1], *lenders[-1:]])))


@lru_cache(maxsize=1)
def font_digest() -> str:
    """Hex digest over the names and bytes of every font that may be used here."""
    total = hashlib.sha256()
    files = {
        face.regular for script in _table() for style in ("sans", "display") for face in _faces(script, style)
    }
    for path in sorted(path for path in files if path):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    table = _file()
    return {name: entry for name, entry in table.items() if isinstance(entry, dict)}


def _file() -> dict[str, object]:
    return tomllib.loads((resources.files(__package__) / "fonts.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _packaged() -> dict[str, Path]:
    """Font files by name inside the Python packages that carry them."""
    packages = _file()["packages"]
    assert isinstance(packages, list)
    found = [importlib.util.find_spec(name) for name in packages]
    return _files_in(Path(place) for spec in found if spec for place in spec.submodule_search_locations or ())


@lru_cache(maxsize=1)
def _installed() -> dict[str, Path]:
    """Font files by name in the folders of the machine."""
    home = Path.home()
    folders = [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".fonts",
        home / ".local/share/fonts",
    ]
    if sys.platform == "darwin":
        folders += [Path("/Library/Fonts"), Path("/System/Library/Fonts"), home / "Library/Fonts"]
    elif sys.platform == "win32":
        folders += [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    return _files_in(folders)


def _files_in(folders: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                if name.lower().endswith((".ttf", ".otf", ".ttc")):
                    found.setdefault(name, Path(root) / name)
    return found


@lru_cache(maxsize=32)
def _faces(script: str, style: str) -> tuple[Face, ...]:
    """The faces of the extra, which are the same everywhere; only without any of them the machine's."""
    entry = _table()[script]
    shaped = bool(entry.get("shaped", False))
    if shaped and not features.check("raqm"):
        return ()
    index = int(str(entry.get("index", 0)))
    for files in (_packaged(), _installed()):
        faces = []
        for name, *rest in entry.get(style, []):
            if name not in files:
                continue
            path = files[name]
            inside = index if name.startswith("Noto") else 0
            if isinstance(rest[0], int):
                faces.append(Face(path, path, inside, shaped, (rest[0], rest[1])))
            else:
                faces.append(Face(path, files.get(rest[0], path), inside, shaped))
        if faces:
            return tuple(faces)
    return ()


@lru_cache(maxsize=512)
def _load(path: Path | None, size: int, index: int, shaped: bool, weight: int | None) -> Font:
    if path is None:
        return ImageFont.load_default(size)
    # Raqm is a matter of the build; the basic layout is the same everywhere and enough for unjoined letters.
    engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    font = ImageFont.truetype(path, size, index=index, layout_engine=engine)
    if weight is not None:
        axes = [
            weight if b"eight" in (axis["name"] or b"") else axis["default"]
            for axis in font.get_variation_axes()
        ]
        font.set_variation_by_axes([float(value or 0) for value in axes])
    return font
