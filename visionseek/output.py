"""What commands print: tables and progress on standard error, results on standard output.

With `--json`, the last line of standard output is one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from visionseek.errors import VisionSeekError

console = Console(stderr=True, highlight=False)

_Command = TypeVar("_Command", bound=Callable[..., Any])


def json_option(command: _Command) -> _Command:
    """Add `--json`, handed to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")(
        command
    )


def emit_json(result: Any) -> None:
    """Print `result` as one line of JSON on standard output."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def emit(text: str) -> None:
    """Print a line that is the result itself on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_error(error: VisionSeekError) -> None:
    """Print what was wrong, where, and the mend."""
    console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)


def progress() -> Progress:
    """A progress bar on standard error, for anything that takes over two seconds.

    Use as `with progress() as bar: task = bar.add_task("embedding", total=n)`. On something that is not
    a terminal it draws nothing until the end, so that logs stay readable.
    """
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
    )
