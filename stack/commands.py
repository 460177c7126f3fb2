"""`visionseek up | status | down`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
import httpx
from rich.table import Table

from stack.local import LocalStack, say
from stack.state import StackState
from stack.triton_control import model_states, server_version
from visionseek import output
from visionseek.errors import StackError, Unavailable
from visionseek.settings import Settings, load_settings

data_option = click.option("--data", type=click.Path(file_okay=False), help="The one folder of all state.")


def _port_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in ("triton-metrics", "triton-http", "triton-grpc", "api"):
        command = click.option(f"--{name}-port", type=int, help="0 or not given: a free one.")(command)
    return command


@click.command()
@data_option
@_port_options
@click.option("--no-api", "--triton-only", is_flag=True, help="Start Triton alone.")
@click.option("--foreground", is_flag=True, help="Stay in front until Ctrl-C, then stop everything.")
@output.json_option
def up(no_api: bool, foreground: bool, as_json: bool, **options: Any) -> None:
    """Start Triton and the API in the background; what runs already stays."""
    settings = load_settings(**options)
    stack = LocalStack(settings, api=not no_api)
    before = stack.state
    if foreground:
        with stack:
            _report(settings, as_json=as_json)
            watch(stack)
        return
    after = stack.start()
    if after == before:
        say("already up")
    _report(settings, as_json=as_json)


@click.command()
@data_option
@output.json_option
def down(as_json: bool, **options: Any) -> None:
    """Stop what `up` started and wait until it has ended."""
    settings = load_settings(**options)
    ran = LocalStack(settings).stop()
    if as_json:
        output.emit_json({"stopped": ran, "data": str(settings.data.absolute())})
    else:
        say("stopped" if ran else f"nothing ran in {settings.data.absolute()}")


@click.command()
@data_option
@output.json_option
def status(as_json: bool, **options: Any) -> None:
    """Show what runs, where, with which models. Exits 0 also when nothing runs."""
    _report(load_settings(**options), as_json=as_json)


def stack_status(settings: Settings) -> dict[str, Any]:
    """What runs on this data folder: `running`, `api`, `triton`, `pids`, `data`, `logs`.

    `api` and `triton` are None where that part does not run; then `ended` says what died since `up`.

    Raises:
        StackError: the record of what runs is damaged.
    """
    stack = LocalStack(settings)
    state = stack.state
    return {
        "running": state.triton_alive and (state.api is None or state.api_alive),
        "api": _api_status(state),
        "triton": _triton_status(state),
        "pids": {
            "triton": state.triton.process.pid if state.triton is not None and state.triton_alive else None,
            "api": state.api.process.pid if state.api is not None and state.api_alive else None,
        },
        "ended": [
            name
            for name, part in (("triton", state.triton), ("api", state.api))
            if part is not None and not part.process.alive
        ],
        "data": str(stack.settings.data),
        "logs": {"triton": str(stack.triton_log), "api": str(stack.api_log)},
    }


def _api_status(state: StackState) -> dict[str, Any] | None:
    if state.api is None or not state.api_alive:
        return None
    try:
        ready = httpx.get(f"{state.api.url}/readyz", timeout=5.0, trust_env=False).is_success
    except httpx.HTTPError:
        ready = False
    return {"url": state.api.url, "ready": ready}


def _triton_status(state: StackState) -> dict[str, Any] | None:
    if state.triton is None or not state.triton_alive:
        return None
    address = state.triton.address
    shown: dict[str, Any] = {**address.model_dump(), "version": None, "models": []}
    try:
        shown["version"] = server_version(address)
        for model in model_states(address):
            row = {"name": model.name, "version": model.version, "state": model.state}
            shown["models"].append(row | ({"reason": model.reason} if model.reason else {}))
    except Unavailable as error:
        shown["error"] = error.what
    return shown


def _report(settings: Settings, *, as_json: bool) -> None:
    shown = stack_status(settings)
    if as_json:
        output.emit_json(shown)
        return
    for name in shown["ended"]:
        say(f"{name} has ended since `visionseek up`; see {shown['logs'][name]}, then `visionseek up` again")
    if shown["api"] is None and shown["triton"] is None:
        say(f"nothing runs on {shown['data']}; `visionseek up` starts it")
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    api, triton = shown["api"], shown["triton"]
    if api is not None:
        table.add_row(
            "API", api["url"], "ready" if api["ready"] else "not ready", f"pid {shown['pids']['api']}"
        )
    if triton is not None:
        version = f"Triton {triton['version']}"
        table.add_row(
            version, f"gRPC {triton['grpc']}", triton.get("error", "ready"), f"pid {shown['pids']['triton']}"
        )
        table.add_row("", triton["http"])
        table.add_row("", triton["metrics"])
        for model in triton["models"]:
            table.add_row(
                "model", f"{model['name']} {model['version']}", model["state"], model.get("reason", "")
            )
    table.add_row("data", shown["data"])
    table.add_row("logs", str(LocalStack(settings).settings.logs))
    output.console.print(table)


def watch(stack: LocalStack) -> None:
    """Stay until Ctrl-C, or until a part ends by itself.

    Raises:
        StackError: a part ended.
    """
    say("Ctrl-C stops everything")
    state = stack.state
    while True:
        time.sleep(0.5)
        if not state.triton_alive:
            raise StackError("Triton has ended", where=str(stack.triton_log))
        if state.api is not None and not state.api_alive:
            raise StackError("the API has ended", where=str(stack.api_log))
