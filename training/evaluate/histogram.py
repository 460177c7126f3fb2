"""A baseline without learning: the colour histogram of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from training.evaluate.encoder import Pixels, Vectors, unit
from training.trained_on import TrainedOn
from visionseek.errors import InputError
from visionseek.pixels import Rule

BINS = (16, 4, 8)


class HsvHistogram:
    """Joint histogram of hue, saturation and value in 16 x 4 x 8 bins.

    The square root of the shares makes the inner product the Bhattacharyya coefficient of two histograms.
    """

    name = "hsv"
    rule: Rule = "pad"
    reads_text = False

    def __init__(self, size: int = 224) -> None:
        self.size: int | None = size
        self.trained_on: TrainedOn | None = TrainedOn(frozenset())

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """[N, S, S, 3] -> [N, 512]."""
        rows = []
        for picture in pictures:
            hsv = np.asarray(Image.fromarray(picture).convert("HSV")).reshape(-1, 3).astype(np.int64)
            place = np.ravel_multi_index(tuple((hsv * BINS // 256).T), BINS)
            rows.append(np.sqrt(np.bincount(place, minlength=int(np.prod(BINS))) / len(place)))
        return unit(np.array(rows), len(pictures), where=self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Refused: a histogram knows no words."""
        raise InputError(f"a histogram embeds no text, such as {texts[0]!r}", where=self.name)
