"""Arrays to Triton's Python stub and back, by DLPack.

Under numpy 2 the stub's own conversions (`as_numpy`, `Tensor(name, array)`) give wrong data in silence.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

_drop_destructor = ctypes.pythonapi.PyCapsule_SetDestructor
_drop_destructor.argtypes = [ctypes.py_object, ctypes.c_void_p]
_drop_destructor.restype = ctypes.c_int


class Outgoing:
    """An array as `pb_utils.Tensor.from_dlpack` takes it; contiguous and writable, copied where it is not."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = np.require(array, requirements=["C", "W"])

    def __dlpack__(self, **_: Any) -> Any:
        """A capsule that the stub consumes.

        The stub takes over the memory, but marks the capsule `used_dlpack` where the standard says
        `used_dltensor`. numpy's destructor would find a name it does not know and print a traceback for every
        tensor; it has nothing to free any more, so it is dropped.
        """
        capsule = self._array.__dlpack__()
        _drop_destructor(capsule, None)
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        """Host memory."""
        return (1, 0)


def incoming(tensor: Any) -> NDArray[Any]:
    """The data of a `pb_utils.Tensor` on the host, without a copy; valid until the request is answered."""
    array: NDArray[Any] = np.from_dlpack(tensor)
    return array
