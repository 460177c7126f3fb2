"""`visionseek eval compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Column, Table

from visionseek import output
from visionseek.errors import InputError


@click.command("compare")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--metric", "metrics", multiple=True, help="Show these figures only; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of intervals and permutations.")
@output.json_option
def compare_runs(first: Path, second: Path, metrics: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Compare two runs that were written with --out: what differs, and is it more than chance?"""
    from training.evaluate.comparison import compare  # noqa: PLC0415 -- `--help` stays quick
    from training.evaluate.results_file import read_results  # noqa: PLC0415

    a, b = read_results(first), read_results(second)
    found = compare(a, b, seed=seed)
    odd = [name for name in a.parameters if a.parameters[name] != b.parameters.get(name)]
    for name in odd:
        output.console.print(
            f"note: {name} differs ({a.parameters[name]} and {b.parameters.get(name)}): the queries are not the same",
            markup=False,
            soft_wrap=True,
        )
    unknown = set(metrics) - {one.metric for one in found}
    if unknown:
        known = dict.fromkeys(one.metric for one in found)
        raise InputError(f"no figure {min(unknown)!r} in both runs", mend=f"there are: {', '.join(known)}")
    # Narrow enough for 80 columns: a name that is cut could be that of another figure.
    columns = ("slice", "figure", "1st", "2nd", "change", "low", "high", "p", "")
    table = Table(
        *(Column(name, no_wrap=True) for name in columns), box=None, pad_edge=False, padding=(0, 1, 0, 0)
    )
    differences: dict[str, dict[str, Any]] = {}
    for one in (one for one in found if not metrics or one.metric in metrics):
        change = one.second - one.first
        cells = [f"{one.first:.3f}", f"{one.second:.3f}"]
        cells += [f"{value:+.3f}" for value in (change, one.low, one.high)]
        p = "<.001" if one.p < 0.001 else f"{one.p:.3f}"
        table.add_row(one.slice, one.metric, *cells, p, "*" if one.significant else "")
        differences.setdefault(one.slice, {})[one.metric] = {
            "first": round(one.first, 4),
            "second": round(one.second, 4),
            "difference": [round(value, 4) for value in (change, one.low, one.high)],
            "p": round(one.p, 5),
            "significant": one.significant,
            "queries": one.queries,
        }
    output.console.print(f"first: {a.encoder}\nsecond: {b.encoder}", markup=False, soft_wrap=True)
    output.console.print(table)
    output.console.print(
        "low, high: 95 % interval of the change; *: significant at 5 % after Holm's correction",
        markup=False,
        soft_wrap=True,
    )
    if as_json:
        output.emit_json(
            {
                "suite": a.suite,
                "first": a.encoder,
                "second": b.encoder,
                "odd": odd,
                "differences": differences,
            }
        )
