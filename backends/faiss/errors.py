"""What can be wrong: one request, or the shard on disk."""

from __future__ import annotations


class BadRequest(ValueError):
    """One request is wrong; the others of its batch are answered."""


class DamagedShard(RuntimeError):
    """A file of the shard is missing or not what was written; the version does not load."""
