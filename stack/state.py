"""What runs, remembered in `run/stack.json` between commands."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from stack.processes import Process
from stack.triton_control import TritonAddress
from visionseek.errors import StackError
from visionseek.files import write_atomically

FILE_NAME = "stack.json"


class TritonRun(BaseModel):
    """A Triton that was started, and where it is reached (as in TritonAddress)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: Process
    grpc: str
    http: str
    metrics: str

    @property
    def address(self) -> TritonAddress:
        """Where it is reached."""
        return TritonAddress(grpc=self.grpc, http=self.http, metrics=self.metrics)


class ApiRun(BaseModel):
    """An API that was started; `url` without a slash at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: Process
    url: str


class StackState(BaseModel):
    """What an `up` started. A part that ended since is still named, so that it can come back where it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    triton: TritonRun | None = None
    api: ApiRun | None = None

    @property
    def triton_alive(self) -> bool:
        """Whether that very Triton process still runs."""
        return self.triton is not None and self.triton.process.alive

    @property
    def api_alive(self) -> bool:
        """Whether that very API process still runs."""
        return self.api is not None and self.api.process.alive


def read_state(run: Path) -> StackState:
    """Read `run/stack.json`; an empty state where there is none.

    Raises:
        StackError: the file is damaged.
    """
    path = run / FILE_NAME
    try:
        return StackState.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return StackState()
    except NotADirectoryError as error:
        raise _unwritable(run, error) from error
    except (OSError, ValidationError) as error:
        raise StackError(
            "this record of what runs cannot be read",
            where=str(path),
            mend="stop tritonserver and the API by hand, then remove the file",
        ) from error


def write_state(run: Path, state: StackState) -> None:
    """Write `run/stack.json` atomically; an empty state removes it."""
    if state == StackState():
        (run / FILE_NAME).unlink(missing_ok=True)
    else:
        write_atomically(run / FILE_NAME, (state.model_dump_json(indent=2) + "\n").encode())


@contextlib.contextmanager
def only_one(run: Path) -> Iterator[None]:
    """Hold the lock of this data folder while parts are started or stopped.

    Raises:
        StackError: another command holds it, or the folder cannot be written.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        stream = (run / "lock").open("w")
    except OSError as error:
        raise _unwritable(run, error) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(
                "another `visionseek up` or `down` is at work on this data folder",
                where=str(run),
                mend="wait until it is done",
            ) from error
        yield


def _unwritable(run: Path, error: OSError) -> StackError:
    return StackError(
        f"the data folder cannot be written ({error.strerror})",
        where=str(run.parent),
        mend="name a folder that can be, with VISIONSEEK_DATA or --data",
    )
