"""Triton and the API on this machine, as child processes that one data folder remembers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stack import processes
from stack.api_process import API_COMMAND, EncoderChanged, as_variables, wait_api
from stack.logs import rotate_log
from stack.models import load_missing
from stack.ports import choose_port
from stack.repository import ENCODERS, seed, shipped_backends, shipped_repository, wanted_models
from stack.state import ApiRun, StackState, TritonRun, only_one, read_state, write_state
from stack.triton import (
    EXIT_TIMEOUT_S,
    check_engines,
    check_stub,
    make_backend_directory,
    triton_command,
    triton_environment,
    wait_ready,
)
from stack.triton_control import TritonAddress
from stack.triton_wheel import TritonFiles, cache_folder, from_installation, from_wheel
from visionseek import output
from visionseek.errors import StackError
from visionseek.settings import Settings

API_GRACE_S = 10


def say(line: str) -> None:
    """Print a line of what is going on to standard error."""
    output.console.print(line, markup=False, soft_wrap=True)


class LocalStack:
    """The local stack of one data folder.

    As a context manager it starts what does not run yet and stops what it started, on exit, exception,
    Ctrl-C or SIGTERM. `start` and `stop` do the same by hand and may be in different processes.

    Args:
        settings: where the data folder is and which ports are wished for.
        api: whether the API is started, or Triton alone.
        api_command: what starts the API; it gets its settings as `VISIONSEEK_*` variables.
        say: called with each line of progress and each warning.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        api: bool = True,
        api_command: Sequence[str] = API_COMMAND,
        say: Callable[[str], None] = say,
    ) -> None:
        data = settings.data.absolute()
        self.settings = settings.model_copy(update={"data": data, "shared": settings.shared.absolute()})
        self.run = data / "run"
        self.triton_log = self.settings.logs / "triton.log"
        self.api_log = self.settings.logs / "api.log"
        self._pointer = self.settings.index / "current.json"
        self._api = api
        self._api_command = tuple(api_command)
        self._say = say
        self._started: list[processes.Process] = []

    @property
    def state(self) -> StackState:
        """What was started on this data folder, as the disk remembers it."""
        return read_state(self.run)

    @property
    def api_url(self) -> str:
        """Base URL of the API.

        Raises:
            StackError: none was started.
        """
        if (api := self.state.api) is None:
            raise StackError("no API was started", where=str(self.run), mend="visionseek up")
        return api.url

    @property
    def triton_grpc(self) -> str:
        """`host:port` of Triton's gRPC.

        Raises:
            StackError: none was started.
        """
        if (triton := self.state.triton) is None:
            raise StackError("no Triton was started", where=str(self.run), mend="visionseek up")
        return triton.address.grpc

    def start(self) -> StackState:
        """Start what does not run, load the models, wait until both answer.

        A Triton that died comes back on its old ports, where a living API finds it again. What this call
        started is stopped again when it fails or is interrupted.

        Raises:
            StackError: a part cannot be obtained, started or made ready; the message points at its log.
        """
        with only_one(self.run):
            self._check_api_port()
            try:
                self._start_triton()
                self._load_models()
                if self._api:
                    self._start_api()
            except BaseException:
                self._stop_started()
                raise
            return self.state

    def wait_searchable(self) -> None:
        """Wait until the API answers queries, such as after the first generation was published.

        Raises:
            StackError: no API runs, or it does not become ready.
        """
        if (api := self.state.api) is None:
            raise StackError("no API was started", where=str(self.run), mend="visionseek up")
        since = self.api_log.stat().st_size if self.api_log.exists() else 0
        wait_api(api.process, api.url, searches=True, log=self.api_log, since=since, settling=True)

    def stop(self) -> bool:
        """Stop the API, then Triton, whoever started them; whether anything ran.

        Raises:
            StackError: the record of what runs is damaged.
        """
        with only_one(self.run), processes.signals_held():
            state = self.state
            ran = state.api_alive or state.triton_alive
            if state.api is not None:
                processes.stop(state.api.process, grace_s=API_GRACE_S)
            if state.triton is not None:
                processes.stop(state.triton.process, grace_s=EXIT_TIMEOUT_S + 5)
            write_state(self.run, StackState())
            self._started.clear()
            return ran

    def restart_triton(self) -> StackState:
        """Stop Triton and start it again on the same ports; the API stays.

        Raises:
            StackError: as `start`.
        """
        with only_one(self.run), processes.signals_held():
            if (triton := self.state.triton) is not None:
                processes.stop(triton.process, grace_s=EXIT_TIMEOUT_S + 5)
        return self.start()

    def __enter__(self) -> Self:
        self._signals = processes.terminated_as_exit()
        self._signals.__enter__()
        try:
            self.start()
        except BaseException:
            self._signals.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with only_one(self.run):
                self._stop_started()
        finally:
            self._signals.__exit__(None, None, None)

    def _check_api_port(self) -> None:
        """A set port that is taken is told before anything starts; it is chosen when the API starts."""
        if self._api and self.settings.api_port and not self.state.api_alive:
            choose_port(self.settings.api_host, self.settings.api_port, setting="api_port")

    def _start_triton(self) -> None:
        state = self.state
        if state.triton is not None and state.triton.process.alive:
            # An `up` that was killed may have left it behind while it was starting.
            wait_ready(state.triton.process, state.triton.address, log=self.triton_log, since=0)
            return
        check_engines()
        files = self._triton_files()
        check_stub(files)
        for line in seed(shipped_repository(), self.settings.model_repository, self.run / "seeded.json"):
            self._say(line)
        address, ports = self._triton_address(state)
        backends = make_backend_directory(self.run / "backends", files, shipped_backends())
        command = triton_command(
            files,
            repository=self.settings.model_repository,
            backends=backends,
            host=self.settings.triton_host,
            **ports,
        )
        self._say(f"starting Triton (gRPC {address.grpc})")
        rotate_log(self.triton_log)
        since = self.triton_log.stat().st_size if self.triton_log.exists() else 0
        with processes.signals_held():
            process = self._spawn(command, triton_environment(files), self.triton_log)
            write_state(
                self.run, StackState(triton=TritonRun(process=process, **address.model_dump()), api=state.api)
            )
        wait_ready(process, address, log=self.triton_log, since=since)

    def _triton_files(self) -> TritonFiles:
        if self.settings.triton_server is not None:
            return from_installation(self.settings.triton_server)
        return from_wheel(cache_folder(), self._say)

    def _triton_address(self, state: StackState) -> tuple[TritonAddress, dict[str, int]]:
        """Ports as set, else those of the Triton before, else free ones."""
        host = self.settings.triton_host
        past = {} if state.triton is None else state.triton.address.model_dump()
        ports: dict[str, int] = {}
        for name in ("grpc", "http", "metrics"):
            setting = f"triton_{name}_port"
            wanted: int = getattr(self.settings, setting)
            before = _port(past[name]) if name in past else 0
            try:
                ports[name] = choose_port(host, wanted or before, setting=setting, taken=ports.values())
            except StackError:
                if wanted or state.api_alive:  # a living API looks for Triton where it was
                    raise
                ports[name] = choose_port(host, 0, setting=setting, taken=ports.values())
        address = TritonAddress(
            grpc=f"{host}:{ports['grpc']}",
            http=f"http://{host}:{ports['http']}",
            metrics=f"http://{host}:{ports['metrics']}/metrics",
        )
        return address, ports

    def _load_models(self) -> None:
        triton = self.state.triton
        assert triton is not None
        wanted = wanted_models(self.settings.model_repository, self._pointer)
        if not any(model.name == ENCODERS[0] for model in wanted):
            where = self.settings.model_repository
            self._say(f"no {ENCODERS[0]} in {where}: publish one with `visionseek export`")
        try:
            load_missing(triton.address, wanted, self._say)
        except StackError as error:
            raise StackError(error.what, where=str(self.triton_log), mend=error.mend) from error

    def _start_api(self) -> None:
        state = self.state
        if state.api is not None and state.api.process.alive:
            wait_api(state.api.process, state.api.url, searches=False, log=self.api_log, since=0)
            return
        assert state.triton is not None
        host = self.settings.api_host
        past = _port(state.api.url) if state.api is not None else 0
        try:
            port = choose_port(host, self.settings.api_port or past, setting="api_port")
        except StackError:
            if self.settings.api_port:
                raise
            port = choose_port(host, 0, setting="api_port")
        url = f"http://{host}:{port}"
        grpc, http, metrics = (_port(part) for part in state.triton.address.model_dump().values())
        settings = self.settings.model_copy(
            update={
                "api_port": port,
                "triton_grpc_port": grpc,
                "triton_http_port": http,
                "triton_metrics_port": metrics,
            }
        )
        self._say(f"starting the API ({url})")
        rotate_log(self.api_log)
        since = self.api_log.stat().st_size if self.api_log.exists() else 0
        with processes.signals_held():
            process = self._spawn(self._api_command, os.environ | as_variables(settings), self.api_log)
            write_state(self.run, StackState(triton=state.triton, api=ApiRun(process=process, url=url)))
        try:
            wait_api(process, url, searches=self._pointer.exists(), log=self.api_log, since=since)
        except EncoderChanged as error:  # stays up: what mends it needs Triton
            mend = f"; {error.mend}" if error.mend else ""
            self._say(f"not ready: {error.what}{mend}")

    def _spawn(self, command: Sequence[str], environment: dict[str, str], log: Path) -> processes.Process:
        try:
            process = processes.spawn(command, environment=environment, log=log)
        except OSError as error:
            raise StackError(f"cannot start {command[0]}: {error}", where=str(log)) from error
        self._started.append(process)
        return process

    def _stop_started(self) -> None:
        """Stop what this object started, last first, and forget it on the disk."""
        with processes.signals_held():
            mine = self._started[::-1]
            for process in mine:
                processes.stop(process, grace_s=EXIT_TIMEOUT_S + 5)
            self._started.clear()
            state = self.state
            write_state(
                self.run,
                StackState(
                    triton=None if state.triton is None or state.triton.process in mine else state.triton,
                    api=None if state.api is None or state.api.process in mine else state.api,
                ),
            )


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])
