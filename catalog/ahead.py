"""Drafts made ahead: batches of them, for a large feed in a process beside the one that writes the database.

Reading and understanding rows costs about as much as storing them, and neither waits for the other.
"""

from __future__ import annotations

import gc
import marshal
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import IO, Any, NamedTuple, TypeVar

from catalog.drafting import Drafter
from catalog.drafts import BROKEN, Draft, Finding, Row, new
from catalog.feeds.opening import Feed
from catalog.mapping import ColumnMapping
from visionseek import errors
from visionseek.errors import StackError, VisionSeekError

BATCH = 10_000
PIPE = 2**20  # bytes, what systems allow everyone
LARGE = 4_000_000  # bytes of a feed from which a process of its own pays for its start
_PRICE = Draft._fields.index("price")
# Later versions of the format look for shared texts, which takes longer than sending them.
_PLAIN = 2

_Kept = TypeVar("_Kept")


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Rows and drafts hold no cycles; looking for them all the time takes a fifth of an import."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Made(NamedTuple):
    """What a row has become.

    Attributes:
        line: of the feed.
        draft: with picture addresses that mean the same everywhere; None when the findings reject the row.
        findings: remarks, or the reasons of the reject.
    """

    line: int
    draft: Draft | None
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
    return _batches(feed, mapping, done, lambda made: made)


def _batches(
    feed: Feed, mapping: ColumnMapping, done: int, kept: Callable[[Made], _Kept]
) -> Iterator[list[_Kept]]:
    """Batches of what `kept` makes of each row; at once, while the row is still in the processor's cache."""
    drafter = Drafter(mapping)
    rows = feed.rows()
    for _ in islice(rows, done):
        pass
    batch: list[_Kept] = []
    last: str | None = None
    for made in _made(rows, drafter, feed):
        name = made.draft.id if made.draft is not None else None
        if len(batch) >= BATCH and (name is None or name != last):
            yield batch
            batch = []
        last = name
        batch.append(kept(made))
    if batch:
        yield batch


def _made(rows: Iterable[Row], drafter: Drafter, feed: Feed) -> Iterator[Made]:
    resolve = feed.base.resolve
    for row in rows:
        if BROKEN in row.fields:
            yield Made(row.line, None, [Finding(row.line, None, "rejected", "row", row.fields[BROKEN])])
            continue
        draft, findings = drafter.draft(row)
        if draft is None:
            yield Made(row.line, None, findings)
            continue
        if draft.links:
            draft = draft._replace(links=tuple(dict.fromkeys(map(resolve, draft.links))))
        yield new(Made, (row.line, draft, findings))


def _from_process(feed: Feed, mapping: ColumnMapping, done: int) -> Iterator[list[Made]]:
    command = [sys.executable, "-c", "from catalog.ahead import serve; serve()"]
    # A pipe that holds more than the usual 64 KiB lets the process go on while a batch is being stored.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pipesize=PIPE)
    taker = ThreadPoolExecutor(1)  # a batch is taken while the one before waits for the disk
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin as asked:
            # Both ends are this very program: nothing from outside is unpacked here.
            pickle.dump((sys.path, feed, mapping, done), asked)
        coming = taker.submit(_receive, process.stdout)
        while True:
            data = coming.result()
            if not data:
                raise StackError("the process that reads the feed ended early", where=feed.name)
            coming = taker.submit(_receive, process.stdout)
            answer = marshal.loads(data)  # noqa: S302
            if answer is None:
                return
            if isinstance(answer, tuple):
                kind, what, where, mend = answer
                raise getattr(errors, kind)(what, where=where, mend=mend)
            yield [_unpack(*marshal.loads(packed)) for packed in answer]  # noqa: S302
    finally:
        process.kill()
        taker.shutdown()  # its read ends with the process
        process.stdout.close()
        process.wait()


def _receive(stream: IO[bytes]) -> bytes:
    """What `_send` sent; empty where it was cut off."""
    size = int.from_bytes(stream.read(8), "big")
    data = stream.read(size)
    return data if len(data) == size else b""


def serve() -> None:
    """What the process beside does: read its task, write batches; a pipe that is full makes it wait."""
    path, feed, mapping, done = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from our own other end
    sys.path[:] = path
    try:
        with seldom_collected():
            for batch in _batches(feed, mapping, done, _pack):
                _send(batch)
        _send(None)
    except VisionSeekError as error:
        _send((type(error).__name__, error.what, error.where, error.mend))
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)  # nobody reads any more


def _send(answer: Any) -> None:
    data = marshal.dumps(answer, _PLAIN)
    sys.stdout.buffer.write(len(data).to_bytes(8, "big"))
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


# Plain lists and texts in the interpreter's own format go over in a third of the time of pickled objects; each row by
# itself, since a batch of them has left the processor's cache by the time that it is full.
def _pack(made: Made) -> bytes:
    line, draft, findings = made
    noted = [tuple(finding) for finding in findings] if findings else []
    if draft is None:
        return marshal.dumps((line, None, noted), _PLAIN)
    values = [*draft]
    price = values[_PRICE]
    if price is not None:
        values[_PRICE] = str(price)
    return marshal.dumps((line, values, noted), _PLAIN)


def _unpack(line: int, values: list[Any] | None, noted: Sequence[tuple[Any, ...]]) -> Made:
    findings = [Finding(*finding) for finding in noted] if noted else []
    if values is None:
        return Made(line, None, findings)
    price = values[_PRICE]
    if price is not None:
        values[_PRICE] = Decimal(price)
    return new(Made, (line, new(Draft, values), findings))
