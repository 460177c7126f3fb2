"""One way to read a picture's address, whatever it is: the web, a bucket, or a file of the feed's folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

from catalog.gathering import Fetched
from catalog.locations import allowed_file
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

    def __init__(self, files: Files) -> None:
        """Take the readers; an address that none of them reads is refused."""
        self.files = files

    async def __call__(self, address: str, etag: str | None, last_modified: str | None) -> Fetched:
        """Read `address` by its scheme."""
        scheme = address.partition("://")[0].lower() if "://" in address[:12] else ""
        if scheme in {"", "file"}:
            return await self.files(address, etag, last_modified)
        raise FetchRefused(f"{scheme}:// links are not followed", where=address)
