"""What Locust reads: options, the load shape, the shoppers, and the verdict at the end.

    locust -f loadtests/locustfile.py --headless --host http://127.0.0.1:PORT --html report.html

`make loadtest` finds or starts the local stack and runs this. The exit code says whether the objectives held.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from locust import LoadTestShape, events
from locust.env import Environment

from loadtests.objectives import Measured, ObjectivesError
from loadtests.queries import NoPictures
from loadtests.report import print_report, write_summary
from loadtests.session import Session
from loadtests.steps import users_at
from loadtests.target import TargetRefused, check_target
from loadtests.users import Browser, PhotoShopper, ScreenshotShopper, Shopper

__all__ = ["Browser", "PhotoShopper", "ScreenshotShopper", "Steps"]

_OBJECTIVES = Path(__file__).parent / "objectives.toml"


@events.init_command_line_parser.add_listener
def options(parser: ArgumentParser) -> None:
    """Options beside Locust's own."""
    add = parser.add_argument
    add("--pictures", default="catalog/sample/images", help="folder of pictures to search with")
    add("--objectives", default=str(_OBJECTIVES), help="TOML file of limits")
    add("--levels", default="2,4,6,8", help="users at each step; each makes a request a second")
    add("--duration", type=float, default=60.0, help="seconds of all steps together")
    add("--summary", default="", help="JSON file for the results")
    add("--i-own-this-host", action="store_true", help="allow a host that is not this machine")


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Check everything that can be wrong before the first request is made."""
    given = _given(environment)
    try:
        environment.host = check_target(given.host or "", own=given.i_own_this_host)
        Shopper.session = Session.prepare(
            Path(given.pictures), Path(given.objectives), given.levels, given.duration
        )
    except (TargetRefused, ObjectivesError, NoPictures, ValueError, OSError) as error:
        _refuse(error)


@events.test_start.add_listener
def check_again(environment: Environment, **_: Any) -> None:
    """Locust's web page can change the host after the start."""
    try:
        check_target(environment.host or "", own=_given(environment).i_own_this_host)
    except TargetRefused as error:
        _refuse(error)


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    """Hold what was measured against the objectives; the exit code is the answer."""
    session = Shopper.session
    measured = {
        name: Measured(row.num_requests, row.num_failures, row.get_response_time_percentile)
        for (name, _method), row in environment.stats.entries.items()
    }
    verdicts = list(session.objectives.judge(measured, session.stages.percentile))
    print_report(measured, session.stages, verdicts)
    summary = _given(environment).summary
    if summary:
        write_summary(Path(summary), measured, session.stages, verdicts)
    environment.process_exit_code = 0 if all(verdict.held for verdict in verdicts) else 1


class Steps(LoadTestShape):
    """Levels of equal length."""

    def tick(self) -> tuple[int, float] | None:
        """Users now, and how many of them may be added in a second; None ends the run."""
        session = Shopper.session
        users = users_at(self.get_run_time(), session.levels, session.duration_s)
        return None if users is None else (users, 100.0)


def _given(environment: Environment) -> Namespace:
    given = environment.parsed_options
    assert isinstance(given, Namespace)
    return given


def _refuse(error: Exception) -> None:
    sys.stderr.write(f"error: {error}\n")
    sys.exit(2)
