"""The rows of the ablation table: what each changes of the recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from training.tune.recipe import TuneRecipe


@dataclass(frozen=True, slots=True)
class Variant:
    """One row.

    Attributes:
        name: in the table.
        changes: fields of the recipe and their values; None is the checkpoint before any tuning.
    """

    name: str
    changes: Mapping[str, Any] | None = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Its name as a folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def recipe(self, base: TuneRecipe) -> TuneRecipe:
        """The recipe of this row."""
        return replace(base, **(self.changes or {}))


_OTHER_LOSSES = ("arcface_weight", "text_weight", "memory_weight", "keep_weight")

VARIANTS = (
    Variant("no tuning", None),
    Variant("recipe"),
    Variant("contrast only", dict.fromkeys(_OTHER_LOSSES, 0.0)),
    Variant("without contrast", {"contrast_weight": 0.0}),
    Variant("without ArcFace", {"arcface_weight": 0.0}),
    Variant("without text", {"text_weight": 0.0}),
    Variant("without memory", {"memory_weight": 0.0}),
    Variant("without keep", {"keep_weight": 0.0}),
    Variant("without mined negatives", {"mine_every": 0, "hard_share": 0.0}),
    Variant("attention only", {"targets": "attention"}),
    Variant("MLP only", {"targets": "mlp"}),
    Variant("rank 4", {"rank": 4, "alpha": 0}),
    Variant("rank 64", {"rank": 64, "alpha": 0}),
    Variant("DoRA", {"dora": True}),
    Variant("without variation", {"variation": 0.0}),
    Variant("without screenshots", {"shots_each": 0, "pictures_each": 2}),
    Variant("without whole screenshots", {"whole_share": 0.0}),
    Variant("without worn pictures", {"plain_only": True}),
)
