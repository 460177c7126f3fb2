"""The sample catalog that the project ships, and the screenshot that the demo asks with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from visionseek.errors import ArtifactError
from visionseek.vocabulary import Region

_HOME = Path(__file__).parents[1] / "catalog" / "sample"


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the sample is.

    Attributes:
        feed: the product feed; its pictures lie beside it.
        screenshot: a simulated screenshot of one of its products.
        product_id: that product.
        region: its box in the screenshot.
    """

    feed: Path
    screenshot: Path
    product_id: str
    region: Region


def shipped_sample(home: Path = _HOME) -> Sample:
    """The sample catalog of this installation.

    Raises:
        ArtifactError: a file of it is missing or damaged.
    """
    feed, screenshot, described = (home / name for name in ("feed.csv", "screenshot.jpg", "screenshot.json"))
    for path in (feed, screenshot, described):
        if not path.is_file():
            raise ArtifactError("the sample catalog is not whole", where=str(path), mend="make sample")
    try:
        document = json.loads(described.read_bytes())
        return Sample(feed, screenshot, str(document["product_id"]), Region(*document["region"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"cannot be read ({error!r})", where=str(described), mend="make sample"
        ) from error
