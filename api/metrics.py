"""What Prometheus reads at GET /metrics; every app of a process has a registry of its own."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from visionseek.vocabulary import Coverage

# From a cache hit to the default deadline of a query and past it.
_SECONDS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """The counters of one app. Stages have the names of `Server-Timing`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "visionseek_http_requests",
            "Requests by route, method and status",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "visionseek_http_request_seconds",
            "Time from a request's head to the end of its answer",
            ["route", "method"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "visionseek_stage_seconds",
            "Time a query spent by stage",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "visionseek_queries_in_flight", "Queries that hold a permit", registry=self.registry
        )
        self.permits = Gauge(
            "visionseek_queries_permitted", "Queries that may run at the same time", registry=self.registry
        )
        self.upload_bytes = Gauge(
            "visionseek_upload_bytes", "Bytes of uploads held in memory", registry=self.registry
        )
        self.shards_asked = Counter(
            "visionseek_shards_asked", "Shards that queries asked", registry=self.registry
        )
        self.shards_answered = Counter(
            "visionseek_shards_answered", "Shards that answered in time", registry=self.registry
        )
        self.pictures_refused = Counter(
            "visionseek_pictures_refused",
            "Query pictures that could not be decoded, by type of problem",
            ["reason"],
            registry=self.registry,
        )
        self.generation = Gauge(
            "visionseek_generation", "Generation that answered last", registry=self.registry
        )

    def observe_query(self, milliseconds: Mapping[str, float], coverage: Coverage, generation: int) -> None:
        """Count a query that was answered."""
        for stage, spent in milliseconds.items():
            self.stages.labels(stage).observe(spent / 1e3)
        self.shards_asked.inc(coverage.shards)
        self.shards_answered.inc(coverage.answered)
        self.generation.set(generation)


router = APIRouter()


@router.get("/metrics", summary="Counters in Prometheus' text format", tags=["operation"])
async def metrics(request: Request) -> Response:
    """Everything in `Metrics`."""
    registry: CollectorRegistry = request.app.state.metrics.registry
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
