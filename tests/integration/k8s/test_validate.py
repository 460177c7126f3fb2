"""`k8s/validate.sh`, as a person runs it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def validate(*, copy: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str((copy or ROOT) / "k8s" / "validate.sh")],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == 77 and os.environ.get("CI") != "true":
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return done


def test_every_overlay_and_pair_of_components_is_valid() -> None:
    done = validate()
    assert done.returncode == 0, done.stderr + done.stdout
    assert " 0 problems" in done.stdout
    assert "Dockerfiles: no problems" in done.stdout


def test_a_mistake_in_one_overlay_fails_and_is_named(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "k8s", copy / "k8s", ignore=shutil.ignore_patterns("__pycache__"))
    # Few builds are enough here: one overlay with a misspelt field, no components, one bad Dockerfile.
    shutil.rmtree(copy / "k8s" / "overlays" / "eks")
    kept = copy / "k8s" / "components" / "monitoring"
    for component in (copy / "k8s" / "components").iterdir():
        if component != kept:
            shutil.rmtree(component)
    small = copy / "k8s" / "overlays" / "local" / "small.yaml"
    small.write_text(small.read_text().replace("replicas: 1", "replicas: 1\n  minReadySecond: 3"))
    monitors = kept / "podmonitors.yaml"
    monitors.write_text(monitors.read_text().replace("podMetricsEndpoints", "podMetricEndpoints"))
    (copy / "k8s" / "docker" / "api.Dockerfile").write_text("FROM python:latest\n")
    done = validate(copy=copy)
    assert done.returncode == 1
    assert "overlays/local: Deployment/visionseek-api" in done.stderr
    assert "minReadySecond" in done.stderr
    assert "podMetricEndpoints" in done.stderr
    assert "DL3007" in done.stdout + done.stderr
