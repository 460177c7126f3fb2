"""What search needs of a model server: Triton is the real one, `search.fake` the one inside the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One line of the server's repository index; `state` is Triton's word, such as READY or UNAVAILABLE."""

    model: str
    version: int
    state: str
    reason: str = ""


class ModelServer(Protocol):
    """A server of versioned models.

    Every call has a deadline in seconds and raises `DeadlineExceeded` past it, `Unavailable` where the server
    does not answer, `ModelNotServed` where it serves no such model or version, and `InputError` where it
    says that the request itself is wrong.
    """

    @property
    def address(self) -> str:
        """Where it is reached, for messages."""
        ...

    async def infer(
        self,
        model: str,
        version: int,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        *,
        deadline_s: float,
        parameters: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run one version of a model on named arrays; returns the named outputs."""
        ...

    async def load(self, model: str, *, deadline_s: float, config: str | None = None) -> None:
        """Load or reload a model as its `config.pbtxt` says, or as `config` says, a text of the same kind.

        Versions that stay are served throughout. Raises `Unavailable` with the server's own words where
        a version cannot be loaded.
        """
        ...

    async def unload(self, model: str, *, deadline_s: float) -> None:
        """Stop serving every version of a model."""
        ...

    async def ready(self, *, deadline_s: float) -> bool:
        """Whether the server takes requests."""
        ...

    async def model_ready(self, model: str, version: int, *, deadline_s: float) -> bool:
        """Whether this version of a model answers."""
        ...

    async def repository(self, *, deadline_s: float) -> list[ServedVersion]:
        """Every version of every model that the server knows of."""
        ...

    async def config(self, model: str, *, deadline_s: float) -> dict[str, Any]:
        """The model's configuration as plain data, field names as in `config.pbtxt`."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]
