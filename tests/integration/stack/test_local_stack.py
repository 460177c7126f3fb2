import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stack import processes
from stack.commands import stack_status
from stack.local import LocalStack
from stack.processes import Process, command_line
from tests.integration.support import api_stand_in
from tests.integration.support.encoder import write_tiny_encoder
from tests.integration.support.shard import unit_vectors, write_tiny_shard
from visionseek.errors import StackError
from visionseek.settings import Settings, load_settings

API = (sys.executable, api_stand_in.__file__)


def write_pointer(settings: Settings, *, version: int = 1) -> None:
    settings.index.mkdir(parents=True, exist_ok=True)
    encoder = {"model": "vision_encoder", "version": 1}
    shard = {"model": "catalog_shard_00", "version": version, "images": 20}
    pointer = {"generation": version, "encoder": encoder, "shards": [shard]}
    (settings.index / "current.json").write_text(json.dumps(pointer))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings(data=tmp_path / "data")
    write_tiny_encoder(settings.model_repository)
    return settings


@pytest.fixture
def make_stack(settings: Settings) -> Iterator[Callable[..., LocalStack]]:
    made = []

    def make(**options: Any) -> LocalStack:
        quiet: dict[str, Any] = {"api_command": API, "say": lambda _: None}
        stack = LocalStack(settings, **(quiet | options))
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop()


def kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert processes.wait_until_ended(process, deadline_s=10)


def test_it_starts_says_what_runs_comes_back_after_a_kill_and_leaves_nothing(
    settings: Settings, make_stack: Callable[..., LocalStack]
) -> None:
    write_tiny_shard(settings.model_repository, vectors=unit_vectors(20))
    write_pointer(settings)
    first = make_stack().start()
    assert first.triton is not None
    assert first.api is not None
    told = httpx.get(f"{first.api.url}/settings", trust_env=False).json()
    assert told["VISIONSEEK_DATA"] == str(settings.data)
    assert f":{told['VISIONSEEK_TRITON_GRPC_PORT']}" in first.triton.grpc

    status = stack_status(settings)
    assert status["running"]
    assert status["api"] == {"url": first.api.url, "ready": True}
    assert status["triton"]["version"].startswith("2.")
    assert status["triton"]["models"] == [
        {"name": "catalog_shard_00", "version": "1", "state": "READY"},
        {"name": "vision_encoder", "version": "1", "state": "READY"},
    ]
    assert status["pids"] == {"triton": first.triton.process.pid, "api": first.api.process.pid}
    assert make_stack().start() == first

    kill(first.triton.process)
    status = stack_status(settings)
    assert not status["running"]
    assert status["ended"] == ["triton"]
    assert status["triton"] is None
    again = make_stack().start()
    assert again.triton is not None
    assert again.triton.address == first.triton.address  # where the living API looks for it
    assert again.api == first.api
    assert len(stack_status(settings)["triton"]["models"]) == 2

    kill(first.api.process)
    third = make_stack().restart_triton()
    assert third.triton is not None
    assert third.triton.address == again.triton.address
    assert third.triton.process != again.triton.process
    assert third.api is not None
    assert third.api.url == first.api.url

    assert make_stack().stop()
    assert not make_stack().stop()
    status = stack_status(settings)
    assert (status["running"], status["api"], status["triton"]) == (False, None, None)
    for process in (third.triton.process, third.api.process):
        assert not command_line(process.pid)


