"""`visionseek pipeline`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from stack.local import LocalStack
from stack.pipeline.folder import clear, own_folder
from stack.pipeline.recall import DEPTH, Gain, at, read_gain
from stack.pipeline.running import Commands, Done
from stack.pipeline.stages import STAGES, Plan, Stage
from stack.processes import terminated_as_exit
from stack.sample import shipped_sample
from visionseek import output
from visionseek.errors import ArtifactError, NotFound
from visionseek.settings import load_settings

DEFAULT_DATA = Path(".visionseek-pipeline")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DEFAULT_DATA,
    show_default=True,
    help="A folder of the pipeline's own; what an earlier run left there is removed first.",
)
@click.option("--feed", type=_FILE, help="Product feed; default: the sample catalog.")
@click.option("--query", type=_FILE, help="Picture to search for at the end; needed with --feed.")
@click.option("--region", metavar="L,T,R,B", help="The product's box in --query, in fractions.")
@click.option("--steps", type=click.IntRange(1), default=100, show_default=True, help="Of the tuning.")
@click.option("--shards", type=click.IntRange(1, 1000), default=2, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with what an earlier run left instead of removing it.")
@output.json_option
def pipeline(
    data: Path,
    feed: Path | None,
    query: Path | None,
    region: str | None,
    steps: int,
    shards: int,
    seed: int,
    resume: bool,
    as_json: bool,
) -> None:
    """From a feed to a served query: import, tune, export, embed, build, publish, search.

    Servers run on free ports for as long as it takes and are stopped at the end. A tuned encoder that finds
    less than the one before on products that it never saw is not promoted: the pipeline goes on without it
    and says so.
    """
    settings = load_settings()
    if (feed is None) != (query is None):
        raise click.UsageError(
            "--feed and --query go together: the query is a picture of a product of the feed"
        )
    if feed is None or query is None:
        sample = shipped_sample()
        feed, query = sample.feed, sample.screenshot
        box = sample.region
        region = region or f"{box.left},{box.top},{box.right},{box.bottom}"
    data = data.absolute()
    plan = Plan(data, feed.absolute(), query.absolute(), region, steps=steps, shards=shards, seed=seed)
    stack = LocalStack(settings.model_copy(update={"data": data}))
    with own_folder(data), terminated_as_exit():
        stack.stop()  # of a run that was killed
        if not resume:
            clear(data)
        try:
            done = _run(plan, Commands(data, settings))
        finally:
            stack.stop()
    gain = read_gain(done["tune"].answer)
    _check(done)
    result = _result(done, gain)
    _show(result, gain)
    if as_json:
        output.emit_json(result)


def _run(plan: Plan, commands: Commands) -> dict[str, Done]:
    """Every stage in order; by name, what it answered. A stage without anything to do is not in it."""
    done: dict[str, Done] = {}
    for number, stage in enumerate(STAGES, 1):
        arguments = stage.arguments(plan, {name: ran.answer for name, ran in done.items()})
        head = f"[bold]{number}/{len(STAGES)} {stage.name}[/]"
        if arguments is None:
            output.console.print(f"{head}: nothing to do, the tuned encoder is not promoted")
            continue
        output.console.print(f"{head}: visionseek {' '.join(arguments)}", soft_wrap=True)
        done[stage.name] = commands.run(stage.name, arguments, deadline_s=stage.deadline_s)
    return done


def _check(done: dict[str, Done]) -> None:
    """The answer must come from what was published, and from what was exported where that was promoted.

    Raises:
        ArtifactError: it comes from another generation or encoder.
        NotFound: it has no hits.
    """
    published, answer = done["publish"].answer, done["query"].answer
    if "export" in done and published["fingerprint"] != done["export"].answer["fingerprint"]:
        raise ArtifactError("stage `publish`: another encoder serves than was exported")
    if answer["generation"] != published["generation"]:
        raise ArtifactError(
            f"stage `query`: generation {answer['generation']} answered, "
            f"generation {published['generation']} was published"
        )
    if not answer["hits"]:
        raise NotFound("stage `query`: the search found nothing")


def _result(done: dict[str, Done], gain: Gain) -> dict[str, Any]:
    before, after = at(gain.before, DEPTH), at(gain.after, DEPTH)
    published, hits = done["publish"].answer, done["query"].answer["hits"]
    return {
        "stages": [_row(stage, done[stage.name]) for stage in STAGES if stage.name in done],
        "seconds": round(sum(ran.seconds for ran in done.values()), 2),
        "recall_before": before.value,
        "recall_before_interval": [before.low, before.high],
        "recall_after": after.value,
        "recall_after_interval": [after.low, after.high],
        "recall_depth": DEPTH,
        "recall_queries": gain.queries,
        "promoted": gain.promotes,
        "generation": published["generation"],
        "encoder_version": published["encoder_version"],
        "fingerprint": published["fingerprint"],
        "hits": [{"product_id": hit["product_id"], "score": hit["score"]} for hit in hits],
    }


def _row(stage: Stage, ran: Done) -> dict[str, Any]:
    items = stage.items(ran.answer)
    return {
        "stage": stage.name,
        "seconds": round(ran.seconds, 2),
        "items": items,
        "unit": stage.unit,
        "items_per_second": round(items / ran.seconds, 4),
    }


def _show(result: dict[str, Any], gain: Gain) -> None:
    table = Table("stage", "seconds", "items", "", "a second", title="Stages, start of each command included")
    for row in result["stages"]:
        figures = [f"{row['seconds']:.1f}", str(row["items"]), row["unit"], f"{row['items_per_second']:.3g}"]
        table.add_row(row["stage"], *figures)
    table.add_row("all", f"{result['seconds']:.1f}", "", "", "", style="bold")
    for column in (1, 2, 4):
        table.columns[column].justify = "right"
    output.console.print(table)
    quality = Table(
        f"{gain.queries} held-out screenshots",
        *(f"recall@{recall.depth} [95 %]" for recall in gain.before),
        title="Search quality",
    )
    quality.add_row("before tuning", *map(str, gain.before))
    quality.add_row("after tuning", *map(str, gain.after))
    output.console.print(quality)
    verdict = (
        "the tuned encoder serves"
        if gain.promotes
        else "[yellow]the tuned encoder finds less than the one before: it is not promoted, the one before serves[/]"
    )
    first = result["hits"][0]
    output.console.print(
        f"{verdict}: version {result['encoder_version']}, generation {result['generation']}, "
        f"fingerprint {result['fingerprint'][:12]}\n"
        f"the query found {first['product_id']} first, score {first['score']:.3f}",
        soft_wrap=True,
    )
