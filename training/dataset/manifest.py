"""The manifest of a data set: what is in it, how it was made, and the hash of every file."""

from __future__ import annotations

from visionseek.manifests import Manifest


class ShardEntry(Manifest):
    """One shard file.

    Attributes:
        name: file name beside the manifest.
        split: the split that all its samples belong to.
        samples: how many.
        bytes: size of the file.
        sha256: of the file.
    """

    name: str
    split: str
    samples: int
    bytes: int
    sha256: str


class LabelCheck(Manifest):
    """How well a simple nearest neighbour tells an attribute from pictures alone.

    Attributes:
        accuracy: part of the pictures whose nearest neighbour of another family has the same value.
        chance: what drawing a neighbour blindly would reach.
        pictures: how many were looked at.
        values: how many different values there are.
    """

    accuracy: float
    chance: float
    pictures: int
    values: int


class DatasetManifest(Manifest):
    """Beside the shards.

    Attributes:
        format: `webdataset`: tars of `KEY.jpg` and `KEY.json`.
        version: of the layout.
        seed: of everything that chance decided.
        recipe: the options.
        catalog_sha256: over products, labels and picture bytes.
        products: split -> products in it.
        families: split -> families in it.
        samples: split -> samples in it.
        composition: split -> slice (`category`, `shape`, `view`, `source` ...) -> value -> samples.
        rejected: pictures, rows and products left out; each is told in `rejects.jsonl`.
        shards: files.
        contact_sheets: pictures for people, one a slice.
        labels: attribute -> nearest-neighbour check on the catalog's own pictures, from the studio where it says so.
        libraries: versions that decide bytes: Pillow, its JPEG and WebP, numpy, FreeType.
        fonts_sha256: over the fonts that screenshots may use.
    """

    format: str
    version: int
    seed: int
    recipe: dict[str, object]
    catalog_sha256: str
    products: dict[str, int]
    families: dict[str, int]
    samples: dict[str, int]
    composition: dict[str, dict[str, dict[str, int]]]
    rejected: int
    shards: tuple[ShardEntry, ...]
    contact_sheets: tuple[str, ...]
    labels: dict[str, LabelCheck]
    libraries: dict[str, str]
    fonts_sha256: str
