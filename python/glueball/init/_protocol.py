"""How Python's initializers are called: in place as in Gluon, or for an array as in Keras and JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball.base import DtypeError, ShapeError
from glueball.init._base import InitDesc
from glueball.init._check import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.init._base import Initializer

    Array = np.ndarray[Any, Any]

__all__ = ["drawn", "run_hook", "write_returned"]


def run_hook(hook: Callable[..., Any], owner: Initializer, desc: InitDesc, arr: Array) -> None:
    """Call a hook of an initializer that is written in Python: `_core` does so for all of them.

    What it returns is written into `arr`. A ``__call__`` whose first argument is `shape` is Keras's. What it
    raises gets a note that names parameter, shape and initializer.
    """
    try:
        if _takes_shape(hook):
            values = hook(arr.shape, arr.dtype.name) if _takes_dtype(hook) else hook(arr.shape)
            if values is None:
                values = "nothing"  # which is refused as what it is
        else:
            values = hook(desc, arr)
        if values is not None and values is not arr:
            write_returned(values, desc, arr, _name_of(owner))
    except Exception as error:
        if not getattr(error, "__notes__", None):  # an initializer inside says more
            error.add_note(f"while {owner!r} filled parameter '{desc}' of shape {arr.shape}")
        raise


def _name_of(owner: Initializer) -> str:
    function = owner._kwargs.get("function")
    return repr(owner if function is None else getattr(function, "__name__", function))


def _arguments(hook: Any) -> tuple[str, ...]:
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code is not None else ()
    return names[1:] if names[:1] == ("self",) else names


def _takes_shape(hook: Any) -> bool:
    return getattr(hook, "__name__", "") == "__call__" and _arguments(hook)[:1] == ("shape",)


def _takes_dtype(hook: Any) -> bool:
    return _arguments(hook)[1:2] == ("dtype",)


def write_returned(values: Any, desc: str, arr: Array, source: str) -> None:
    """Write what an initializer returned into the parameter's array.

    Raises
    ------
    ShapeError
        When it has another shape; one number is written everywhere.
    DtypeError
        When it is not an array of numbers.
    """
    try:
        found = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        found = np.asarray(None)
    if found.dtype.kind not in "iuf":
        message = (
            f"expected None or an array of numbers of shape {arr.shape} for '{desc}', found "
            f"{describe(values)} from {source}; write into the array that is given, or return one"
        )
        raise DtypeError(message)
    if found.ndim and found.shape != arr.shape:
        message = (
            f"expected an array of shape {arr.shape} for '{desc}', found {describe(found)} from "
            f"{source}; return an array of the shape that is given"
        )
        raise ShapeError(message)
    arr[...] = found


def drawn(initializer: Initializer, shape: tuple[int, ...], dtype: Any = None) -> nd.NDArray:
    """Return a new array, filled as a parameter's that has this initializer: Keras's way to call one."""
    array = nd.empty(shape, dtype=dtype or "float32")
    initializer(InitDesc("weight", {"__init__": initializer}), array)
    return array
