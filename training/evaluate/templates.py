"""Figures of whole screenshots by what they were made from: in a grid of products nothing says which is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluate.figures import slice_metrics
from training.evaluate.pixel_cache import PixelCache
from training.evaluate.ranking import Answer
from training.evaluate.suite import Suite


@dataclass(frozen=True, slots=True)
class TemplateFigures:
    """The screenshots of one template.

    Attributes:
        template: its name, as in `training/screenshots/templates`.
        queries: how many there are.
        metrics: metric -> [value, low, high].
    """

    template: str
    queries: int
    metrics: dict[str, list[float]]


def by_template(
    suite: Suite, answers: Sequence[Answer], pixels: PixelCache, *, seed: int = 0
) -> dict[str, list[TemplateFigures]]:
    """Slice -> its templates, those that are found the least first; slices without whole screenshots are left out.

    Args:
        suite: with its queries.
        answers: one a query.
        pixels: that knows of kept screenshots what they were made from.
        seed: of the bootstrap.
    """
    whole = [query.look if query.look and not query.look.cropped else None for query in suite.queries]
    templates = [pixels.template(look) if look else "" for look in whole]
    found: dict[str, list[TemplateFigures]] = {}
    asked = dict.fromkeys(query.slice for query, name in zip(suite.queries, templates, strict=True) if name)
    for label in asked:
        mine = [
            name if query.slice == label else "" for name, query in zip(templates, suite.queries, strict=True)
        ]
        metrics = slice_metrics(suite, answers, labels=mine, seed=seed)
        counts = Counter(mine)
        rows = [TemplateFigures(name, counts[name], figures) for name, figures in metrics.items()]
        found[label] = sorted(rows, key=lambda row: (row.metrics["recall@1"][0], row.metrics["recall@10"][0]))
    return found
