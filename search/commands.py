"""`visionseek index ...` and `visionseek search`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from search import pipeline
from search.address import triton_address
from search.ask import search
from search.connecting import replicas
from search.disk import sole_writer
from search.model_server import ModelServer
from search.publish import KEEP
from search.survey import list_generations, verify_generations
from visionseek.errors import ManifestError
from visionseek.output import console, emit_json, json_option, progress
from visionseek.settings import Settings, load_settings

__all__ = ["index", "search"]

_triton = click.option(
    "--triton", "addresses", multiple=True, metavar="HOST:PORT", help="gRPC address; repeat for each Triton."
)
_encoder = click.option("--encoder-version", type=click.IntRange(1), help="Default: the newest there is.")
_shards = click.option("--shards", type=click.IntRange(1, 1000), help="Default: as many as now, else 2.")
_keep = click.option("--keep", default=KEEP, show_default=True, help="Generations kept for rollback.")


@click.group()
def index() -> None:
    """Embed the catalog; build, publish and roll back generations of shards."""


@index.command("embed")
@_encoder
@_triton
@json_option
def embed_command(encoder_version: int | None, addresses: tuple[str, ...], as_json: bool) -> None:
    """Embed every picture of the catalog that this encoder has not embedded yet."""
    settings = load_settings()
    with sole_writer(settings.index):
        result = _embed(settings, encoder_version, addresses)
    _finish(result, as_json)


@index.command("build")
@_shards
@_encoder
@json_option
def build_command(shards: int | None, encoder_version: int | None, as_json: bool) -> None:
    """Build a new generation of shards from the embedded catalog; it does not serve yet."""
    settings = load_settings()
    with sole_writer(settings.index):
        result = _build(settings, encoder_version, shards)
    _finish(result, as_json)


@index.command("publish")
@click.option("--generation", type=click.IntRange(1), help="Default: the one built last.")
@_keep
@_triton
@json_option
def publish_command(generation: int | None, keep: int, addresses: tuple[str, ...], as_json: bool) -> None:
    """Load a generation on every Triton, check it there, then let it serve."""
    settings = load_settings()
    with sole_writer(settings.index):
        result = _publish(settings, generation, keep, addresses)
    _finish(result, as_json)


@index.command("refresh")
@_shards
@_encoder
@_keep
@_triton
@json_option
def refresh_command(
    shards: int | None, encoder_version: int | None, keep: int, addresses: tuple[str, ...], as_json: bool
) -> None:
    """Embed, build and publish in one: the catalog as it is now, by the newest encoder."""
    settings = load_settings()
    with sole_writer(settings.index):
        embedded = _embed(settings, encoder_version, addresses)
        built = _build(settings, embedded["encoder_version"], shards)
        published = _publish(settings, built["generation"], keep, addresses)
    _finish({"embed": embedded, "build": built, **published}, as_json)


@index.command("rollback")
@click.option("--to", type=click.IntRange(1), help="Default: the one before the last publish.")
@_triton
@json_option
def rollback_command(to: int | None, addresses: tuple[str, ...], as_json: bool) -> None:
    """Let an older generation serve again, with the encoder that it was embedded by."""
    settings = load_settings()
    with sole_writer(settings.index), _steps() as on_step:
        result = _with_tritons(
            settings, addresses, lambda servers: pipeline.rollback_stage(settings, to, servers, on_step)
        )
    console.print(f"generation {result['generation']} serves again")
    _finish(result, as_json)


@index.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """Show the generations that are kept, and which one serves."""
    rows = list_generations(load_settings().index)
    table = Table("generation", "", "created", "encoder", "fingerprint", "shards", "images")
    for row in rows:
        serves = "[green]serves[/]" if row["serves"] else ""
        table.add_row(
            str(row["generation"]),
            f"[red]{escape(row['problem'])}[/]" if row["problem"] else serves,
            row["created"].replace("T", " ")[:16],
            str(row["encoder_version"] or ""),
            row["fingerprint"][:12],
            str(row["shards"]),
            str(row["images"]),
        )
    console.print(table if rows else "no generation is built yet: visionseek index refresh")
    if as_json:
        emit_json({"generations": rows})


@index.command("verify")
@click.option("--generation", type=click.IntRange(1), help="Default: all that are kept, and what serves.")
@json_option
def verify_command(generation: int | None, as_json: bool) -> None:
    """Hold every file of the index against its checksum, built and served; exit 1 where one differs."""
    settings = load_settings()
    with progress() as bar:
        task = bar.add_task("verifying", total=None)
        findings = verify_generations(
            settings.index,
            settings.model_repository,
            generation,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    bad = [finding for finding in findings if finding["problem"]]
    if as_json:
        emit_json({"ok": not bad, "checked": findings})
    if bad:
        raise ManifestError(
            f"{len(bad)} of {len(findings)} checks failed; {bad[0]['what']}: {bad[0]['problem']}",
            where=bad[0]["where"],
            mend="visionseek index refresh builds and publishes a new generation",
        )
    console.print(f"[green]{len(findings)} checks passed[/]")


def _embed(settings: Settings, version: int | None, addresses: Sequence[str]) -> dict[str, Any]:
    with progress() as bar:
        task = bar.add_task("embedding", total=None)

        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        async def work(servers: Sequence[ModelServer]) -> dict[str, Any]:
            return await pipeline.embed_stage(settings, version, servers[0], on_progress)

        result = _with_tritons(settings, addresses, work)
    console.print(
        f"embedded {result['embedded']} pictures by encoder version {result['encoder_version']}, "
        f"{result['kept']} were there, {result['images_per_second']} a second"
    )
    for left_out in result["unreadable"]:
        console.print(
            f"[yellow]left out[/] picture of product {escape(left_out['product_id'])}: "
            f"{escape(left_out['reason'])}"
        )
    return result


def _build(settings: Settings, version: int | None, shards: int | None) -> dict[str, Any]:
    with progress() as bar:
        task = bar.add_task("building shards", total=None)
        result = pipeline.build_stage(
            settings, version, shards, lambda done, total: bar.update(task, completed=done, total=total)
        )
    console.print(
        f"built generation {result['generation']}: {result['images']} images "
        f"in {len(result['shards'])} shards"
    )
    if result["without_embedding"]:
        console.print(
            f"[yellow]left out[/] {result['without_embedding']} images without an embedding "
            "(visionseek index embed says why)"
        )
    return result


def _publish(
    settings: Settings, generation: int | None, keep: int, addresses: Sequence[str]
) -> dict[str, Any]:
    with _steps() as on_step:
        result = _with_tritons(
            settings,
            addresses,
            lambda servers: pipeline.publish_stage(settings, generation, keep, servers, on_step),
        )
    console.print(f"generation {result['generation']} serves")
    return result


def _with_tritons(
    settings: Settings,
    addresses: Sequence[str],
    work: Callable[[Sequence[ModelServer]], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            return await work(pipeline.connected(addresses or replicas(triton_address(settings)), stack))

    return asyncio.run(run())


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    with console.status("publishing") as status:
        yield lambda step: status.update(escape(step))


def _finish(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(result)
