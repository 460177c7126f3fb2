"""Products in: feeds, pictures, the catalog database and the rendered sample catalog."""