def test_a_shard_that_fails_costs_a_warning_and_a_failing_encoder_the_start(
    settings: Settings, make_stack: Callable[..., LocalStack]
) -> None:
    folder = write_tiny_shard(settings.model_repository, vectors=unit_vectors(20))
    (folder / "vectors.npy").write_bytes(b"")
    write_pointer(settings)
    said: list[str] = []
    make_stack(api=False, say=said.append).start()
    (warning,) = [line for line in said if line.startswith("warning")]
    assert "vectors.npy" in warning
    models = stack_status(settings)["triton"]["models"]
    assert [(model["name"], model["state"]) for model in models] == [
        ("catalog_shard_00", "UNAVAILABLE"),
        ("vision_encoder", "READY"),
    ]

    make_stack().stop()
    (settings.model_repository / "vision_encoder" / "1" / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(StackError, match=r"(?s)triton\.log.*vision_encoder"):
        make_stack(api=False).start()
    assert stack_status(settings)["pids"]["triton"] is None


def test_an_api_that_dies_is_told_by_its_last_words_and_triton_goes_with_it(
    settings: Settings, make_stack: Callable[..., LocalStack]
) -> None:
    with pytest.raises(StackError, match=r"(?s)api\.log.*no such table: products"):
        make_stack(api_command=(*API, "--broken")).start()
    assert stack_status(settings)["pids"] == {"triton": None, "api": None}
    assert not (settings.data / "run" / "stack.json").exists()


def test_the_context_stops_what_it_started_and_only_that(
    settings: Settings, make_stack: Callable[..., LocalStack]
) -> None:
    def fail_inside() -> None:
        with make_stack():
            raise ZeroDivisionError

    triton = make_stack(api=False).start().triton
    with make_stack() as stack:
        url = stack.api_url
        assert httpx.get(f"{url}/healthz", trust_env=False).is_success
        assert triton is not None
        assert stack.triton_grpc == triton.grpc
    status = stack_status(settings)
    assert status["api"] is None
    assert status["pids"]["triton"] == triton.process.pid
    make_stack().stop()
    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert not (settings.data / "run" / "stack.json").exists()


def test_a_foreign_process_on_a_set_port_is_named_and_nothing_is_started(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        taken = load_settings(data=settings.data, triton_http_port=port)
        with pytest.raises(StackError, match=rf"(?s)VISIONSEEK_TRITON_HTTP_PORT.*{port}.*pid {os.getpid()}"):
            LocalStack(taken, api=False).start()
    assert stack_status(settings)["pids"]["triton"] is None


def test_a_foreign_process_on_the_api_s_port_is_told_before_anything_starts(settings: Settings) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        taken = load_settings(data=settings.data, api_port=foreign.getsockname()[1])
        with pytest.raises(StackError, match=rf"(?s)VISIONSEEK_API_PORT.*pid {os.getpid()}"):
            LocalStack(taken, say=said.append).start()
    assert said == []


def test_a_data_folder_that_is_a_file_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    stack = LocalStack(load_settings(data=tmp_path / "file"))
    for act in (stack.start, stack.stop, lambda: stack.state):
        with pytest.raises(StackError, match=r"(?s)cannot be written \(.*VISIONSEEK_DATA"):
            act()


def test_a_record_whose_pids_belong_to_others_now_is_stale(settings: Settings) -> None:
    run = settings.data / "run"
    run.mkdir(parents=True)
    mine = {"pid": os.getpid(), "started": "an earlier boot:1"}
    address = {"grpc": "127.0.0.1:1", "http": "http://127.0.0.1:2", "metrics": "http://127.0.0.1:3/metrics"}
    (run / "stack.json").write_text(json.dumps({"triton": {"process": mine, **address}, "api": None}))
    assert stack_status(settings)["ended"] == ["triton"]
    assert not LocalStack(settings).stop()  # and this test lives on
    assert not (run / "stack.json").exists()


def test_a_damaged_record_is_an_error_that_names_it(settings: Settings) -> None:
    run = settings.data / "run"
    run.mkdir(parents=True)
    (run / "stack.json").write_text("{")
    with pytest.raises(StackError, match=r"stack\.json"):
        LocalStack(settings).stop()


class TestCommand:
    """`visionseek` as its own process, as a person runs it."""

    @pytest.fixture
    def popen(self, settings: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
        started = []

        def run(*arguments: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "visionseek", *arguments, "--data", str(settings.data)]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
            )
            started.append(process)
            return process

        yield run
        for process in started:
            process.kill()
            process.communicate()
        LocalStack(settings).stop()

    def wait_for_triton(self, settings: Settings) -> Process:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if (triton := LocalStack(settings).state.triton) is not None:
                return triton.process
            time.sleep(0.01)
        raise AssertionError("no Triton was started")

    def test_ctrl_c_while_starting_leaves_nothing(
        self, settings: Settings, popen: Callable[..., subprocess.Popen[str]]
    ) -> None:
        command = popen("up", "--no-api")
        triton = self.wait_for_triton(settings)
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=60)
        assert command.returncode == 130, said
        assert "Traceback" not in said
        assert processes.wait_until_ended(triton, deadline_s=0)
        assert not (settings.data / "run" / "stack.json").exists()

    def test_in_front_it_stays_until_ctrl_c(
        self, settings: Settings, popen: Callable[..., subprocess.Popen[str]]
    ) -> None:
        command = popen("up", "--no-api", "--foreground", "--json")
        assert command.stdout is not None
        told = json.loads(command.stdout.readline())
        time.sleep(0.2)
        assert command.poll() is None
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=60)
        assert command.returncode == 130, said
        assert not command_line(told["pids"]["triton"])

    def test_up_status_and_down_are_separate_commands(
        self, settings: Settings, popen: Callable[..., subprocess.Popen[str]]
    ) -> None:
        def run(*arguments: str) -> tuple[str, str]:
            command = popen(*arguments)
            out, said = command.communicate(timeout=120)
            assert command.returncode == 0, said
            return out, said

        up = json.loads(run("up", "--no-api", "--json")[0].splitlines()[-1])
        out, said = run("up", "--no-api", "--json")
        assert "already up" in said
        assert json.loads(out) == up == json.loads(run("status", "--json")[0])
        assert json.loads(run("down", "--json")[0])["stopped"]
        assert not command_line(up["pids"]["triton"])
        assert "nothing runs" in run("status")[1]
