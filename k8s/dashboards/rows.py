"""What the dashboard shows, from the shopper's side inwards: requests, stages, shards, Triton, machines."""

from __future__ import annotations

from k8s.dashboards.panels import Panel, Row, Series

_WINDOW = "$__rate_interval"
# Series that Triton has on a machine with a GPU only.
GPU_METRICS = frozenset({"nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"})


def _of(metric: str, more: str = "") -> str:
    return f'{metric}{{namespace=~"$namespace"{more}}}'


def _rate(metric: str, more: str = "") -> str:
    return f"rate({_of(metric, more)}[{_WINDOW}])"


def _quantile(share: float, metric: str, by: str, more: str = "") -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) ({_rate(f'{metric}_bucket', more)}))"


def _per(numerator: str, denominator: str, by: str) -> str:
    """Mean of a counter of time (or count) over another counter, by label."""
    return f"sum by ({by}) ({_rate(numerator)}) / sum by ({by}) ({_rate(denominator)})"


_REQUESTS = "visionseek_http_requests_total"
_FAILED = ', status=~"5.."'
_BY_MODEL = "model, version"
_MODEL = "{{model}} {{version}}"

NOW = Row(
    "Now",
    [
        Panel(
            "Requests", "All routes.", "reqps", [Series(f"sum({_rate(_REQUESTS)})", "")], width=4, stat=True
        ),
        Panel(
            "Errors",
            "Share of answers with status 5xx. Refusals for overload (429) are counted apart.",
            "percentunit",
            [Series(f"(sum({_rate(_REQUESTS, _FAILED)}) or vector(0)) / sum({_rate(_REQUESTS)})", "")],
            width=4,
            stat=True,
        ),
        Panel(
            "Searches within",
            "95 of 100 searches are answered within this time.",
            "s",
            [Series(_quantile(0.95, "visionseek_http_request_seconds", "route", ', route="/v1/search"'), "")],
            width=4,
            stat=True,
        ),
        Panel(
            "Catalog searched",
            "Shards that answered, of those asked. Under 100 % some shopper did not see all products.",
            "percentunit",
            [
                Series(
                    f"sum({_rate('visionseek_shards_answered_total')}) / "
                    f"sum({_rate('visionseek_shards_asked_total')})",
                    "",
                )
            ],
            width=4,
            stat=True,
        ),
        Panel(
            "Generation",
            "Least and greatest that a pod answered with last. They differ for a moment after a publish, "
            "and for a pod without queries since.",
            "none",
            [
                Series(f"min({_of('visionseek_generation')} > 0)", "least"),
                Series(f"max({_of('visionseek_generation')})", "greatest"),
            ],
            width=8,
            stat=True,
        ),
    ],
)

REQUESTS = Row(
    "Requests",
    [
        Panel(
            "By status",
            "429 is overload, refused at once; 503 a missing Triton or index; 504 a deadline.",
            "reqps",
            [Series(f"sum by (status) ({_rate(_REQUESTS)})", "{{status}}")],
            stacked=True,
        ),
        Panel(
            "Time by route, 95th percentile",
            "From a request's head to the end of its answer.",
            "s",
            [Series(_quantile(0.95, "visionseek_http_request_seconds", "route"), "{{route}}")],
        ),
        Panel(
            "Queries under way",
            "Above what is permitted, queries are refused. The sum over pods.",
            "short",
            [
                Series(f"sum({_of('visionseek_queries_in_flight')})", "under way"),
                Series(f"sum({_of('visionseek_queries_permitted')})", "permitted"),
            ],
        ),
    ],
)

STAGES = Row(
    "Stages of a query",
    [
        Panel(
            "Time by stage, 95th percentile",
            "The stages of the Server-Timing header: decode the picture, encode it, ask the shards, rank.",
            "s",
            [Series(_quantile(0.95, "visionseek_stage_seconds", "stage"), "{{stage}}")],
            width=12,
        ),
        Panel(
            "Mean time by stage",
            "Which stage a faster machine would help. `total` holds the others and the waiting between.",
            "s",
            [
                Series(
                    _per("visionseek_stage_seconds_sum", "visionseek_stage_seconds_count", "stage"),
                    "{{stage}}",
                )
            ],
            width=12,
        ),
    ],
)

TRITON = Row(
    "Triton",
    [
        Panel(
            "Inferences by model",
            "Pictures encoded, and queries searched in each shard.",
            "ops",
            [Series(f"sum by ({_BY_MODEL}) ({_rate('nv_inference_count')})", _MODEL)],
        ),
        Panel(
            "Requests pending",
            "Waiting for a model instance; the encoder's are what its autoscaler goes by.",
            "short",
            [Series(f"sum by ({_BY_MODEL}) ({_of('nv_inference_pending_request_count')})", _MODEL)],
        ),
        Panel(
            "Failures",
            "Requests that Triton answered with an error, by its reason.",
            "ops",
            [
                Series(
                    f"sum by (model, reason) ({_rate('nv_inference_request_failure')})",
                    "{{model}} {{reason}}",
                )
            ],
        ),
        Panel(
            "Mean wait in the queue",
            "Time until an instance takes the request, batching delay included.",
            "µs",
            [
                Series(
                    _per("nv_inference_queue_duration_us", "nv_inference_request_success", _BY_MODEL), _MODEL
                )
            ],
        ),
        Panel(
            "Mean time of inference",
            "Time in the model itself, by request.",
            "µs",
            [
                Series(
                    _per("nv_inference_compute_infer_duration_us", "nv_inference_request_success", _BY_MODEL),
                    _MODEL,
                )
            ],
        ),
        Panel(
            "Mean batch",
            "Inferences by execution: above 1, dynamic batching finds company.",
            "short",
            [Series(_per("nv_inference_count", "nv_inference_exec_count", _BY_MODEL), _MODEL)],
        ),
    ],
)

MACHINES = Row(
    "Machines",
    [
        Panel(
            "CPU of Triton's nodes",
            "As Triton sees it, the whole node.",
            "percentunit",
            [Series(_of("nv_cpu_utilization"), "{{pod}}")],
        ),
        Panel(
            "GPU",
            "Empty without a GPU.",
            "percentunit",
            [Series(_of("nv_gpu_utilization"), "{{pod}} {{gpu_uuid}}")],
        ),
        Panel(
            "GPU memory",
            "Used share. Empty without a GPU.",
            "percentunit",
            [
                Series(
                    f"{_of('nv_gpu_memory_used_bytes')} / {_of('nv_gpu_memory_total_bytes')}",
                    "{{pod}} {{gpu_uuid}}",
                )
            ],
        ),
    ],
)

ROWS = (NOW, REQUESTS, STAGES, TRITON, MACHINES)
