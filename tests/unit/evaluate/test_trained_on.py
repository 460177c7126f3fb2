"""What a checkpoint has seen is never evaluated."""

import json
from pathlib import Path

import pytest

from training.trained_on import FILE_NAME, TrainedOn, read_trained_on, require_apart, write_trained_on
from visionseek.errors import CheckpointError, InputError


def test_the_record_comes_back_and_equal_records_are_equal_bytes(tmp_path: Path) -> None:
    write_trained_on(tmp_path, ["b", "a", "b"], ["f"])
    first = (tmp_path / FILE_NAME).read_bytes()
    assert read_trained_on(tmp_path) == TrainedOn(frozenset({"a", "b"}), frozenset({"f"}))
    write_trained_on(tmp_path, ["a", "b"], ["f"])
    assert (tmp_path / FILE_NAME).read_bytes() == first


def test_no_record_is_none_and_families_may_be_missing(tmp_path: Path) -> None:
    assert read_trained_on(tmp_path) is None
    (tmp_path / FILE_NAME).write_text(json.dumps({"products": ["a"]}))
    assert read_trained_on(tmp_path) == TrainedOn(frozenset({"a"}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"products": "abc"}', '{"products": [1]}', "null"])
def test_a_broken_record_is_an_error_not_a_pass(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(CheckpointError, match=FILE_NAME):
        read_trained_on(tmp_path)


def test_one_common_product_or_family_is_refused_by_name() -> None:
    seen = TrainedOn(frozenset({"a", "b"}), frozenset({"f"})).joined(TrainedOn(frozenset({"c"})))
    require_apart(seen, ["d"], ["g"], who="mini", suite="jewelbench")
    with pytest.raises(InputError, match="1 products of jewelbench, the first is 'c'"):
        require_apart(seen, ["d", "c"], who="mini", suite="jewelbench")
    with pytest.raises(InputError, match="families of jewelbench"):
        require_apart(seen, ["d"], ["f"], who="mini", suite="jewelbench")
