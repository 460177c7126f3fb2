"""Embed the catalog, build and publish shards, fan out queries, merge and rank."""
