"""The `visionseek` command: a table of subcommands, each loaded when it is called."""

from __future__ import annotations

import errno
import sys

import click

from visionseek import output
from visionseek.errors import VisionSeekError
from visionseek.lazy import LazyCommands

# name -> (module:attribute, one line of help), in the order of the data
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("stack.demo:demo", "Everything on the sample catalog: start, search once, keep serving."),
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
    "pipeline": ("stack.pipeline.commands:pipeline", "All stages: from a feed to a served query."),
    "serve": ("api.commands:serve", "Run the API in the foreground."),
}


# A full or unwritable disk may show anywhere; it is the machine's fault, so no traceback.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


@click.group(cls=LazyCommands, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
    except OSError as error:
        if error.errno not in _DISK:
            raise
        output.print_error(disk_refusal(error))
        sys.exit(1)


def disk_refusal(error: OSError) -> VisionSeekError:
    """What the disk said, for commands that did not expect it at that place."""
    return VisionSeekError(
        f"the disk refused: {error.strerror}",
        where=str(error.filename) if error.filename else None,
        mend="free space or mend the permissions, then run the command again; what was finished is kept",
    )


if __name__ == "__main__":
    main()
