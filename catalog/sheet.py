"""A row on the desk: its cells by field, cleaned, and what there is to say about it."""

from __future__ import annotations

import json
from typing import NamedTuple

from catalog.drafts import Finding, Row
from catalog.mapping import ColumnMapping
from catalog.normalise.text import clean, plain

LONGEST_TITLE = 1_000
LONGEST_TEXT = 50_000

# What ASCII prints, but for the beginning of an entity: nothing of it needs cleaning.
_EASY = bytes(code for code in range(0x20, 0x7F) if code != ord("&"))
_OTHERWISE = frozenset({"images", "description", "category"})  # lists, HTML, and several that all count


class Plan(NamedTuple):
    """Which columns hold which field, laid out for reading many rows.

    Attributes:
        single: field and column, of the one-line fields that have one column.
        several: field and columns, of those that take the first column that is not empty.
        description: the columns of the description, best first.
        category: the columns of the category.
        images: the columns of picture links.
        defaults: field and value.
        used: columns that hold a field; the others become attributes.
        names: a column as attributes call it, filled as columns are met.
    """

    single: tuple[tuple[str, str], ...]
    several: tuple[tuple[str, tuple[str, ...]], ...]
    description: tuple[str, ...]
    category: tuple[str, ...]
    images: tuple[str, ...]
    defaults: tuple[tuple[str, str], ...]
    used: frozenset[str]
    names: dict[str, str]

    @classmethod
    def of(cls, mapping: ColumnMapping) -> Plan:
        """The plan of a mapping."""
        columns = {name: named for name, named in mapping.columns.items() if name not in _OTHERWISE and named}
        categories = mapping.columns.get("category", ())
        if len(categories) == 1:
            columns["category"] = categories
        return cls(
            tuple((name, named[0]) for name, named in columns.items() if len(named) == 1),
            tuple((name, named) for name, named in columns.items() if len(named) > 1),
            mapping.columns.get("description", ()),
            categories,
            mapping.columns.get("images", ()),
            tuple(mapping.defaults.items()),
            frozenset(column for named in mapping.columns.values() for column in named),
            {},
        )

    def name_of(self, column: str) -> str:
        """A column's name, cleaned."""
        name = self.names.get(column)
        if name is None:
            name = self.names[column] = clean(column)
        return name


class Sheet:
    """One row: `values` by field, `attributes` of what no field holds, `findings` so far."""

    __slots__ = (
        "ascii",
        "attributes",
        "clean",
        "fields",
        "findings",
        "id",
        "line",
        "plain",
        "plan",
        "values",
    )

    def __init__(self, row: Row, plan: Plan) -> None:
        """Clean the row's cells. Most rows are plain ASCII, which one look at all cells together tells."""
        self.line, fields = row
        self.fields = fields
        self.plan = plan
        self.findings: list[Finding] = []
        whole = "".join(fields.values())
        self.ascii = whole.isascii()
        easy = self.ascii and not whole.encode().translate(None, _EASY) and "  " not in whole
        self.clean = str.strip if easy else clean
        self.plain = str.strip if easy and "<" not in whole else plain
        tidy, get = self.clean, fields.get
        values = {field: tidy(text) for field, column in plan.single if (text := get(column))}
        for field, columns in plan.several:
            values[field] = next((text for name in columns if (text := tidy(get(name, "")))), "")
        for field, default in plan.defaults:
            if not values.get(field):
                values[field] = default
        self.values = values
        self.id = values.get("id", "")
        self.attributes: dict[str, str] = {}

    def keep_the_rest(self) -> None:
        """Make attributes of the columns that hold no field."""
        names, used, bare = self.plan.names, self.plan.used, self.plain
        attributes = self.attributes
        for column, value in self.fields.items():
            if value and column not in used and (text := bare(value)[:LONGEST_TEXT]):
                attributes[names.get(column) or self.plan.name_of(column)] = text
        if "attributes" in attributes:
            self._unpack()

    def value(self, field: str) -> str:
        """The first column of the field that is not empty, else the mapping's default, cleaned."""
        return self.values.get(field, "")

    def description(self) -> str:
        """The description as a page shows it, whatever its length."""
        get, bare = self.fields.get, self.plain
        for name in self.plan.description:
            if text := bare(get(name, "")):
                return text
        return self.values.get("description", "")

    def categories(self) -> tuple[str, ...]:
        """What the category columns say."""
        if len(self.plan.category) > 1:
            get, tidy = self.fields.get, self.clean
            told = tuple([text for column in self.plan.category if (text := tidy(get(column, "")))])
            if told:
                return told
        text = self.values.get("category", "")  # of a single column, or a default of the mapping
        return (text,) if text else ()

    def remark(self, field: str, reason: str, value: str | None = None) -> None:
        """Note something that a person should know."""
        self.findings.append(Finding(self.line, self.id, "remark", field, reason, value))

    def _unpack(self) -> None:
        """A column `attributes` that holds a JSON object is one of ours, exported."""
        text = self.attributes["attributes"]
        if text.startswith("{"):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                return
            del self.attributes["attributes"]
            self.attributes |= {clean(str(name)): plain(str(value)) for name, value in inner.items()}
