"""Recipes of training runs: TOML files whose tables set the options of a command."""

from training.recipes.option import recipe_option
from training.recipes.reading import read_recipe, recipe_names

__all__ = ["read_recipe", "recipe_names", "recipe_option"]
