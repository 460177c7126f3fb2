"""Child processes that outlive the command that started them, named by pid and start time."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from pydantic import BaseModel, ConfigDict

_POLL_S = 0.02
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Process(BaseModel):
    """A process of this machine.

    Attributes:
        pid: its number, which the kernel reuses.
        started: boot id and start time in clock ticks (field 22 of `/proc/PID/stat`, proc(5)); with
            the pid it names one process for ever.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not, and a reused pid is another process."""
        _reap(self.pid)
        return _started(self.pid) == self.started


def spawn(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Process:
    """Start `command` in a session of its own, so that Ctrl-C in this terminal does not reach it.

    Args:
        command: program and arguments; the program is a path.
        environment: all of its environment.
        log: file that its standard output and error are appended to.

    Raises:
        OSError: the program cannot be executed or the log not written.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        command[0],
        list(command),
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE],
    )
    return Process(pid=pid, started=_started(pid) or "ended at once")


def stop(process: Process, *, grace_s: float) -> None:
    """SIGTERM, wait for the process (not for its port), then SIGKILL to its whole group.

    Args:
        process: started by `spawn`, by this or an earlier command; nothing happens when it has ended.
        grace_s: seconds between the two signals.
    """
    if not process.alive:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    if not wait_until_ended(process, deadline_s=grace_s):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        wait_until_ended(process, deadline_s=5.0)


def wait_until_ended(process: Process, *, deadline_s: float) -> bool:
    """Wait at most `deadline_s` seconds; whether it has ended."""
    until = time.monotonic() + deadline_s
    while process.alive:
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait while a child is started and recorded, or while children are stopped.

    By handlers, not by a mask: a mask holds for one thread, and the kernel would pick another.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signal handlers run in the main thread only
        return
    came: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextlib.contextmanager
def terminated_as_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process through its `finally` blocks, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signal handlers belong to the main thread
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def command_line(pid: int) -> str:
    """The command of a process as one line; empty where it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    try:
        # The command's name, in parentheses, may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = _BOOT_ID.read_text().strip()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}:{ticks}"


def _reap(pid: int) -> None:
    """Collect our own ended child; another command's child is collected by init."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
