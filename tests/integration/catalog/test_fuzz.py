import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_damaged_feeds_are_rows_or_typed_errors() -> None:
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("fuzz_readers.py")), "5", "3"],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3_000:]
    assert json.loads(run.stdout.splitlines()[-1])["feeds"] > 20
