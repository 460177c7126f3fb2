import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.pretrain.pictures import Source, feed_sources
from training.tune.shots import Shots, make_shots
from visionseek.errors import ArtifactError, InputError

MakeFeed = Callable[..., Path]


def make(sources: list[Source], cache: Path, **options: Any) -> tuple[Shots, int]:
    calls: list[int] = []
    known: dict[str, Any] = {"each": 1, "kinds": ("region", "whole"), "size": 32, "rule": "pad", "seed": 1}
    shots = make_shots(sources, cache=cache, on_shot=lambda: calls.append(1), **{**known, **options})
    return shots, len(calls)


def test_shots_are_made_once_and_a_stopped_filling_goes_on(make_feed: MakeFeed, tmp_path: Path) -> None:
    sources = feed_sources(make_feed(tmp_path, products=4))
    first, calls = make(sources, tmp_path / "cache")
    assert calls == 4
    assert first.rate is not None
    assert first.made.all()
    kept = {kind: pixels.copy() for kind, pixels in first.pixels.items()}
    (folder,) = (tmp_path / "cache").iterdir()
    made = np.lib.format.open_memmap(folder / "whole.made.npy", mode="r+")
    made[2:] = 0
    first.pixels["whole"][2:] = 0
    again, calls = make(sources, tmp_path / "cache")
    assert calls == 4
    for kind, pixels in again.pixels.items():
        assert (pixels == kept[kind]).all()
    assert make(sources, tmp_path / "cache")[0].rate is None


def test_several_processes_make_what_one_makes(make_feed: MakeFeed, tmp_path: Path) -> None:
    sources = feed_sources(make_feed(tmp_path, products=4))
    alone, _ = make(sources, tmp_path / "a")
    together, calls = make(sources, tmp_path / "b", workers=2)
    assert calls == 4
    for kind, pixels in alone.pixels.items():
        assert (together.pixels[kind] == pixels).all()


def test_kinds_do_not_change_each_other_and_seeds_do(make_feed: MakeFeed, tmp_path: Path) -> None:
    sources = feed_sources(make_feed(tmp_path, products=2))
    few, _ = make(sources, tmp_path / "a", kinds=("crop",))
    all_kinds, _ = make(sources, tmp_path / "b", kinds=("region", "whole", "crop", "phone"))
    assert (few.pixels["crop"] == all_kinds.pixels["crop"]).all()
    other, _ = make(sources, tmp_path / "b", seed=2)
    assert not (other.pixels["region"] == all_kinds.pixels["region"]).all()
    assert len(list((tmp_path / "b").iterdir())) == 2


def test_a_picture_that_cannot_be_read_leaves_its_rows_out(make_feed: MakeFeed, tmp_path: Path) -> None:
    sources = feed_sources(make_feed(tmp_path, products=3))
    sources[1].path.write_bytes(b"no picture")
    sources[2].path.unlink()
    shots, _ = make(sources, tmp_path / "cache", each=2)
    assert shots.made.tolist() == [True, True, False, False, False, False]
    with pytest.raises(InputError, match="none of 2 pictures"):
        make(sources[1:], tmp_path / "cache")
    with pytest.raises(InputError, match="no picture"):
        make([], tmp_path / "cache")


def test_a_full_disk_is_told_before_anything_is_made(
    make_feed: MakeFeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    sources = feed_sources(make_feed(tmp_path, products=2))
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left"):
        make(sources, tmp_path / "cache")
    monkeypatch.undo()
    assert not list((tmp_path / "cache").rglob("*.npy"))
    make(sources, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("whole.npy"):
        path.write_bytes(b"half")
    with pytest.raises(ArtifactError, match="cache is damaged"):
        make(sources, tmp_path / "cache")
