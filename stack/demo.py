"""`visionseek demo`: the whole product on the sample catalog, with one command."""

from __future__ import annotations

from typing import Any

import click

from catalog.command_import import import_
from catalog.database import Catalog
from search.ask import ask, hits_table
from search.commands import refresh_command
from search.pointer import serving_pointer
from stack.commands import stack_status, watch
from stack.local import LocalStack, say
from stack.sample import Sample, shipped_sample
from visionseek import output
from visionseek.errors import InputError
from visionseek.settings import Settings, load_settings

HITS = 6


@click.command()
@click.option("--once", is_flag=True, help="Stop everything after the search.")
@click.option("--detach", is_flag=True, help="Go on serving in the background; `visionseek down` stops it.")
@output.json_option
def demo(*, once: bool, detach: bool, as_json: bool) -> None:
    """Start Triton and the API, load the sample catalog, search it with a screenshot, keep serving."""
    if once and detach:
        raise click.UsageError("--once stops everything, --detach keeps it: choose one")
    sample = shipped_sample()
    settings = load_settings()
    _refuse_own_catalog(settings, sample)
    stack = LocalStack(settings)
    if detach:
        stack.start()
        _finish(_run(settings, stack, sample), as_json=as_json)
        return
    with stack:
        result = _run(settings, stack, sample)
        if not once:
            _finish(result, as_json=as_json)
            try:
                watch(stack)
            except KeyboardInterrupt:  # how it is meant to end, and so no failure to `make`
                say("\nstopping")
    if once:
        _finish(result, as_json=as_json)


def _run(settings: Settings, stack: LocalStack, sample: Sample) -> dict[str, Any]:
    context = click.get_current_context()
    context.invoke(import_, feed=str(sample.feed), as_json=False)
    # Not ready although indexed: the index is of the encoder that shipped before.
    if not (_indexed(settings) and stack_status(settings)["api"]["ready"]):
        context.invoke(refresh_command, as_json=False)
        stack.wait_searchable()
    url = stack.api_url
    answer = ask(url, sample.screenshot.read_bytes(), k=HITS, region=sample.region, settings=settings)
    output.console.print(f"\nthe hits of {sample.screenshot.name}, a screenshot of {sample.product_id}:")
    output.console.print(hits_table(answer))
    say(f"\nthe page: {url}/   the API: {url}/docs")
    status = stack_status(settings)
    return {
        "query": {"screenshot": str(sample.screenshot), "product_id": sample.product_id, **answer["query"]},
        "hits": answer["hits"],
        "timings": answer["timings"],
        "coverage": answer["coverage"],
        "generation": answer["generation"],
        "api": status["api"],
        "triton": status["triton"],
    }


def _finish(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.emit_json(result)


def _indexed(settings: Settings) -> bool:
    """Whether the serving generation holds the catalog as it is."""
    pointer = serving_pointer(settings.index)
    if pointer is None:
        return False
    catalog = Catalog.open(settings.catalog_url())
    try:
        return sum(shard.images for shard in pointer.shards) == catalog.counts()["images"]
    finally:
        catalog.close()


def _refuse_own_catalog(settings: Settings, sample: Sample) -> None:
    """The sample is never mixed into a shop's own products.

    Raises:
        InputError: the data folder holds a catalog without the sample's product.
    """
    if settings.database_url is None and not (settings.data / "catalog.sqlite3").exists():
        return
    catalog = Catalog.open(settings.catalog_url())
    try:
        if catalog.counts()["products"] and not catalog.products([sample.product_id]):
            raise InputError(
                "this data folder holds a catalog of your own; the demo would mix its sample into it",
                where=str(settings.data),
                mend="VISIONSEEK_DATA=.visionseek-demo visionseek demo",
            )
    finally:
        catalog.close()
