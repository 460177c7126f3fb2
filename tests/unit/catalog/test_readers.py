import bz2
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from catalog.database import Catalog
from catalog.drafting import Drafter
from catalog.drafts import BROKEN, Draft, Row
from catalog.feeds.opening import FORMATS, Format, open_feed
from catalog.feeds.values import flatten
from catalog.importing import Summary
from catalog.mapping import guess, read_mapping
from visionseek.errors import FeedError, VisionSeekError

GOOGLE = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>R1</g:id><g:title><![CDATA[Ring & "Diamond"]]></g:title><g:price>1,299.00 USD</g:price>
<g:image_link>https://cdn.example/1.jpg</g:image_link>
<g:additional_image_link>https://cdn.example/2.jpg</g:additional_image_link>
<g:additional_image_link>https://cdn.example/3.jpg</g:additional_image_link><link>https://shop.example/r1</link>
<g:availability>out of stock</g:availability><g:google_product_category>200</g:google_product_category>
<g:shipping><g:country>US</g:country><g:price>5 USD</g:price></g:shipping></item>
<item><g:id>N1</g:id><title>Pearl &#x4E; Necklace</title>
<description>&lt;p&gt;Fine&lt;/p&gt;</description></item>
</channel></rss>"""
SHOPIFY = """Handle,Title,Body (HTML),Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Image Src,Status
gold-ring,Gold Ring,"<p>An <b>18K</b> ring
with a ruby</p>",Rings,true,Size,6,GR-6,shopify,0,deny,120.00,https://cdn.example/a.jpg,active
gold-ring,,,,,,7,GR-7,shopify,2,deny,120.00,https://cdn.example/b.jpg,
gold-ring,,,,,,8,GR-8,shopify,0,deny,125.00,,
gold-ring,,,,,,,,,,,,https://cdn.example/c.jpg,
old-ring,Old Ring,,Rings,true,Title,Default Title,OR,,,deny,9.00,https://cdn.example/d.jpg,draft
"""  # noqa: E501


def write(tmp_path: Path, data: bytes | str, name: str = "feed") -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def rows(path: Path, **options: Any) -> list[Row]:
    return list(open_feed(path, **options).rows())


def drafts(path: Path) -> dict[str, Draft]:
    feed = open_feed(path)
    drafter = Drafter(guess(feed.columns()))
    made = [drafter.draft(row)[0] for row in feed.rows()]
    return {draft.id: draft for draft in made if draft is not None}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_csv_comes_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    text = "id;titel;preis\n1;Ring für Mädchen, schön;12,50 €\n2;Größe süß;3 €\n" * 3
    (first, *_) = rows(write(tmp_path, text.encode(encoding)))
    assert first == Row(2, {"id": "1", "titel": "Ring für Mädchen, schön", "preis": "12,50 €"})


@pytest.mark.parametrize(
    ("encoding", "title"),
    [("cp1252", "Bague dorée"), ("cp932", "ダイヤモンド 指輪 プラチナ"), ("gb18030", "钻石戒指 铂金 项链")],
)
def test_a_feed_of_one_row_is_enough_to_tell_the_encoding(tmp_path: Path, encoding: str, title: str) -> None:
    text = f"id,title\n1,{title}\n"
    assert rows(write(tmp_path, text.encode(encoding)))[0].fields["title"] == title


def test_letters_of_another_encoding_are_remarked_on(tmp_path: Path) -> None:
    text = b"id,title\n" + b"1,Ring\n" * 60_000 + "2,Bague dorée\n".encode("cp1252")
    (*_, last) = rows(write(tmp_path, text))
    _, remarks = Drafter(guess(["id", "title"])).draft(last)
    assert any(remark.field == "title" and "encoding" in remark.reason for remark in remarks)


def test_lines_before_the_header_count(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "\n\nid,title\n1,a\n")) == [Row(4, {"id": "1", "title": "a"})]
    assert rows(write(tmp_path, '"sep=|"\nid|title, long\n1|a,b\n')) == [
        Row(3, {"id": "1", "title, long": "a,b"})
    ]


def test_a_stray_nul_byte_does_not_make_a_text_unreadable(tmp_path: Path) -> None:
    text = "id,title\n" + "".join(f"{n},Gold Ring {n}\n" for n in range(20)) + "x,a\0b\n"
    assert drafts(write(tmp_path, text))["x"].title == "ab"


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.feeds.delimited.LONGEST_LINE", 2_000_000)
    with pytest.raises(FeedError, match="a line of more than"):
        rows(write(tmp_path, gzip.compress(b"id,title\n1," + b"x" * 5_000_000 + b"\n2,b\n")))
    found = rows(write(tmp_path, b"id,title\n1," + b"x" * 1_500_000 + b"\n2,b\n"))
    assert [BROKEN in row.fields for row in found] == [True, False]


def test_quoted_newlines_keep_the_line_numbers_right(tmp_path: Path) -> None:
    text = 'id,title,note\r\n1,"a\r\nb\r\nc",x\r\n\r\n2,d,y\r\n'
    found = rows(write(tmp_path, text))
    assert [(row.line, row.fields["title"]) for row in found] == [(2, "a\r\nb\r\nc"), (6, "d")]


def test_a_csv_row_of_the_wrong_width_is_broken_and_the_next_is_read(tmp_path: Path) -> None:
    long, short, whole = rows(write(tmp_path, "id,title\n1,a,b\n2\n3,c\n"))
    assert "3 cells" in long.fields[BROKEN]
    assert short.fields == {"id": "2"}
    assert whole.fields == {"id": "3", "title": "c"}


def test_a_quote_that_is_never_closed_does_not_swallow_the_feed(tmp_path: Path) -> None:
    text = 'id,title\n1,"open\n' + "".join(f"{n},ring {n}\n" for n in range(2, 120_000))
    found = rows(write(tmp_path, text))
    assert BROKEN in found[0].fields
    assert len(found) > 10_000


def test_the_delimiter_is_found_in_the_header(tmp_path: Path) -> None:
    for mark in ",;\t|":
        assert rows(write(tmp_path, f"id{mark}title\n1{mark}a\n"))[0].fields == {"id": "1", "title": "a"}


def test_google_merchant_xml(tmp_path: Path) -> None:
    found = drafts(write(tmp_path, GOOGLE))
    ring, necklace = found["R1"], found["N1"]
    assert (ring.title, ring.category, ring.stone) == ('Ring & "Diamond"', "ring", "diamond")
    assert (ring.price, ring.currency, ring.in_stock) == (Decimal("1299.00"), "USD", False)
    assert ring.links == tuple(f"https://cdn.example/{n}.jpg" for n in (1, 2, 3))
    assert ring.url == "https://shop.example/r1"
    assert json.loads(ring.attributes)["shipping.price"] == "5 USD"
    assert (necklace.title, necklace.category, necklace.description) == (
        "Pearl N Necklace",
        "necklace",
        "Fine",
    )
    assert [row.line for row in rows(write(tmp_path, GOOGLE))] == [3, 9]


def test_google_merchant_tsv(tmp_path: Path) -> None:
    text = "id\ttitle\timage link\tadditional image link\tprice\n1\tRing\thttps://a.example/1,2.jpg\thttps://a.example/2.jpg,https://a.example/3.jpg\t9.00 EUR\n"  # noqa: E501
    draft = drafts(write(tmp_path, text))["1"]
    assert draft.links == ("https://a.example/1,2.jpg", "https://a.example/2.jpg", "https://a.example/3.jpg")


def test_shopify_rows_become_one_product_with_its_variants(
    tmp_path: Path, importer: Callable[..., Summary], catalog: Catalog
) -> None:
    summary = importer(write(tmp_path, SHOPIFY))
    assert (summary.rows, summary.accepted, summary.merged, summary.rejected) == (5, 2, 3, 0)
    ring = catalog.products(["gold-ring"])["gold-ring"]
    assert (ring.title, ring.description, ring.karat) == ("Gold Ring", "An 18K ring with a ruby", 18)
    assert (ring.price, ring.in_stock) == (Decimal("120.00"), True)
    assert ring.attributes["Size"] == "6; 7; 8"
    assert ring.attributes["Variant SKU"] == "GR-6; GR-7; GR-8"
    assert summary.broken_images == 4  # nothing of the web is fetched here
    assert catalog.products(["old-ring"])["old-ring"].in_stock is False


JSON = {
    "shop": "x",
    "data": {
        "products": [
            {
                "id": 1,
                "title": "Ring",
                "price": {"value": 1299.5, "currency": "EUR"},
                "images": [{"src": "a.jpg"}, "b.jpg"],
            },
            {"id": "2", "title": None, "in_stock": False, "tags": ["x", "y"], "dimensions": {"width": 2}},
        ]
    },
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_wherever_the_list_hangs(tmp_path: Path, encoding: str) -> None:
    found = rows(write(tmp_path, json.dumps(JSON).encode(encoding)))
    assert found[0].fields == {"id": "1", "title": "Ring", "price": "1299.5 EUR", "images": "a.jpg\nb.jpg"}
    assert found[1].fields == {
        "id": "2",
        "title": "",
        "in_stock": "false",
        "tags": "x\ny",
        "dimensions.width": "2",
    }


def test_json_lines_with_a_broken_line(tmp_path: Path) -> None:
    found = rows(write(tmp_path, '{"id": 1}\n\nnot json\n[1]\n{"id": 2.50}\n', "feed.jsonl"), format="jsonl")
    assert [row.line for row in found] == [1, 3, 4, 5]
    assert [BROKEN in row.fields for row in found] == [False, True, True, False]
    assert found[-1].fields == {"id": "2.50"}


def test_json_lines_are_known_by_their_lines_also_where_one_is_broken(tmp_path: Path) -> None:
    for text in ('{"id": 1}\nnot json\n{"id": 2}\n', '{"id": 1}\n{"id": 2, \n{"id": 3}\n{"id": 4}\n'):
        found = rows(write(tmp_path, text))
        assert sum(BROKEN in row.fields for row in found) == 1
    text = '{"id": 1, \n{"id": 2}\n'
    assert len(rows(write(tmp_path, gzip.compress(text.encode()), "feed.jsonl.gz"))) == 2
    assert len(rows(write(tmp_path, json.dumps(JSON, indent=1)))) == 2


@pytest.mark.parametrize("encoding", ["Shift_JIS", "GB18030", "windows-1251", "ISO-8859-1", "UTF-16"])
def test_xml_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    title = {"Shift_JIS": "指輪", "GB18030": "戒指", "windows-1251": "Кольцо"}.get(encoding, "Größe")
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<rss><item><title>{title}</title></item></rss>'
    assert rows(write(tmp_path, text.encode(encoding))) == [Row(2, {"title": title})]


def test_empty_lines_before_an_xml_declaration_are_passed_over(tmp_path: Path) -> None:
    assert rows(write(tmp_path, f"\n\n{GOOGLE}"))[0].line == 5


def test_moments_that_python_cannot_hold_are_texts(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1],
            "fine": pa.array([1_000_000_001], pa.timestamp("ns")),
            "far": pa.array([2**62], pa.timestamp("us")),
            "zone": pa.array([5], pa.timestamp("us", "Mars/Phobos")),
        }
    )
    parquet.write_table(table, tmp_path / "feed")
    assert rows(tmp_path / "feed")[0].fields["fine"] == "1970-01-01 00:00:01.000000001"


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [1, 2], "title": ["Ring", None], "price": [Decimal("1.50"), None], "images": [["a", "b"], []]}
    )
    parquet.write_table(table, tmp_path / "feed")
    found = rows(tmp_path / "feed")
    assert found[0] == Row(1, {"id": "1", "title": "Ring", "price": "1.50", "images": "a\nb"})
    assert (
        rows(write(tmp_path, gzip.compress((tmp_path / "feed").read_bytes()), "feed.gz"), format="parquet")
        == found
    )


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("text", [GOOGLE, SHOPIFY, json.dumps(JSON)])
def test_packed_feeds_are_unpacked_on_the_way(
    tmp_path: Path, pack: Callable[[bytes], bytes], text: str
) -> None:
    assert rows(write(tmp_path, pack(text.encode()), "b")) == rows(write(tmp_path, text, "a"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \n\n",
        gzip.compress(b""),
        gzip.compress(SHOPIFY.encode() * 50)[:-40],
        zstandard.compress(SHOPIFY.encode() * 50)[:-40],
        b"\x1f\x8b\x08garbage",
        b"\x28\xb5\x2f\xfdgarbage",
        b"PAR1garbage",
        bz2.compress(b"id,title\n1,a\n"),
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        b"<rss><channel></channel></rss>",
        b"<rss><item><id>1</id>",
        GOOGLE.encode()[:-60],
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><item><id>&a;</id></item></rss>',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss><item><id>&b;</id></item></rss>',
        b'[{"id": 1}, {"id": 2',
        b"[1, 2, 3]",
        b'{"id": 1}',
        b"[" * 100_000,
        b'[{"id": 1}, {"id": ' + b"9" * 5_000 + b"}]",
        b'[{"id": 1e99999999999999999999}]',
        b'[{"id": "' + b"x" * 17_000_000,
        b"<rss><item>" + b"<a>" * 1_000,
        b'<rss><item id="' + b"x" * 5_000_000,
        b"<rss><item><id>" + b"x" * 2_000_000,
        b'<?xml version="1.0" encoding="zlib"?><rss/>',
        zstandard.compress(bytes(range(256)) * 10_000 + b"\nid,title\n")[:-100],
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_what_is_no_feed_is_a_typed_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FeedError) as caught:
        rows(write(tmp_path, data))
    assert "feed" in str(caught.value.where)


def test_a_mapping_file_says_what_guessing_cannot(tmp_path: Path) -> None:
    columns = '[columns]\nid = "Nr"\ntitle = ["Kurz", "Lang"]\nimages = ["B1", "B2"]\n'
    toml = f'{columns}[defaults]\ncurrency = "CHF"\nprice = "5"\n'
    drafter = Drafter(read_mapping(write(tmp_path, toml, "mapping.toml")))
    draft, _ = drafter.draft(
        Row(2, {"Nr": "7", "Kurz": "", "Lang": "Ring", "B1": "a.jpg", "B2": "b.jpg", "x": "y"})
    )
    assert draft is not None
    assert (draft.id, draft.title, draft.links) == ("7", "Ring", ("a.jpg", "b.jpg"))
    assert (draft.price, draft.currency) == (Decimal(5), "CHF")
    assert json.loads(draft.attributes) == {"x": "y"}


@pytest.mark.parametrize(
    "text", ["[columns", "[other]\n", "[columns]\nidd = 'x'\n", "columns = 1\n", "[columns]\nid = 3\n"]
)
def test_a_wrong_mapping_file_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(FeedError, match="mapping"):
        read_mapping(write(tmp_path, text, "mapping.toml"))


SEEDS = st.sampled_from([GOOGLE, SHOPIFY, json.dumps(JSON)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=60),
    form=st.sampled_from([None, *FORMATS]),
    seed=SEEDS | st.just(""),
    at=st.integers(0, 800),
)
def test_no_bytes_crash_a_reader(
    tmp_path: Path, data: bytes, form: Format | None, seed: str, at: int
) -> None:
    whole = seed.encode()
    try:
        feed = open_feed(write(tmp_path, whole[:at] + data + whole[at:]), format=form)
        drafter = Drafter(guess(feed.columns()))
        for row in feed.rows():
            if BROKEN not in row.fields:
                drafter.draft(row)
    except VisionSeekError:
        pass


SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner), max_leaves=8
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=5))
def test_any_json_value_becomes_texts(record: dict[str, Any]) -> None:
    assert all(isinstance(text, str) for text in flatten(record).values())


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_what_csv_writes_is_read_back(tmp_path: Path, table: list[tuple[str, str]]) -> None:
    import csv

    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "title"])
    writer.writerows(table)
    found = rows(write(tmp_path, text.getvalue()), encoding="utf-8")
    assert [(row.fields["id"], row.fields["title"]) for row in found] == table
