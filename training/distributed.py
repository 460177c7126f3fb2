"""One process, or many under `torchrun`: the same loop, the same batch, the same loss."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn import functional as collective


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes that train together.

    Attributes:
        rank: this one's number, from 0; rank 0 writes files and talks.
        size: how many there are.
        device: where this one computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This process's rows of a global batch [N, ...]: every `size`-th one, from its number on."""
        return rows[self.rank :: self.size]

    def gather(self, rows: Tensor) -> Tensor:
        """All processes' rows [n, ...], stacked in the order of ranks; gradients flow back to their owners.

        Every process must hold equally many.
        """
        if self.size == 1:
            return rows
        return torch.cat(list(collective.all_gather(rows.contiguous())))  # type: ignore[no-untyped-call]

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes; one that a process lacks counts as zero."""
        if self.size == 1:
            return
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def crew() -> Iterator[Crew]:
    """Join the processes that `torchrun` started, or work alone; on a GPU each where there are some."""
    size, place = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", place) if torch.cuda.is_available() else torch.device("cpu")
    if size == 1:
        yield Crew(device=device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Crew(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()
