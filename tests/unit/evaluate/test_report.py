"""The report is one well-formed file, and what products are called cannot break it."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from training.evaluate.calibration import Calibration, Reliability, Sigmoid
from training.evaluate.charts import interval_bar, reliability_diagram
from training.evaluate.encoder import Encoder
from training.evaluate.jewelbench import jewelbench
from training.evaluate.report import render_report
from training.evaluate.run import Evaluation, evaluate_encoder

VOID = {"meta", "br", "link", "img", "input"}


class Checker(HTMLParser):
    """Counts what is open, and gathers classes and references."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.classes: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        self.classes += given.get("class", "").split()
        self.labels += [given["aria-label"]] if "aria-label" in given else []
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        assert tag not in {"script", "iframe"}
        assert "src" not in given

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.classes += (dict(attrs).get("class") or "").split()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def evaluation(shop: Path, toy: Callable[..., Encoder]) -> Evaluation:
    encoder = toy(cells=1)
    encoder.name = "toy <script>alert(1)</script>"
    return evaluate_encoder(jewelbench(shop, products=12), encoder)


def test_the_report_is_whole_escaped_and_needs_nothing_else(evaluation: Evaluation) -> None:
    page = render_report(evaluation, cases=6)
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert "<script" not in page
    assert 'Product 0 <b>&"bold"</b>' in "".join(checker.text)
    assert "http" not in re.sub(r"data:image/webp;base64,[\w+/=]+", "", page).replace("www.w3.org", "")
    assert {link.removeprefix("#") for link in checker.links} <= set(checker.ids)
    defined = set(re.findall(r"\.(p\d+)\{background-image:url\(data:image/webp;base64,", page))
    assert {name for name in checker.classes if re.fullmatch(r"p\d+", name)} == defined
    assert len(page) < 1_000_000


def test_right_answers_are_framed_and_the_worst_come_first(evaluation: Evaluation) -> None:
    page = render_report(evaluation, cases=5)
    for label in evaluation.metrics:
        section = page.split(f'<h2 id="slice-{label.replace("+", "-")}">')[1].split("<h2")[0]
        ranks = [int(rank) for rank in re.findall(r"rank (\d+)</span>", section)]
        expected = sorted(
            (
                answer.rank
                for query, answer in zip(evaluation.suite.queries, evaluation.answers, strict=True)
                if query.slice == label
            ),
            reverse=True,
        )
        assert ranks[:3] == expected[:3]
        assert ranks == sorted(ranks, reverse=True)
        assert section.count("right") >= len(ranks), "every case frames a right one"


def test_few_cases_show_each_once(evaluation: Evaluation) -> None:
    page = render_report(evaluation, cases=500)
    assert page.count('class="case"') == len(evaluation.answers)


def test_charts_are_xml_and_stay_inside() -> None:
    bins = ((0.05, 0.1, 10), (0.95, 1.0, 90))
    one = Reliability("exact", Sigmoid(10, -5), 0.05, 0.1, bins, 100)
    tree = ET.fromstring(reliability_diagram(one, "Title"))
    circles = tree.findall(".//circle")
    assert len(circles) == 2
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= 220
        assert 0 <= float(circle.attrib["cy"]) <= 220
    for figure in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.5, 0.2, 0.9)):
        bar = ET.fromstring(interval_bar(*figure))
        for box in bar.findall("rect"):
            assert float(box.attrib["x"]) >= 0
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= 121.5


def test_confidence_is_drawn_where_it_was_measured(evaluation: Evaluation) -> None:
    from dataclasses import replace

    one = Reliability("exact", Sigmoid(10, -5), 0.05, 0.1, ((0.5, 0.5, 10),), 10)
    kinds = ("exact", "similar", "none")
    confusion = {truth: {said: int(truth == said) for said in kinds} for truth in kinds}
    measured = replace(evaluation, calibration=Calibration(one, one, confusion, 0.9, {"studio": 0.05}))
    page = render_report(measured, cases=1)
    checker = Checker()
    checker.feed(page)
    assert page.count("<polyline") == 2
    assert "90.0% of the words were true" in page
    assert np.isfinite(one.sigmoid.even)


def test_slices_are_told_as_they_are_drawn(evaluation: Evaluation, toy: Callable[..., Encoder]) -> None:
    told: list[str] = []
    render_report(evaluation, cases=1, on_slice=told.append)
    assert told == list(evaluation.metrics)
