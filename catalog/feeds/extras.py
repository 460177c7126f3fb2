"""Libraries that only some feeds need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from visionseek.errors import SettingsError


@contextmanager
def needs(library: str, extra: str, purpose: str) -> Iterator[None]:
    """Import `library` inside of this block; where it is missing, the error names the extra that brings it.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{purpose} needs {library}, which is not installed", mend=f"pip install 'visionseek[{extra}]'"
        ) from error
