from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.drafting import Drafter
from catalog.drafts import Draft, Row
from catalog.mapping import guess
from catalog.normalise.prices import CODES, parse_price
from catalog.normalise.scan import scan
from catalog.normalise.text import clean, plain
from catalog.normalise.traits import karat_of


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("₹1,200", "1200", "INR"),
        ("₹1,20,000", "120000", "INR"),
        ("Rs. 1,20,000/-", "120000", "INR"),
        ("1.234,50 €", "1234.50", "EUR"),
        ("€ 1.234,50", "1234.50", "EUR"),
        ("USD 20", "20", "USD"),
        ("20.00 USD", "20", "USD"),
        ("$1,299", "1299", "USD"),
        ("A$20", "20", "AUD"),
        ("1'299.00 CHF", "1299", "CHF"),
        ("1 234,50 zł", "1234.50", "PLN"),
        ("1\u202f234,50\u00a0€", "1234.50", "EUR"),
        ("R$ 1.234,56", "1234.56", "BRL"),
        ("\uffe5\uff11\uff12\uff0c\uff10\uff10\uff10", "12000", "JPY"),  # full width
        ("٣٤٥ AED", "345", "AED"),
        ("KWD 1.250", "1.250", "KWD"),
        ("99,-", "99", None),
        ("ab 20 €", "20", "EUR"),
        ("1234.5", "1234.5", None),
        ("0.99", "0.99", None),
        ("1 234,50 kr", "1234.50", None),
    ],
)
def test_prices_as_feeds_write_them(text: str, amount: str, currency: str | None) -> None:
    price = parse_price(text)
    assert (price.amount, price.currency, price.remark) == (Decimal(amount), currency, None)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("-5", "negative"),
        ("($5.00)", "negative"),
        ("on request", "request"),
        ("free", "no number"),
        ("20 USD 30 EUR", "several"),
        ("1,2,3", "group"),
        ("999999999999999999", "large"),
        ("3 carats", "carats"),
    ],
)
def test_what_is_no_price_is_none_with_a_reason(text: str, word: str) -> None:
    price = parse_price(text)
    assert price.amount is None
    assert word in (price.remark or "")


def test_doubtful_prices_are_read_with_a_remark() -> None:
    assert parse_price("12.500 €")[:2] == (Decimal(12500), "EUR")
    assert parse_price("12.500 €").remark
    assert parse_price("₹600 - ₹900")[:2] == (Decimal(600), "INR")
    assert parse_price("₹600 - ₹900").remark


def test_a_currency_column_settles_a_shared_sign() -> None:
    assert parse_price("$20", "CAD").currency == "CAD"
    assert parse_price("20 kr", "SEK").currency == "SEK"
    assert parse_price("€20", "USD").currency == "EUR"


@given(
    st.decimals(0, 9_999_999, places=2),
    st.sampled_from(sorted(CODES)),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ".")]),
)
def test_a_price_is_read_back_from_any_of_its_spellings(
    amount: Decimal, code: str, marks: tuple[str, str]
) -> None:
    thousands, point = marks
    text = f"{amount:,.2f}".replace(",", "T").replace(".", point).replace("T", thousands)
    for spelling in (f"{text} {code}", f"{code} {text}", f"{code}\u00a0{text}"):
        assert parse_price(spelling)[:2] == (amount, code)


@given(st.text(max_size=40))
def test_any_text_is_read_as_a_price_or_none_without_an_error(text: str) -> None:
    price = parse_price(text)
    assert price.amount is None or 0 <= price.amount < 10**14


@given(st.text(max_size=80))
def test_any_text_is_cleaned_once_and_for_all(text: str) -> None:
    once = clean(plain(text))
    once.encode("utf-8")
    assert "\0" not in once
    assert "\n" not in once
    scan(text)
    karat_of(text)


