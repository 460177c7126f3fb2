"""`visionseek train merge`: a checkpoint with an adapter's update in its weights, which needs no PEFT any more."""

from __future__ import annotations

import copy
from pathlib import Path

import click

from visionseek import output
from visionseek.errors import ArtifactError, CheckpointError

DTYPES = ("float32", "float16", "bfloat16")


@click.command()
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), required=True, help="What the adapter was tuned on."
)
@click.option(
    "--adapter", type=click.Path(path_type=Path), help="Without one only the type of the weights changes."
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Share of the update that is merged: less stays nearer to what CHECKPOINT knew.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Gets the merged checkpoint.")
@click.option(
    "--dtype", type=click.Choice(DTYPES), default="float16", show_default=True, help="Of the weights."
)
@output.json_option
def merge(
    checkpoint: Path, adapter: Path | None, strength: float, out: Path, dtype: str, as_json: bool
) -> None:
    """Write CHECKPOINT with ADAPTER merged in, in the published format, with tokenizer and preprocessing.

    A --strength between 0 and 1 is the line between both (Wortsman et al. 2022, WiSE-FT): often better than either
    end, where the tuning won on some questions and lost on others.
    """
    if adapter is None and strength != 1:
        raise click.UsageError("--strength is of an adapter's update: give --adapter")
    # torch takes seconds to import; `--help` should not.
    import torch  # noqa: PLC0415

    from training.adapters import merge as merged  # noqa: PLC0415
    from training.adapters import read_adapter  # noqa: PLC0415
    from training.jina_clip import JinaCLIP  # noqa: PLC0415
    from training.jina_clip.vision import VisionTower  # noqa: PLC0415
    from training.trained_on import TrainedOn, read_trained_on, write_trained_on  # noqa: PLC0415

    if out.exists() and any(out.iterdir()):
        raise CheckpointError("there is something here already", where=str(out), mend="choose another --out")
    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32)  # the update is added in full precision
    seen = read_trained_on(checkpoint)
    if adapter is not None:
        read_adapter(adapter, checkpoint)
        before = copy.deepcopy(clip.vision_model)
        tower = merged(clip.vision_model, adapter)
        assert isinstance(tower, VisionTower)
        with torch.no_grad():
            for weight, old in zip(tower.parameters(), before.parameters(), strict=True):
                weight.copy_(torch.lerp(old, weight, strength))
        clip.vision_model = tower
        more = read_trained_on(adapter)
        seen = more.joined(seen) if more else seen
    try:
        clip.to(getattr(torch, dtype)).save_pretrained(out)
        if seen is not None:
            write_trained_on(out, seen.products, seen.families)
    except OSError as error:
        raise ArtifactError(f"the disk refused: {error.strerror or error}", where=str(out)) from error
    seen = seen or TrainedOn(frozenset())
    output.console.print(f"saved {out}", soft_wrap=True)
    if as_json:
        output.emit_json(
            {
                "checkpoint": str(out),
                "dtype": dtype,
                "strength": strength,
                "products_seen": len(seen.products),
            }
        )
