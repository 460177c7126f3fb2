"""How fast imports are, against the least that the same work can cost.

    python -m catalog.benchmark import [--rows 1000000]      against csv.reader + executemany, same columns
    python -m catalog.benchmark fetch [--pictures 10000]     against plain httpx, same concurrency

Each runs both sides in one go and ends with one JSON line; `ratio` is our rate divided by theirs.
"""

from __future__ import annotations

import asyncio
import csv
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import httpx

from catalog.database import Catalog
from catalog.feeds.opening import open_feed
from catalog.gathering import PAGE
from catalog.importing import import_feed
from catalog.mapping import guess
from catalog.pictures import PictureStore
from catalog.web import Web
from visionseek import output
from visionseek.errors import StackError
from visionseek.pixels import ImageLimits

HEADER = [
    "id",
    "title",
    "category",
    "price",
    "currency",
    "material",
    "description",
    "link",
    "availability",
    "brand",
]
METALS = ("18K Yellow Gold", "14K White Gold", "Sterling Silver", "Platinum", "Rose Gold")
STONES = ("Diamond", "Ruby", "Sapphire", "Emerald", "Pearl", "Cubic Zirconia")
KINDS = ("Ring", "Necklace", "Earrings", "Bracelet", "Pendant")


@click.group()
def main() -> None:
    """Measure the catalog."""


@main.command("import")
@click.option("--rows", default=1_000_000, show_default=True)
def import_(rows: int) -> None:
    """Import rows into SQLite, against a bare loop; each side is a process of its own for its memory."""
    with tempfile.TemporaryDirectory(prefix="visionseek-bench-") as name:
        folder = Path(name)
        _write_feed(folder / "feed.csv", rows)
        bare = _in_process("bare", folder)
        ours = _in_process("ours", folder)
    output.emit_json(
        {
            "rows": rows,
            "bare_rows_per_s": round(rows / bare["seconds"]),
            "rows_per_s": round(rows / ours["seconds"]),
            "ratio": round(bare["seconds"] / ours["seconds"], 3),
            "peak_memory_mb": round(ours["memory_mb"]),
            "bound": {"ratio": 0.25, "peak_memory_mb": 300},
        }
    )


@main.command()
@click.option("--pictures", default=10_000, show_default=True)
@click.option("--size", default=200_000, show_default=True, help="Bytes a picture.")
@click.option("--concurrency", default=32, show_default=True)
def fetch(pictures: int, size: int, concurrency: int) -> None:
    """Fetch pictures from a local server, against plain httpx; ours are hashed and stored as well."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(size)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        addresses = [f"http://127.0.0.1:{port}/{number}" for number in range(pictures)]
        plain = asyncio.run(_timed(lambda: _with_httpx(addresses, concurrency)))
        with tempfile.TemporaryDirectory(prefix="visionseek-bench-") as name:
            ours = asyncio.run(_timed(lambda: _with_ours(addresses, concurrency, port, Path(name))))
    finally:
        server.terminate()
        server.wait(10)
    told = {"pictures": pictures, "bytes": size, "concurrency": concurrency}
    rates = {
        "httpx_per_s": round(pictures / plain),
        "per_s": round(pictures / ours),
        "ratio": round(plain / ours, 3),
    }
    output.emit_json({**told, **rates, "ratio": round(plain / ours, 3), "bound": {"ratio": 0.7}})


@main.command(hidden=True)
@click.argument("side", type=click.Choice(["bare", "ours"]))
@click.argument("folder", type=click.Path(path_type=Path))
def one(side: str, folder: Path) -> None:
    """One side of `import`, in this process."""
    started = time.perf_counter()
    (_bare if side == "bare" else _ours)(folder)
    seconds = time.perf_counter() - started
    # Both processes of a large import, each at its own peak: an upper bound of what they held at once.
    held = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    memory = sum(held) / 1024
    output.emit(f"{seconds} {memory}")


def _write_feed(path: Path, rows: int) -> None:
    chance = random.Random(1)  # noqa: S311 -- the same rows every time
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(rows):
            metal, stone, kind = chance.choice(METALS), chance.choice(STONES), chance.choice(KINDS)
            title = f"{stone} {kind} No. {number}"
            what = f"A {kind.lower()} of {metal.lower()} with a {stone.lower()}"
            text = f"{what}, made by hand; style {number % 977}"
            price = f"{chance.randrange(2_000, 900_000) / 100:,.2f}"
            link = f"https://shop.example/products/{number}"
            kinds = f"{kind}s"
            writer.writerow(
                [f"SKU-{number:08}", title, kinds, price, "EUR", metal, text, link, "yes", "Maker"]
            )


def _in_process(side: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "catalog.benchmark", "one", side, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise StackError(f"the {side} side failed: {run.stderr.strip()[-500:]}")
    seconds, memory = map(float, run.stdout.split())
    return {"seconds": seconds, "memory_mb": memory}


def _bare(folder: Path) -> None:
    connection = sqlite3.connect(folder / "bare.sqlite3")
    connection.execute("PRAGMA journal_mode=WAL")
    columns = ", ".join(f"{name} TEXT" for name in HEADER[1:])
    connection.execute(f"CREATE TABLE products (id TEXT PRIMARY KEY, {columns})")
    with (folder / "feed.csv").open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        next(reader)
        statement = f"INSERT INTO products VALUES ({', '.join('?' * len(HEADER))})"  # noqa: S608 -- our own columns
        connection.executemany(statement, reader)
    connection.commit()
    connection.close()


def _ours(folder: Path) -> None:
    catalog = Catalog.open(f"sqlite:///{folder / 'catalog.sqlite3'}")
    feed = open_feed(folder / "feed.csv")
    store = PictureStore(folder / "pictures")
    mapping = guess(feed.columns())
    import_feed(catalog, store, feed, mapping, None, report=folder / "report.jsonl", limits=ImageLimits())
    catalog.close()


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def _with_httpx(addresses: list[str], concurrency: int) -> None:
    turns = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, timeout=30.0) as client:

        async def one_of(address: str) -> None:
            async with turns:
                (await client.get(address)).raise_for_status()

        await asyncio.gather(*map(one_of, addresses))


async def _with_ours(addresses: list[str], concurrency: int, port: int, folder: Path) -> None:
    store = PictureStore(folder)
    web = Web(max_bytes=10**7, per_host=concurrency, allow_private=[("127.0.0.1", port)])
    with ThreadPoolExecutor(2) as writers:
        loop = asyncio.get_running_loop()

        async def one_of(address: str) -> str:
            answer = await web(address, None, None)
            assert answer.data is not None
            return await loop.run_in_executor(writers, store.stage, answer.data)

        settled: asyncio.Future[None] | None = None
        for start in range(0, len(addresses), PAGE):
            kept = await asyncio.gather(*map(one_of, addresses[start : start + PAGE]))
            if settled is not None:
                await settled
            settled = loop.run_in_executor(None, store.settle, kept)
        if settled is not None:
            await settled
    await web.close()


# A server that costs little: the body is made once, and its first bytes are changed for each picture.
_SERVER = """
import asyncio, sys
size = int(sys.argv[1])
body = bytes(size - 16)
class Shop(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""
    def data_received(self, data):
        self.data += data
        while b"\\r\\n\\r\\n" in self.data:
            head, _, self.data = self.data.partition(b"\\r\\n\\r\\n")
            path = head.split(b" ")[1][:16].ljust(16, b" ")
            head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % size
            self.transport.writelines([head, path, body])
async def main():
    server = await asyncio.get_running_loop().create_server(Shop, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

if __name__ == "__main__":
    main()
