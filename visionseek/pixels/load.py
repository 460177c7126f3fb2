"""The whole way in one call."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visionseek.pixels.decode import Alpha, open_image
from visionseek.pixels.limits import ImageLimits, Source
from visionseek.pixels.rules import Rule, square
from visionseek.vocabulary import Region

PIXEL_VERSION = 1
"""Raised when the same bytes give other pixels than before; part of every encoder's fingerprint."""


def load_image(
    source: Source,
    size: int,
    rule: Rule = "shortest-crop",
    region: Region | None = None,
    limits: ImageLimits | None = None,
    *,
    alpha: Alpha | None = None,
) -> npt.NDArray[np.uint8]:
    """Decode a picture and bring it to the encoder's square.

    Args:
        source: bytes, path or binary stream; JPEG, PNG, WebP, GIF, AVIF, BMP or TIFF.
        size: S, pixels a side, as the encoder's manifest says.
        rule: "shortest-crop" as Jina CLIP was published, or "pad"; see `square`.
        region: a box in fractions of the upright picture, or None for all of it.
        limits: checked on the header before anything is decoded; the defaults of `ImageLimits` if None.
        alpha: "over-white" or "drop"; None is the rule's own: the published rule drops transparency,
            "pad" lays it over white. Serving asks for "over-white" by name, for what lies under
            transparent pixels is often black.

    Returns:
        uint8 [S, S, 3], RGB.

    Raises:
        UnsupportedImage: not a picture, or of a format or pixel type that is not read.
        ImageTooLarge: bytes, pixels or frames above a limit; the message names it.
        ImageRejected: damaged or truncated.
        NotFound: `source` is a path without a file.
        ValueError: a size below 1 or a rule that does not exist.
    """
    if alpha is None:
        alpha = "drop" if rule == "shortest-crop" else "over-white"
    return square(open_image(source, limits, alpha=alpha), size, rule, region)
