"""`python -m loadtests`: find or start the local stack, load it, judge it.

The stack is asked and started through the `visionseek` command, as a person would.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from loadtests.target import TargetRefused, check_target

_SAMPLE_FEED = Path("catalog/sample/feed.csv")
_SAMPLE_PICTURES = Path("catalog/sample/images")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", help="Base URL of an API; default: the local stack, started when nothing runs.")
@click.option("--i-own-this-host", "own", is_flag=True, help="Allow a host that is not this machine.")
@click.option("--duration", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="Seconds.")
@click.option("--levels", default="2,4,6,8", show_default=True, help="Users at each step.")
@click.option("--pictures", type=click.Path(path_type=Path), default=_SAMPLE_PICTURES, show_default=True)
@click.option("--objectives", type=click.Path(path_type=Path), help="TOML file of limits.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/loadtest"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def main(
    host: str | None,
    own: bool,
    duration: float,
    levels: str,
    pictures: Path,
    objectives: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Load the API for a minute. Exits 0 when every objective held, 1 when one broke, 2 on bad input."""
    started = False
    try:
        if host is None:
            host, started = _local_stack()
        host = check_target(host, own=own)
        out.mkdir(parents=True, exist_ok=True)
        summary = out / "summary.json"
        summary.unlink(missing_ok=True)
        command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).parent / "locustfile.py")]
        command += ["--headless", "--host", host, "--html", str(out / "report.html"), "--only-summary"]
        command += ["--summary", str(summary), "--pictures", str(pictures), "--loglevel", "WARNING"]
        command += ["--duration", str(duration), "--levels", levels]
        command += ["--objectives", str(objectives)] if objectives else []
        command += ["--i-own-this-host"] if own else []
        click.echo(f"loading {host} for {duration:g} s", err=True)
        # Locust ends by itself; the limit is for one that does not.
        code = subprocess.run(command, check=False, timeout=duration + 120, stdout=sys.stderr).returncode
        if summary.is_file():
            click.echo(f"report: {out / 'report.html'}", err=True)
            if as_json:
                result: dict[str, Any] = json.loads(summary.read_bytes())
                click.echo(json.dumps({"host": host, "report": str(out / "report.html"), **result}))
        sys.exit(code)
    except TargetRefused as error:
        raise click.UsageError(str(error)) from None
    finally:
        if started:
            _visionseek("down")


def _local_stack() -> tuple[str, bool]:
    """URL of the local stack's API, and whether this call started it."""
    started = _visionseek("status").get("api") is None
    api = _visionseek("up")["api"]  # what runs stays; a Triton that died comes back
    try:
        if not api["ready"]:
            # A shop's own catalog is never mixed with the sample.
            if not _visionseek("catalog", "stats")["products"]:
                click.echo("no catalog yet: importing the sample", err=True)
                _visionseek("catalog", "import", str(_SAMPLE_FEED))
            click.echo("nothing to search yet: building the index", err=True)
            _visionseek("index", "refresh")
    except BaseException:
        if started:
            _visionseek("down")
        raise
    return api["url"], started


def _visionseek(*arguments: str) -> dict[str, Any]:
    """Run a command of the project; what it printed as JSON. Its own errors are shown and end this one."""
    command = [sys.executable, "-m", "visionseek", *arguments, "--json"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, timeout=1800)
    if done.returncode:
        raise click.ClickException(f"`visionseek {' '.join(arguments)}` failed; its error is above")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
