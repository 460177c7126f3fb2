"""Variation of pictures, offline and seeded: small steps `(image, rng) -> image`, and chains of them."""

from training.augment.chain import Chain, chain_names, load_chain
from training.augment.steps import STEPS, Step

__all__ = ["STEPS", "Chain", "Step", "chain_names", "load_chain"]
