"""Many requests, one run of the graph: concatenate, run, split; a wrong request fails alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
# A graph's dimension: a number, or a name or None where any size goes.
Shape = Sequence[int | str | None]


class BadRequest(ValueError):
    """One request is wrong; the others of its batch are answered."""


def check_shapes(inputs: Arrays, shapes: Mapping[str, Shape]) -> None:
    """Hold a request's arrays against what the graph takes.

    Raises:
        BadRequest: names the input, its shape and the graph's.
    """
    for name, shape in shapes.items():
        found = inputs[name].shape
        fits = len(found) == len(shape) and all(
            not isinstance(want, int) or want == have for have, want in zip(found, shape, strict=True)
        )
        if not fits:
            takes = ", ".join(str(want) if isinstance(want, int) else "?" for want in shape)
            raise BadRequest(f"{name} has shape {list(found)}, the model takes [{takes}]")


def run_batch(
    run: Callable[[dict[str, NDArray[Any]]], Mapping[str, NDArray[Any]]],
    requests: Sequence[Arrays],
    shapes: Mapping[str, Shape],
    *,
    batching: bool,
) -> list[Mapping[str, NDArray[Any]] | BadRequest]:
    """Answer requests in their order.

    Args:
        run: runs the graph once.
        requests: inputs by name; with `batching`, the first axis of each is the batch.
        shapes: of the graph's inputs.
        batching: whether requests may be concatenated; those of equal shapes are.
    """
    answers: list[Mapping[str, NDArray[Any]] | BadRequest | None] = [None] * len(requests)
    groups: dict[Any, list[int]] = {}
    for position, inputs in enumerate(requests):
        try:
            check_shapes(inputs, shapes)
            alike = tuple(array.shape[1:] for array in inputs.values()) if batching else position
            groups.setdefault(alike, []).append(position)
        except BadRequest as error:
            answers[position] = error
    for positions in groups.values():
        group = [requests[position] for position in positions]
        for position, one in zip(positions, _run_group(run, group), strict=True):
            answers[position] = one
    return [one for one in answers if one is not None]


def _run_group(
    run: Callable[[dict[str, NDArray[Any]]], Mapping[str, NDArray[Any]]], group: Sequence[Arrays]
) -> list[Mapping[str, NDArray[Any]] | BadRequest]:
    try:
        if len(group) == 1:
            return [run(dict(group[0]))]
        joined = {name: np.concatenate([inputs[name] for inputs in group]) for name in group[0]}
        outputs = run(joined)
    except Exception as error:  # noqa: BLE001 -- engines raise classes of their own; it becomes the request's error
        if len(group) == 1:
            return [BadRequest(str(error))]
        # One of them may be the cause, such as token ids outside the vocabulary: let each stand for itself.
        return [_run_group(run, [inputs])[0] for inputs in group]
    sizes = [len(next(iter(inputs.values()))) for inputs in group]
    ends = np.cumsum(sizes)
    return [
        {name: array[end - size : end] for name, array in outputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]
