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

from training.evaluate.encoder_spec import GRAMMAR
from visionseek import output
from visionseek.errors import Unavailable
from visionseek.settings import load_settings

SAMPLE_FEED = Path(__file__).parents[2] / "catalog" / "sample" / "feed.csv"
MINI = Path(__file__).parents[1] / "checkpoints" / "visionseek-mini"
# A first start fetches Triton's wheel and embeds the whole sample.
_START_TIMEOUT_S = 900


@click.group("eval", invoke_without_command=True)
@click.option(
    "--suite", type=click.Choice(["smoke", "jewelbench", "ringfir"]), default="smoke", show_default=True
)
@click.option(
    "--encoder", "spec", metavar="SPEC", default=str(MINI), help=f"{GRAMMAR}; default: visionseek-mini."
)
@click.option(
    "--adapter", type=click.Path(path_type=Path), help="A LoRA adapter to merge into the checkpoint."
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="The suite's pictures; default: rendered or shared."
)
@click.option(
    "--products", type=click.IntRange(2), default=600, show_default=True, help="Gallery of jewelbench."
)
@click.option(
    "--url",
    help="smoke: a running API that serves FEED; without it a stack of its own is started and stopped.",
)
@click.option(
    "--feed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SAMPLE_FEED,
    help="smoke: the catalog that the API serves; default: the sample catalog.",
)
@click.option(
    "--cases", type=click.IntRange(1, 100_000), default=100, show_default=True, help="smoke: screenshots."
)
@click.option("--seed", type=int, default=0, show_default=True)
@output.json_option
@click.pass_context
def evaluate(
    context: click.Context,
    suite: str,
    spec: str,
    adapter: Path | None,
    data: Path | None,
    products: int,
    url: str | None,
    feed: Path,
    cases: int,
    seed: int,
    as_json: bool,
) -> None:
    """Measure relevance: does the right product come first?"""
    if context.invoked_subcommand is not None:
        return
    if suite == "smoke":
        _smoke(url, feed, cases, seed, as_json)
        return
    from training.evaluate.encoder_spec import open_encoder  # noqa: PLC0415 -- `--help` stays quick
    from training.evaluate.jewelbench import jewelbench  # noqa: PLC0415
    from training.evaluate.output_file import summary  # noqa: PLC0415
    from training.evaluate.ringfir import ringfir  # noqa: PLC0415
    from training.evaluate.run import evaluate_encoder  # noqa: PLC0415

    settings = load_settings()
    if suite == "ringfir":
        made = ringfir(data or settings.shared / "data" / "ringfir")
    else:
        made = jewelbench(data or settings.data / "eval" / "jewelbench", products=products)
    encoder = open_encoder(spec, adapter=adapter)
    with output.progress() as bar:
        task = bar.add_task("embedding pictures", total=None)
        result = evaluate_encoder(
            made,
            encoder,
            seed=seed,
            on_start=lambda count: bar.update(task, total=count),
            on_done=lambda count: bar.advance(task, count),
        )
    output.console.print(figures_table(result.metrics))
    if as_json:
        output.emit_json(summary(result))


def figures_table(metrics: dict[str, dict[str, list[float]]]) -> Table:
    """One row a slice and metric."""
    table = Table("slice", "metric", "value", "95 %")
    for label, figures in metrics.items():
        for name, (value, low, high) in figures.items():
            table.add_row(label, name, f"{value:.3f}", f"[{low:.3f}, {high:.3f}]")
    return table


def _smoke(url: str | None, feed: Path, cases: int, seed: int, as_json: bool) -> None:
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
        output.emit_json({"suite": "smoke", "seed": seed, "feed": feed.name, **result})


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
