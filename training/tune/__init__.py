"""LoRA fine-tuning of the vision tower on a shop's own catalog."""
