"""Bring a running Triton to serve what should serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from stack.repository import ENCODERS, WantedModel
from stack.triton_control import TritonAddress, load_model, model_states
from visionseek.errors import StackError

_AT_ONCE = 4


def load_missing(address: TritonAddress, wanted: Sequence[WantedModel], say: Callable[[str], None]) -> None:
    """Load what is wanted and does not serve yet, some at a time.

    An encoder must load, as nothing can be searched without it. A shard that fails costs coverage: that is
    said, and the others serve.

    Args:
        address: a Triton that is ready.
        wanted: models, each with the version that queries will name.
        say: called with each line of progress and each warning.

    Raises:
        StackError: an encoder did not load; the message is that of its backend.
        Unavailable: Triton does not answer.
    """
    missing = [model for model in wanted if not _serves(address, model)]
    if not missing:
        return
    say(f"loading {', '.join(model.name for model in missing)}")
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    try:
        loads = [(model, pool.submit(load_model, address, model.name)) for model in missing]
        for model, load in loads:
            try:
                load.result()
            except StackError as error:
                if model.name in ENCODERS:
                    raise
                say(f"warning: {error.what}")
                continue
            if not _serves(address, model):
                say(
                    f"warning: {model.name} serves, but not version {model.version}, which the serving"
                    " generation names; `visionseek index publish` makes a new one"
                )
    finally:
        # On Ctrl-C the Triton that the loads wait for is stopped next; nobody waits for them.
        pool.shutdown(wait=False, cancel_futures=True)


def _serves(address: TritonAddress, model: WantedModel) -> bool:
    return any(
        state.name == model.name and state.state == "READY" and model.version in (None, int(state.version))
        for state in model_states(address)
    )
