"""`visionseek catalog import FEED`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from catalog.edge import catalog_of, progress_bars
from catalog.feeds.opening import FORMATS, Feed, Format, open_feed
from catalog.feeds.remote import local_copy
from catalog.fetching import Files, Router
from catalog.importing import Summary, import_feed
from catalog.mapping import ColumnMapping, check_columns, guess, read_mapping, with_currency
from catalog.report import read_report, table
from catalog.s3 import Objects
from catalog.web import Web
from visionseek import output
from visionseek.pixels import ImageLimits
from visionseek.settings import load_settings

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("import")
@click.argument("feed")
@click.option("--report", type=_FILE, help="Where findings go, as JSON lines.")
@click.option("--mapping", "mapping_file", type=_FILE, help="TOML: which column is which field.")
@click.option("--format", type=click.Choice(FORMATS), help="Of the feed; recognised by its content.")
@click.option("--encoding", help="Of the feed's text; found out when not given.")
@click.option("--currency", help="Of prices that name none, such as EUR.")
@click.option("--allow-files", is_flag=True, help="Follow links to files outside of the feed's folder.")
@click.option("--allow-s3", is_flag=True, help="Follow s3:// links, with this machine's credentials.")
@click.option("--allow-private", multiple=True, metavar="HOST:PORT", help="Fetch from this private address.")
@click.option("--no-pictures", is_flag=True, help="Rows only; the next import fetches the pictures.")
@click.option("--delete-missing", is_flag=True, help="Delete products that the feed does not name.")
@click.option("--dry-run", is_flag=True, help="Show which column is read as which field; change nothing.")
@output.json_option
def import_(
    *,
    feed: str,
    report: Path | None,
    mapping_file: Path | None,
    format: Format | None,  # noqa: A002 -- the option's name
    encoding: str | None,
    currency: str | None,
    allow_files: bool,
    allow_s3: bool,
    allow_private: tuple[str, ...],
    no_pictures: bool,
    delete_missing: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring the product feed FEED, a path, https:// or s3:// address, and its pictures into the catalog.

    Every row is accepted, merged or rejected, and the report says why. Repeating an import changes nothing;
    an interrupted one goes on where it was.
    """
    settings = load_settings()
    private = [_host_and_port(text) for text in allow_private]
    limits = ImageLimits(
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_image_pixels,
        max_frames=settings.max_image_frames,
    )
    with local_copy(feed, settings.data / "feeds", allow_private=private) as (path, base):
        opened = open_feed(path, name=feed, base=base, format=format, encoding=encoding)
        mapping = _mapping(opened, mapping_file, currency)
        if dry_run:
            return _show_mapping(opened.columns(), mapping, as_json=as_json)
        check_columns(mapping, opened.columns(), feed)
        fetch = Router(
            Files(base.folder, allow_files=allow_files, max_bytes=limits.max_bytes),
            web=lambda: Web(max_bytes=limits.max_bytes, allow_private=private),
            s3=Objects(max_bytes=limits.max_bytes) if allow_s3 else None,
        )
        with catalog_of(settings) as (catalog, store), progress_bars() as progress:
            summary = import_feed(
                catalog,
                store,
                opened,
                mapping,
                None if no_pictures else fetch,
                report=report or settings.data / "reports" / f"{Path(feed).name}.report.jsonl",
                limits=limits,
                delete_missing=delete_missing,
                progress=progress,
            )
    return output.emit_json(asdict(summary)) if as_json else _show(summary)


def _mapping(feed: Feed, file: Path | None, currency: str | None) -> ColumnMapping:
    mapping = read_mapping(file) if file else guess(feed.columns())
    return with_currency(mapping, currency) if currency else mapping


def _show(summary: Summary) -> None:
    findings = [finding for finding in read_report(Path(summary.report)) if finding.outcome != "remark"]
    if findings:
        output.console.print(table(findings))
    output.emit(
        f"{summary.rows:,} rows: {summary.accepted:,} accepted, {summary.merged:,} merged, "
        f"{summary.rejected:,} rejected; {summary.images:,} images, {summary.broken_images:,} broken. "
        f"Report: {summary.report}"
    )


def _show_mapping(columns: list[str], mapping: ColumnMapping, *, as_json: bool) -> None:
    """The mapping, as the TOML file that would say the same."""
    used = {column for named in mapping.columns.values() for column in named}
    rest = [column for column in columns if column not in used]
    if as_json:
        told = {name: list(named) for name, named in mapping.columns.items()}
        return output.emit_json({"columns": told, "defaults": mapping.defaults, "attributes": rest})
    output.emit("[columns]")
    for name, named in mapping.columns.items():
        output.emit(f"{name} = {json.dumps(list(named), ensure_ascii=False)}")
    if mapping.defaults:
        output.emit("[defaults]")
    for name, value in mapping.defaults.items():
        output.emit(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    output.emit(f"# kept as attributes: {', '.join(rest) or 'none'}")
    if "id" not in mapping.columns:
        output.emit("# missing: id; no column is known to hold it")
    return None


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter(f"{text!r} is not HOST:PORT", param_hint="--allow-private")
    return host.strip("[]").lower(), int(port)
