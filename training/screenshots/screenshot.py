"""A simulated screenshot: the picture and where everything is."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from training.screenshots.box import Box
from visionseek.errors import InputError


@dataclass(frozen=True, slots=True)
class Screenshot:
    """What `simulate` gives.

    Attributes:
        image: RGB.
        boxes: every object, in painting order.
        template: its name; after `over`, both joined by a plus.
        script: of the letters.
        theme: of the colours.
        seed: that made it.
        effects: what was done to the finished screen.
    """

    image: Image.Image
    boxes: tuple[Box, ...]
    template: str
    script: str
    theme: str
    seed: int
    effects: tuple[str, ...]

    @property
    def product(self) -> Box:
        """The box of the product; there always is one."""
        return max((box for box in self.boxes if box.product), key=lambda box: box.visible * _area(box))

    def jpeg(self, quality: int = 85) -> bytes:
        """The picture as JPEG.

        Raises:
            InputError: a quality outside 1 to 100.
        """
        if not 1 <= quality <= 100:
            raise InputError(f"JPEG quality {quality} is not between 1 and 100")
        out = io.BytesIO()
        self.image.save(out, "JPEG", quality=quality)
        return out.getvalue()


def _area(box: Box) -> int:
    left, top, right, bottom = box.pixels
    return (right - left) * (bottom - top)
