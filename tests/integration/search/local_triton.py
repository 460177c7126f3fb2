from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from stack.local import LocalStack
from stack.processes import Process


class LocalTriton:
    """A Triton of this area's own, that may be killed and hung; it comes back on the same ports."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack

    @property
    def data(self) -> Path:
        return self.stack.settings.data

    @property
    def process(self) -> Process:
        run = self.stack.state.triton
        assert run is not None
        return run.process

    def kill(self) -> None:
        """As a machine that loses its power: no goodbye to anyone."""
        process = self.process
        os.killpg(process.pid, signal.SIGKILL)
        while process.alive:
            time.sleep(0.01)

    def pause(self) -> None:
        """As a machine that hangs: connections stay open, nothing answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
