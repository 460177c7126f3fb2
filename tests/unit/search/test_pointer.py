import os
from pathlib import Path

import pytest

from search.pointer import EncoderVersion, Pointer, PointerFile, ShardVersion, read_pointer, write_pointer
from visionseek.errors import ManifestError, Unavailable

ENCODER = EncoderVersion(
    version=1, fingerprint="f" * 64, image_size=64, pixel_rule="pad", pixel_version=1, dimension=32
)


def pointer(generation: int) -> Pointer:
    shards = (ShardVersion(model="catalog_shard_00", version=generation, images=3),)
    return Pointer(generation=generation, encoder=ENCODER, shards=shards, created="2026-01-01T00:00:00Z")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_pointer(tmp_path) is None
    write_pointer(tmp_path, pointer(4))
    assert read_pointer(tmp_path) == pointer(4)


def test_a_damaged_pointer_names_the_file_and_the_mend(tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text('{"generation": 0}')
    with pytest.raises(ManifestError, match=r"(?s)current\.json.*visionseek index refresh"):
        read_pointer(tmp_path)


def test_a_running_process_follows_the_flip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("search.pointer.time.monotonic", lambda: clock[0])
    follower = PointerFile(tmp_path)
    with pytest.raises(Unavailable, match="no index is published"):
        follower.current()
    write_pointer(tmp_path, pointer(1))
    assert follower.current().generation == 1
    write_pointer(tmp_path, pointer(2))
    assert follower.current().generation == 1  # looked at most every half second
    clock[0] += 0.6
    assert follower.current().generation == 2
    write_pointer(tmp_path, pointer(3))
    assert follower.refresh().generation == 3


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pointer(tmp_path, pointer(1))
    follower = PointerFile(tmp_path)
    follower.current()
    monkeypatch.setattr("search.pointer.read_pointer", lambda index: pytest.fail("read again"))
    assert follower.refresh().generation == 1
    os.utime(tmp_path / "current.json", ns=(1, 1))
    with pytest.raises(pytest.fail.Exception):
        follower.refresh()
