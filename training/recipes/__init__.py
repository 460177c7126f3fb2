"""Recipes of training runs: TOML files whose tables set the options of a command."""

from training.recipes.fields import field_options, recipe_field
from training.recipes.option import recipe_option
from training.recipes.reading import read_recipe, recipe_names

__all__ = ["field_options", "read_recipe", "recipe_field", "recipe_names", "recipe_option"]
