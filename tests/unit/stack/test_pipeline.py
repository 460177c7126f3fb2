"""The pipeline with a program that answers as the commands do: order, gate, failures, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stack.pipeline import commands
from stack.pipeline.commands import pipeline
from stack.pipeline.folder import own_folder
from stack.pipeline.recall import read_gain
from stack.pipeline.running import Commands
from stack.pipeline.stages import STAGES
from visionseek.errors import ArtifactError, InputError, ManifestError, Overloaded, StackError
from visionseek.settings import load_settings

FINGERPRINTS = {"shipped": "a" * 64, "tuned": "b" * 64}

ANSWERS: dict[str, dict[str, Any]] = {
    "import": {"images": 300},
    "tune": {
        "steps": 100,
        "queries": 150,
        "recall_before": {"recall@1": [0.5, 0.42, 0.58], "recall@10": [0.9, 0.84, 0.94]},
        "recall_after": {"recall@1": [0.6, 0.52, 0.67], "recall@10": [0.9, 0.84, 0.94]},
    },
    "serve": {"pids": {"triton": 1, "api": 2}},
    "export": {"parity": {"pictures": 64}, "fingerprint": FINGERPRINTS["tuned"]},
    "embed": {"embedded": 300},
    "build": {"generation": 7, "images": 300},
    "publish": {"generation": 7, "images": 300, "encoder_version": 2, "fingerprint": FINGERPRINTS["tuned"]},
    "query": {"generation": 7, "hits": [{"product_id": "P1", "score": 0.9}]},
}

# Writes down how it was called, then answers by the first word or two of its arguments.
STAND_IN = """
import json, os, sys, time
from pathlib import Path
arguments = sys.argv[1:]
answers = json.loads(Path(__file__).with_suffix(".json").read_text())
names = {"catalog": "import", "train": "tune", "up": "serve", "export": "export", "search": "query"}
name = arguments[1] if arguments[0] == "index" else names[arguments[0]]
with Path(__file__).with_suffix(".calls").open("a") as calls:
    own = {k: v for k, v in os.environ.items() if k.startswith("VISIONSEEK_")}
    calls.write(json.dumps([name, arguments, own, os.getcwd(), os.getpid()]) + "\\n")
answer = answers[name]
time.sleep(answer.get("sleep", 0))
if "exit" in answer:
    sys.stderr.write("error: " + answer["say"] + "\\n")
    sys.exit(answer["exit"])
print("a line before")
print(answer.get("raw") or json.dumps(answer))
"""


class Program:
    """The stand-in on the disk, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "program.py"
        self.path.write_text(STAND_IN)
        self.answer()

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, str(self.path))

    def answer(self, **changed: dict[str, Any]) -> None:
        answers = {name: ANSWERS[name] | changed.get(name, {}) for name in ANSWERS}
        self.path.with_suffix(".json").write_text(json.dumps(answers))

    @property
    def calls(self) -> list[Any]:
        path = self.path.with_suffix(".calls")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def stages(self) -> list[str]:
        return [call[0] for call in self.calls]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    made = Program(tmp_path)
    monkeypatch.setattr(
        commands, "Commands", lambda data, settings: Commands(data, settings, program=made.command)
    )
    return made