@given(st.text(alphabet="<!>[]-/?&;#xCDATabp\"'= ", max_size=60))
def test_anything_like_markup_is_read_without_an_error(text: str) -> None:
    plain(text)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Gold&nbsp;ring</p><p>18K</p>", "Gold ring 18K"),
        ("&lt;b&gt;Bold&lt;/b&gt;", "Bold"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("<ul><li>one<li>two</ul>", "one two"),
        ("price < 5 & more", "price < 5 & more"),
        ("e\u0301clat\u200b", "éclat"),
        ("AT&amp;T", "AT&T"),
        ("a <![CDAT[ x ]]> b", "a b"),
        ("<![if !IE]>ring<![endif]>", "ring"),
    ],
)
def test_html_becomes_the_text_that_a_page_shows(html: str, text: str) -> None:
    assert plain(html) == text


def _drafted(title: str, category: str = "") -> Draft:
    fields = {"id": "1", "title": title, "category": category}
    made, _ = Drafter(guess(fields)).draft(Row(2, fields))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("title", "category", "expected"),
    [
        ("Diamond Engagement Ring", "", "ring"),
        ("Round Double CZ Ring Pendant", "Necklaces", "pendant"),
        ("Pearl Drop Earrings", "", "earring"),
        ("Necklace and Earrings Set", "", "jewelry set"),
        ("Diamond Stud Set", "", "earring"),
        ("Bague solitaire en or blanc", "", "ring"),
        ("Collier pendentif cœur", "", "necklace"),
        ("Boucles d'oreilles créoles", "", "earring"),
        ("Verlobungsring Weißgold 585", "", "ring"),
        ("Ohrringe mit Perle", "", "earring"),
        ("Anillo de compromiso", "", "ring"),
        ("Pulsera de plata", "", "bracelet"),
        ("Orecchini in oro giallo", "", "earring"),
        ("सोने की अंगूठी", "", "ring"),
        ("ダイヤモンド ネックレス", "", "necklace"),
        ("钻石戒指", "", "ring"),
        ("Кольцо \u0441 бриллиантом", "", "ring"),
        ("Leather Shoulder Bag with Ring Handle", "", "bag"),
        ("Red Purse", "not_jewelry", "bag"),
        ("Ring Watch", "not_jewelry", "watch"),
        ("Gold Ring", "not_jewelry", "other"),
        ("Rose Gold Bracelet Watch", "Watches", "watch"),
        ("Ring Box", "", "other"),
        ("Key Ring", "", "other"),
        ("Something", "Apparel & Accessories > Jewelry > Rings", "ring"),
        ("Something", "200", "ring"),
        ("Spring Offering", "", None),
        ("Evening Star", "", None),
    ],
)
def test_categories_by_column_and_title(title: str, category: str, expected: str | None) -> None:
    assert _drafted(title, category).category == expected


@pytest.mark.parametrize(
    ("title", "metal", "stone", "shape", "setting", "karat"),
    [
        ("18K Rose Gold Oval Sapphire Ring", "rose gold", "sapphire", "oval", None, 18),
        ("Emerald-Cut Diamond Ring in Platinum", "platinum", "diamond", "emerald", None, None),
        ("Emerald Green Enamel Ring", None, None, None, None, None),
        (
            "14k white gold halo ring, 1.5 ct lab-grown diamond",
            "white gold",
            "lab-grown diamond",
            None,
            "halo",
            14,
        ),
        ("Gold plated sterling silver ring", "gold plated", None, None, None, None),
        ("750er Gelbgold Ring mit Rubin", "yellow gold", "ruby", None, None, 18),
        ("Bague or blanc 18 carats, diamant", "white gold", "diamond", None, None, 18),
        ("Anello in argento con smeraldo", "silver", "emerald", None, None, None),
        ("Mother of pearl pendant", None, "mother of pearl", None, None, None),
        ("Pear shaped amethyst bezel set pendant", None, "amethyst", "pear", "bezel", None),
        ("Steel bracelet 925", "stainless steel", None, None, None, None),
    ],
)
def test_traits_by_text(
    title: str,
    metal: str | None,
    stone: str | None,
    shape: str | None,
    setting: str | None,
    karat: int | None,
) -> None:
    made = _drafted(title)
    assert (made.metal, made.stone, made.shape, made.setting, made.karat) == (
        metal,
        stone,
        shape,
        setting,
        karat,
    )
