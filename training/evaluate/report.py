"""The report: one HTML file that needs nothing else, with the figures and with what went wrong as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from importlib import resources

from training.evaluate.calibration import Calibration
from training.evaluate.charts import interval_bar, reliability_diagram
from training.evaluate.figures import Metrics
from training.evaluate.look import Look
from training.evaluate.ranking import Answer
from training.evaluate.run import Evaluation
from training.evaluate.suite import Item, Query, Suite
from training.evaluate.templates import TemplateFigures
from training.evaluate.thumbnails import Thumbnails

CASES = 16
"""Queries shown of each slice: the worst first."""
_GOOD = 2  # of these, so many that were answered well, to see what that looks like
_OF_TEMPLATES = ("recall@1", "recall@10", "mrr")
_KINDS = ("exact", "similar", "none")


def render_report(
    evaluation: Evaluation, *, cases: int = CASES, on_slice: Callable[[str], None] = lambda _label: None
) -> str:
    """The report as HTML: figures, calibration, and of each slice its worst answers first.

    Args:
        evaluation: what to report.
        cases: queries shown of each slice.
        on_slice: called with the name of each slice before its pictures are made.
    """
    suite = evaluation.suite
    thumbnails = Thumbnails()
    labels = list(evaluation.metrics)
    sections = []
    for label in labels:
        on_slice(label)
        rows = [(q, a) for q, a in zip(suite.queries, evaluation.answers, strict=True) if q.slice == label]
        templates = _templates(evaluation.templates.get(label, ()))
        sections.append(_section(suite, label, rows, thumbnails, cases, templates))
    style = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    links = "".join(f'<a href="#{_anchor(label)}">{escape(label)}</a>' for label in labels)
    title = f"{suite.name}: {evaluation.encoder}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>
{style}{thumbnails.css}
</style></head><body>
<nav><a href="#figures">figures</a><a href="#confidence">confidence</a>{links}</nav><main>
<h1>{escape(title)}</h1>
{_about(evaluation)}
<h2 id="figures">Figures</h2>
{_figures(evaluation.metrics, lambda name: "/" not in name)}
<h2>Precision of the first ten, by attribute</h2>
{_figures(evaluation.metrics, lambda name: "/" in name)}
<h2 id="confidence">Confidence in the first hit</h2>
{_confidence(evaluation.calibration)}
{"".join(sections)}
</main></body></html>
"""


def _about(evaluation: Evaluation) -> str:
    suite = evaluation.suite
    parts = [f"{len(suite.items)} items in the gallery, {len(suite.queries)} queries"]
    parts += [f"{name}: {value}" for name, value in suite.parameters.items()]
    lines = [", ".join(parts) + "."]
    lines += [f"Not asked: {label}, because {why}." for label, why in evaluation.skipped.items()]
    if evaluation.apart is None:
        lines.append("What this encoder was trained on is not recorded: it may have seen these pictures.")
    lines += suite.notes
    return "".join(f'<p class="dim">{escape(line)}</p>' for line in lines)


def _figures(metrics: Metrics, wanted: Callable[[str], bool]) -> str:
    names = list(dict.fromkeys(name for figures in metrics.values() for name in figures if wanted(name)))
    if not names:
        return '<p class="dim">None of these in this suite.</p>'
    head = "".join(f"<th>{escape(name.partition('/')[2] or name)}</th>" for name in names)
    body = ""
    for label, figures in metrics.items():
        cells = "".join(_cell(figures.get(name)) for name in names)
        body += f'<tr><td><a href="#{_anchor(label)}">{escape(label)}</a></td>{cells}</tr>'
    return f'<div class="scroll"><table><tr><th>slice</th>{head}</tr>{body}</table></div>'


def _cell(figure: Sequence[float] | None) -> str:
    if figure is None:
        return "<td></td>"
    value, low, high = figure
    return f'<td>{value:.3f} <span class="range">{low:.3f} to {high:.3f}</span>{interval_bar(value, low, high)}</td>'


