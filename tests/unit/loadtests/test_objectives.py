import math
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.objectives import Measured, ObjectivesError, read_objectives


def never(_name: str, _share: float) -> float:
    return math.nan


def flat(milliseconds: float) -> Callable[[float], float]:
    return lambda _share: milliseconds


def write(folder: Path, text: str) -> Path:
    path = folder / "objectives.toml"
    path.write_text(text)
    return path


def test_the_shipped_objectives_can_be_read() -> None:
    shipped = read_objectives(Path(__file__).parents[3] / "loadtests" / "objectives.toml")
    assert {"photo", "screenshot", "similar", "product", "image"} == set(shipped.requests)


def test_held_and_broken_are_told_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[requests.photo]\np95_ms = 100\nmax_error_rate = 0.1\nmin_requests = 10\n"
        "[stages.encode]\np50_ms = 5\n",
    )
    objectives = read_objectives(path)
    good = {"photo": Measured(10, 1, flat(100.0))}
    assert [v.held for v in objectives.judge(good, lambda _n, _s: 5.0)] == [True] * 4
    bad = {"photo": Measured(9, 1, flat(100.5))}
    assert [v.held for v in objectives.judge(bad, lambda _n, _s: 5.1)] == [False] * 4


def test_what_was_never_measured_is_broken(tmp_path: Path) -> None:
    path = write(
        tmp_path, "[requests.a]\np95_ms = 100\nmax_error_rate = 1\nmin_requests = 1\n[stages.b]\np50_ms = 9\n"
    )
    assert [v.held for v in read_objectives(path).judge({}, never)] == [False] * 4


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "tables are"),
        ("[request.photo]\np95_ms = 1", "request"),
        ("[requests.photo]\np96_ms = 1", r"requests\.photo"),
        ("[requests.photo]\n", r"requests\.photo"),
        ("[requests]\nphoto = 3", r"requests\.photo"),
        ("requests = 3", r"\[requests\]"),
        ("[requests.photo]\np95_ms = '1'", "p95_ms"),
        ("[requests.photo]\np95_ms = true", "p95_ms"),
        ("[requests.photo]\np95_ms = nan", "p95_ms"),
        ("[requests.photo]\np95_ms = -1", "p95_ms"),
        ("[stages.encode]\nmin_requests = 1\n[requests.photo]\np95_ms = 1", r"stages\.encode"),
        ("[requests.photo", "end of document"),
    ],
)
def test_a_wrong_file_is_refused_and_the_place_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ObjectivesError, match=named):
        read_objectives(write(tmp_path, text))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ObjectivesError, match="nowhere"):
        read_objectives(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ObjectivesError, match="binary"):
        read_objectives(tmp_path / "binary.toml")
