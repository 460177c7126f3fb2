"""`visionseek catalog import FEED`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import TaskID

from catalog.database import Catalog
from catalog.feeds.opening import open_feed
from catalog.fetching import Files, Router
from catalog.importing import import_feed
from catalog.mapping import check_columns, guess, read_mapping
from catalog.pictures import PictureStore
from catalog.report import read_report, table
from visionseek import output
from visionseek.pixels import ImageLimits
from visionseek.settings import load_settings


@click.command("import")
@click.argument("feed")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Where findings go, as JSON lines."
)
@click.option(
    "--mapping", "mapping_file", type=click.Path(path_type=Path), help="TOML: which column is which field."
)
@click.option("--encoding", help="Of the feed's text; found out when not given.")
@click.option("--currency", help="Of prices that name none, such as EUR.")
@click.option(
    "--allow-files", is_flag=True, help="Read picture files outside of the feed's folder and file:// links."
)
@click.option("--delete-missing", is_flag=True, help="Delete products that the feed does not name.")
@click.option("--dry-run", is_flag=True, help="Show which column is read as which field, and change nothing.")
@output.json_option
def import_(
    *,
    feed: str,
    report: Path | None,
    mapping_file: Path | None,
    encoding: str | None,
    currency: str | None,
    allow_files: bool,
    delete_missing: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring the product feed FEED and its pictures into the catalog.

    Every row is accepted, merged or rejected, and the report says why. Repeating an import changes nothing;
    an interrupted one goes on where it was.
    """
    settings = load_settings()
    opened = open_feed(feed, encoding=encoding)
    columns = opened.columns()
    mapping = read_mapping(mapping_file) if mapping_file else guess(columns)
    if currency:
        mapping.defaults.setdefault("currency", currency)
    check_columns(mapping, columns, feed)
    if dry_run:
        return _show_mapping(columns, mapping.columns, as_json=as_json)
    report = report or settings.data / "reports" / f"{Path(feed).stem}.jsonl"
    limits = ImageLimits(
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_image_pixels,
        max_frames=settings.max_image_frames,
    )
    fetch = Router(Files(opened.base.folder, allow_files=allow_files, max_bytes=limits.max_bytes))
    catalog = Catalog.open(settings.catalog_url())
    with output.progress() as bar:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, done: int, total: int | None = None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        summary = import_feed(
            catalog,
            PictureStore(settings.pictures),
            opened,
            mapping,
            fetch,
            report=report,
            limits=limits,
            delete_missing=delete_missing,
            progress=progress,
        )
    catalog.close()
    if as_json:
        output.emit_json(asdict(summary))
        return None
    findings = [finding for finding in read_report(report) if finding.outcome != "remark"]
    if findings:
        output.console.print(table(findings))
    output.emit(
        f"{summary.rows:,} rows: {summary.accepted:,} accepted, {summary.merged:,} merged, "
        f"{summary.rejected:,} rejected; {summary.images:,} images, {summary.broken_images:,} broken. "
        f"Report: {summary.report}"
    )
    return None


def _show_mapping(columns: list[str], mapping: dict[str, tuple[str, ...]], *, as_json: bool) -> None:
    used = {column for named in mapping.values() for column in named}
    rest = [column for column in columns if column not in used]
    if as_json:
        return output.emit_json(
            {"columns": {name: list(named) for name, named in mapping.items()}, "attributes": rest}
        )
    output.emit("[columns]")
    for name, named in mapping.items():
        output.emit(f"{name} = {list(named)}")
    output.emit(f"# kept as attributes: {', '.join(rest) or 'none'}")
    return None
