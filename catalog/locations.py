"""Where a feed's picture links point to, and which of them may be followed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from visionseek.errors import FetchRefused, NotFound

WEB = ("https://", "http://")


@dataclass(frozen=True)
class Base:
    """What relative links of a feed are relative to: a folder, or the feed's own web address."""

    folder: Path | None = None
    url: str | None = None

    def resolve(self, link: str) -> str:
        """A link as an address that means the same everywhere: a URL, or an absolute path. Nothing is opened.

        A link that can mean nothing here stays as it is, and is refused when it is to be read.
        """
        lowered = link[:8].lower()
        if lowered.startswith((*WEB, "s3://", "file://", "data:")):
            return link
        if self.url is not None:
            return _joined(self.url, link)
        if link.startswith("//"):  # a web page's way of saying "by the same protocol"
            return f"https:{link}"
        if self.folder is None or "\0" in link:
            return link
        return os.path.normpath(self.folder.absolute() / link.replace("\\", "/"))


def _joined(url: str, link: str) -> str:
    try:
        if not url.lower().startswith("s3://"):
            return urljoin(url, link)
        bucket, _, key = url[5:].partition("/")  # the standard library joins only schemes that it knows
        there = urlsplit(urljoin(f"https://bucket/{key}", link))
    except ValueError:
        return link
    return link if there.netloc != "bucket" else f"s3://{bucket}{there.path}"


def allowed_file(address: str, folder: Path | None, *, allow_files: bool) -> Path:
    """The file that an address names, if it may be read.

    Files in the feed's own folder may; symbolic links count as what they lead to.

    Raises:
        FetchRefused: outside of the folder, or a `file://` address, and `allow_files` was not given.
        NotFound: no such file.
    """
    mend = "give --allow-files to read files anywhere"
    if address.lower().startswith("file://"):
        parts = urlsplit(address)
        if not allow_files:
            raise FetchRefused("file:// links are not followed", where=address, mend=mend)
        if parts.netloc not in {"", "localhost"}:
            raise FetchRefused("a file of another host", where=address)
        path = Path(unquote(parts.path))
    else:
        path = Path(address)
    if "\0" in address or not path.is_absolute():
        raise FetchRefused("neither a web address nor a path of the feed's folder", where=address)
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError as error:
        raise NotFound("no such file", where=address) from error
    except (OSError, RuntimeError) as error:
        raise FetchRefused(f"not a readable path: {error}", where=address) from error
    inside = folder is not None and real.is_relative_to(folder.resolve())
    if not inside and not allow_files:
        raise FetchRefused("a file outside of the feed's folder", where=address, mend=mend)
    if not real.is_file():
        raise FetchRefused("not a regular file", where=address)
    return real
