"""The state of a run on disk: whole, or the one before; a kill at any step costs a few steps at most."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from visionseek.errors import CheckpointError
from visionseek.files import write_atomically

STATE_FILE = "state.pt"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the state of the run in `folder` atomically.

    Raises:
        OSError: the disk refused; the state before is untouched.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(folder / STATE_FILE, buffer.getvalue())


def load_state(folder: Path, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """Read the state that a run of the same recipe left in `folder`; None where there is none.

    Raises:
        CheckpointError: the state belongs to another recipe, or cannot be read.
    """
    path = folder / STATE_FILE
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds here, by what exactly is broken
        raise CheckpointError(
            "the saved state of this run cannot be read", where=str(path), mend="delete it to start anew"
        ) from error
    if state["recipe"] != recipe:
        different = sorted(
            key for key in {*state["recipe"], *recipe} if state["recipe"].get(key) != recipe.get(key)
        )
        raise CheckpointError(
            f"this folder holds a run of another recipe (different: {', '.join(different)})",
            where=str(folder),
            mend="give another --out, or the same options to resume",
        )
    return state
