"""The `visionseek` command: a table of subcommands, each loaded when it is called.

The kernel imports nothing of ours, so the table names its targets as text.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

import click

from visionseek import output
from visionseek.errors import VisionSeekError

# name -> (module:attribute, one line of help), in the order of the data
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("stack.commands:demo", "Everything on the sample catalog: start, search once, keep serving."),
    "up": ("stack.commands:up", "Start Triton and the API in the background."),
    "status": ("stack.commands:status", "What runs, where, with which models."),
    "down": ("stack.commands:down", "Stop what `up` started."),
    "catalog": ("catalog.commands:catalog", "Products in: import, show, stats, render ..."),
    "train": ("training.commands:train", "Augment, pretrain and tune the encoder."),
    "model": ("training.jina_clip.commands:model", "Look into a checkpoint."),
    "eval": ("training.evaluate.commands:evaluate", "Measure relevance."),
    "export": ("export.commands:export", "Merge, convert to ONNX, check parity, publish an encoder."),
    "index": ("search.commands:index", "Embed the catalog; build, publish, roll back shards."),
    "search": ("search.commands:search", "Search the catalog with a picture."),
    "serve": ("api.commands:serve", "Run the API in the foreground."),
}


class LazyCommands(click.Group):
    """A group that imports a subcommand's module only when that subcommand is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table; a stage whose package is not installed is left out."""
        del ctx
        return [name for name, (target, _) in COMMANDS.items() if _exists(target.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the subcommand, or None where there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        if not _exists(module):
            return None
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the table without importing any stage."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="visionseek")
def cli() -> None:
    """Visual product search for jewelry."""


def main() -> None:
    """Entry point: errors of ours print what, where and the mend, and exit 1; no traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        output.console.print("stopped")
        sys.exit(130)
    except VisionSeekError as error:
        output.print_error(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
