"""Pictures out of the real ray tracer: equal bytes for equal seeds, going on after a stop, clear refusals."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("mitsuba", reason="the extra `render` is not installed")
pytest.importorskip("pyoidn", reason="the extra `render` is not installed")

from catalog.render.job import render_catalog
from catalog.render.renderer import Renderer
from catalog.render.tracer import SCALAR, Tracer, choose, tracer
from catalog.render.trial import trial_scene
from catalog.render.views import compose, kind_of
from visionseek.errors import InputError

SIZE, SAMPLES, SEED = 32, 2, 7


def _render(folder: Path, *, products: int = 2, views: int = 3, workers: int = 1, seed: int = SEED) -> int:
    return render_catalog(
        folder, products=products, views=views, seed=seed, size=SIZE, samples=SAMPLES, workers=workers
    )


def _pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "images").glob("*.jpg"))}


@pytest.fixture(scope="module")
def small_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    assert _render(folder) == 6
    return folder


def test_a_catalog_is_a_feed_and_its_pictures(small_catalog: Path) -> None:
    text = (small_catalog / "feed.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 2
    for row in rows:
        links = [row["image_link"], *row["additional_image_link"].split(",")]
        assert len(links) == 3
        for link in links:
            with Image.open(small_catalog / link) as picture:
                assert picture.size == (SIZE, SIZE)
                assert np.asarray(picture).std() > 4, "a picture of nothing"
    assert not list((small_catalog / "images").glob(".*")), "temporary files stay behind"


def test_bytes_do_not_depend_on_the_number_of_workers(small_catalog: Path, tmp_path: Path) -> None:
    _render(tmp_path, workers=2)
    assert _pictures(tmp_path) == _pictures(small_catalog)
    assert (tmp_path / "feed.csv").read_bytes() == (small_catalog / "feed.csv").read_bytes()


def test_it_goes_on_where_it_stopped(small_catalog: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    shutil.copytree(small_catalog, folder)
    pictures = sorted((folder / "images").glob("*.jpg"))
    kept = pictures[0].stat().st_mtime_ns
    for path in (pictures[2], pictures[4]):
        path.unlink()
    (folder / "feed.csv").unlink()
    reported: list[int] = []
    render_catalog(
        folder, products=2, views=3, seed=SEED, size=SIZE, samples=SAMPLES, workers=1, report=reported.append
    )
    assert _pictures(folder) == _pictures(small_catalog)
    assert pictures[0].stat().st_mtime_ns == kept, "a finished picture is not drawn again"
    assert reported == [3, 3]
    assert (folder / "feed.csv").read_bytes() == (small_catalog / "feed.csv").read_bytes()


def test_a_finished_catalog_needs_no_ray_tracer_time(small_catalog: Path) -> None:
    start = time.monotonic()
    assert _render(small_catalog, products=1) == 3
    assert time.monotonic() - start < 5
    _render(small_catalog)


def test_a_folder_of_something_else_is_refused(small_catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seed 7"):
        _render(small_catalog, seed=8)
    (tmp_path / "feed.csv").write_text("id,title\n")
    with pytest.raises(InputError, match="not a rendered catalog"):
        _render(tmp_path)
    assert (tmp_path / "feed.csv").read_text() == "id,title\n"


def test_a_killed_run_leaves_no_half_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "visionseek", "catalog", "render", "--products", "3", "--views", "2"]
    command += [
        "--size",
        "32",
        "--samples",
        "2",
        "--seed",
        "7",
        "--workers",
        "1",
        "--out",
        str(folder),
        "--json",
    ]
    environment = os.environ | {"MITSUBA_VARIANT": "scalar_rgb"}
    running = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 90
    while len(list(folder.glob("images/*.jpg"))) < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    before = list(folder.glob("images/*.jpg"))
    assert before
    for path in before:
        with Image.open(path) as picture:
            picture.load()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=True)
    assert {"products": 3, "images": 6}.items() <= json.loads(done.stdout.splitlines()[-1]).items()
    assert len(list(folder.glob("images/*.jpg"))) == 6


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(tracer())


def test_a_library_that_ends_the_process_costs_a_process_and_no_picture(tmp_path: Path) -> None:
    (tmp_path / "libLLVM.so").write_bytes(b"no library")
    chosen = choose({"DRJIT_LIBLLVM_PATH": str(tmp_path / "libLLVM.so")})
    assert chosen == Tracer(SCALAR, tried=(str(tmp_path / "libLLVM.so"),))
    assert str(tmp_path / "libLLVM.so") in chosen.notice


def test_the_scene_of_the_trial_shows_every_material(renderer: Renderer) -> None:
    pixels = renderer.draw(trial_scene(), 64, 8, 1)
    columns = pixels[24:34].astype(float).mean(axis=0)
    assert len(np.unique(columns.round(-1), axis=0)) >= 5


def test_metals_have_the_colour_that_the_label_says(renderer: Renderer) -> None:
    from dataclasses import replace
    from itertools import islice

    from catalog.render.families import descriptions

    ring = next(i for i in islice(descriptions(7), 300) if i.style == "signet" and not i.shape)
    warmth = {}
    for metal in ("yellow gold", "rose gold", "white gold", "silver"):
        item = replace(ring, metal=metal, karat=18 if metal.endswith("gold") else None)
        pixels = renderer.draw(compose(item, 0), 48, 8, 1).astype(float)
        middle = pixels[12:40, 12:36].reshape(-1, 3)
        warmth[metal] = float((middle[:, 0] - middle[:, 2]).mean())
    assert warmth["yellow gold"] > warmth["rose gold"] > warmth["white gold"] + 8
    assert warmth["white gold"] > warmth["silver"]


def test_every_kind_of_view_can_be_drawn(renderer: Renderer) -> None:
    from itertools import islice

    from catalog.render.families import descriptions

    seen: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = {}
    for item in islice(descriptions(7), 120):
        kind = kind_of(item, 2)
        if kind not in seen:
            seen[kind] = renderer.draw(compose(item, 2), 24, 2, 1)
    assert set(seen) == {"hand", "neck", "ear", "wrist", "marble", "wood", "velvet", "box"}
    for kind, pixels in seen.items():
        assert 15 < pixels.mean() < 250, kind
        assert pixels.std() > 5, kind


def test_a_picture_from_elsewhere_needs_no_new_code(renderer: Renderer) -> None:
    """Translating a kernel takes three times as long as running it."""
    if tracer().variant == SCALAR:
        pytest.skip("the scalar ray tracer translates nothing")
    drjit = importlib.import_module("drjit")
    scene = trial_scene()
    renderer.draw(scene, SIZE, SAMPLES, 0)
    camera = replace(scene.camera, origin=scene.camera.origin * 1.2, aperture=0.3)
    with drjit.scoped_set_flag(drjit.JitFlag.KernelHistory):
        drjit.kernel_history_clear()
        renderer.draw(replace(scene, camera=camera), SIZE, SAMPLES, 1)
        large = [kernel for kernel in drjit.kernel_history() if kernel.get("operation_count", 0) > 100]
    assert len(large) >= 2, "the picture and its guides"
    assert all(kernel["cache_hit"] for kernel in large)
