"""Drafts made ahead: batches of them, for a large feed in a process beside the one that writes the database.

Reading and understanding rows costs about as much as storing them, and neither waits for the other.
"""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from catalog.drafting import Drafter
from catalog.drafts import BROKEN, Draft, Finding, Row
from catalog.feeds.opening import Feed
from catalog.mapping import ColumnMapping
from visionseek import errors
from visionseek.errors import StackError, VisionSeekError

BATCH = 10_000
LARGE = 4_000_000  # bytes of a feed from which a process of its own pays for its start
END = b""


class Made(NamedTuple):
    """What a row has become.

    Attributes:
        line: of the feed.
        draft: with picture addresses that mean the same everywhere; None when the findings reject the row.
        digest: of the draft.
        findings: remarks, or the reasons of the reject.
    """

    line: int
    draft: Draft | None
    digest: str
    findings: list[Finding]


def batches(feed: Feed, mapping: ColumnMapping, done: int) -> Iterator[list[Made]]:
    """All rows of a feed past the first `done`, as drafts in batches.

    Neighbouring rows of one product stay in one batch, so that a repeated import finds it unchanged.

    Raises:
        FeedError: the feed cannot be read further than this.
    """
    if feed.path.stat().st_size < LARGE:
        yield from make_batches(feed, mapping, done)
    else:
        yield from _from_process(feed, mapping, done)


def make_batches(feed: Feed, mapping: ColumnMapping, done: int) -> Iterator[list[Made]]:
    """The same, in this process."""
    drafter = Drafter(mapping)
    rows = feed.rows()
    for _ in islice(rows, done):
        pass
    batch: list[Made] = []
    for made in _made(rows, drafter, feed):
        if len(batch) >= BATCH and (made.draft is None or not _same_id(made, batch[-1])):
            yield batch
            batch = []
        batch.append(made)
    if batch:
        yield batch


def _made(rows: Iterable[Row], drafter: Drafter, feed: Feed) -> Iterator[Made]:
    resolve = feed.base.resolve
    for row in rows:
        if BROKEN in row.fields:
            yield Made(row.line, None, "", [Finding(row.line, None, "rejected", "row", row.fields[BROKEN])])
            continue
        draft, findings = drafter.draft(row)
        if draft is None:
            yield Made(row.line, None, "", findings)
            continue
        if draft.links:
            draft = draft._replace(links=tuple(dict.fromkeys(map(resolve, draft.links))))
        yield Made(row.line, draft, draft.digest(), findings)


def _same_id(one: Made, other: Made) -> bool:
    return one.draft is not None and other.draft is not None and one.draft.id == other.draft.id


def _from_process(feed: Feed, mapping: ColumnMapping, done: int) -> Iterator[list[Made]]:
    command = [sys.executable, "-c", "from catalog.ahead import serve; serve()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin as asked:
            # Both ends are this very program: pickle brings in nothing from outside.
            pickle.dump((sys.path, feed, mapping, done), asked)
        while True:
            try:
                answer = pickle.load(process.stdout)  # noqa: S301
            except EOFError as error:
                raise StackError("the process that reads the feed ended early", where=feed.name) from error
            if answer == END:
                return
            if isinstance(answer, tuple):
                kind, what, where, mend = answer
                raise getattr(errors, kind)(what, where=where, mend=mend)
            yield answer
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def serve() -> None:
    """What the process beside does: read its task, write batches; a pipe that is full makes it wait."""
    path, feed, mapping, done = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from our own other end
    sys.path[:] = path
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)  # rows and drafts hold no cycles; looking for them takes a tenth
    out = sys.stdout.buffer
    try:
        for batch in make_batches(feed, mapping, done):
            pickle.dump(batch, out, protocol=5)
            out.flush()
        pickle.dump(END, out)
    except VisionSeekError as error:
        pickle.dump((type(error).__name__, error.what, error.where, error.mend), out)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)  # nobody reads any more
    out.flush()
