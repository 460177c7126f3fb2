"""TensorBoard event files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tensorboardX import SummaryWriter

FOLDER = "tensorboard"
# A reader sees new figures after so many seconds at the latest.
_FLUSH_SECONDS = 20


class Events:
    """Writes the figures of a run to `tensorboard/`, for `tensorboard --logdir`.

    Args:
        out: the run's folder.
        start: steps done before; what an earlier process wrote after them is purged from the display.
    """

    def __init__(self, out: Path, *, start: int = 0) -> None:
        self._writer = SummaryWriter(
            str(out / FOLDER), purge_step=start + 1, flush_secs=_FLUSH_SECONDS, write_to_disk=True
        )

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add figures of a step, a curve a name."""
        for name, value in figures.items():
            # TensorBoard takes no "@" in a name.
            self._writer.add_scalar(name.replace("@", "_"), value, step)

    def flush(self) -> None:
        """Bring all that was written to the file."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()
