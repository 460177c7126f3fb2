"""The app: routes, problems, edge. Nothing is read or opened before it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from api import (
    docs_route,
    embed_route,
    health,
    images_route,
    index_route,
    metrics,
    page_route,
    problems,
    products_import_route,
    products_route,
    products_write_route,
    search_route,
)
from api.edge import Edge
from api.opening import open_parts
from api.parts import Parts
from api.serving import Serving
from visionseek.settings import Settings

_ROUTERS = (
    search_route.router,
    products_import_route.router,
    products_route.router,
    products_write_route.router,
    images_route.router,
    embed_route.router,
    index_route.router,
    health.router,
    metrics.router,
    page_route.router,
    docs_route.router,
)


def create_app(settings: Settings, open_parts: Callable[[Settings], Parts] = open_parts) -> FastAPI:
    """The app on these settings; its parts are opened when it starts and closed when it stops.

    Args:
        settings: where things are, limits and deadlines.
        open_parts: opens searcher, catalog and pictures; tests hand in their own.
    """
    counters = metrics.Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.serving = Serving(settings, open_parts(settings), counters)
        try:
            yield
        finally:
            await app.state.serving.close()

    app = FastAPI(
        title="VisionSeek",
        version=_version(),
        description="Visual product search for jewelry.",
        lifespan=lifespan,
        docs_url=None,  # the framework's pages load scripts from other sites; ours stands in docs_route
        redoc_url=None,
    )
    app.state.metrics = counters
    for router in _ROUTERS:
        app.include_router(router)
    problems.install(
        app,
        {
            "max_image_bytes": settings.max_image_bytes,
            "max_image_pixels": settings.max_image_pixels,
            "max_image_frames": settings.max_image_frames,
        },
    )
    app.add_middleware(Edge, metrics=counters)
    return app


def _version() -> str:
    try:
        return version("visionseek")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0+checkout"
