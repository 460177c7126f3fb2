"""What a person sees of a failure: one message, no traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from visionseek import cli
from visionseek.errors import InputError


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (InputError("no such feed", where="feed.csv", mend="name another"), "feed.csv: no such feed"),
        (OSError(errno.ENOSPC, "No space left on device", "out/a"), "out/a: the disk refused: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), "out: the disk refused: Permission"),
    ],
)
def test_a_refusal_is_one_message_and_exit_1(
    error: Exception, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    printed = capsys.readouterr().err
    assert f"error: {shown}" in printed
    assert "mend: " in printed


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(FileNotFoundError):
        cli.main()


def test_ctrl_c_in_code_that_is_run_from_text_is_exit_130_and_no_signal(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        'import visionseek.cli\nvisionseek.cli.cli.main = lambda **_: exec("raise KeyboardInterrupt")\n'
    )
    ran = subprocess.run(
        [sys.executable, "-m", "visionseek"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(cli.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 130
    assert "stopped" in ran.stderr
