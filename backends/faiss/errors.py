"""What can be wrong: one request, or the shard on disk."""

from __future__ import annotations

_HEAD, _TAIL = 300, 200


class BadRequest(ValueError):
    """One request is wrong; the others of its batch are answered.

    Messages quote what came in, so a long one loses its middle, and what is no text for Triton is escaped.
    """

    def __init__(self, message: str) -> None:
        plain = message.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
        if len(plain) > _HEAD + _TAIL:
            plain = f"{plain[:_HEAD]} ... {plain[-_TAIL:]}"
        super().__init__(plain)


class DamagedShard(RuntimeError):
    """A file of the shard is missing or not what was written; the version does not load."""
