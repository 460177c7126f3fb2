"""`backend: "faiss"`: exact-scored nearest neighbours over one shard, with filters and facets."""
