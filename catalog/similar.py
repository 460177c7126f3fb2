"""Products whose pictures are the same or look the same: reported, never merged on that ground alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from sqlalchemy import Connection, Row, select

from catalog.drafts import Finding
from catalog.runs import Run
from catalog.schema import images, pictures, seen

# Bits of 64 in which two pictures of one thing may differ. Of 122 real product photographs, copies at a third
# of the size and JPEG quality 60 differ in at most 4 bits for 120; different pieces begin at 4 to 5.
NEAR = 4
# Comparing all pairs of 20,000 pictures takes two seconds; above that only equal hashes are looked for.
MOST_PAIRED = 20_000
BLOCK = 500


_Picture = Row[int, str, str, str, int]


def similar_pictures(connection: Connection, run: Run) -> Iterator[Finding]:
    """One finding for each picture of the run that an earlier line has already, in another product."""
    statement = (
        select(seen.c.line, images.c.product_id, images.c.sha256, images.c.source, pictures.c.phash)
        .select_from(seen)
        .join(images, images.c.product_id == seen.c.product_id)
        .join(pictures, pictures.c.sha256 == images.c.sha256)
        .where(seen.c.import_id == run.id, images.c.deleted_at.is_(None))
        .order_by(seen.c.line, images.c.position)
    )
    shown = connection.execute(statement.limit(MOST_PAIRED + 1)).all()
    pairs = _pairs(shown) if len(shown) <= MOST_PAIRED else _equal(connection.execute(statement))
    for earlier, later in pairs:
        same = earlier.sha256 == later.sha256
        reason = (
            f"{'the same picture as' if same else 'looks like the picture of'} product {earlier.product_id}"
        )
        reason += f" in line {earlier.line}"
        yield Finding(later.line, later.product_id, "similar", "images", reason, later.source)


def _pairs(shown: Sequence[_Picture]) -> Iterator[tuple[_Picture, _Picture]]:
    hashes = np.array([row.phash for row in shown], dtype=np.int64).view(np.uint64)
    for start in range(0, len(shown), BLOCK):
        block = hashes[start : start + BLOCK, None] ^ hashes[None, : start + BLOCK]
        near = np.bitwise_count(block) <= NEAR
        for offset, line in enumerate(near):
            later = shown[start + offset]
            for index in np.flatnonzero(line[: start + offset]).tolist():
                if shown[index].product_id != later.product_id:
                    yield shown[index], later
                    break


def _equal(shown: Iterable[_Picture]) -> Iterator[tuple[_Picture, _Picture]]:
    first: dict[int, _Picture] = {}
    for row in shown:
        earlier = first.setdefault(row.phash, row)
        if earlier.product_id != row.product_id:
            yield earlier, row
