"""`visionseek catalog`: a table of subcommands, each loaded when it is called."""

from __future__ import annotations

import click

from visionseek.lazy import LazyCommands

# name -> (module:attribute, one line of help), in the order of use
COMMANDS: dict[str, tuple[str, str]] = {
    "import": ("catalog.command_import:import_", "Bring a product feed and its pictures in."),
    "show": ("catalog.command_look:show", "A product as the catalog has it."),
    "stats": ("catalog.command_look:stats", "What is in the catalog."),
    "validate": ("catalog.command_look:validate", "Check that database and pictures agree."),
    "export": ("catalog.command_export:export", "Write the catalog as a feed."),
    "render": ("catalog.render.commands:render", "Render the sample catalog."),
}


@click.group(cls=LazyCommands, table=COMMANDS)
def catalog() -> None:
    """Products in: feeds, pictures, the catalog database."""
