"""The curves of a run, drawn from its log."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.watching.log import read_log
from visionseek.files import write_atomically

CURVES_FILE = "curves.png"
# A panel shows the figures whose names begin so; each figure is in the first panel that takes it.
_PANELS: Mapping[str, tuple[str, ...]] = {
    "loss": ("loss",),
    "recall on held-out queries": ("recall",),
    "gradient norm": ("gradient",),
    "embeddings: length of their mean": ("mean_length",),
    "images a second": ("images_per_s",),
}
_SMOOTH = 0.9
_DENSE = 60


def plot_log(out: Path) -> Path | None:
    """Draw `curves.png` from `log.jsonl` of the run in `out`; None where no step was logged yet.

    Raises:
        OSError: the disk refused.
    """
    lines = read_log(out)
    panels = {title: _series(lines, starts) for title, starts in _PANELS.items()}
    panels = {title: series for title, series in panels.items() if series}
    if not panels:
        return None
    figure = Figure(figsize=(11, 2.6 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, series) in zip(axes, panels.items(), strict=True):
        _draw(axis, title, series)
    axes[-1].set_xlabel("step")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    write_atomically(out / CURVES_FILE, buffer.getvalue())
    return out / CURVES_FILE


def _series(
    lines: Sequence[Mapping[str, Any]], starts: tuple[str, ...]
) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    names = dict.fromkeys(
        name
        for line in lines
        for name, value in line.items()
        if name.startswith(starts) and isinstance(value, int | float)
    )
    found = {}
    for name in names:
        points = {line["step"]: float(line[name]) for line in lines if name in line}
        steps = np.array(sorted(points))
        found[name] = (steps.astype(float), np.array([points[step] for step in steps]))
    return found


def _draw(
    axis: Axes, title: str, series: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
) -> None:
    for number, (name, (steps, values)) in enumerate(series.items()):
        colour = f"C{number % 10}"
        if len(values) > _DENSE:
            axis.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
            axis.plot(steps, _smooth(values), color=colour, linewidth=1.6, label=name)
        else:
            axis.plot(steps, values, color=colour, linewidth=1.6, marker=".", label=name)
    axis.set_title(title, loc="left", fontsize=10)
    axis.grid(visible=True, alpha=0.3)
    if len(series) > 1:
        axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside: it would hide curves


def _smooth(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Exponential moving average without its bias at the start (Kingma and Ba 2015, section 3)."""
    smoothed, mean = np.empty_like(values), 0.0
    for place, value in enumerate(values):
        mean = _SMOOTH * mean + (1 - _SMOOTH) * value
        smoothed[place] = mean / (1 - _SMOOTH ** (place + 1))
    return smoothed
