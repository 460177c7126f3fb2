import json
import platform
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stack import triton_wheel
from visionseek.errors import StackError
from visionseek.files import sha256_file

PARTS = ["bin/tritonserver", "caches/local/libtritoncache_local.so", "backends/python/libtriton_python.so"]
PARTS += [f"python_backend_stubs/{version}/triton_python_backend_stub" for version in triton_wheel.STUBS]


@pytest.fixture(autouse=True)
def _any_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_wheel, "check_platform", lambda: None)


class Pip:
    """Stands in for pip: hands out a small wheel, or fails as told."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.calls = 0
        self.stderr = ""
        self.content = wheel.read_bytes()

    def run(self, command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.calls += 1
        if self.stderr:
            return subprocess.CompletedProcess(command, 1, "", self.stderr)
        folder = Path(command[command.index("--dest") + 1])
        (folder / self.wheel.name).write_bytes(self.content)
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    wheel = tmp_path / "triton.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for part in PARTS:
            archive.writestr(f"pytriton/tritonserver/{part}", part)
        archive.writestr("nvidia_pytriton.libs/libtritonserver.so", "library")
    stand_in = Pip(wheel)
    monkeypatch.setattr(triton_wheel, "WHEEL_SHA256", sha256_file(wheel))
    monkeypatch.setattr(subprocess, "run", stand_in.run)
    return stand_in


def from_wheel(tmp_path: Path) -> triton_wheel.TritonFiles:
    return triton_wheel.from_wheel(tmp_path / "cache", lambda _: None)


def test_it_is_fetched_once_and_complete_for_the_running_python(tmp_path: Path, pip: Pip) -> None:
    files = from_wheel(tmp_path)
    assert from_wheel(tmp_path) == files
    assert pip.calls == 1
    assert files.server.stat().st_mode & 0o111
    backend = {path.name for path in files.python_backend.iterdir()}
    assert backend == {"libtriton_python.so", "triton_python_backend_stub"}
    assert files.libraries[0].joinpath("libtritonserver.so").exists()
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name != ".lock"] == [
        "nvidia-pytriton-0.7.0"
    ]


def test_a_half_download_is_refused_and_leaves_nothing(tmp_path: Path, pip: Pip) -> None:
    pip.content = pip.content[: len(pip.content) // 2]
    with pytest.raises(StackError, match="sha256"):
        from_wheel(tmp_path)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_an_unpacked_tree_that_lost_or_shortened_a_file_is_made_anew(tmp_path: Path, pip: Pip) -> None:
    files = from_wheel(tmp_path)
    files.server.write_text("short")
    assert from_wheel(tmp_path).server.read_text() == "bin/tritonserver"
    files.server.unlink()
    assert from_wheel(tmp_path).server.read_text() == "bin/tritonserver"
    assert pip.calls == 3


def test_without_a_network_the_error_says_what_pip_said_and_the_mend(tmp_path: Path, pip: Pip) -> None:
    pip.stderr = "WARNING: Retrying\nERROR: No matching distribution found for nvidia-pytriton==0.7.0\n"
    with pytest.raises(StackError, match=r"(?s)No matching distribution.*mend:.*PIP_FIND_LINKS") as refused:
        from_wheel(tmp_path)
    assert "Retrying" not in str(refused.value)


def test_the_download_is_pinned_by_hash(tmp_path: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        required = Path(command[command.index("--requirement") + 1]).read_text()
        assert f"--hash=sha256:{triton_wheel.WHEEL_SHA256}" in required
        assert {"--require-hashes", "--no-deps"} <= set(command)
        return pip.run(command, **options)

    monkeypatch.setattr(subprocess, "run", run)
    from_wheel(tmp_path)


def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path, pip: Pip) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    with pytest.raises(StackError, match=str(tmp_path / "cache")):
        from_wheel(tmp_path)


def test_the_cache_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert triton_wheel.cache_folder() == tmp_path / "visionseek" / "triton"


def test_an_installation_needs_its_server_and_its_python_backend(tmp_path: Path) -> None:
    server = tmp_path / "bin" / "tritonserver"
    with pytest.raises(StackError, match="VISIONSEEK_TRITON_SERVER"):
        triton_wheel.from_installation(server)
    server.parent.mkdir()
    server.write_text("")
    server.chmod(0o755)
    with pytest.raises(StackError, match="Python backend"):
        triton_wheel.from_installation(server)
    for name in ("python/libtriton_python.so", "onnxruntime/libtriton_onnxruntime.so"):
        (tmp_path / "backends" / name).parent.mkdir(parents=True)
        (tmp_path / "backends" / name).write_text("")
    files = triton_wheel.from_installation(server)
    assert [path.name for path in files.other_backends] == ["onnxruntime"]


class TestPlatform:
    @pytest.fixture(autouse=True)
    def _undo(self, monkeypatch: pytest.MonkeyPatch, _any_platform: None) -> None:
        monkeypatch.undo()

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("machine", "aarch64", "x86-64"),
            ("libc_ver", ("glibc", "2.31"), r"glibc 2\.35"),
            ("libc_ver", ("", ""), "glibc"),
        ],
    )
    def test_another_machine_or_c_library_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, message: str
    ) -> None:
        monkeypatch.setattr(platform, name, lambda: value)
        with pytest.raises(StackError, match=message):
            triton_wheel.check_platform()

    def test_a_python_without_a_stub_is_refused_with_the_range(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "version_info", (3, 19, 0))
        monkeypatch.setattr(triton_wheel, "_python_version", lambda: "3.19")
        with pytest.raises(StackError, match=r"3\.8 to 3\.13, not 3\.19"):
            triton_wheel.check_platform()


def test_the_marker_lists_every_file(tmp_path: Path, pip: Pip) -> None:
    files = from_wheel(tmp_path)
    tree = files.libraries[0].parent
    listed = json.loads((tree / "unpacked.json").read_text())
    found = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert set(listed) == found - {"unpacked.json"}
