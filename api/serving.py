"""What one running app shares between its requests: parts, bounded threads, permits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request

from api.admission import Admission
from api.limits import Permits
from api.metrics import Metrics
from api.parts import Parts
from visionseek.pixels import ImageLimits
from visionseek.settings import Settings

_T = TypeVar("_T")

# Decoding takes a core and up to 16 bytes a pixel allowed: more threads gain nothing and cost memory.
_DECODERS = min(4, os.cpu_count() or 1)
_READERS = 8
# Uploads of all requests together, in pictures of the largest size; most are a hundredth of that.
_LARGEST_UPLOADS = 16


class Serving:
    """Made when the app starts, closed when it stops.

    Args:
        settings: limits and deadlines.
        parts: searcher, catalog and pictures.
        metrics: where what happens is counted.
    """

    def __init__(self, settings: Settings, parts: Parts, metrics: Metrics) -> None:
        self.searcher = parts.searcher
        self.catalog = parts.catalog
        self.pictures = parts.pictures
        self.writer = parts.writer
        self.metrics = metrics
        self.deadline_s = settings.query_deadline_ms / 1e3
        self.max_picture_bytes = settings.max_image_bytes
        self.limits = ImageLimits(
            settings.max_image_bytes, settings.max_image_pixels, settings.max_image_frames
        )
        self.queries = Permits(settings.max_concurrent_queries, "queries")
        self.admission = Admission(self.queries, self.deadline_s)
        self.imports = Permits(1, "imports")
        self.upload_bytes = Permits(_LARGEST_UPLOADS * settings.max_image_bytes, "bytes of uploads")
        self._decoders = ThreadPoolExecutor(_DECODERS, "decode")
        self._readers = ThreadPoolExecutor(_READERS, "read")
        metrics.permits.set_function(lambda: self.queries.capacity)
        metrics.in_flight.set_function(lambda: self.queries.held)
        metrics.upload_bytes.set_function(lambda: self.upload_bytes.held)

    async def decode(self, work: Callable[[], _T]) -> _T:
        """Run what takes a core, such as decoding, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, work)

    async def read(self, work: Callable[[], _T]) -> _T:
        """Run what waits for a disk or a database beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def close(self) -> None:
        """Give back threads and connections."""
        self._decoders.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        await self.searcher.close()


def serving(request: Request) -> Serving:
    """The app's `Serving`, for a route's dependencies."""
    found = request.app.state.serving
    assert isinstance(found, Serving)
    return found
