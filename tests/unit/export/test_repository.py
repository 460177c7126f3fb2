import signal
import subprocess
import sys
from pathlib import Path

import pytest

from export.repository import publish_version, staged_version, versions
from visionseek.errors import ArtifactError, Overloaded
from visionseek.manifests import EncoderManifest, write_manifest


def manifest(fingerprint: str, size: int = 32, dimension: int = 8) -> EncoderManifest:
    return EncoderManifest(
        fingerprint=fingerprint,
        dimension=dimension,
        image_size=size,
        pixel_rule="pad",
        pixel_version=1,
        base="tiny",
        adapter=None,
        licence="Apache-2.0",
        parity={"least_cosine": 1.0},
    )


def publish(repository: Path, fingerprint: str, **shape: int) -> int:
    return publish_as(repository, "vision_encoder", fingerprint, **shape)


def publish_as(repository: Path, model: str, fingerprint: str, **shape: int) -> int:
    with staged_version(repository, model) as stage:
        (stage / "model.onnx").write_bytes(fingerprint.encode())
        write_manifest(manifest(fingerprint, **shape), stage)
        return publish_version(repository, model, stage)


def test_versions_count_up_and_the_config_names_every_fingerprint(tmp_path: Path) -> None:
    assert [publish(tmp_path, name) for name in ("aa", "bb")] == [1, 2]
    config = (tmp_path / "vision_encoder" / "config.pbtxt").read_text()
    assert 'key: "fingerprint.1" value { string_value: "aa" }' in config
    assert 'key: "fingerprint.2" value { string_value: "bb" }' in config
    assert "dims: [ 32, 32, 3 ]" in config
    assert [m.fingerprint for m in versions(tmp_path, "vision_encoder").values()] == ["aa", "bb"]


def test_the_same_encoder_is_not_published_twice(tmp_path: Path) -> None:
    assert publish(tmp_path, "aa") == 1
    assert publish(tmp_path, "aa") == 1
    assert sorted(path.name for path in (tmp_path / "vision_encoder").iterdir()) == [
        ".lock",
        "1",
        "config.pbtxt",
    ]


def test_another_shape_needs_a_name_of_its_own(tmp_path: Path) -> None:
    publish(tmp_path, "aa")
    with pytest.raises(ArtifactError, match=r"(?s)32 px.*64 px.*--model vision_encoder_64"):
        publish(tmp_path, "bb", size=64)
    assert list(versions(tmp_path, "vision_encoder")) == [1]


def test_a_failed_stage_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with staged_version(tmp_path, "vision_encoder") as stage:
            (stage / "model.onnx").write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert versions(tmp_path, "vision_encoder") == {}
    assert [path.name for path in (tmp_path / "vision_encoder").iterdir()] == [".lock"]


def test_a_stage_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with (
        staged_version(tmp_path, "vision_encoder") as stage,
        pytest.raises(ArtifactError, match=r"no manifest\.json"),
    ):
        publish_version(tmp_path, "vision_encoder", stage)


def test_two_exports_of_one_model_do_not_run_at_once(tmp_path: Path) -> None:
    with staged_version(tmp_path, "vision_encoder"):
        with pytest.raises(Overloaded, match="another export of `vision_encoder`"):
            publish(tmp_path, "aa")
        assert publish_as(tmp_path, "text_encoder", "aa") == 1
    assert publish(tmp_path, "aa") == 1


# Publishes "bb", and is killed at the step of this name: nothing is flushed, nothing cleaned up.
KILLED = """
import os, runpy, signal, sys
from pathlib import Path
from export import repository

publish = runpy.run_path(sys.argv[3])["publish"]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

step, root = sys.argv[1], Path(sys.argv[2])
if step == "rename":
    Path.rename = die
else:
    setattr(repository, step, die)
publish(root, "bb")
"""


@pytest.mark.parametrize("step", ["read_manifest", "write_config", "sync", "rename"])
def test_a_kill_at_any_step_leaves_no_half_version_and_the_next_export_cleans_up(
    tmp_path: Path, step: str
) -> None:
    publish(tmp_path, "aa")
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, step, str(tmp_path), __file__], check=False, timeout=60
    )
    assert ran.returncode == -signal.SIGKILL
    home = tmp_path / "vision_encoder"
    assert [m.fingerprint for m in versions(tmp_path, "vision_encoder").values()] == ["aa"]
    assert len(list(home.glob(".staged-*"))) == 1
    assert publish(tmp_path, "cc") == 2
    assert sorted(path.name for path in home.iterdir()) == [".lock", "1", "2", "config.pbtxt"]
    config = (home / "config.pbtxt").read_text()
    assert 'key: "fingerprint.2" value { string_value: "cc" }' in config
    assert "bb" not in config


def test_a_config_that_lost_a_version_is_mended_by_exporting_it_again(tmp_path: Path) -> None:
    publish(tmp_path, "aa")
    config = tmp_path / "vision_encoder" / "config.pbtxt"
    whole = config.read_text()
    config.write_text(whole.replace("fingerprint.1", "fingerprint.9"))
    assert publish(tmp_path, "aa") == 1
    assert config.read_text() == whole
