"""REST and the search page."""
