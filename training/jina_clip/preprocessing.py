"""`preprocessor_config.json`: how pictures become the tensor that the vision tower takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visionseek.errors import CheckpointError
from visionseek.files import write_atomically
from visionseek.pixels import ImageLimits, Rule, Source, load_image, normalize

FILE_NAME = "preprocessor_config.json"
# OpenAI CLIP's statistics, which Jina CLIP keeps.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
_WHITE = 255


@dataclass(frozen=True, slots=True)
class Preprocessor:
    """Size, rule, mean and deviation of a checkpoint's pictures."""

    size: int
    rule: Rule = "shortest-crop"
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> Preprocessor:
        """Read `preprocessor_config.json` of a checkpoint folder.

        Raises:
            CheckpointError: missing, not JSON, or of a rule that is not built here.
        """
        path = Path(folder) / FILE_NAME
        try:
            document: dict[str, Any] = json.loads(path.read_bytes())
            size, mean, std = document["size"], tuple(document["mean"]), tuple(document["std"])
            mode, fill = document.get("resize_mode", "shortest"), document.get("fill_color", 0)
            interpolation = document.get("interpolation", "bicubic")
        except FileNotFoundError as error:
            raise CheckpointError(f"no {FILE_NAME} in this folder", where=str(folder)) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"cannot be read ({error!r})", where=str(path)) from error
        if isinstance(size, list) and len(size) == 2 and size[0] == size[1]:
            size = size[0]
        rules: dict[tuple[Any, bool], Rule] = {
            ("shortest", True): "shortest-crop", ("shortest", False): "shortest-crop", ("longest", True):
            "pad"
        }  # fmt: skip
        rule = rules.get((mode, fill == _WHITE))
        if rule is None or interpolation != "bicubic" or not isinstance(size, int) or size < 1:
            raise CheckpointError(
                f"size {size!r}, resize_mode {mode!r} with fill_color {fill!r} and interpolation "
                f"{interpolation!r} is no rule that is built here",
                where=str(path),
            )
        if not (len(mean) == len(std) == 3 and all(isinstance(v, int | float) for v in mean + std)):
            raise CheckpointError(f"mean and std must be three numbers each: {mean}, {std}", where=str(path))
        return cls(size, rule, mean, std)

    def save_pretrained(self, folder: Path | str) -> None:
        """Write `preprocessor_config.json` as published; "pad" is its `longest` filled with white."""
        document = {
            "image_processor_type": "JinaCLIPImageProcessor",
            "size": self.size,
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": "bicubic",
            "resize_mode": "shortest" if self.rule == "shortest-crop" else "longest",
            "fill_color": 0 if self.rule == "shortest-crop" else _WHITE,
        }
        write_atomically(Path(folder) / FILE_NAME, (json.dumps(document, indent=2) + "\n").encode())

    def __call__(
        self, sources: Iterable[Source], limits: ImageLimits | None = None
    ) -> npt.NDArray[np.float32]:
        """Return `pixel_values` float32 [B, 3, S, S] of pictures given as bytes, paths or streams.

        Raises:
            ImageRejected: one of them is no usable picture.
        """
        pictures = [load_image(source, self.size, self.rule, limits=limits) for source in sources]
        pixels = np.stack(pictures) if pictures else np.empty((0, self.size, self.size, 3), np.uint8)
        return normalize(pixels, self.mean, self.std)
