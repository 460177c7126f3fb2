"""One `tritonserver` as a child process: what it is started with, and when it is ready."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import httpx

from stack.logs import last_words
from stack.processes import Process
from stack.triton_control import TritonAddress
from stack.triton_wheel import TritonFiles
from visionseek.errors import StackError

EXIT_TIMEOUT_S = 10
READY_DEADLINE_S = 120
_POLL_S = 0.05
_CACHE_BYTES = 64 * 1024 * 1024


def make_backend_directory(folder: Path, files: TritonFiles, own_backends: Path) -> Path:
    """Gather the backends that one Triton gets: Python's, those that came with it, and our own.

    A backend that came with the server, such as the C++ ONNX Runtime, goes before our stand-in of that name.

    Args:
        folder: made anew.
        files: the Triton that will run.
        own_backends: the project's `backends/`.

    Returns:
        `folder`, for `--backend-directory`.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    # Links to folders, not to files: Triton refuses a library whose real path leaves its backend's folder.
    (folder / "python").symlink_to(files.python_backend.resolve())
    theirs = {path.name: path for path in files.other_backends}
    ours = {path.parent.name: path.parent for path in own_backends.glob("*/model.py")}
    for name, path in (ours | theirs).items():
        (folder / name).symlink_to(path.resolve())
    return folder


def triton_command(
    files: TritonFiles, *, repository: Path, backends: Path, host: str, grpc: int, http: int, metrics: int
) -> list[str]:
    """The command line of a Triton that loads nothing by itself.

    Explicit model control: what is served is decided by `load_model`. A complete config.pbtxt is asked for,
    because filling it in starts every Python backend twice.
    """
    command = [str(files.server), f"--model-repository={repository}", f"--backend-directory={backends}"]
    command += ["--model-control-mode=explicit", "--disable-auto-complete-config", "--log-format=ISO8601"]
    # A version that fails to load must not take the readiness of those that serve.
    command += ["--strict-readiness=false"]
    command += [
        f"--http-address={host}",
        f"--http-port={http}",
        f"--grpc-address={host}",
        f"--grpc-port={grpc}",
    ]
    command += [
        f"--metrics-address={host}",
        f"--metrics-port={metrics}",
        f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
    ]
    if files.caches is not None:
        command += [f"--cache-directory={files.caches}", f"--cache-config=local,size={_CACHE_BYTES}"]
    return command


def triton_environment(files: TritonFiles) -> dict[str, str]:
    """This process's environment, changed so that backend stubs find this Python and its packages.

    The stub looks for `python3` on PATH and ignores PYTHONPATH; it is linked against libpython.
    """
    # Not resolved: the virtual environment's own folder is what makes its packages visible.
    programs = str(Path(sys.executable).parent)
    folders = [str(folder) for folder in files.libraries]
    libpython = sysconfig.get_config_var("LIBDIR")
    folders = ([str(libpython)] if libpython else []) + folders
    return os.environ | {
        "PATH": os.pathsep.join(filter(None, [programs, os.environ.get("PATH", "")])),
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [*folders, os.environ.get("LD_LIBRARY_PATH", "")])),
    }


def check_engines() -> None:
    """Refuse to start a Triton whose backends would miss their engines.

    Raises:
        StackError: faiss or onnxruntime is not installed.
    """
    missing = [name for name in ("faiss", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise StackError(
            f"not installed: {', '.join(missing)}",
            where=sys.executable,
            mend="pip install 'visionseek[cpu]', or 'visionseek[gpu]' on a machine with a GPU",
        )


def check_stub(files: TritonFiles) -> None:
    """Refuse a Python that the backend stub cannot run in, before Triton says so in its own words.

    Raises:
        StackError: libpython is missing, or `python3` beside the running Python is absent.
    """
    stub = files.python_backend / "triton_python_backend_stub"
    if not (Path(sys.executable).parent / "python3").exists():
        raise StackError("no `python3` beside the running Python", where=str(Path(sys.executable).parent))
    # Without arguments it prints its usage; the dynamic loader speaks first when a library is missing.
    try:
        said = subprocess.run(
            [stub], env=triton_environment(files), capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"Triton's Python backend does not run: {error}", where=str(stub)) from error
    if "error while loading shared libraries" in said.stderr:
        library = said.stderr.partition("libraries: ")[2].partition(":")[0]
        raise StackError(
            f"Triton's Python backend needs {library}, which is not found",
            where=sys.executable,
            mend="install it (Debian and Ubuntu: the package libpython3.X of this Python), or make the"
            " virtual environment with a Python built with --enable-shared",
        )


def wait_ready(process: Process, address: TritonAddress, *, log: Path, since: int) -> None:
    """Wait until Triton answers on HTTP and metrics.

    Args:
        process: the server.
        address: where it should answer.
        log: its log file, for the error.
        since: size of the log before the start.

    Raises:
        StackError: it ended, or was not ready in READY_DEADLINE_S seconds.
    """
    until = time.monotonic() + READY_DEADLINE_S
    with httpx.Client(timeout=2.0, trust_env=False) as client:
        waiting = [f"{address.http}/v2/health/ready", address.metrics]
        while waiting:
            try:
                if client.get(waiting[0]).status_code == httpx.codes.OK:
                    waiting.pop(0)
                    continue
            except httpx.HTTPError:
                pass
            if not process.alive:
                raise StackError(f"Triton ended while starting{last_words(log, since)}", where=str(log))
            if time.monotonic() > until:
                raise StackError(
                    f"Triton was not ready in {READY_DEADLINE_S} s{last_words(log, since)}", where=str(log)
                )
            time.sleep(_POLL_S)
