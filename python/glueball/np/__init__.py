"""NumPy's functions on arrays that record gradients: `mx.np`.

What is not defined here is NumPy's function of the same name, found when first asked for; its arrays come
back as `ndarray`, as float32 unless a dtype is given or an input is float64.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as _numpy

from glueball import _core
from glueball._scope import missing
from glueball.base import GlueballAttributeError, OutsideScopeError
from glueball.nd._creation import new_array, numbers, place, resolve_dtype, resolve_shape
from glueball.nd._ndarray import NDArray
from glueball.nd._record import wrap, wrap_all
from glueball.nd._ufuncs import mixing_error
from glueball.np._ndarray import ndarray

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.np import random

__all__ = [
    "NAN", "NINF", "NZERO", "PINF", "PZERO", "NaN", "arange", "array", "asarray", "e", "empty",
    "eye", "full", "full_like", "identity", "inf", "linspace", "nan", "ndarray", "newaxis", "ones",
    "pi", "random", "zeros",
]  # fmt: skip

newaxis = None
pi = _numpy.pi
inf = _numpy.inf
nan = _numpy.nan
e = _numpy.e
# What NumPy called these before its release 2, and MXNet still does.
NAN = NaN = nan
PINF, NINF = inf, -inf
PZERO, NZERO = 0.0, -0.0
_BEFORE_2 = {
    "alltrue": "all",
    "product": "prod",
    "round_": "round",
    "sometrue": "any",
    "trapz": "trapezoid",
}


def array(object: Any, dtype: Any = None, ctx: Any = None, device: Any = None) -> ndarray:
    """Make a new array with the numbers of another, or of nested lists.

    Parameters
    ----------
    object : array_like
        Lists and NumPy arrays become float32, an `ndarray` keeps its dtype.
    dtype : dtype, optional
        Another dtype.
    ctx, device : Context, optional
        A CPU.

    Raises
    ------
    TypeError
        When the nested lists are ragged or hold no numbers.
    """
    return place(wrap(numbers(object, dtype), ndarray), ctx or device)  # type: ignore[no-any-return]


def asarray(a: Any, dtype: Any = None) -> ndarray:
    """Return `a` itself if it is an `ndarray` of the dtype, else a new one."""
    if isinstance(a, ndarray) and (dtype is None or a.dtype == _numpy.dtype(dtype)):
        return a
    return array(a, dtype)


def _filled(value: Any, shape: Any, dtype: Any, ctx: Any, name: str) -> ndarray:
    lengths = resolve_shape(shape, name)
    kind = resolve_dtype(dtype)
    made = _numpy.zeros(lengths, kind) if value == 0 else _numpy.full(lengths, value, kind)
    return place(wrap(made, ndarray), ctx)  # type: ignore[no-any-return]


def zeros(
    shape: Any, dtype: Any = None, order: str = "C", ctx: Any = None, device: Any = None
) -> ndarray:
    """Make an array of zeros, float32 by default."""
    del order
    return _filled(0, shape, dtype, ctx or device, "zeros")


def ones(
    shape: Any, dtype: Any = None, order: str = "C", ctx: Any = None, device: Any = None
) -> ndarray:
    """Make an array of ones, float32 by default."""
    del order
    return _filled(1, shape, dtype, ctx or device, "ones")


def empty(
    shape: Any, dtype: Any = None, order: str = "C", ctx: Any = None, device: Any = None
) -> ndarray:
    """Make an array whose numbers are undefined until written, float32 by default."""
    del order
    return place(new_array(ndarray, shape, dtype), ctx or device)  # type: ignore[no-any-return]


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "C",
    ctx: Any = None,
    device: Any = None,
) -> ndarray:
    """Make an array that holds `fill_value` everywhere; float32 by default, bool for a bool."""
    del order
    kind = _numpy.bool_ if dtype is None and isinstance(fill_value, bool) else dtype
    values = _numpy.empty(resolve_shape(shape, "full"), resolve_dtype(kind))
    values[...] = _plain(fill_value)
    return place(wrap(values, ndarray), ctx or device)  # type: ignore[no-any-return]


def full_like(a: Any, fill_value: Any, dtype: Any = None) -> ndarray:
    """Make an array of the shape of `a` that holds `fill_value` everywhere."""
    plain = _plain(a)
    return full(plain.shape, fill_value, dtype or plain.dtype)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: Any = None,
    ctx: Any = None,
    device: Any = None,
) -> ndarray:
    """Make numbers from `start` up to `stop`, which is left out; float32 by default."""
    first, last = (0, start) if stop is None else (start, stop)
    values = _numpy.arange(first, last, step).astype(resolve_dtype(dtype))
    return place(wrap(values, ndarray), ctx or device)  # type: ignore[no-any-return]


def linspace(
    start: Any, stop: Any, num: int = 50, dtype: Any = None, ctx: Any = None, **kwargs: Any
) -> Any:
    """Make `num` numbers at equal distances, float32 by default; other arguments as NumPy's."""
    made = _numpy.linspace(_plain(start), _plain(stop), num, **kwargs)
    if isinstance(made, tuple):  # retstep=True
        return wrap(made[0].astype(resolve_dtype(dtype)), ndarray), float(made[1])
    return place(wrap(made.astype(resolve_dtype(dtype)), ndarray), ctx)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None, ctx: Any = None) -> ndarray:
    """Make zeros with ones on the k-th diagonal, float32 by default."""
    return place(wrap(_numpy.eye(N, M, k, resolve_dtype(dtype)), ndarray), ctx)  # type: ignore[no-any-return]


