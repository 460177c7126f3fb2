"""From what feeds say to the taxonomy's words."""
