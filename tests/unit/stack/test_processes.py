import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from stack import processes

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    ),
]


def spawn(command: list[str], log: Path) -> processes.Process:
    return processes.spawn(command, environment=os.environ, log=log)


def test_a_spawned_process_outlives_ctrl_c_of_its_starter_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "a.log"
    process = spawn([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"], log)
    assert os.getpgrp() != process.pid
    assert processes.wait_until_ended(process, deadline_s=20)
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_stop_ends_the_process_and_waits_for_it(tmp_path: Path) -> None:
    process = spawn(SLEEP, tmp_path / "log")
    assert not processes.wait_until_ended(process, deadline_s=0)
    processes.stop(process, grace_s=10)
    assert processes.wait_until_ended(process, deadline_s=0)
    processes.stop(process, grace_s=10)  # nothing left to do


def test_stop_kills_the_group_of_a_process_that_ignores_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = spawn(DEAF, log)
    until = time.monotonic() + 20
    while not log.read_text().strip() and time.monotonic() < until:
        time.sleep(0.02)
    child = int(log.read_text())
    processes.stop(process, grace_s=0.1)
    assert not process.alive
    until = time.monotonic() + 10
    while processes.command_line(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not processes.command_line(child)


def test_a_reused_pid_is_another_process() -> None:
    mine = processes.Process(pid=os.getpid(), started="boot:1")
    assert not mine.alive
    processes.stop(mine, grace_s=0)  # would end this test if it believed the pid


def test_a_program_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file"):
        spawn([str(tmp_path / "absent")], tmp_path / "log")


def test_signals_wait_while_they_are_held_also_with_other_threads_about() -> None:
    seen = []
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()

    def interrupted_while_held() -> None:
        with processes.signals_held():
            os.kill(os.getpid(), signal.SIGINT)
            seen.append("still here")

    with pytest.raises(KeyboardInterrupt):
        interrupted_while_held()
    done.set()
    other.join()
    assert seen == ["still here"]


def test_sigterm_runs_finally_blocks_where_it_is_turned_into_exit() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def terminated() -> None:
        with processes.terminated_as_exit():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)

    with pytest.raises(SystemExit) as stop:
        terminated()
    assert stop.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
