"""AdamW, or Muon for the matrices between layers and AdamW for everything else, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import nn

Kind = Literal["adamw", "muon"]
# CLIP's second beta (Radford et al. 2021, table 19): its gradients change faster than those of a language model.
_BETAS = (0.9, 0.98)
# Key of a parameter group, beside torch's own: times the learning rate of the step.
_SHARE = "share"


class Optimizer:
    """The optimiser of a run; weights decay in matrices only.

    Muon replaces the update of a matrix by the nearest orthogonal one (Jordan et al. 2024), scaled so that
    AdamW's learning rate fits both (Liu et al. 2025, section 2.2). Embeddings, vectors and the patch projection
    have no such reading and stay with AdamW.

    Args:
        parameters: what learns, by name.
        kind: which optimiser the hidden matrices get.
        learning_rate: at its peak.
        weight_decay: of matrices.
        betas: of AdamW.
        faster: parameters beside those, of AdamW and without decay, that learn at `faster_rate` times the rate.
        faster_rate: times the learning rate.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        kind: Kind,
        *,
        learning_rate: float,
        weight_decay: float,
        betas: tuple[float, float] = _BETAS,
        faster: Sequence[nn.Parameter] = (),
        faster_rate: float = 1.0,
    ) -> None:
        self._rate = learning_rate
        hidden = [p for name, p in parameters.items() if kind == "muon" and _hidden(name, p)]
        taken = {id(p) for p in hidden}
        rest = [p for p in parameters.values() if id(p) not in taken]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay, _SHARE: 1.0},
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0, _SHARE: 1.0},
            {"params": list(faster), "weight_decay": 0.0, _SHARE: faster_rate},
        ]
        self._parts: list[torch.optim.Optimizer] = []
        if filled := [group for group in groups if group["params"]]:
            self._parts.append(torch.optim.AdamW(filled, lr=learning_rate, betas=betas))
        if hidden:
            muon = torch.optim.Muon(
                hidden, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
            )
            self._parts.append(muon)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def step(self, factor: float) -> None:
        """Change the parameters, at `factor` times the peak learning rate."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = self._rate * factor * group.get(_SHARE, 1.0)
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Everything that it remembers."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave."""
        for part, saved in zip(self._parts, state["parts"], strict=True):
            part.load_state_dict(saved)


def _hidden(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim == 2 and "embed" not in name
