"""The recipe of a tuning run: every number that decides its outcome, besides checkpoint and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from training.recipes import recipe_field
from training.schedule import grown_patches, grown_size
from training.tune.shots import Kind
from visionseek.errors import InputError


@dataclass(frozen=True, slots=True)
class TuneRecipe:
    """Each field is an option of `visionseek train tune` and a key of a recipe's `[tune]`.

    A weight of 0 turns its loss off. Defaults of the margin and scale of ArcFace are below those of face
    recognition (0.5 and 64), which has millions of pictures a class rather than a handful.
    """

    steps: int = recipe_field(300, "Optimiser steps.", low=1)
    products_each: int = recipe_field(24, "Products in a batch.", low=2)
    pictures_each: int = recipe_field(1, "Pictures of each in a batch, studio and worn alike.", low=1)
    worn_share: float = recipe_field(
        0.0, "Of the pictures of each: about so many worn or in a scene; 0: as they come.", low=0, high=0.9
    )
    plain_only: bool = recipe_field(
        False, "Leave out pictures of the feed that show the product worn or in a scene."
    )
    shots_each: int = recipe_field(1, "Screenshots and snapshots of each in a batch.", low=0)
    whole_share: float = recipe_field(0.25, "Of the screenshots: whole, without a region.", low=0, high=1)
    crop_share: float = recipe_field(0.15, "Of the screenshots: cut by hand, loosely.", low=0, high=1)
    phone_share: float = recipe_field(
        0.0, "Of the shots: snapshots as by a phone, made from pictures.", low=0, high=1
    )
    size: int = recipe_field(0, "Side of the training pictures in pixels; 0: the checkpoint's own.", low=0)
    patches: int = recipe_field(
        0, "Of each picture that are looked at, busy ones before empty ones; 0: all.", low=0
    )
    growing_share: float = recipe_field(
        0.0, "Last share of the steps, in which pictures grow to the checkpoint's own size, and patches to all.",
        low=0, high=1,
    )  # fmt: skip
    variation: float = recipe_field(0.5, "Strength of the variation of each picture.", low=0, high=1)
    optimizer: Literal["adamw", "muon"] = recipe_field(
        "adamw", "Of the adapter's matrices; centres of ArcFace: AdamW."
    )
    learning_rate: float = recipe_field(5e-4, "At its peak.", low=0)
    warmup: int = recipe_field(20, "Steps to the peak.", low=0)
    rank: int = recipe_field(16, "Of the LoRA update.", low=1)
    alpha: int = recipe_field(0, "The update is scaled by alpha / rank; 0: alpha = rank.", low=0)
    dora: bool = recipe_field(False, "Weight-decomposed LoRA.")
    targets: Literal["all", "attention", "mlp"] = recipe_field(
        "all", "Layers of the vision tower that get LoRA."
    )
    checkpointing: bool = recipe_field(False, "Compute activations twice rather than keep them: less memory.")
    temperature: float = recipe_field(0.07, "Of the contrastive losses.", low=0.001)
    contrast_weight: float = recipe_field(1.0, "Pictures of a product together, of others apart.", low=0)
    arcface_weight: float = recipe_field(0.1, "Sub-centre ArcFace by product.", low=0)
    arcface_margin: float = recipe_field(0.2, "In radians.", low=0, high=1.5)
    arcface_scale: float = recipe_field(16.0, "Multiplies the cosines to the centres.", low=1)
    arcface_centres: int = recipe_field(2, "Centres of each product.", low=1)
    arcface_rate: float = recipe_field(10.0, "Times the learning rate, for the centres.", low=0)
    text_weight: float = recipe_field(0.5, "Pictures to their captions, by the frozen text tower.", low=0)
    text_temperature: float = recipe_field(0.05, "Of the loss against captions.", low=0.001)
    memory_weight: float = recipe_field(0.3, "Contrast with earlier batches (XBM).", low=0)
    memory_size: int = recipe_field(1024, "Embeddings that the memory holds.", low=1)
    memory_after: int = recipe_field(50, "Steps before it is used: early embeddings move too fast.", low=0)
    keep_weight: float = recipe_field(0.5, "Pictures stay near their embedding before the tuning.", low=0)
    hard_share: float = recipe_field(0.5, "Of a batch: nearest other products of the rest.", low=0, high=0.9)
    mine_every: int = recipe_field(0, "Steps between searches for nearest products; 0: never.", low=0)
    seed: int = recipe_field(0, "Of initial values, batches and variation.", low=0)

    def __post_init__(self) -> None:
        """Refuse what no single range can: shares beyond the whole, nothing to minimise."""
        shares = self.whole_share + self.crop_share + self.phone_share
        if shares > 1 + 1e-9:
            raise InputError(f"whole, crop and phone share add up to {shares:g}, more than all the shots")
        counted = [name for name in self.__slots__ if name.endswith("_weight") and getattr(self, name) > 0]
        if not counted:
            raise InputError("every loss has weight 0: there is nothing to learn")
        if counted == ["memory_weight"] and self.memory_after:
            raise InputError(
                f"the memory alone has nothing to teach in the first {self.memory_after} steps",
                mend="--memory-after 0, or another loss beside it",
            )
        if self.pictures_each + self.shots_each < 2:
            raise InputError(
                "a batch shows one picture of each product", mend="--pictures-each 2, or --shots-each 1"
            )

    @property
    def shot_shares(self) -> dict[Kind, float]:
        """Of the shots in a batch, how many are of each kind."""
        region = max(0.0, 1 - self.whole_share - self.crop_share - self.phone_share)
        return {
            "region": region, "whole": self.whole_share, "crop": self.crop_share, "phone": self.phone_share
        }  # fmt: skip

    def size_at(self, step: int, own: int, patch: int) -> int:
        """Side of the pictures at a step, of a checkpoint whose own size is `own`."""
        if not self.size or not self.growing_share:
            return self.size or own
        return grown_size(
            step,
            steps=self.steps,
            growing_share=self.growing_share,
            first=self.size,
            last=own,
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

    @property
    def scaled_alpha(self) -> int:
        """Alpha, where it is not said the rank."""
        return self.alpha or self.rank

    @property
    def images_each_step(self) -> int:
        """Pictures and shots in a batch."""
        return self.products_each * (self.pictures_each + self.shots_each)
