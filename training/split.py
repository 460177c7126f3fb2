"""Which products a run may learn from: whole families stay on one side."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from training.pretrain.pictures import Source
from visionseek.errors import InputError


def split_by_family(sources: Sequence[Source], *, held_out: float) -> tuple[list[Source], list[Source]]:
    """Part `sources` into (for training, held out) by a hash of the family's name.

    The same family falls on the same side in every run and every feed, so a later evaluation can rely on it.

    Raises:
        InputError: a side is empty.
    """
    sides: tuple[list[Source], list[Source]] = ([], [])
    for source in sources:
        place = int.from_bytes(sha256(source.family.encode()).digest()[:8]) / 2**64
        sides[place < held_out].append(source)
    if not sides[0] or not sides[1]:
        families = len({source.family for source in sources})
        raise InputError(
            f"{families} families of products cannot be split with {held_out:.0%} held out: a side would be empty",
            mend="use a larger catalog, or another --held-out",
        )
    return sides


def require_apart(training: Sequence[Source], evaluation: Sequence[Source]) -> None:
    """Assert that no product and no family of the evaluation is trained on.

    Raises:
        InputError: naming the first that is on both sides.
    """
    for kind in ("product", "family"):
        both = {getattr(source, kind) for source in training} & {
            getattr(source, kind) for source in evaluation
        }
        if both:
            raise InputError(
                f"the {kind} {min(both)!r} is trained on and evaluated: {len(both)} are on both sides"
            )
