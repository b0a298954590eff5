"""NumPy mode's switches under their other names, and settings of the environment: `mx.util`."""

from __future__ import annotations

import functools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from glueball._scope import surface
from glueball.npx import is_np_array, is_np_shape, reset_np, set_np, use_np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "get_gpu_count", "getenv", "is_np_array", "is_np_shape", "np_array", "np_shape", "reset_np",
    "set_np", "set_np_shape", "setenv", "use_np", "use_np_array", "use_np_shape",
]  # fmt: skip


def set_np_shape(active: bool) -> bool:
    """Switch NumPy's shapes on or off, and return whether they were on.

    Raises
    ------
    ValueError
        If they are switched off while NumPy's arrays are on.
    """
    before = is_np_shape()
    set_np(shape=bool(active), array=is_np_array())
    return before


@contextmanager
def _switched(*, shape: bool, array: bool) -> Iterator[None]:
    before = {"shape": is_np_shape(), "array": is_np_array()}
    set_np(shape=shape, array=array)
    try:
        yield
    finally:
        set_np(**before)


def np_shape(active: bool = True) -> Any:
    """Return a context with NumPy's shapes on or off."""
    return _switched(shape=active, array=is_np_array())


def np_array(active: bool = True) -> Any:
    """Return a context with NumPy's arrays, and their shapes, on; or the arrays off."""
    return _switched(shape=active or is_np_shape(), array=active)


def _decorated(function: Any, switch: Callable[[], Any]) -> Any:
    """Return a function, or a class with all its methods, that runs in a context."""
    if isinstance(function, type):
        for name, method in list(vars(function).items()):
            if callable(method) and (name in ("__init__", "__call__") or not name.startswith("__")):
                setattr(function, name, _decorated(method, switch))
        return function

    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with switch():
            return function(*args, **kwargs)

    return decorated


def use_np_shape(func: Any) -> Any:
    """Run a function, or the methods of a class, with NumPy's shapes: a decorator."""
    return _decorated(func, np_shape)


def use_np_array(func: Any) -> Any:
    """Run a function, or the methods of a class, with NumPy's arrays: a decorator."""
    return _decorated(func, np_array)


def getenv(name: str) -> str | None:
    """Return a variable of the environment, or None."""
    return os.environ.get(name)


def setenv(name: str, value: str | None) -> None:
    """Set a variable of the environment; None takes it away."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def get_gpu_count() -> int:
    """Return how many GPUs glueball computes on: none."""
    return 0


__getattr__, __dir__ = surface(__name__)