@pytest.fixture
def run(program: Program, tmp_path: Path) -> Callable[..., Result]:
    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(pipeline, ["--data", str(tmp_path / "data"), "--json", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_the_stages_run_in_the_order_of_the_data_and_the_last_line_is_json(
    run: Callable[..., Result], program: Program, tmp_path: Path
) -> None:
    result = run("--steps", "100", "--shards", "3")
    assert program.stages == [stage.name for stage in STAGES]
    told = json.loads(result.stdout.splitlines()[-1])
    assert [row["stage"] for row in told["stages"]] == program.stages
    assert all(row["seconds"] > 0 and row["items_per_second"] > 0 for row in told["stages"])
    assert (told["recall_before"], told["recall_after"], told["promoted"]) == (0.5, 0.6, True)
    assert told["recall_after_interval"] == [0.52, 0.67]
    assert (told["generation"], told["fingerprint"]) == (7, FINGERPRINTS["tuned"])
    assert "0.500 [0.420, 0.580]" in result.stderr
    assert "0.600 [0.520, 0.670]" in result.stderr
    by_name = {call[0]: call[1] for call in program.calls}
    assert by_name["tune"][by_name["tune"].index("--steps") :][:2] == ["--steps", "100"]
    assert "--shards" in by_name["build"]
    assert by_name["publish"][-2:] == ["7", "--json"]
    assert "--region" in by_name["query"]


def test_a_tuned_encoder_that_finds_less_is_not_exported_and_that_is_said(
    run: Callable[..., Result], program: Program
) -> None:
    shipped = {"fingerprint": FINGERPRINTS["shipped"], "encoder_version": 1}
    program.answer(
        tune={"recall_after": {"recall@1": [0.49, 0.41, 0.57], "recall@10": [1.0, 0.97, 1.0]}},
        publish=shipped,
    )
    result = run()
    assert "export" not in program.stages
    assert program.stages[-1] == "query"
    told = json.loads(result.stdout.splitlines()[-1])
    assert (told["promoted"], told["recall_after"]) == (False, 0.49)
    assert told["fingerprint"] == FINGERPRINTS["shipped"]
    assert "is not promoted" in " ".join(result.stderr.split())


def test_equal_recall_is_promoted() -> None:
    even = {
        "queries": 3,
        "recall_before": {"recall@1": [0.5, 0, 1]},
        "recall_after": {"recall@1": [0.5, 0, 1]},
    }
    assert read_gain(even).promotes


@pytest.mark.parametrize(
    "tuned",
    [
        {},
        {"queries": 3, "recall_before": {}, "recall_after": {}},
        {"queries": 3, "recall_before": {"recall@1": [0.5]}, "recall_after": {"recall@1": [0.5, 0, 1]}},
        {"queries": 3, "recall_before": 0.5, "recall_after": 0.6},
        {"queries": 3, "recall_before": {"recall@5": [0, 0, 1]}, "recall_after": {"recall@5": [1, 0, 1]}},
    ],
)
def test_without_figures_nothing_is_promoted(tuned: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="no encoder is promoted"):
        read_gain(tuned)


@pytest.mark.parametrize("stage", ["import", "tune", "export", "publish", "query"])
def test_a_stage_that_fails_is_named_with_the_command_that_repeats_it(
    run: Callable[..., Result], program: Program, tmp_path: Path, stage: str
) -> None:
    program.answer(**{stage: {"exit": 1, "say": "no"}})
    with pytest.raises(StackError, match=rf"(?s)stage `{stage}` failed.*exited with 1.*VISIONSEEK_DATA="):
        run()
    assert program.stages[-1] == stage


def test_a_stage_that_prints_something_else_is_named(run: Callable[..., Result], program: Program) -> None:
    program.answer(embed={"raw": "[1]"})
    with pytest.raises(StackError, match=r"stage `embed` failed.*no JSON object"):
        run()


def test_a_stage_that_hangs_is_ended_and_named(program: Program, tmp_path: Path) -> None:
    program.answer(serve={"sleep": 60})
    began = time.monotonic()
    with pytest.raises(StackError, match=r"stage `serve` failed.*did not end in 3 s"):
        Commands(tmp_path, load_settings(), program.command).run("serve", ["up"], deadline_s=3)
    assert time.monotonic() - began < 40
    assert not Path(f"/proc/{program.calls[0][4]}").exists()


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"query": {"generation": 6}}, "generation 6 answered"),
        ({"query": {"hits": []}}, "found nothing"),
        ({"publish": {"fingerprint": FINGERPRINTS["shipped"]}}, "another encoder serves than was exported"),
    ],
)
def test_an_answer_from_somewhere_else_is_an_error(
    run: Callable[..., Result], program: Program, changed: dict[str, dict[str, Any]], match: str
) -> None:
    program.answer(**changed)
    with pytest.raises((ArtifactError, InputError), match=match):
        run()


def test_nothing_of_the_caller_leads_the_commands_elsewhere(
    run: Callable[..., Result], program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "visionseek.toml").write_text('database_url = "postgresql://elsewhere/shop"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISIONSEEK_DATABASE_URL", "postgresql://elsewhere/shop")
    monkeypatch.setenv("VISIONSEEK_TRITON_GRPC_PORT", "8001")
    monkeypatch.setenv("VISIONSEEK_DATA", str(tmp_path / "mine"))
    run()
    for _name, _arguments, own, folder, _pid in program.calls:
        assert own == {"VISIONSEEK_DATA": str(tmp_path / "data")}
        assert folder == str(tmp_path / "data")
    assert not (tmp_path / "mine").exists()


def test_it_starts_from_nothing_each_time_and_goes_on_when_asked(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    run()
    left = tmp_path / "data" / "index" / "current.json"
    left.parent.mkdir()
    left.write_text("{}")
    run("--resume")
    assert left.exists()
    run()
    assert not left.exists()


def test_a_folder_with_other_state_is_refused_untouched(
    run: Callable[..., Result], program: Program, tmp_path: Path
) -> None:
    shop = tmp_path / "data" / "catalog.sqlite3"
    shop.parent.mkdir()
    shop.write_bytes(b"a shop's own")
    with pytest.raises(InputError, match="--data"):
        run()
    assert shop.read_bytes() == b"a shop's own"
    assert program.calls == []


def test_two_at_once_on_one_folder_are_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    with own_folder(tmp_path / "data"), pytest.raises(Overloaded, match="another pipeline"):
        run()


def test_a_feed_needs_a_query(run: Callable[..., Result], tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("id\n")
    result = run("--feed", str(feed))
    assert result.exit_code == 2
    assert "--query" in result.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_stage_too(program: Program, tmp_path: Path, number: signal.Signals) -> None:
    program.answer(tune={"sleep": 60})
    script = (
        "import sys; from stack.pipeline import commands, running;"
        "commands.Commands = lambda d, s: running.Commands(d, s, program=sys.argv[1:3]);"
        "commands.pipeline.main(['--data', sys.argv[3]])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, *program.command, str(tmp_path / "data")], stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while "tune" not in program.stages and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(child.pid, number)
        assert child.wait(60) != 0
    finally:
        child.kill()
        child.wait()
    stage = next(call[4] for call in program.calls if call[0] == "tune")
    assert not Path(f"/proc/{stage}").exists()
