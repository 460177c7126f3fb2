"""`visionseek model`: look into a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from visionseek.errors import CheckpointError
from visionseek.output import console, emit_json, json_option

if TYPE_CHECKING:
    from training.jina_clip.inspection import Inspection


@click.group()
def model() -> None:
    """Look into a checkpoint."""


@model.command()
@click.argument("path")
@click.option("--revision", help="Commit to look at, where PATH is an id on the model hub.")
@json_option
def inspect(path: str, revision: str | None, as_json: bool) -> None:
    """Show family, sizes, licence, cost and tensors of the checkpoint in folder (or hub id) PATH.

    Exits 1 where a tensor is missing, unexpected or of the wrong shape.
    """
    from training.jina_clip.checkpoint import other_family  # noqa: PLC0415
    from training.jina_clip.folder import NON_COMMERCIAL  # noqa: PLC0415
    from training.jina_clip.inspection import inspect as look  # noqa: PLC0415 -- it imports torch

    found = look(path, revision)
    if as_json:
        emit_json(found.to_dict())
    else:
        _show(found, NON_COMMERCIAL)
    if not found.loadable:
        count = len(found.missing) + len(found.unexpected) + len(found.wrong_shapes)
        hint = other_family(found.missing, found.unexpected)
        raise CheckpointError(
            f"{count} tensors do not fit its {found.family} configuration{hint}", where=found.path
        )


def _show(found: Inspection, non_commercial: str) -> None:
    stated = found.licence or f"not stated; the published {found.family} has {found.published_licence}"
    table = Table(show_header=False, box=None)
    rows = {
        "checkpoint": found.path,
        "family": f"Jina CLIP {found.family}",
        "licence": stated,
        "embedding": f"{found.dimension} dimensions",
        "picture": f"{found.image_size} px, patches of {found.patch_size} px",
        "vision": f"{found.vision_parameters:,} parameters, {found.gflops_per_image:.4g} GFLOP an image",
        "text": f"{found.text_parameters:,} parameters",
        "tensors": ", ".join(f"{count} {kind}" for kind, count in sorted(found.types.items())),
        "missing": "\n".join(found.missing) or "none",
        "unexpected": "\n".join(found.unexpected) or "none",
        "wrong shape": "\n".join(found.wrong_shapes) or "none",
    }
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/]", escape(value))
    console.print(table)
    if (found.licence or found.published_licence) == "CC-BY-NC-4.0":
        console.print(f"[yellow]{escape(non_commercial)}[/]")
