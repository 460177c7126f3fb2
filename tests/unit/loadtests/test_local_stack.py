"""What `make loadtest` does before the load: it finds a stack, or starts one and gives it something to search."""

from typing import Any

import click
import pytest

from loadtests import __main__ as command


class Stack:
    """Stands in for the `visionseek` command."""

    def __init__(
        self, *, runs: bool = False, ready: bool = False, products: int = 0, fails: str = ""
    ) -> None:
        self.asked: list[str] = []
        self._api = {"url": "http://127.0.0.1:1", "ready": ready}
        self._runs, self._products, self._fails = runs, products, fails

    def __call__(self, *arguments: str) -> dict[str, Any]:
        self.asked.append(" ".join(arguments[:2]))
        if self.asked[-1] == self._fails:
            raise click.ClickException("failed")
        if arguments[0] == "status":
            return {"api": self._api if self._runs else None}
        answers: dict[str, dict[str, Any]] = {
            "up": {"api": self._api},
            "catalog": {"products": self._products},
        }
        return answers.get(arguments[0], {})


@pytest.mark.parametrize(
    ("stack", "asked", "started"),
    [
        (Stack(runs=True, ready=True), ["status", "up"], False),
        (Stack(ready=True), ["status", "up"], True),
        (Stack(), ["status", "up", "catalog stats", "catalog import", "index refresh"], True),
        (Stack(products=7), ["status", "up", "catalog stats", "index refresh"], True),
    ],
    ids=["runs", "was down", "empty", "a shop's own catalog, not indexed yet"],
)
def test_it_does_what_is_missing_and_no_more(
    monkeypatch: pytest.MonkeyPatch, stack: Stack, asked: list[str], started: bool
) -> None:
    monkeypatch.setattr(command, "_visionseek", stack)
    assert command._local_stack() == ("http://127.0.0.1:1", started)
    assert stack.asked == asked


@pytest.mark.parametrize("runs", [True, False])
def test_only_a_stack_that_it_started_is_stopped_when_something_fails(
    monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    stack = Stack(runs=runs, fails="index refresh")
    monkeypatch.setattr(command, "_visionseek", stack)
    with pytest.raises(click.ClickException):
        command._local_stack()
    assert ("down" in stack.asked) == (not runs)
