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
from typing import TYPE_CHECKING

import click
from rich.table import Table

from training.evaluate.compare_command import compare_runs
from training.evaluate.encoder_spec import GRAMMAR
from visionseek import output
from visionseek.errors import FeedError, Unavailable
from visionseek.pixels import Rule
from visionseek.settings import Settings, load_settings

if TYPE_CHECKING:
    from training.evaluate.suite import Suite

SAMPLE_FEED = Path(__file__).parents[2] / "catalog" / "sample" / "feed.csv"
MINI = Path(__file__).parents[1] / "checkpoints" / "visionseek-mini"
# A first start fetches Triton's wheel and embeds the whole sample.
_START_TIMEOUT_S = 900


@click.group("eval", invoke_without_command=True)
@click.option(
    "--suite",
    type=click.Choice(["smoke", "jewelbench", "ringfir", "feed"]),
    default="smoke",
    show_default=True,
    help="smoke asks a running API; the others measure an encoder.",
)
@click.option(
    "--encoder", "spec", metavar="SPEC", default=str(MINI), help=f"{GRAMMAR}; default: visionseek-mini."
)
@click.option(
    "--adapter", type=click.Path(path_type=Path), help="A LoRA adapter to merge into the checkpoint."
)
@click.option(
    "--pixel-rule",
    type=click.Choice(["shortest-crop", "pad"]),
    help="How pictures become squares; default: what the encoder says of itself.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="jewelbench, ringfir: the folder of the pictures, used as it is; default: rendered, or shared.",
)
@click.option(
    "--products",
    type=click.IntRange(2),
    help="The first so many products only; default: 600, or all of a feed.",
)
@click.option(
    "--text-weight",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Of the words, where a query has picture and words.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write every query's result, as JSON."
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a report, as one HTML file."
)
@click.option(
    "--url",
    help="smoke: a running API that serves FEED; without it a stack of its own is started and stopped.",
)
@click.option(
    "--feed",
    type=click.Path(dir_okay=False, path_type=Path),
    default=SAMPLE_FEED,
    help="smoke: what the API serves; feed: the catalog to measure on; default: the sample catalog.",
)
@click.option(
    "--cases", type=click.IntRange(1, 100_000), default=100, show_default=True, help="smoke: screenshots."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of intervals; smoke: of screenshots too."
)
@output.json_option
@click.pass_context
def evaluate(
    context: click.Context,
    suite: str,
    spec: str,
    adapter: Path | None,
    pixel_rule: str | None,
    data: Path | None,
    products: int | None,
    text_weight: float,
    out: Path | None,
    report: Path | None,
    url: str | None,
    feed: Path,
    cases: int,
    seed: int,
    as_json: bool,
) -> None:
    """Measure relevance: does the right product come first?"""
    if context.invoked_subcommand is not None:
        return
    if not feed.is_file():
        raise FeedError("there is no feed here", where=str(feed), mend="give a feed with --feed")
    if suite == "smoke":
        _smoke(url, feed, cases, seed, as_json)
        return
    from training.evaluate.encoder_spec import open_encoder  # noqa: PLC0415 -- `--help` stays quick
    from training.evaluate.report import render_report  # noqa: PLC0415
    from training.evaluate.results_file import save, summary, write_results  # noqa: PLC0415
    from training.evaluate.run import evaluate_encoder  # noqa: PLC0415
    from training.evaluate.tables import print_figures  # noqa: PLC0415

    settings = load_settings()
    # The encoder first: a wrong name is told before an hour of rendering.
    encoder = open_encoder(spec, adapter=adapter, rule=_rule(pixel_rule))
    made = _suite(suite, data, feed, products, settings)
    with output.progress() as bar:
        task = bar.add_task("embedding pictures", total=None)
        result = evaluate_encoder(
            made,
            encoder,
            cache=settings.data / "eval" / "pixels",
            text_weight=text_weight,
            seed=seed,
            on_start=lambda count: bar.update(task, total=count),
            on_done=lambda count: bar.advance(task, count),
        )
    print_figures(result)
    if out is not None:
        write_results(out, result)
    if report is not None:
        with output.progress() as bar:
            task = bar.add_task("report", total=len(result.metrics))
            page = render_report(result, on_slice=lambda _label: bar.advance(task))
        save(report, page.encode())
        output.console.print(f"{report}: {len(page) / 1e6:.1f} MB", markup=False, soft_wrap=True)
    if as_json:
        output.emit_json(summary(result))


def _rule(name: str | None) -> Rule | None:
    if name is None:
        return None
    return "pad" if name == "pad" else "shortest-crop"


def _suite(name: str, data: Path | None, feed: Path, products: int | None, settings: Settings) -> Suite:
    from training.evaluate.feed import feed_suite  # noqa: PLC0415 -- `--help` stays quick
    from training.evaluate.jewelbench import PRODUCTS, ensure_rendered, jewelbench  # noqa: PLC0415
    from training.evaluate.ringfir import ringfir  # noqa: PLC0415

    match name:
        case "ringfir":
            return ringfir(data or settings.shared / "data" / "ringfir")
        case "feed":
            with output.progress() as bar:
                bar.add_task("reading pictures", total=None)
                return feed_suite(feed, products=products)
    count = products or PRODUCTS
    if data is None:
        data = settings.data / "eval" / "jewelbench"
        with output.progress() as bar:
            task = bar.add_task("rendering products", total=count)
            ensure_rendered(data, count, on_product=lambda: bar.advance(task))
    return jewelbench(data, products=count)


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


evaluate.add_command(compare_runs)
