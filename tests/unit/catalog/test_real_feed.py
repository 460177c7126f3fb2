"""The real, messy feed: every row read by a person, at least its pictures' contact sheet looked at."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.database import Catalog
from catalog.importing import Summary
from visionseek.settings import load_settings

# id: category, price, metal, stone, shape, setting
ACCEPTED: dict[str, tuple[str, str | None, str | None, str | None, str | None, str | None]] = {
    "1": ("necklace", "1200.00", "silver", None, None, None),
    "2": ("ring", "1800.00", "silver", "pearl", None, None),
    "3": ("ring", "2200.00", "silver", "pearl", None, None),
    "4": ("ring", "1500.00", "silver", None, None, None),
    "5": ("ring", "900.00", "silver", None, None, None),
    "6": ("bracelet", "5500.00", "silver", "cubic zirconia", None, None),
    "7": ("bracelet", "4500.00", "silver", "cubic zirconia", None, None),
    "8": ("other", "8500.00", "silver", None, None, None),
    "9": ("other", "12000.00", "silver", None, None, None),
    "10": ("loose stone", "2500.00", None, "pyrite", None, None),
    "11": ("necklace", "2800.00", "silver", "crystal", None, None),
    "15": ("necklace", "2400.00", None, "crystal", None, None),
    "22": ("jewelry set", "4200.00", "silver", "crystal", None, None),
    "23": ("necklace", "3600.00", "silver", "crystal", None, None),
    "24": ("necklace", "3200.00", "silver", "pearl", None, None),
    "29": ("necklace", "2500.00", "silver", "crystal", None, None),
    "31": ("pendant", "2200.00", "silver", "ruby", None, None),
    "32": ("pendant", "2800.00", "silver", "ruby", None, None),
    "36": ("pendant", "2400.00", "silver", "cubic zirconia", None, None),
    "37": ("pendant", "3500.00", "silver", "ruby", None, None),
    "42": ("pendant", "3500.00", "silver", "ruby", None, None),
    "44": ("pendant", "2200.00", "silver", "ruby", "pear", None),
    "45": ("pendant", "2600.00", "silver", "cubic zirconia", None, None),
    "48": ("pendant", "2500.00", "silver", "ruby", None, None),
    "52": ("pendant", "3000.00", "silver", "emerald", None, None),
    "53": ("bracelet", "4500.00", "silver", "cubic zirconia", None, None),
    "54": ("ring", "2800.00", "silver", "cubic zirconia", "emerald", "halo"),
    "76": ("pendant", "2600.00", "silver", "cubic zirconia", None, None),
    "81": ("pendant", "2500.00", "silver", "ruby", None, None),
    "90": ("bracelet", "4500.00", "silver", "cubic zirconia", None, None),
    "91": ("pendant", "800.00", "silver", "cubic zirconia", None, None),
    "92": ("charm", "600.00", "silver", None, None, None),
    "93": ("ring", "2800.00", "silver", "cubic zirconia", "emerald", "halo"),
    "94": ("ring", "2800.00", "silver", "cubic zirconia", "princess", "solitaire"),
    "img10": ("earring", None, None, None, None, None),
    "img13": ("necklace", None, None, None, None, None),
    "img16": ("bracelet", None, None, None, None, None),
}
NO_ID = [96, 97, 98, 99, 105, 106]  # bags, watches, a bow tie
# line: the id that stands for another product already, and what the row is
TAKEN = {
    100: ("9", "Black Leather Shoulder Bag"),
    101: ("17", "Black Women's Purse"),
    102: ("25", "Red Leather Purse"),
    103: ("33", "Brown Women's Purse"),
    104: ("41", "Tan Leather Shoulder Bag"),
    107: ("55", "Pink Leather Purse"),
    108: ("7", "Gold Anchor Womens Bracelet"),
    116: ("15", "Leather Anchor Mens Bracelet"),
    117: ("23", "Diamond Studded Classic Gold Bracelet"),
    118: ("31", "Black Bead Womens Bracelet"),
    119: ("39", "Turquoise Womens Necklace"),
    120: ("47", "Gold Bracelt with Multi-Color Tassels"),
    121: ("52", "Turquoise Globe Earrings"),
}


def test_every_row_of_the_real_feed_gets_what_a_person_expects(
    importer: Callable[..., Summary], catalog: Catalog, tmp_path: Path
) -> None:
    feed = load_settings().shared / "data" / "jewelry_feed" / "feed.csv"
    if not feed.is_file():
        pytest.skip("the shared evaluation data is not here")
    summary = importer(feed)
    assert (summary.rows, summary.accepted, summary.merged, summary.rejected) == (122, 103, 0, 19)
    assert (summary.images, summary.broken_images) == (103, 0)

    products = {product.id: product for product in catalog.all_products()}
    got = {
        key: (p.category, None if p.price is None else str(p.price), p.metal, p.stone, p.shape, p.setting)
        for key, p in products.items()
    }
    assert {key: got[key] for key in ACCEPTED} == ACCEPTED
    assert all(len(product.images) == 1 for product in products.values())
    assert all(product.currency == "INR" for product in products.values() if product.price is not None)
    assert {p.category for p in products.values()} <= {
        *(
            "ring",
            "necklace",
            "pendant",
            "earring",
            "bracelet",
            "charm",
            "jewelry set",
            "loose stone",
            "other",
        )
    }
    rings = {key for key, product in products.items() if product.category == "ring"}
    assert rings == {"2", "3", "4", "5", "54", "93", "94"}

    findings = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text("utf-8").splitlines()]
    rejected = {f["line"]: f for f in findings if f["outcome"] == "rejected"}
    assert sorted(rejected) == sorted([*NO_ID, *TAKEN])
    assert all(rejected[line]["reason"].startswith("no id") for line in NO_ID)
    assert {line: (rejected[line]["product_id"], rejected[line]["value"]) for line in TAKEN} == TAKEN
    untitled = {f["product_id"] for f in findings if f["outcome"] == "remark" and "no title" in f["reason"]}
    assert untitled == {f"img{number}" for number in range(8, 17)}
