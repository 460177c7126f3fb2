"""`visionseek train`: a table of subcommands, each loaded when it is called."""

from __future__ import annotations

import click

from visionseek.lazy import LazyCommands

# name -> (module:attribute, one line of help), in the order of use
COMMANDS: dict[str, tuple[str, str]] = {
    "augment": ("training.dataset.commands:augment", "Build a data set: variations, screenshots, splits."),
    "pretrain": (
        "training.pretrain.commands:pretrain",
        "Train a Jina CLIP from scratch: visionseek-mini, or any size.",
    ),
    "tune": ("training.tune.commands:tune", "Tune LoRA adapters on a shop's own catalog."),
    "merge": ("training.merging:merge", "A checkpoint with an adapter's update in its weights."),
    "ablate": ("training.tune.ablation_commands:ablate", "What each part of the tuning is worth: a table."),
}


@click.group(cls=LazyCommands, table=COMMANDS)
def train() -> None:
    """Augment, pretrain and tune the encoder."""
