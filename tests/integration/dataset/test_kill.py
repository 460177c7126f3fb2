"""A run killed in the middle, then started again, gives what an undisturbed run gives."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image, ImageDraw

from training.dataset import verify


def write_feed(root: Path) -> Path:
    (root / "images").mkdir(parents=True)
    with (root / "feed.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title", "category", "image_link", "family"])
        for n in range(12):
            picture = Image.new("RGB", (120, 120), (240, 239, 241))
            ImageDraw.Draw(picture).ellipse((20, 20, 100, 100), outline=(200, 160, n * 20), width=9)
            picture.save(root / "images" / f"{n}.png")
            writer.writerow([n, f"Ring {n}", "ring", f"images/{n}.png", f"f{n // 2}"])
    return root / "feed.csv"


def command(feed: Path, out: Path) -> list[str]:
    options = [
        "--seed",
        "7",
        "--shard-samples",
        "6",
        "--variants",
        "1",
        "--template",
        "plain",
        "--width",
        "240",
        "--workers",
        "2",
    ]
    start = [sys.executable, "-m", "visionseek", "train", "augment"]
    return [*start, "--catalog", str(feed), "--out", str(out), *options]


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_kill_and_run_again(tmp_path: Path) -> None:
    feed, whole, torn = write_feed(tmp_path / "feed"), tmp_path / "whole", tmp_path / "torn"
    subprocess.run(command(feed, whole), check=True, timeout=120, capture_output=True)
    # A session of its own, so that its workers die with it and nobody else does.
    with subprocess.Popen(
        command(feed, torn), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        deadline = time.monotonic() + 60
        while not list(torn.glob("*.tar")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
    assert list(torn.glob("*.tar"))
    assert not (torn / "manifest.json").exists()
    subprocess.run(command(feed, torn), check=True, timeout=120, capture_output=True)
    assert hashes(torn) == hashes(whole)
    verify(torn)
