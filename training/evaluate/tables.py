"""What an evaluation shows in a terminal."""

from __future__ import annotations

from rich.table import Table

from training.evaluate.run import Evaluation
from visionseek import output


def print_figures(result: Evaluation) -> None:
    """Two tables: recall and the like, and precision by attribute."""
    for attributes in (False, True):
        names = list(
            dict.fromkeys(
                name for figures in result.metrics.values() for name in figures if ("/" in name) is attributes
            )
        )
        if not names:
            continue
        table = Table("precision@10 by" if attributes else "slice", *(name.split("/")[-1] for name in names))
        for label, figures in result.metrics.items():
            cells = [_cell(figures[name]) if name in figures else "" for name in names]
            table.add_row(label, *cells)
        output.console.print(table)
    for label, rows in result.templates.items():
        told = ("recall@1", "recall@10", "mrr")
        table = Table(f"{label}, by template", "queries", *told)
        for row in rows:
            table.add_row(row.template, str(row.queries), *(_cell(row.metrics[name]) for name in told))
        output.console.print(table)
    for label, why in result.skipped.items():
        output.console.print(f"not asked: {label}, because {why}", markup=False)
    for note in result.suite.notes:
        output.console.print(note, markup=False, soft_wrap=True)
    if result.apart is None:
        output.console.print(
            "what this encoder was trained on is not recorded: it may have seen these pictures"
        )
    if isinstance(result.calibration, str):
        output.console.print(f"confidence: not measured, because {result.calibration}", soft_wrap=True)
    else:
        exact, present = result.calibration.exact, result.calibration.present
        output.console.print(
            f"confidence: calibration error {exact.ece:.3f} (exact) and {present.ece:.3f} (in the catalog) over "
            f"{exact.cases} cases; {result.calibration.accuracy:.1%} of the words exact, similar, none were true",
            soft_wrap=True,
        )


def _cell(figure: list[float]) -> str:
    value, low, high = figure
    return f"{value:.3f}\n[{low:.3f}, {high:.3f}]"
