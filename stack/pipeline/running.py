"""A stage is a child process: the command that a person would type, its JSON, its time."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visionseek.errors import StackError
from visionseek.settings import PREFIX, Settings

_GRACE_S = 20.0
VISIONSEEK = (sys.executable, "-m", "visionseek")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed as its last line, and how long it took, its start included."""

    answer: dict[str, Any]
    seconds: float


class Commands:
    """Runs `visionseek` commands on a data folder of their own.

    Nothing that leads elsewhere reaches them: no variable and no `visionseek.toml` of the caller, so that
    a pipeline cannot write into a database or load models into a server that somebody else uses.

    Args:
        data: the data folder, absolute; also where they run.
        settings: the caller's; only what says which Triton is installed is handed on.
        program: what stands in for `visionseek`.
    """

    def __init__(self, data: Path, settings: Settings, program: Sequence[str] = VISIONSEEK) -> None:
        self._data = data
        self._program = tuple(program)
        self._environment = {k: v for k, v in os.environ.items() if not k.upper().startswith(PREFIX)}
        self._environment[f"{PREFIX}DATA"] = str(data)
        # Threads that wait for each other sleep instead of spinning: on a machine that others use too, tuning
        # takes a third of the processor time and of the hours; on an idle one it makes no difference.
        self._environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        if settings.triton_server is not None:
            self._environment[f"{PREFIX}TRITON_SERVER"] = str(settings.triton_server.absolute())

    def shown(self, arguments: Sequence[str]) -> str:
        """The command as it can be typed again."""
        return shlex.join([f"{PREFIX}DATA={self._data}", "visionseek", *arguments])

    def run(self, stage: str, arguments: Sequence[str], *, deadline_s: float) -> Done:
        """Run one command; what it says of its progress and errors is shown as it comes.

        Raises:
            StackError: it failed, took too long or printed no JSON; the message names `stage`.
        """
        began = time.monotonic()
        with subprocess.Popen(
            [*self._program, *arguments, "--json"],
            cwd=self._data,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            try:
                printed, _ = child.communicate(timeout=deadline_s)
            except subprocess.TimeoutExpired:
                _end(child)
                raise self._failure(stage, arguments, f"did not end in {deadline_s:.0f} s") from None
            except BaseException:
                _end(child)
                raise
        if child.returncode:
            how = f"exited with {child.returncode} (its own error is above)"
            if child.returncode < 0:
                how = f"was ended by signal {-child.returncode}"
            raise self._failure(stage, arguments, how)
        answer = _last_object(printed)
        if answer is None:
            raise self._failure(stage, arguments, "printed no JSON object as its last line")
        return Done(answer, time.monotonic() - began)

    def _failure(self, stage: str, arguments: Sequence[str], how: str) -> StackError:
        return StackError(
            f"stage `{stage}` failed: its command {how}",
            where=str(self._data),
            mend=f"try the stage alone: {self.shown(arguments)}",
        )


def _last_object(printed: str) -> dict[str, Any] | None:
    lines = printed.splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _end(child: subprocess.Popen[str]) -> None:
    """Wait for a child that a Ctrl-C reached too, or was sent SIGTERM; then SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        child.communicate(timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
