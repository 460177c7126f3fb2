"""One way to read a picture's address, whatever it is: the web, a bucket, or a file of the feed's folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self

from catalog.gathering import Fetched
from catalog.locations import allowed_file
from catalog.s3 import Objects
from catalog.web import Web
from visionseek.errors import FetchRefused, ImageTooLarge, InputError


class Files:
    """Pictures in files: those of the feed's folder, others only where `allow_files` says so."""

    def __init__(self, folder: Path | None, *, allow_files: bool, max_bytes: int) -> None:
        """Read below `folder`; nothing larger than `max_bytes`."""
        self.folder = folder
        self.allow_files = allow_files
        self.max_bytes = max_bytes

    async def __call__(self, address: str, etag: str | None, last_modified: str | None) -> Fetched:
        """The bytes of a file, or word that it has the same time and size as before."""
        del last_modified
        return await asyncio.to_thread(self._read, address, etag)

    def _read(self, address: str, etag: str | None) -> Fetched:
        path = allowed_file(address, self.folder, allow_files=self.allow_files)
        try:
            stat = path.stat()
            mark = f"{stat.st_mtime_ns}-{stat.st_size}"
            if mark == etag:
                return Fetched(None, etag)
            if stat.st_size > self.max_bytes:
                raise ImageTooLarge(
                    f"{stat.st_size:,} bytes are above the limit max_image_bytes = {self.max_bytes:,}"
                )
            return Fetched(path.read_bytes(), mark)
        except OSError as error:
            raise InputError(f"not readable: {error.strerror}", where=str(path)) from error


class Router:
    """Sends every address to the one that may read it."""

    def __init__(self, files: Files, web: Callable[[], Web] | None = None, s3: Objects | None = None) -> None:
        """Take the readers; an address that none of them reads is refused.

        Args:
            files: reads paths and `file://`.
            s3: reads `s3://`.
            web: makes what reads http and https, inside of the event loop that it serves.
        """
        self.files = files
        self._make_web = web
        self._s3 = s3
        self._web: Web | None = None

    async def __aenter__(self) -> Self:
        """Begin to serve this event loop."""
        self._web = self._make_web() if self._make_web else None
        return self

    async def __aexit__(self, *problem: object) -> None:
        """Close what is open."""
        if self._web is not None:
            await self._web.close()

    async def __call__(self, address: str, etag: str | None, last_modified: str | None) -> Fetched:
        """Read `address` by its scheme."""
        scheme = address.partition("://")[0].lower() if "://" in address[:12] else ""
        if scheme in {"", "file"}:
            return await self.files(address, etag, last_modified)
        if scheme in {"http", "https"} and self._web is not None:
            return await self._web(address, etag, last_modified)
        if scheme == "s3" and self._s3 is not None:
            return await self._s3(address, etag, last_modified)
        if scheme == "s3":
            raise FetchRefused("s3:// links are not followed", where=address, mend="give --allow-s3")
        raise FetchRefused(f"{scheme}:// links are not followed", where=address)
