"""Every step by the name that chains use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from training.augment.backdrop import replace_background
from training.augment.blur import defocus, shake
from training.augment.compression import compress, rescale
from training.augment.filter import look
from training.augment.geometry import cut, mirror, tilt, turn, zoom
from training.augment.grain import grain
from training.augment.lettering import caption, watermark
from training.augment.light import contrast, exposure, gamma, saturation, shade, white_balance
from training.augment.occlusion import finger, tag
from training.augment.scribble import arrow, ring_around, scrawl

Step = Callable[[Image.Image, np.random.Generator], Image.Image]
"""One change of an RGB picture; equal generators give equal pictures. What was handed in stays as it is."""

STEPS: dict[str, Step] = {
    "turn": turn,
    "zoom": zoom,
    "mirror": mirror,
    "cut": cut,
    "tilt": tilt,
    "background": replace_background,
    "shade": shade,
    "exposure": exposure,
    "contrast": contrast,
    "gamma": gamma,
    "white_balance": white_balance,
    "saturation": saturation,
    "defocus": defocus,
    "shake": shake,
    "grain": grain,
    "finger": finger,
    "tag": tag,
    "look": look,
    "watermark": watermark,
    "caption": caption,
    "ring_around": ring_around,
    "scrawl": scrawl,
    "arrow": arrow,
    "rescale": rescale,
    "compress": compress,
}
