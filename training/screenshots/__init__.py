"""Simulated screenshots: a product's picture inside shops, feeds, stories and chats, with exact boxes."""

from training.screenshots.box import Box
from training.screenshots.screenshot import Screenshot
from training.screenshots.simulate import simulate
from training.screenshots.template import template_names

__all__ = ["Box", "Screenshot", "simulate", "template_names"]
