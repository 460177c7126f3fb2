"""The recipe of a run: every number that decides its outcome, besides the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from training.recipes import recipe_field
from training.schedule import grown_patches, grown_size


@dataclass(frozen=True, slots=True)
class Recipe:
    """Each field is an option of `visionseek train pretrain` and a key of a recipe's `[pretrain]`."""

    steps: int = recipe_field(3000, "Optimiser steps.", low=1)
    products_each: int = recipe_field(48, "Products in a batch.", low=2)
    views: int = recipe_field(2, "Pictures of each in a batch.", low=2)
    pieces: int = recipe_field(1, "Parts that a batch is encoded in: less memory, the same gradient.", low=1)
    optimizer: Literal["adamw", "muon"] = recipe_field(
        "adamw", "Of the matrices between layers; others: AdamW."
    )
    learning_rate: float = recipe_field(1e-3, "At its peak.", low=0)
    warmup: int = recipe_field(200, "Steps to the peak.", low=0)
    weight_decay: float = recipe_field(0.05, "On matrices only.", low=0)
    temperature: float = recipe_field(0.07, "Of the contrast between pictures.", low=0.001)
    text_weight: float = recipe_field(0.5, "Of the contrast between pictures and captions.", low=0)
    context: int = recipe_field(40, "Tokens of a caption at most.", low=8)
    variation: float = recipe_field(1.0, "Strength of the variation of each picture.", low=0, high=1)
    size: int = recipe_field(96, "Side of the pictures at first, in pixels.", low=16)
    final_size: int = recipe_field(0, "Side at the end; 0: the model's own.", low=0)
    patches: int = recipe_field(
        0, "Of each picture that are looked at, busy ones before empty ones; 0: all.", low=0
    )
    growing_share: float = recipe_field(
        0.4, "Last share of the steps, in which pictures, and patches to all, grow.", low=0, high=1
    )
    ema: float = recipe_field(0.998, "Decay of the averaged weights, which are what is saved.", low=0, high=1)
    seed: int = recipe_field(0, "Of initial values, batches and variation.", low=0)

    def size_at(self, step: int, patch: int) -> int:
        """Side of the pictures at a step, a multiple of `patch`."""
        return grown_size(
            step,
            steps=self.steps,
            growing_share=self.growing_share,
            first=self.size,
            last=self.final_size,
            patch=patch,
        )

    def patches_at(self, step: int, size: int, patch: int) -> int:
        """How many patches of a picture of `size` pixels a step looks at."""
        return grown_patches(
            step,
            steps=self.steps,
            growing_share=self.growing_share,
            first=self.patches,
            last=(size // patch) ** 2,
        )
