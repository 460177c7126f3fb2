"""`visionseek export`."""

from __future__ import annotations

from pathlib import Path

import click

from visionseek import output
from visionseek.pixels import Rule
from visionseek.settings import load_settings

_SHIPPED = Path(__file__).parents[1]
DEFAULT_CHECKPOINT = _SHIPPED / "training" / "checkpoints" / "visionseek-mini"
SAMPLE_PICTURES = _SHIPPED / "catalog" / "sample" / "images"
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@click.command()
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    default=DEFAULT_CHECKPOINT,
    help="A folder in the published Jina CLIP format; default: visionseek-mini.",
)
@click.option("--adapter", type=click.Path(path_type=Path), help="A LoRA adapter to merge in.")
@click.option(
    "--repository",
    type=click.Path(path_type=Path),
    help="Triton model repository; default: the live one in the data folder.",
)
@click.option("--model", default="vision_encoder", show_default=True, help="Name of the Triton model.")
@click.option("--dimension", type=click.IntRange(1), help="Keep this many leading components (Matryoshka).")
@click.option("--weights", type=click.Choice(["fp16", "fp32"]), default="fp16", show_default=True)
@click.option(
    "--pixel-rule", type=click.Choice(["shortest-crop", "pad"]), help="Default: the adapter's, or pad."
)
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SAMPLE_PICTURES,
    help="Pictures for the parity gate, 64 at least; default: the sample catalog's.",
)
@output.json_option
def export(
    checkpoint: Path,
    adapter: Path | None,
    repository: Path | None,
    model: str,
    dimension: int | None,
    weights: str,
    pixel_rule: str | None,
    pictures: Path,
    as_json: bool,
) -> None:
    """Merge, convert to ONNX, check parity, publish as a new version of the encoder."""
    from export.encoder import export_encoder, served_weights  # noqa: PLC0415 -- torch is slow to import

    paths = sorted(path for path in pictures.rglob("*") if path.suffix.lower() in _SUFFIXES)
    with output.progress() as bar:
        task = bar.add_task("export", total=4)

        def stage(name: str) -> None:
            bar.update(task, description=f"export: {name}", advance=1)

        done = export_encoder(
            checkpoint,
            repository or load_settings().model_repository,
            pictures=paths,
            adapter=adapter,
            model=model,
            dimension=dimension,
            weights=served_weights(weights),
            pixel_rule=_rule(pixel_rule),
            on_stage=stage,
        )
    output.console.print(
        f"{done.model} version {done.version}: {done.manifest.dimension} dimensions at {done.manifest.image_size} px, "
        f"least cosine to PyTorch {done.parity.least:.6f} over {done.parity.pictures} pictures\n{done.folder}",
        soft_wrap=True,
    )
    if as_json:
        output.emit_json(
            {
                "model": done.model,
                "version": done.version,
                "folder": str(done.folder),
                "fingerprint": done.manifest.fingerprint,
                "dimension": done.manifest.dimension,
                "image_size": done.manifest.image_size,
                "pixel_rule": done.manifest.pixel_rule,
                "parity": done.manifest.parity,
            }
        )


def _rule(chosen: str | None) -> Rule | None:
    """The pixel rule by its name on the command line."""
    return None if chosen is None else "shortest-crop" if chosen == "shortest-crop" else "pad"
