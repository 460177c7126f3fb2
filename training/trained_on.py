"""`trained_on.json`: which products a checkpoint or adapter has learned from, so that no evaluation uses them.

It lies beside the weights, as one JSON object: `{"products": [ids], "families": [ids]}`. Photographs without a
product of their own count as products: their id is what the run called them, such as `002/IMG_17.jpg`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from visionseek.errors import CheckpointError, InputError
from visionseek.files import write_atomically

FILE_NAME = "trained_on.json"
_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What a run has seen.

    Attributes:
        products: ids of products, or names of single photographs.
        families: of near twins; empty where the run knew none.
    """

    products: frozenset[str]
    families: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Products, and photographs also by their file names: `002/IMG_17.jpg` is `IMG_17.jpg` too."""
        files = (PurePosixPath(name) for name in self.products)
        return self.products | {file.name for file in files if file.suffix.lower() in _PICTURES}

    def joined(self, other: TrainedOn | None) -> TrainedOn:
        """What both have seen: a checkpoint and the adapter on top of it."""
        if other is None:
            return self
        return TrainedOn(self.products | other.products, self.families | other.families)


def write_trained_on(folder: Path, products: Iterable[str], families: Iterable[str] = ()) -> None:
    """Write the record into a checkpoint or adapter folder; sorted, so that equal records are equal bytes.

    Raises:
        OSError: the disk refused.
    """
    document = {"products": sorted(set(products)), "families": sorted(set(families))}
    write_atomically(folder / FILE_NAME, (json.dumps(document, ensure_ascii=False) + "\n").encode())


def read_trained_on(folder: Path) -> TrainedOn | None:
    """Read the record of a folder; None where it has none.

    Raises:
        CheckpointError: there is one, but it cannot be read.
    """
    path = folder / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        sides = [document["products"], document.get("families", [])]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"cannot be read ({error!r})", where=str(path)) from error
    if not all(isinstance(side, list) and all(isinstance(name, str) for name in side) for side in sides):
        raise CheckpointError("`products` and `families` must be lists of ids", where=str(path))
    return TrainedOn(frozenset(sides[0]), frozenset(sides[1]))


def require_apart(
    seen: TrainedOn, products: Collection[str], families: Collection[str] = (), *, who: str, suite: str
) -> None:
    """Assert that nothing that is evaluated was trained on.

    Args:
        seen: the record of what was trained on.
        products: ids that are evaluated, and where photographs stand for products their file names.
        families: of near twins that are evaluated.
        who: the model or run that has seen them, for the message.
        suite: the evaluation, for the message.

    Raises:
        InputError: naming the first that is on both sides, and how many are.
    """
    for kind, both in (
        ("products", seen.names.intersection(products)),
        ("families", seen.families.intersection(families)),
    ):
        if both:
            raise InputError(
                f"it was trained on {len(both)} {kind} of {suite}, the first is {min(both)!r}",
                where=who,
                mend="evaluate on products that it never saw, or train without these",
            )
