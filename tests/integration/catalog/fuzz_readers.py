"""Damages feeds of every format at random and reads them: rows or a typed error, in bounded time, nothing else.

    python tests/integration/catalog/fuzz_readers.py SECONDS [SEED]

Prints one JSON object. On a crash the bytes that caused it are kept, and their file is named.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pyarrow as pa
import zstandard
from pyarrow import parquet

from catalog.drafting import Drafter
from catalog.drafts import BROKEN
from catalog.feeds.opening import FORMATS, Format, open_feed
from catalog.mapping import guess
from visionseek.errors import VisionSeekError

SLOWEST_S = 20.0
MOST_ROWS = 20_000
CSV = 'id;titel;preis;bild\n1;"Ring, ""Größe""\nneu";1.234,50 €;a.jpg|b.jpg\n2;Kette;USD 20;c.jpg\n'
SHOPIFY = (
    "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price,Image Src\n"
    'ring,Ring,"<p>18K</p>",Size,7,12.00,https://a.example/1.jpg\nring,,,,8,,https://a.example/2.jpg\n'
)
GOOGLE = (
    '<?xml version="1.0" encoding="UTF-8"?><rss xmlns:g="u"><channel><item><g:id>1</g:id>'
    "<title><![CDATA[Ring]]></title><g:price>9 EUR</g:price><link>https://a.example/</link></item></channel></rss>"
)
JSON = '{"products": [{"id": 1, "price": {"value": 2.5, "currency": "EUR"}, "images": [{"src": "a.jpg"}]}]}'
LINES = '{"id": 1, "title": "Ring"}\n{"id": 2, "title": null, "tags": ["x"]}\n'
TOKENS = [
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b'"',
        b"\n",
        b"\r",
        b",",
        b";",
        b"{",
        b"}",
        b"[",
        b"]",
        b"<",
        b">",
    ),
    *(b"&#0;", b"&a;", b"<!DOCTYPE x [", b"]>", b"<![CDATA[", b"]]>", b"<item>", b"</item>", b'encoding="x"'),
    *(
        b"9" * 5_000,
        b"1e999999",
        b"NaN",
        b"\\u0000",
        b"\\ud800",
        b"sep=;\n",
        b"PAR1",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
    ),
    *(
        b"[" * 3_000,
        b'{"a":' * 3_000,
        b"<a>" * 3_000,
        b"x" * 70_000,
        "\u0660\u0661".encode(),
        b"<b>&lt;i&gt;",
    ),
]


def seeds() -> list[bytes]:
    """One feed of each format, encoding and packing."""
    table = pa.table(
        {
            "id": [1, 2],
            "price": [Decimal("1.50"), None],
            "images": [["a", "b"], []],
            "at": pa.array([1, 2**62], pa.timestamp("us")),
        }
    )
    packed = io.BytesIO()
    parquet.write_table(table, packed)
    texts = [CSV, SHOPIFY, CSV.replace(";", "\t"), GOOGLE, JSON, LINES]
    found = [text.encode() for text in texts] + [packed.getvalue()]
    found += [text.encode(name) for text in texts for name in ("utf-16", "utf-16-be", "cp1252", "utf-8-sig")]
    found += [
        "id,title\n1,ダイヤモンド 指輪\n".encode("cp932"),
        "id,title\n1,钻石戒指 铂金\n".encode("gb18030"),
    ]
    found += [gzip.compress(data) for data in found[:7]] + [zstandard.compress(data) for data in found[:7]]
    return found


def damage(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """The feed with a few changes."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(7):
            case 0:
                changed[at:at] = chance.choice(TOKENS)
            case 1:
                changed[at : at + chance.randrange(1, 30)] = b""
            case 2:
                changed[at : at + 4] = chance.randbytes(4)
            case 3:
                del changed[at:]
            case 4:
                end = at + chance.randrange(1, 60)
                changed[at:at] = changed[at:end] * chance.choice([1, 2, 50])
            case 5:
                other = chance.choice(others)
                changed[at:] = other[chance.randrange(len(other)) :]
            case _:
                if at < len(changed):
                    changed[at] ^= 1 << chance.randrange(8)
    whole = bytes(changed)
    return chance.choice([gzip.compress, zstandard.compress])(whole) if chance.random() < 0.05 else whole


def read(path: Path, form: Format | None, encoding: str | None) -> str:
    """What became of the feed, in a word."""
    try:
        feed = open_feed(path, format=form, encoding=encoding)
        drafter = Drafter(guess(feed.columns(), {"id": "x"}))
        for row in islice(feed.rows(), MOST_ROWS):
            if BROKEN not in row.fields:
                drafter.draft(row)
    except VisionSeekError as error:
        return type(error).__name__
    return f"read as {feed.format}"


def main() -> None:
    """Read damaged feeds until the time is over."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    chance, whole, told = random.Random(seed), seeds(), Counter[str]()
    ends = time.monotonic() + seconds
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed"
        while time.monotonic() < ends:
            path.write_bytes(damage(chance.choice(whole), chance, whole))
            form = chance.choice([None, None, None, *FORMATS])
            encoding = chance.choice([None] * 8 + ["utf-16", "cp932", "gb18030", "utf-7"])
            started = time.monotonic()
            try:
                told[read(path, form, encoding)] += 1
                took = time.monotonic() - started
                assert took < SLOWEST_S, f"{took:.0f} s for one small feed"
            except BaseException:
                kept = Path(tempfile.mkdtemp(prefix="fuzz-")) / "feed"
                kept.write_bytes(path.read_bytes())
                print(f"{kept}, format {form}, encoding {encoding}", file=sys.stderr)  # noqa: T201
                raise
            slowest = max(slowest, took)
    print(json.dumps({"feeds": told.total(), "slowest_s": round(slowest, 2), **told}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
