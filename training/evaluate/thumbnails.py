"""Small pictures of a report, each one once in the file however often it is shown."""

from __future__ import annotations

import base64
import io

from PIL import Image

from training.evaluate.look import Look

SIDE = 96
_QUALITY = 62


class Thumbnails:
    """Gives CSS classes to looks; `css` defines them with the pictures in it."""

    def __init__(self) -> None:
        self._names: dict[Look, str] = {}
        self._rules: list[str] = []

    def name(self, look: Look) -> str:
        """The class that shows a look, which is drawn at the first call."""
        if look not in self._names:
            name = f"p{len(self._names)}"
            self._names[look] = name
            self._rules.append(f".{name}{{background-image:url({_data_uri(look.open())})}}")
        return self._names[look]

    @property
    def css(self) -> str:
        """One rule a picture."""
        return "\n".join(self._rules)


def _data_uri(picture: Image.Image) -> str:
    side = 2 * SIDE  # phones have two pixels for one
    picture.thumbnail((side, side))
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
