import json
import math
from pathlib import Path

import pytest

from loadtests.objectives import Measured, Verdict
from loadtests.report import print_report, write_summary
from loadtests.stages import Stages, parse_server_timing, percentile
from loadtests.steps import parse_levels, users_at


@pytest.mark.parametrize(
    ("header", "stages"),
    [
        ("decode;dur=1.25, encode;dur=30", {"decode": 1.25, "encode": 30.0}),
        ('cache;desc="a hit", db;desc="x";dur=2.5', {"db": 2.5}),
        ("decode; dur = 3 , total;dur=4;desc=all", {"decode": 3.0, "total": 4.0}),
        ("", {}),
        ("nonsense, ;dur=3, x;dur=fast", {}),
    ],
)
def test_server_timing_is_read_by_its_grammar(header: str, stages: dict[str, float]) -> None:
    assert parse_server_timing(header) == stages


def test_percentiles_are_values_that_occurred() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0, 0.5, 0.95, 1)] == [1.0, 3.0, 5.0, 5.0]
    assert math.isnan(percentile([], 0.5))


def test_stages_keep_the_order_of_the_server() -> None:
    stages = Stages()
    stages.add("decode;dur=1, encode;dur=2")
    stages.add("decode;dur=3, rank;dur=9")
    assert stages.names() == ["decode", "encode", "rank"]
    assert stages.summary()["decode"] == {"answers": 2, "p50_ms": 1.0, "p95_ms": 3.0, "p99_ms": 3.0}
    assert math.isnan(stages.percentile("shards", 0.5))


def test_steps_have_equal_lengths_and_end() -> None:
    assert [users_at(t, (2, 4, 8), 30) for t in (0, 9.9, 10, 19.9, 20, 29.9, 30, 99)] == [
        2, 2, 4, 4, 8, 8, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "a", "1,,2", "0", "501", "-1", "1.5"])
def test_levels_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="levels are"):
        parse_levels(text)


def test_a_summary_is_json_also_where_nothing_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = {"photo": Measured(0, 0, lambda _share: math.nan)}
    verdicts = [Verdict("photo: p95_ms", 100, math.nan, held=False)]
    write_summary(tmp_path / "s.json", measured, Stages(), verdicts)
    result = json.loads((tmp_path / "s.json").read_text(), parse_constant=pytest.fail)
    assert result["held"] is False
    assert result["requests"]["photo"]["p95_ms"] is None
    print_report(measured, Stages(), verdicts)
    assert "BROKEN" in capsys.readouterr().err