def identity(n: int, dtype: Any = None, ctx: Any = None) -> ndarray:
    """Make the identity matrix, float32 by default."""
    return eye(n, dtype=dtype, ctx=ctx)


def in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Return whether each element of the flattened `ar1` is in `ar2`."""
    found = _numpy.isin(_plain(ar1), _plain(ar2), assume_unique, invert)
    return wrap(_numpy.ravel(found), ndarray)


def row_stack(tup: Any, **kwargs: Any) -> Any:
    """Join arrays along the first axis, as `vstack` does: NumPy 2.5 has no other name for it."""
    return _adopt(_numpy.vstack, "row_stack")(tup, **kwargs)


def msort(a: Any) -> Any:
    """Return a copy sorted along the first axis."""
    return _adopt(_numpy.sort, "msort")(a, axis=0)


def _plain(value: Any) -> Any:
    """Return `value` with plain arrays for ours, also inside lists."""
    if isinstance(value, NDArray):
        return _numpy.asarray(value)
    if type(value) in (list, tuple):
        return [_plain(v) for v in value]
    return value


def _refuse_legacy(value: Any, name: str) -> bool:
    """Return whether an array of glueball's is in `value`; refuse a legacy one."""
    if isinstance(value, NDArray):
        if value._least_ndim:
            raise mixing_error(name)
        return True
    found = False
    if type(value) in (list, tuple):
        for part in value:
            found = _refuse_legacy(part, name) or found
    return found


def _adopt(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return NumPy's `function` with results of class `ndarray`."""

    @functools.wraps(function)
    def adopted(*args: Any, **kwargs: Any) -> Any:
        ours = False
        for value in (*args, *kwargs.values()):
            ours = _refuse_legacy(value, name) or ours
        kwargs.pop("ctx", None)
        kwargs.pop("device", None)
        result = function(*args, **kwargs)
        if ours:
            return result  # the array's own protocols have wrapped and recorded it
        given = [a for a in args if isinstance(a, _numpy.ndarray)]
        widen = "dtype" in kwargs or any(a.dtype == _numpy.float64 for a in given)
        return wrap_all(result, ndarray, widen)

    return adopted


class _Namespace:
    """A submodule of NumPy, such as `linalg`, with adopted functions."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if callable(value) and not isinstance(value, type):
            value = _adopt(value, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return dir(self._module)


def _now(name: str) -> str:
    """Return what the installed NumPy calls a function."""
    new = _BEFORE_2.get(name, name)
    return new if hasattr(_numpy, new) else name


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise GlueballAttributeError(msg)
    if name == "random":  # not NumPy's; imported late, as many programs never draw
        return importlib.import_module(f"{__name__}.random")
    try:
        value = getattr(_numpy, _now(name))
    except AttributeError as error:
        answer = missing(__name__, name)
        if isinstance(answer, OutsideScopeError):
            raise answer from None
        msg = f"module {__name__!r} has no attribute {name!r}, nor has numpy {_numpy.__version__}"
        raise GlueballAttributeError(msg, name=name, obj=sys.modules[__name__]) from error
    if name in ("linalg", "fft"):
        value = _Namespace(value)
    elif callable(value) and not isinstance(value, type):
        value = _adopt(value, name)
        _core.explain_calls([value])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*{*__all__, *(name for name in dir(_numpy) if not name.startswith("_"))}]


_core.explain_calls([globals().get(name) for name in __all__])
