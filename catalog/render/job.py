"""Render a whole catalog: products -> workers -> pictures and a feed; goes on where it was stopped."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path

from PIL import Image

from catalog.render.description import Description
from catalog.render.families import descriptions
from catalog.render.feed import FILE_NAME, image_name, write_feed
from catalog.render.renderer import Renderer, require_renderer
from catalog.render.tracer import Tracer, tracer
from catalog.render.views import compose
from visionseek.errors import InputError, ManifestError, StackError, VisionSeekError
from visionseek.files import write_atomically
from visionseek.manifests import FILE_NAME as MANIFEST_NAME
from visionseek.manifests import Manifest, read_manifest, write_manifest
from visionseek.workers import leave_with_parent

VERSION = 1  # of descriptions, geometry and light: raised when a picture of the same seed changes
JPEG_QUALITY = 88
_FEED_EVERY = 20  # finished products between two writings of the feed

_renderer: Renderer | None = None


class RenderManifest(Manifest):
    """Beside a rendered catalog: what its pictures' bytes depend on besides the code.

    Attributes:
        version: of this renderer.
        seed: of the products.
        size: side of the pictures in pixels.
        samples: rays a pixel.
        variant: of the ray tracer; LLVM and scalar differ in the last bits.
    """

    version: int
    seed: int
    size: int
    samples: int
    variant: str


def render_catalog(
    folder: Path,
    *,
    products: int,
    views: int,
    seed: int,
    size: int,
    samples: int,
    workers: int,
    report: Callable[[int], None] = lambda _: None,
) -> int:
    """Fill `folder` with `images/` and `feed.csv`; pictures that are there already stay.

    The feed lists the products all of whose pictures are there, and grows while the work goes on.

    Args:
        folder: made where it is missing.
        products: how many; a smaller number gives the beginning of the same catalog.
        views: pictures of each product.
        seed: another one gives other products.
        size: side of the pictures in pixels.
        samples: rays a pixel.
        workers: processes; the pictures do not depend on it.
        report: called with the number of pictures of each finished product.

    Returns:
        Number of pictures in the catalog.

    Raises:
        InputError: the folder holds a catalog of another seed, size or version.
        StackError: a worker died.
        VisionSeekError: the extra `render` is not installed.
    """
    require_renderer()
    wanted = RenderManifest(version=VERSION, seed=seed, size=size, samples=samples, variant=tracer().variant)
    _claim(folder, wanted)
    items = list(islice(descriptions(seed), products))
    finished = [item for item in items if _complete(folder, item, views)]
    for _ in finished:
        report(views)
    done = {item.id for item in finished}
    missing = [item for item in items if item.id not in done]
    try:
        for number, item in enumerate(_drawn(folder, missing, views, wanted, workers), start=1):
            done.add(item.id)
            report(views)
            if number % _FEED_EVERY == 0:
                write_feed(folder, (i for i in items if i.id in done), views)
    finally:  # a stop by hand, too, leaves a feed of what is there
        write_feed(folder, (i for i in items if i.id in done), views)
    return len(done) * views


def _claim(folder: Path, wanted: RenderManifest) -> None:
    """Refuse a folder that holds anything else than the beginning of this catalog."""
    if not (folder / MANIFEST_NAME).exists():
        if (folder / FILE_NAME).exists():
            raise InputError(
                f"{FILE_NAME} is there without a {MANIFEST_NAME}: not a rendered catalog",
                where=str(folder),
                mend="choose another --out",
            )
        try:
            write_manifest(wanted, folder)
        except OSError as error:
            raise InputError(
                f"the folder cannot be written: {error.strerror}",
                where=str(folder),
                mend="choose another --out",
            ) from error
        return
    try:
        found = read_manifest(RenderManifest, folder)
    except ManifestError as error:
        raise InputError(error.what, where=error.where, mend="choose another --out") from error
    if found != wanted:
        odd = [
            f"{name} {getattr(found, name)} (asked for: {getattr(wanted, name)})"
            for name in RenderManifest.model_fields
            if getattr(found, name) != getattr(wanted, name)
        ]
        raise InputError(
            f"the folder holds a catalog with {', '.join(odd)}",
            where=str(folder),
            mend="choose another --out",
        )


def _complete(folder: Path, item: Description, views: int) -> bool:
    return all((folder / image_name(item, view)).is_file() for view in range(views))


def _drawn(
    folder: Path, items: list[Description], views: int, wanted: RenderManifest, workers: int
) -> Iterator[Description]:
    """Yield products as their pictures are finished, a few at a time in flight."""
    if not items:
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        min(workers, len(items)), context, initializer=_start_worker, initargs=(tracer(),)
    )
    waiting = iter(items)
    running: dict[Future[None], Description] = {}
    try:
        while True:
            for item in islice(waiting, 2 * workers - len(running)):
                task = pool.submit(_draw_product, folder, item, views, wanted.size, wanted.samples)
                running[task] = item
            if not running:
                return
            for task in wait(running, return_when=FIRST_COMPLETED).done:
                task.result()
                yield running.pop(task)
    except OSError as error:
        raise VisionSeekError(
            f"a picture could not be written: {error.strerror or error}",
            where=str(error.filename or folder),
            mend="make room or choose another --out, then run the command again; it goes on where it stopped",
        ) from error
    except BrokenProcessPool as error:
        raise StackError(
            "a rendering process ended without an answer, which is usually a lack of memory",
            mend="run the command again with fewer --workers; it goes on where it stopped",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(ray_tracer: Tracer) -> None:
    global _renderer  # noqa: PLW0603 -- one renderer a process, made once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the work
    leave_with_parent()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _renderer = Renderer(ray_tracer)


def _draw_product(folder: Path, item: Description, views: int, size: int, samples: int) -> None:
    assert _renderer is not None
    for view in range(views):
        path = folder / image_name(item, view)
        if not path.is_file():
            seed = int(item.id.rpartition("-")[2]) * 64 + view
            pixels = _renderer.draw(compose(item, view), size, samples, seed)
            write_atomically(path, encode(Image.fromarray(pixels)))


def encode(picture: Image.Image) -> bytes:
    """JPEG bytes, the same for the same picture."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()
