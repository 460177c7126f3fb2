"""`visionseek catalog render` before any ray is traced: options, and the extra that is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog.render import tracer
from catalog.render.commands import render
from visionseek.errors import InputError, VisionSeekError


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(render, ["--out", str(tmp_path / "x")])
    assert isinstance(result.exception, VisionSeekError)
    assert "visionseek[render]" in str(result.exception)
    assert not (tmp_path / "x").exists()


def test_the_command_loads_without_the_ray_tracer() -> None:
    code = (
        "import sys; import catalog.commands, catalog.render.commands; "
        "heavy = {'mitsuba', 'drjit', 'pyoidn', 'scipy', 'torch'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "options",
    [["--products", "0"], ["--views", "17"], ["--size", "4"], ["--workers", "0"], ["--seed", "-1"], []],
    ids=lambda options: " ".join(options) or "no --out",
)
def test_wrong_options_are_refused(options: list[str], tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "x")] if options else []
    result = CliRunner().invoke(render, [*options, *out])
    assert result.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mitsuba", reason="the extra `render` is not installed")
    pytest.importorskip("pyoidn", reason="the extra `render` is not installed")
    monkeypatch.setenv("MITSUBA_VARIANT", "scalar_rgb")
    tracer.tracer.cache_clear()
    (tmp_path / "file").write_text("not a folder")
    result = CliRunner().invoke(render, ["--out", str(tmp_path / "file" / "below"), "--products", "1"])
    tracer.tracer.cache_clear()
    assert isinstance(result.exception, InputError)
    assert "file" in str(result.exception)
