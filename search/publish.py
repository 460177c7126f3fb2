"""Make a generation serve: load it on every Triton, check it there, then flip the pointer.

Until the flip the old generation serves, and after it both are loaded, so that queries under way end where
they began. Rollback is the same way back to a generation that is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from search.disk import disk_errors
from search.generations import GenerationManifest, Generations
from search.model_server import ModelServer
from search.pointer import Pointer, read_pointer, serving_pointer, write_pointer
from search.probe import probe_shard
from search.repository import ShardRepository
from search.serving import ensure_encoder
from visionseek.errors import InputError, NotFound, Unavailable

KEEP = 2
_LOAD_DEADLINE_S = 300.0
_PROBE_DEADLINE_S = 30.0
_UNDO_DEADLINE_S = 60.0


class Publisher:
    """Publishes and rolls back.

    Args:
        index: the index folder: built generations and the pointer.
        repository: the model repository that every server reads.
        servers: every Triton that answers queries.
        on_step: told what happens, for a progress line.
    """

    def __init__(
        self,
        index: Path,
        repository: Path,
        servers: Sequence[ModelServer],
        on_step: Callable[[str], None],
    ) -> None:
        self._index = index
        self._generations = Generations(index)
        self._repository = ShardRepository(repository)
        self._servers = servers
        self._on_step = on_step

    async def publish(self, generation: int | None = None, *, keep: int = KEEP) -> Pointer:
        """Make a built generation serve, the newest where none is named, and forget all but the last `keep`.

        Raises:
            NotFound: no such generation.
            ManifestError: a file of it is not what was built.
            FingerprintMismatch: Triton serves another encoder under the version it was embedded with.
            Unavailable: a Triton does not answer or cannot load it; the old generation serves on.
            ArtifactError: a loaded shard gives wrong answers, or the disk refused; the old one serves on.
        """
        if keep < KEEP:
            raise InputError(f"at least {KEEP} generations are kept: the new one and the one to roll back to")
        number = generation if generation is not None else self._generations.newest().generation
        before = serving_pointer(self._index)
        if before is not None and before.generation == number:
            raise InputError(
                f"generation {number} serves already", mend="visionseek index build makes a new one"
            )
        pointer = await self._switch(number, before, previous=before.generation if before else None)
        with disk_errors(self._index):
            await self._prune(pointer, keep)
        return pointer

    async def rollback(self, to: int | None = None) -> Pointer:
        """Make an older generation serve again: `to`, or the one before the last publish.

        Raises:
            NotFound: it is not kept.
            InputError: there is nothing to go back to, or it serves already.
        """
        before = read_pointer(self._index)
        if before is None:
            raise NotFound("nothing is published", where=str(self._index), mend="visionseek index refresh")
        number = to if to is not None else before.previous
        if number is None:
            kept = [n for n in self._generations.numbers() if n != before.generation]
            raise InputError(
                f"generation {before.generation} has none before it",
                mend=f"name one with --to (kept: {', '.join(map(str, kept)) or 'none'})",
            )
        if number == before.generation:
            raise InputError(f"generation {number} serves already")
        return await self._switch(number, before, previous=None)

    async def _switch(self, number: int, before: Pointer | None, previous: int | None) -> Pointer:
        self._on_step(f"checking the files of generation {number}")
        target = await asyncio.to_thread(self._generations.check, number)
        self._on_step("checking the encoder")
        also = [before.encoder] if before else []
        for server in self._servers:
            await ensure_encoder(
                server, target.encoder, self._repository.root, also=also, deadline_s=_LOAD_DEADLINE_S
            )
        models = [shard.model for shard in target.shards]
        old_configs = {model: self._repository.config(model) for model in models}
        old_versions = {model: self._repository.versions(model) for model in models}
        try:
            with disk_errors(self._repository.root):
                self._place(target, before)
            for server in self._servers:
                self._on_step(f"loading {len(models)} shards on {server.address}")
                await _load_all(server, models)
                self._on_step(f"checking {len(models)} shards on {server.address}")
                await self._probe(server, target)
            pointer = target.pointer(previous)
            with disk_errors(self._index):
                write_pointer(self._index, pointer)
        except BaseException:
            self._on_step("going back to the old generation")
            await self._undo(number, old_configs, old_versions)
            raise
        return pointer

    def _place(self, target: GenerationManifest, before: Pointer | None) -> None:
        served = [target.generation, before.generation] if before else [target.generation]
        for shard in target.shards:
            folder = self._generations.path(target.generation) / shard.model
            self._repository.place(folder, shard.model, shard.version)
            self._repository.serve(shard.model, served)

    async def _probe(self, server: ModelServer, target: GenerationManifest) -> None:
        for shard in target.shards:
            folder = self._generations.path(target.generation) / shard.model
            await probe_shard(server, shard, folder, deadline_s=_PROBE_DEADLINE_S)

    async def _undo(
        self, number: int, configs: dict[str, bytes | None], versions: dict[str, list[int]]
    ) -> None:
        """Leave repository and servers as they were; a server that is away now reads it when it is back."""
        for model, config in configs.items():
            with suppress(OSError):
                self._repository.restore_config(model, config)
            with suppress(OSError):
                if number not in versions[model]:
                    self._repository.withdraw(model, number)
        for server in self._servers:
            await asyncio.gather(*(_reload(server, model, bool(configs[model])) for model in configs))

    async def _prune(self, pointer: Pointer, keep: int) -> None:
        """Forget old generations, and shards that no kept generation has."""
        others = [n for n in self._generations.numbers() if n not in (pointer.generation, pointer.previous)]
        older = [n for n in others if n < pointer.generation]
        spare = keep - (2 if pointer.previous is not None else 1)
        doomed = older[: max(len(older) - max(spare, 0), 0)]
        for generation in doomed:
            self._generations.remove(generation)
        kept = {*self._generations.numbers(), pointer.generation, pointer.previous}
        current = {shard.model for shard in pointer.shards}
        for model in self._repository.models():
            for version in self._repository.versions(model):
                if version not in kept:
                    self._repository.withdraw(model, version)
            left = self._repository.versions(model)
            if left and model not in current:  # fewer shards now; the model waits for a rollback
                self._repository.serve(model, [pointer.previous or left[-1]])
            if not left:
                for server in self._servers:
                    await _reload(server, model, False)


async def _load_all(server: ModelServer, models: Sequence[str]) -> None:
    loads = (server.load(model, deadline_s=_LOAD_DEADLINE_S) for model in models)
    # All of them are awaited before one fails, so that no load is under way when the old state is put back.
    for error in await asyncio.gather(*loads, return_exceptions=True):
        if error is not None:
            raise error


async def _reload(server: ModelServer, model: str, still_there: bool) -> None:
    with suppress(Unavailable):
        if still_there:
            await server.load(model, deadline_s=_UNDO_DEADLINE_S)
        else:
            await server.unload(model, deadline_s=_UNDO_DEADLINE_S)


def next_generation(index: Path, repository: Path) -> int:
    """A number that no generation had: past every one built, served or pointed at."""
    shards = ShardRepository(repository)
    placed: Iterable[int] = (version for model in shards.models() for version in shards.versions(model))
    pointer = serving_pointer(index)
    served = [pointer.generation] if pointer else []
    return max([0, *Generations(index).numbers(), *placed, *served]) + 1
