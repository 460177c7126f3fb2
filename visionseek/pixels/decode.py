"""From bytes to the upright RGB picture, limits first."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from visionseek.errors import ImageRejected, ImageTooLarge, UnsupportedImage
from visionseek.pixels.limits import ImageLimits, Source, read_source
from visionseek.pixels.sniff import FORMATS, count_frames, sniff, webp_canvas

Alpha: TypeAlias = Literal["over-white", "drop"]
"""What becomes of transparency: laid over white as a shop's page shows it, or dropped as Jina CLIP does."""

# The plugins are called directly: Image.open would also try every other decoder and has a limit of its own.
_DECODERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}

# EXIF 2.32, 4.6.4: orientation -> the turn that brings the picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_CONVERTIBLE = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")


def open_image(
    source: Source, limits: ImageLimits | None = None, *, alpha: Alpha = "over-white"
) -> Image.Image:
    """Decode a picture: upright by its EXIF orientation, mode RGB, first frame of an animation.

    Args:
        source: bytes, path or binary stream; JPEG, PNG, WebP, GIF, AVIF, BMP or TIFF.
        limits: checked on the header before anything is decoded; the defaults of `ImageLimits` if None.
        alpha: "over-white" composites transparent pixels over white, "drop" ignores transparency.

    Raises:
        UnsupportedImage: not a picture, or of a format or pixel type that is not read.
        ImageTooLarge: bytes, pixels or frames above a limit; the message names it.
        ImageRejected: damaged or truncated.
        NotFound: `source` is a path without a file.
    """
    limits = limits or ImageLimits()
    data, where = read_source(source, limits)
    kind = sniff(data, where)
    frames = count_frames(data, kind, stop=limits.max_frames + 1)
    if frames > limits.max_frames:
        raise ImageTooLarge(
            f"{kind} of {frames:,} frames or more is above the limit max_frames = {limits.max_frames:,}",
            where=where,
        )
    if kind == "WebP":  # its decoder allocates the canvas on opening
        _check_pixels(*webp_canvas(data), limits, where)
    try:
        picture = _DECODERS[kind](io.BytesIO(data))
        _check_pixels(*picture.size, limits, where)
        picture.load()
        turn = _UPRIGHT.get(_orientation(picture, kind))
        upright = _to_rgb(picture, alpha, where)
        return upright.transpose(turn) if turn is not None else upright
    except ImageRejected:
        raise
    except Exception as error:
        # Decoders fed by strangers raise anything, from OSError to struct.error: the picture is bad.
        raise _translate(error, kind, where) from error


def _check_pixels(width: int, height: int, limits: ImageLimits, where: str | None) -> None:
    if width < 1 or height < 1:
        raise ImageRejected(f"the header says {width} x {height} pixels", where=where)
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"picture of {width:,} x {height:,} = {width * height:,} pixels is above the limit "
            f"max_pixels = {limits.max_pixels:,}",
            where=where,
        )


def _orientation(picture: Image.Image, kind: str) -> int:
    if kind == "TIFF":  # its decoder has turned the picture already
        return 1
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 -- a broken EXIF block is no reason to refuse good pixels
        return 1


def _to_rgb(picture: Image.Image, alpha: Alpha, where: str | None) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT:
        # Pillow would clip at 255; white is 65535.
        wide = np.asarray(picture).astype(np.uint32)
        return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    if picture.mode not in _CONVERTIBLE:
        raise UnsupportedImage(
            f"pixels of type {picture.mode!r} are not read",
            where=where,
            mend=f"send {FORMATS[0]} or {FORMATS[1]}",
        )
    if alpha == "over-white" and picture.has_transparency_data:
        clear = picture.convert("RGBA")
        canvas = Image.new("RGB", clear.size, "white")
        canvas.paste(clear, mask=clear)
        return canvas
    picture.info.pop("transparency", None)  # else Pillow warns that it is lost, which is the point
    if picture.mode in ("RGBa", "La"):  # premultiplied: there is no direct way
        picture = picture.convert("RGBA" if picture.mode == "RGBa" else "LA")
    return picture.convert("RGB")


def _translate(error: Exception, kind: str, where: str | None) -> ImageRejected:
    text = str(error)
    if "MAX_TEXT" in text:
        limit = PngImagePlugin.MAX_TEXT_CHUNK if "CHUNK" in text else PngImagePlugin.MAX_TEXT_MEMORY
        return ImageTooLarge(f"PNG with text above the limit of {limit:,} bytes", where=where)
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        return ImageTooLarge(f"{kind} does not fit into memory", where=where, mend="lower max_pixels")
    return ImageRejected(f"damaged or truncated {kind} ({text or type(error).__name__})", where=where)
