"""Kills imports at random points and checks after each that what was acknowledged is there.

Run by test_crash.py in a process of its own: it forks, which a process with threads must not.
Arguments: folder, number of kills, seed. Prints one JSON object.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from PIL import Image
from sqlalchemy import select

import catalog.ahead
import catalog.gathering
import catalog.importing
from catalog.database import Catalog
from catalog.feeds.opening import open_feed
from catalog.fetching import Files, Router
from catalog.importing import import_feed
from catalog.mapping import guess
from catalog.pictures import PictureStore
from catalog.schema import images, imports, links, outbox, pictures, products
from catalog.validating import validate
from visionseek.pixels import ImageLimits

ROWS = 96
# Small steps, so that kills fall between, before and into many of them.
catalog.ahead.BATCH = 8
catalog.gathering.PAGE = 6
catalog.importing.PAGE = 16


def make_feed(folder: Path) -> Path:
    """A feed with pictures, merges, rejects and a broken picture."""
    folder.mkdir()
    rows = ["id,title,category,price,image_link"]
    for number in range(ROWS):
        if number % 4 == 0:
            picture = Image.frombytes("L", (4, 4), bytes((number * 7 + i * i * 31) % 256 for i in range(16)))
            stream = io.BytesIO()
            picture.resize((48, 48)).save(stream, "PNG")
            (folder / f"{number}.png").write_bytes(stream.getvalue()[: 60 if number == 8 else None])
        key = number - 1 if number % 20 == 19 else number
        name = "" if number % 30 == 29 else f"p{key}"
        rows.append(f"{name},Ring {key},Rings,{number}.50 EUR,{number // 4 * 4}.png")
    path = folder / "feed.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def run(feed_path: Path, data: Path, acknowledged: int) -> None:
    """One import; each acknowledged row count goes into the pipe."""
    opened = Catalog.open(f"sqlite:///{data / 'catalog.sqlite3'}")
    feed = open_feed(feed_path)

    def progress(stage: str, done: int, total: int | None = None) -> None:
        del total
        if stage == "rows":
            os.write(acknowledged, f"{done}\n".encode())

    import_feed(
        opened,
        PictureStore(data / "pictures"),
        feed,
        guess(feed.columns()),
        Router(Files(feed_path.parent, allow_files=False, max_bytes=10**6)),
        report=data / "report.jsonl",
        limits=ImageLimits(),
        progress=progress,
    )
    opened.close()


def content(data: Path) -> dict[str, object]:
    """Everything an import is to leave behind, but for moments and numbers."""
    opened = Catalog.open(f"sqlite:///{data / 'catalog.sqlite3'}")
    with opened.engine.connect() as connection:
        tables = {
            table.name: [
                tuple(map(str, row)) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in (products, links, images, pictures)
        }
        told = select(outbox.c.kind, outbox.c.change, outbox.c.product_id, outbox.c.image_id)
        changes = sorted(map(str, connection.execute(told.distinct())))
        last = select(
            imports.c.state, imports.c.rows, imports.c.accepted, imports.c.merged, imports.c.rejected
        )
        ended = tuple(connection.execute(last.order_by(imports.c.id.desc()).limit(1)).one())
    report = sorted((data / "report.jsonl").read_text().splitlines())
    opened.close()
    return {**tables, "changes": changes, "import": ended, "report": report}


def check(data: Path, acknowledged: int) -> bool:
    """The database opens, holds what was acknowledged, and agrees with the pictures; whether a run ended."""
    opened = Catalog.open(f"sqlite:///{data / 'catalog.sqlite3'}")
    with opened.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        runs = connection.execute(select(imports).order_by(imports.c.id)).all()
    if acknowledged:
        assert runs[0].rows >= acknowledged, (runs, acknowledged)
        assert runs[0].accepted + runs[0].merged + runs[0].rejected == runs[0].rows
        assert opened.counts()["products"] == runs[0].accepted
    problems = validate(opened, PictureStore(data / "pictures"))
    assert not problems, problems
    opened.close()
    return any(row.state == "done" for row in runs)


def main() -> None:
    """Kill, check, go on; a run that comes to its end is compared with one that was left alone."""
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    feed = make_feed(folder / "shop")
    (folder / "whole").mkdir()
    started = time.monotonic()
    run(feed, folder / "whole", os.open(os.devnull, os.O_WRONLY))
    length = time.monotonic() - started
    expected = content(folder / "whole")
    done = finished = furthest = 0
    data = folder / "killed"
    while done < kills or not finished:
        if not data.exists():
            data.mkdir()
            furthest = 0
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                run(feed, data, writer)
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 -- the parent reads it
                os.write(2, repr(error).encode())
                os._exit(3)
        os.close(writer)
        if done < kills:
            time.sleep(chance.uniform(0.0, length * 0.5))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reader) as pipe:
            furthest = max([furthest, *map(int, pipe.read().split())])
        if os.WIFSIGNALED(status):
            done += 1
            if not check(data, furthest):
                continue
        else:
            assert os.WEXITSTATUS(status) == 0, status
        got = content(data)
        for name, value in expected.items():
            assert got[name] == value, (name, got[name], value)
        finished += 1
        shutil.rmtree(data)
    print(json.dumps({"kills": done, "finished": finished}))  # noqa: T201 -- what the test reads


if __name__ == "__main__":
    main()
