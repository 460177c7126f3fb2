"""`visionseek catalog`: a table of subcommands, each loaded when it is called."""

from __future__ import annotations

import importlib
import importlib.util

import click

# name -> (module:attribute, one line of help), in the order of use
COMMANDS: dict[str, tuple[str, str]] = {
    "import": ("catalog.command_import:import_", "Bring a product feed and its pictures in."),
    "show": ("catalog.command_look:show", "A product as the catalog has it."),
    "stats": ("catalog.command_look:stats", "What is in the catalog."),
    "validate": ("catalog.command_look:validate", "Check that database and pictures agree."),
    "export": ("catalog.command_export:export", "Write the catalog as a feed."),
    "render": ("catalog.render.commands:render", "Render the sample catalog."),
}


class LazyCommands(click.Group):
    """A group that imports a subcommand's module only when that subcommand is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table; one whose module is not there is left out."""
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
        """List the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@click.group(cls=LazyCommands)
def catalog() -> None:
    """Products in: feeds, pictures, the catalog database."""
