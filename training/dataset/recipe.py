"""What is made of each picture: how many variants and screenshots, by which chains and templates."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Recipe(BaseModel):
    """The options of a run; equal recipes over equal catalogs give equal data sets.

    Attributes:
        seed: of everything that chance decides.
        variants: augmented pictures made of each picture.
        screenshots: made of each product.
        views: most pictures of a product that are used; None uses all.
        chains: chains to draw variants from, evenly.
        templates: templates or sets of them to draw screenshots from, evenly.
        size: longer side of pictures, in pixels; smaller ones stay as they are.
        width: of phone screenshots, in pixels; None takes each template's own screens.
        quality: of JPEGs, for pictures of the catalog and variants.
        validation: share of products.
        test: share of products.
        shard_samples: samples in a shard, about.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    variants: int = Field(2, ge=0, le=1000)
    screenshots: int = Field(1, ge=0, le=1000)
    views: int | None = Field(None, ge=1)
    chains: tuple[str, ...] = ("light", "phone", "social", "heavy")
    templates: tuple[str, ...] = ("rich",)
    size: int = Field(384, ge=64, le=4096)
    width: int | None = Field(None, ge=160, le=4096)
    quality: int = Field(92, ge=1, le=95)
    validation: float = Field(0.1, ge=0.0, lt=1.0)
    test: float = Field(0.1, ge=0.0, lt=1.0)
    shard_samples: int = Field(1000, ge=1)
