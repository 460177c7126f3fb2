"""Looks as an encoder takes them; those that cost a drawing are kept on the disk."""

from __future__ import annotations

import io
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import training.screenshots
from training.evaluate import look as look_module
from training.evaluate.encoder import Pixels
from training.evaluate.look import Look, screenshot
from visionseek.errors import InputError, VisionSeekError
from visionseek.files import sha256_file, write_atomically
from visionseek.pixels import PIXEL_VERSION, Rule, load_image, square

# An encoder without a size scales pictures itself; more than this only costs time on the way.
_MAX_SIDE = 1024
# Name of the text in a kept PNG that says which template its screenshot was made from.
_TEMPLATE = "template"


class PixelCache:
    """Pixels of looks for one size and rule.

    Args:
        folder: keeps screenshots as squares; None keeps nothing. They are named by everything that they
            depend on: pictures, seed, size, rule, and the code and templates that draw screenshots.
        size: S, or None for whole pictures.
        rule: how pictures become squares.
    """

    def __init__(self, folder: Path | None, size: int | None, rule: Rule) -> None:
        self._folder = folder
        self._size = size
        self._rule: Rule = rule

    def of(self, look: Look) -> Pixels:
        """uint8 [S, S, 3], or [H, W, 3] without a size.

        Raises:
            InputError: the picture cannot be read.
            VisionSeekError: the disk refused.
        """
        if self._size is None:
            picture = look.open()
            picture.thumbnail((_MAX_SIDE, _MAX_SIDE))
            return np.asarray(picture)
        if look.shot is None or self._folder is None:
            return square(look.open(), self._size, self._rule)
        path = self._path(self._folder, look)
        try:
            return load_image(path, self._size, self._rule)
        except InputError:  # not there yet, or damaged
            pixels = square(look.open(), self._size, self._rule)
        known = PngInfo()
        known.add_text(_TEMPLATE, screenshot(look.path, look.shot)[2])
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG", compress_level=1, pnginfo=known)
        try:
            write_atomically(path, stream.getvalue())
        except OSError as error:
            raise VisionSeekError(
                f"a screenshot cannot be kept ({error.strerror})",
                where=str(path.parent),
                mend="make room, or set VISIONSEEK_DATA to another folder",
            ) from error
        return pixels

    def template(self, look: Look) -> str:
        """The template of a look's screenshot; empty for a picture itself.

        Raises:
            InputError: the picture cannot be read.
        """
        if look.shot is None:
            return ""
        if self._folder is not None and self._size is not None:
            try:
                with Image.open(self._path(self._folder, look)) as kept:
                    if known := kept.info.get(_TEMPLATE):
                        return str(known)
            except OSError:
                pass  # not there, or damaged
        return screenshot(look.path, look.shot)[2]

    def _path(self, folder: Path, look: Look) -> Path:
        return folder / f"{self._key(look)}.png"

    def _key(self, look: Look) -> str:
        assert look.shot is not None
        pictures = [_content(str(path)) for path in (look.path, *look.shot.others)]
        parts = [
            drawing_code(),
            *pictures,
            look.shot.seed,
            look.cropped,
            self._size,
            self._rule,
            PIXEL_VERSION,
        ]
        return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


@lru_cache(maxsize=100_000)
def _content(path: str) -> str:
    try:
        return sha256_file(Path(path))
    except OSError as error:
        raise InputError(f"not a readable picture ({error.strerror})", where=path) from error


@lru_cache(maxsize=1)
def drawing_code() -> str:
    """Digest of everything that draws a screenshot: code, templates, texts, fonts' list."""
    digest = sha256(Path(str(look_module.__file__)).read_bytes())
    for folder in training.screenshots.__path__:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in {".py", ".toml", ".txt"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()
