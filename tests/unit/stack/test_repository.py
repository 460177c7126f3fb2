import json
from pathlib import Path

import pytest

from stack.repository import WantedModel, seed, wanted_models
from visionseek.errors import StackError


def write_version(repository: Path, model: str, version: int, fingerprint: str, config: str = "") -> Path:
    folder = repository / model / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_text(f"weights of {fingerprint}")
    (folder / "manifest.json").write_text(json.dumps({"fingerprint": fingerprint}))
    (folder.parent / "config.pbtxt").write_text(config or f"fingerprint.{version} {fingerprint}")
    return folder


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    write_version(tmp_path / "shipped", "vision_encoder", 1, "aaa")
    (tmp_path / "shipped" / "text_encoder").mkdir()
    return tmp_path / "shipped"


def run_seed(shipped: Path) -> tuple[str, ...]:
    return seed(shipped, shipped.parent / "live", shipped.parent / "run" / "seeded.json")


def served(shipped: Path, version: int = 1) -> str:
    return (shipped.parent / "live" / "vision_encoder" / str(version) / "model.onnx").read_text()


def test_a_shipped_version_is_copied_once_and_nothing_else_is_left(shipped: Path) -> None:
    assert run_seed(shipped) == ()
    run_seed(shipped)
    live = shipped.parent / "live"
    found = {str(path.relative_to(live)) for path in live.rglob("*") if path.is_file()}
    prefix = "vision_encoder"
    assert found == {f"{prefix}/config.pbtxt", f"{prefix}/1/model.onnx", f"{prefix}/1/manifest.json"}


def test_a_newer_shipped_version_replaces_what_an_earlier_seed_copied(shipped: Path) -> None:
    run_seed(shipped)
    write_version(shipped, "vision_encoder", 1, "bbb")
    run_seed(shipped)
    assert served(shipped) == "weights of bbb"


def test_what_the_pipeline_published_stays_and_is_said(shipped: Path) -> None:
    write_version(shipped.parent / "live", "vision_encoder", 1, "tuned here")
    (line,) = run_seed(shipped)
    assert "vision_encoder/1" in line
    assert served(shipped) == "weights of tuned here"


def test_other_versions_keep_their_fingerprint_when_a_shipped_one_is_replaced(shipped: Path) -> None:
    run_seed(shipped)
    write_version(
        shipped.parent / "live", "vision_encoder", 2, "mine", "fingerprint.1 aaa fingerprint.2 mine"
    )
    write_version(shipped, "vision_encoder", 1, "bbb")
    run_seed(shipped)
    config = (shipped.parent / "live" / "vision_encoder" / "config.pbtxt").read_text()
    assert config == "fingerprint.1 bbb fingerprint.2 mine"
    assert served(shipped, 2) == "weights of mine"


def test_a_folder_without_a_manifest_is_not_a_version(shipped: Path) -> None:
    (shipped / "vision_encoder" / "2").mkdir()
    run_seed(shipped)
    assert not (shipped.parent / "live" / "vision_encoder" / "2").exists()


def test_wanted_are_the_encoders_that_are_there_and_what_the_pointer_names(shipped: Path) -> None:
    run_seed(shipped)
    live, pointer = shipped.parent / "live", shipped.parent / "current.json"
    assert wanted_models(live, pointer) == (WantedModel("vision_encoder"),)
    named = {"model": "vision_encoder", "version": 1}
    pointer.write_text(
        json.dumps({"encoder": named, "shards": [{"model": "catalog_shard_00", "version": 7}]})
    )
    assert wanted_models(live, pointer) == (
        WantedModel("vision_encoder", 1),
        WantedModel("catalog_shard_00", 7),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"encoder": {}, "shards": []}', "\x00"])
def test_a_damaged_pointer_is_an_error_that_names_it(shipped: Path, text: str) -> None:
    pointer = shipped.parent / "current.json"
    pointer.write_text(text)
    with pytest.raises(StackError, match=r"current\.json"):
        wanted_models(shipped, pointer)
