"""Processes that work for another one and leave with it."""

from __future__ import annotations

import multiprocessing
import os
import threading


def leave_with_parent() -> None:
    """End this process as soon as the one that started it is gone, killed ones too; an initializer of pools.

    A worker of a pool waits for work that a killed parent never sends: without this it stays, with its memory.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), name="leave-with-parent", daemon=True).start()


def _watch(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
