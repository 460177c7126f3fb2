"""`visionseek eval`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.table import Table

from visionseek import output
from visionseek.errors import Unavailable

SAMPLE_FEED = Path(__file__).parents[2] / "catalog" / "sample" / "feed.csv"
# A first start fetches Triton's wheel and embeds the whole sample.
_START_TIMEOUT_S = 900


@click.command("eval")
@click.option("--suite", type=click.Choice(["smoke"]), default="smoke", show_default=True)
@click.option(
    "--url", help="A running API that serves FEED; without it a stack of its own is started and stopped."
)
@click.option(
    "--feed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SAMPLE_FEED,
    help="The catalog that the API serves; default: the sample catalog.",
)
@click.option("--cases", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@output.json_option
def evaluate(suite: str, url: str | None, feed: Path, cases: int, seed: int, as_json: bool) -> None:
    """Measure relevance: does the right product come first?"""
    from training.evaluate.smoke import make_cases, run_smoke  # noqa: PLC0415 -- `--help` stays quick

    made = make_cases(feed, cases=cases, seed=seed)
    with _api(url) as address, output.progress() as bar:
        task = bar.add_task("queries", total=len(made))
        result = run_smoke(made, address, on_case=lambda: bar.advance(task))
    table = Table("screenshot", "first", "recall@1 [95 %]", "recall@10 [95 %]")
    for way in ("with_region", "without_region"):
        figures = [result[way][name] for name in ("recall@1", "recall@10")]
        cells = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in figures]
        table.add_row(way.replace("_", " "), f"{result[way]['first']} of {cases}", *cells)
    output.console.print(table)
    if as_json:
        output.emit_json({"suite": suite, "seed": seed, "feed": feed.name, **result})


@contextmanager
def _api(url: str | None) -> Iterator[str]:
    """The API at `url`, or a stack of its own on the sample catalog in a folder that goes away again."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="visionseek-eval-") as folder:
        environment = os.environ | {"VISIONSEEK_DATA": folder}
        command = [sys.executable, "-m", "visionseek"]
        try:
            up = subprocess.run(
                [*command, "demo", "--detach", "--json"],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                timeout=_START_TIMEOUT_S,
                check=False,
            )
            if up.returncode != 0:
                raise Unavailable("the sample stack did not start", mend="visionseek demo shows why")
            yield str(json.loads(up.stdout.splitlines()[-1])["api"]["url"])
        finally:
            subprocess.run([*command, "down"], env=environment, check=False, capture_output=True)
