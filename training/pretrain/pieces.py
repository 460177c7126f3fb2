"""A contrastive step whose batch does not fit into memory: piece by piece, with the gradient of the whole."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def backward_in_pieces(
    encode: Callable[[Tensor], Tensor],
    inputs: Tensor,
    loss_of: Callable[[Tensor], Tensor],
    *,
    pieces: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Fill the gradients of `loss_of(encode(inputs))`, keeping the activations of one piece at a time.

    Every piece is encoded twice: once for its embeddings, once more, with the same random numbers, to send back
    the gradient that the whole batch gave them (Gao et al. 2021, GradCache, section 3.2). So negatives are those
    of the whole batch, which adding up the losses of pieces would lose.

    Args:
        encode: [n, ...] -> [n, D].
        inputs: [N, ...].
        loss_of: [N, D] -> scalar; may have parameters of its own, which get their gradients too.
        pieces: how many; 1 encodes once.
        seed: of the random numbers that `encode` draws.

    Returns:
        The loss and the embeddings [N, D], both detached.
    """
    parts = list(inputs.chunk(pieces))

    def encoded(number: int) -> Tensor:
        torch.manual_seed(seed + number)
        return encode(parts[number])

    if len(parts) == 1:
        embeddings = encoded(0)
        loss = loss_of(embeddings)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), embeddings.detach()
    with torch.no_grad():
        embeddings = torch.cat([encoded(number) for number in range(len(parts))])
    embeddings.requires_grad_()
    loss = loss_of(embeddings)
    loss.backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None
    for number, gradient in enumerate(embeddings.grad.chunk(pieces)):
        torch.autograd.backward(encoded(number), gradient)
    return loss.detach(), embeddings.detach()
