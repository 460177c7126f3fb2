"""Every stage for real, on a handful of the sample's products and a single step of tuning."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "catalog" / "sample"
PRODUCTS = 16


def processes_about(folder: Path) -> list[str]:
    """Command lines of this machine that name the folder, or have it in their environment."""
    found = []
    for process in Path("/proc").glob("[1-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if str(folder).encode() in told and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.timeout(1200)  # 50 s on two idle cores
def test_from_a_feed_to_a_served_query(tmp_path: Path) -> None:
    with (SAMPLE / "feed.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))[:PRODUCTS]
    feed = tmp_path / "feed.csv"
    with feed.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "images").mkdir()
    for row in rows:
        for name in (row["image_link"], *row["additional_image_link"].split(",")):
            shutil.copy(SAMPLE / name, tmp_path / name)
    wanted = rows[5]["id"]
    query = SAMPLE / "images" / f"{wanted}-0.jpg"
    data = tmp_path / "data"
    command = [sys.executable, "-m", "visionseek", "pipeline", "--json", "--data", str(data)]
    ran = subprocess.run(
        [*command, "--feed", str(feed), "--query", str(query), "--steps", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=1150,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout.splitlines()[-1])
    stages = ["import", "tune", "serve", "export", "embed", "build", "publish", "query"]
    if not told["promoted"]:  # a step of tuning may do harm; then nothing is exported
        stages.remove("export")
    assert [row["stage"] for row in told["stages"]] == stages
    assert told["promoted"] == (told["recall_after"] >= told["recall_before"])
    assert told["hits"][0]["product_id"] == wanted
    assert told["hits"][0]["score"] > 0.999
    pointer = json.loads((data / "index" / "current.json").read_bytes())
    assert pointer["generation"] == told["generation"] == 1
    assert pointer["encoder"]["fingerprint"] == told["fingerprint"]
    assert pointer["encoder"]["version"] == (2 if told["promoted"] else 1)
    assert processes_about(data) == []
