"""Watching a run: its log, curves as PNG and TensorBoard events, samples of what it is shown."""

from training.watching.curves import plot_log
from training.watching.log import LOG_FILE, RunLog, read_log
from training.watching.sheet import contact_sheet

__all__ = ["LOG_FILE", "RunLog", "contact_sheet", "plot_log", "read_log"]
