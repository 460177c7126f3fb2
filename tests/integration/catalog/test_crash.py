import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_an_import_killed_at_fifty_points_loses_nothing_and_ends_the_same(tmp_path: Path) -> None:
    driver = Path(__file__).with_name("crash_driver.py")
    run = subprocess.run(
        [sys.executable, str(driver), str(tmp_path), "50", "7"],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3_000:]
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["kills"] == 50
    assert told["finished"] >= 1
