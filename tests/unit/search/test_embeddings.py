import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from search.embeddings import EmbeddingStore
from visionseek.errors import ArtifactError
from visionseek.files import sha256_bytes

FINGERPRINT, DIMENSION = "a" * 64, 16


def pictures(*numbers: int) -> list[str]:
    return [sha256_bytes(str(number).encode()) for number in numbers]


def vectors(*numbers: int) -> np.ndarray:
    return np.stack([np.random.default_rng(n).standard_normal(DIMENSION).astype(np.float32) for n in numbers])


def open_store(root: Path) -> EmbeddingStore:
    return EmbeddingStore(root, FINGERPRINT, DIMENSION)


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.append(pictures(1, 2), vectors(1, 2))
    store.append(pictures(3), vectors(3))
    again = open_store(tmp_path)
    assert len(again) == 3
    assert pictures(2)[0] in again
    assert pictures(4)[0] not in again
    np.testing.assert_array_equal(again.gather(pictures(3, 1)), vectors(3, 1))
    with pytest.raises(KeyError):
        again.gather(pictures(4))


def test_two_encoders_never_share_vectors(tmp_path: Path) -> None:
    open_store(tmp_path).append(pictures(1), vectors(1))
    assert len(EmbeddingStore(tmp_path, "b" * 64, DIMENSION)) == 0


@pytest.mark.parametrize("cut", ["truncated", "flipped", "empty"])
def test_a_damaged_segment_counts_as_missing_and_is_replaced(tmp_path: Path, cut: str) -> None:
    store = open_store(tmp_path)
    store.append(pictures(1), vectors(1))
    store.append(pictures(2), vectors(2))
    victim = sorted(store.folder.glob("segment-*"))[0]
    data = bytearray(victim.read_bytes())
    data[-40] ^= 1
    victim.write_bytes({"truncated": bytes(data[:-50]), "flipped": bytes(data), "empty": b""}[cut])
    damaged = open_store(tmp_path)
    assert damaged.damaged == [victim]
    assert pictures(1)[0] not in damaged
    assert pictures(2)[0] in damaged
    damaged.sweep()
    damaged.append(pictures(1), vectors(1))
    whole = open_store(tmp_path)
    assert (len(whole), whole.damaged) == (2, [])


def test_leftovers_of_an_interrupted_write_are_ignored_and_swept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.append(pictures(1), vectors(1))
    (store.folder / ".segment-00000002-abcdefgh.npy.x1y2").write_bytes(b"half")
    again = open_store(tmp_path)
    assert (len(again), again.damaged) == (1, [])
    again.sweep()
    assert [path.name[0] for path in store.folder.iterdir()] == ["s"]


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    store.append(pictures(1), vectors(1))

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("search.embeddings.write_atomically", full)
    with pytest.raises(ArtifactError, match=r"(?s)No space left on device.*free space"):
        store.append(pictures(2), vectors(2))
    assert pictures(2)[0] not in store
    assert len(open_store(tmp_path)) == 1


@pytest.mark.parametrize("fingerprint", ["", "../../elsewhere", "a/b", "a" * 129, "."])
def test_a_fingerprint_that_cannot_name_a_folder_is_refused(tmp_path: Path, fingerprint: str) -> None:
    with pytest.raises(ArtifactError, match="no fingerprint"):
        EmbeddingStore(tmp_path, fingerprint, DIMENSION)


def test_vectors_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\[2, 16\]"):
        open_store(tmp_path).append(pictures(1, 2), vectors(1))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from search.embeddings import EmbeddingStore
from visionseek.files import sha256_bytes
store = EmbeddingStore(Path(sys.argv[1]), "a" * 64, 16)
for number in range(1_000_000):
    vector = np.random.default_rng(number).standard_normal(16).astype(np.float32)
    store.append([sha256_bytes(str(number).encode())], vector[None])
    print(number, flush=True)
"""


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(20)]
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    # A line that the kill cut short was not said.
    acknowledged = [int(line) for line in lines if line.endswith("\n")]
    store = open_store(tmp_path)
    assert store.damaged == []
    assert len(store) in {len(acknowledged), len(acknowledged) + 1}
    np.testing.assert_array_equal(store.gather(pictures(*acknowledged)), vectors(*acknowledged))
