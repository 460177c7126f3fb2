"""The only way from bytes to pixels; training, indexing and queries all come through here.

    bytes -> sniff -> limits from the header -> decode -> upright -> alpha -> region -> square

`load_image` is the whole way, to uint8 [S, S, 3]. `open_image` stops at the upright RGB picture, for those
that need the picture itself, and `square` goes on from there. `normalize` makes what a PyTorch encoder eats;
an exported encoder does that inside its graph.
"""

from visionseek.pixels.decode import Alpha, open_image
from visionseek.pixels.limits import ImageLimits, Source
from visionseek.pixels.load import PIXEL_VERSION, load_image
from visionseek.pixels.rules import Rule, normalize, square

__all__ = [
    "PIXEL_VERSION",
    "Alpha",
    "ImageLimits",
    "Rule",
    "Source",
    "load_image",
    "normalize",
    "open_image",
    "square",
]