def _confidence(calibration: Calibration | str) -> str:
    if isinstance(calibration, str):
        return f'<p class="dim">Not measured: {escape(calibration)}.</p>'
    head = "".join(f"<th>said {kind}</th>" for kind in _KINDS)
    body = "".join(
        f"<tr><td>{truth}</td>{''.join(f'<td>{calibration.confusion[truth][said]}</td>' for said in _KINDS)}</tr>"
        for truth in _KINDS
    )
    return (
        '<p class="dim">A third of the families was taken out of the gallery. Fitted on one half of the families, '
        "told of the other. A dot on the dashed line is a promise that held.</p>"
        f'<div class="charts">{reliability_diagram(calibration.exact, "The first hit is the product")}'
        f"{reliability_diagram(calibration.present, 'The product is in the gallery')}"
        f'<div class="scroll"><table><tr><th>true</th>{head}</tr>{body}</table>'
        f'<p class="dim" style="padding:0 10px">{calibration.accuracy:.1%} of the words were true.</p></div></div>'
    )


def _templates(rows: Sequence[TemplateFigures]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in ("template", "queries", *_OF_TEMPLATES))
    body = "".join(
        f"<tr><td>{escape(row.template)}</td><td>{row.queries}</td>"
        f"{''.join(_cell(row.metrics.get(name)) for name in _OF_TEMPLATES)}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _section(
    suite: Suite,
    label: str,
    rows: Sequence[tuple[Query, Answer]],
    thumbnails: Thumbnails,
    cases: int,
    templates: str,
) -> str:
    # Of equal ranks the one that was surest is the worse failure.
    worst = sorted(rows, key=lambda row: (-row[1].rank, -row[1].scores[0] if row[1].scores else 0.0))
    failed = sum(answer.rank > 1 for _, answer in rows)
    shown = worst if len(worst) <= cases else [*worst[: cases - _GOOD], *worst[-_GOOD:]]
    looks = [look for item in suite.items for look in item.pictures]
    body = "".join(_case(suite, looks, query, answer, thumbnails) for query, answer in shown)
    return (
        f'<h2 id="{_anchor(label)}">{escape(label)}</h2><p class="dim">{failed} of {len(rows)} not answered first; '
        f"the worst first, {len(shown)} shown.</p>{templates}{body}"
    )


def _case(suite: Suite, looks: Sequence[Look], query: Query, answer: Answer, thumbnails: Thumbnails) -> str:
    subject = suite.items[query.subject]
    asked = ""
    if query.look is not None:
        asked += _picture(thumbnails.name(query.look), f"query for {subject.title}")
    if query.text:
        asked += f'<div class="words">{escape(query.text)}</div>'
    missed = ""
    if not query.right.intersection(answer.top):
        main = suite.items[min(query.right)]
        picture = _picture(thumbnails.name(main.pictures[0]), main.title)
        missed = f'<div class="shot missed right">{picture}right one<br>{escape(main.id)}</div>'
    hits = "".join(
        _hit(suite.items[item], looks[picture], score, item in query.right, thumbnails)
        for item, score, picture in zip(answer.top, answer.scores, answer.pictures, strict=True)
    )
    mark = "good" if answer.rank == 1 else "bad"
    return (
        f'<div class="case"><p><span class="rank {mark}">rank {answer.rank}</span> '
        f'<span class="dim">{escape(subject.id)}</span> {escape(subject.title)}</p>'
        f'<div class="strip"><div class="shot query">{asked}query</div>{missed}{hits}</div></div>'
    )


def _hit(found: Item, look: Look, score: float, right: bool, thumbnails: Thumbnails) -> str:
    picture = _picture(thumbnails.name(look), found.title)
    return f'<div class="shot{" right" if right else ""}">{picture}{score:.3f}<br>{escape(found.id)}</div>'


def _picture(name: str, label: str) -> str:
    text = escape(label, quote=True)
    return f'<div class="pic {name}" role="img" aria-label="{text}" title="{text}"></div>'


def _anchor(label: str) -> str:
    return "slice-" + "".join(letter if letter.isalnum() else "-" for letter in label)
