"""Sharing memory with other libraries: DLPack capsules, and NumPy's arrays.

An NDArray is a ``numpy.ndarray``, so it has the buffer protocol and ``__dlpack__`` already: ``memoryview(a)``,
``numpy.from_dlpack(a)`` and ``torch.from_dlpack(a)`` work without a copy. This module adds Gluon's names.
"""

from __future__ import annotations

import ctypes  # NumPy has imported it
from typing import Any

import numpy as np

from glueball.base import DtypeError
from glueball.nd._ndarray import NDArray
from glueball.nd._record import is_array, wrap

__all__ = ["from_dlpack", "from_numpy", "to_dlpack_for_read", "to_dlpack_for_write"]

# The names of unused capsules. The first DLPack does not say whether memory may be written.
_UNVERSIONED = b"dltensor"
_VERSIONED = b"dltensor_versioned"


def _is_capsule(value: Any, name: bytes) -> bool:
    return bool(ctypes.pythonapi.PyCapsule_IsValid(ctypes.py_object(value), name))


class _Exporter:
    """Hands a capsule to NumPy, which takes exporters only."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # kDLCPU of DLPack's header


class _Writable:
    """The memory of a read-only array, to write into; keeps that array alive."""

    def __init__(self, array: np.ndarray) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self._array = array


def from_dlpack(dlpack: Any) -> NDArray:
    """Make an array on the memory of another library's, without a copy: writing into one writes the other.

    Parameters
    ----------
    dlpack : capsule, or object with ``__dlpack__``
        What `to_dlpack_for_read` and its counterparts in other libraries return, or an array of another library on the
        CPU.

    Raises
    ------
    TypeError
        For anything else, and for a capsule that was used before.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import nd
    >>> theirs = np.ones(2, "float32")
    >>> ours = nd.from_dlpack(theirs)
    >>> ours[0] = 5
    >>> theirs
    array([5., 1.], dtype=float32)
    """
    exporter = dlpack if hasattr(dlpack, "__dlpack__") else _Exporter(dlpack)
    if isinstance(exporter, _Exporter) and not (
        _is_capsule(dlpack, _UNVERSIONED) or _is_capsule(dlpack, _VERSIONED)
    ):
        msg = (
            f"expected an unused DLPack capsule, or an array with __dlpack__, found {dlpack!r}; "
            "export the array again"
        )
        raise DtypeError(msg)
    may_write = _is_capsule(dlpack, _UNVERSIONED)  # asked before NumPy uses the capsule up
    array = np.from_dlpack(exporter)
    if may_write and not array.flags.writeable:
        array = np.asarray(_Writable(array))
    found: NDArray = wrap(array, NDArray)
    return found


def to_dlpack_for_read(data: Any) -> Any:
    """Return a DLPack capsule of the array's memory, to be read: for ``torch.utils.dlpack.from_dlpack``.

    Raises
    ------
    TypeError
        When `data` is not an NDArray.
    """
    if not is_array(data):
        msg = f"expected an NDArray, found {type(data).__name__}; wrap it: nd.array(...)"
        raise DtypeError(msg)
    return data.to_dlpack_for_read()


def to_dlpack_for_write(data: Any) -> Any:
    """As `to_dlpack_for_read`, for a caller that will write into the array.

    Raises
    ------
    TypeError
        When `data` is not an NDArray.
    MXNetError
        When it is in a graph that is being recorded. Of later writes only those into a dense layer's weight
        are found (docs/differentiable.md).
    """
    if not is_array(data):
        return to_dlpack_for_read(data)  # raises
    return data.to_dlpack_for_write()


def from_numpy(ndarray: Any, zero_copy: bool = True) -> NDArray:
    """Make an array on a NumPy array's memory.

    Parameters
    ----------
    ndarray : numpy.ndarray
        Any dtype.
    zero_copy : bool, default True
        Share the memory; else copy it.

    Raises
    ------
    TypeError
        When it is not a NumPy array.
    """
    if not isinstance(ndarray, np.ndarray):
        msg = f"expected a numpy.ndarray, found {type(ndarray).__name__}; use nd.array for others"
        raise DtypeError(msg)
    values = np.asarray(ndarray) if zero_copy else np.array(ndarray)
    return wrap(values, NDArray)  # type: ignore[no-any-return]
