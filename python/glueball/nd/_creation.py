"""New arrays from numbers, lists and files' contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball.base import ArgumentError, DtypeError
from glueball.context import Context, require_cpu
from glueball.nd._ndarray import NDArray
from glueball.nd._record import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "arange",
    "array",
    "empty",
    "eye",
    "full",
    "linspace",
    "ones",
    "waitall",
    "zeros",
]


def resolve_dtype(dtype: Any, default: Any = np.float32) -> np.dtype[Any]:
    """A NumPy dtype from a name, class or None.

    Raises
    ------
    DtypeError
        When there is no such dtype.
    """
    try:
        kind: np.dtype[Any] = np.dtype(default if dtype is None else dtype)
    except TypeError as error:
        msg = f"expected a dtype such as 'float32', found {dtype!r}; use float32, float64, int32 or int64"
        raise DtypeError(msg) from error
    return kind


def resolve_shape(shape: Any, name: str) -> tuple[int, ...]:
    """A tuple of lengths from an int or a sequence.

    Raises
    ------
    ArgumentError
        When a length is negative or no whole number.
    """
    try:
        given = (shape,) if np.ndim(shape) == 0 else tuple(shape)
        lengths = tuple([n.__index__() for n in given])
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"expected a shape, such as (2, 3), for '{name}', found {shape!r}; pass whole numbers"
        raise ArgumentError(msg) from error
    if any(n < 0 for n in lengths):
        msg = f"expected lengths of 0 or more for '{name}', found shape {lengths}; an array's shape is known"
        raise ArgumentError(msg)
    return lengths


def new_array(cls: type, shape: tuple[int, ...], dtype: Any, name: str = "empty") -> Any:
    """An aligned array of class `cls` with undefined contents."""
    kind = resolve_dtype(dtype)
    lengths = resolve_shape(shape, name)
    if kind.kind == "f" and kind.itemsize >= 4:
        return _core.empty(lengths, kind.name, cls)
    return np.empty(lengths, kind).view(cls)


def place(array: Any, ctx: Any) -> Any:
    """`array` with the context that its maker was given."""
    if ctx is not None:
        require_cpu(ctx)
        if isinstance(ctx, Context) and ctx.device_id:
            array._context = ctx
    return array


def array(source_array: Any, ctx: Any = None, dtype: Any = None) -> NDArray:
    """A new array with the numbers of another, or of nested lists.

    Parameters
    ----------
    source_array : array_like
        Lists and NumPy arrays become float32, an NDArray keeps its dtype.
    ctx : Context, optional
        A CPU.
    dtype : dtype, optional
        Another dtype.

    Returns
    -------
    NDArray
        A copy; of shape (1,) for a number.

    Raises
    ------
    TypeError
        When the nested lists are ragged or hold no numbers.
    """
    kind = source_array.dtype if dtype is None and isinstance(source_array, NDArray) else dtype
    try:
        values = np.array(source_array, dtype=resolve_dtype(kind), subok=False)
    except DtypeError:
        raise
    except (TypeError, ValueError) as error:
        msg = (
            f"source_array must be array like object: expected nested lists of numbers of equal length, found "
            f"a {type(source_array).__name__} that is not ({error}); pad the shorter lists"
        )
        raise TypeError(msg) from error
    return place(wrap(values, NDArray), ctx)  # type: ignore[no-any-return]


def _filled(
    make: Callable[..., Any], shape: Any, dtype: Any, ctx: Any, name: str, cls: type
) -> Any:
    return place(wrap(make(resolve_shape(shape, name), resolve_dtype(dtype)), cls), ctx)


def zeros(shape: Any, ctx: Any = None, dtype: Any = None, **kwargs: Any) -> NDArray:
    """An array of zeros, float32 by default; parameters and errors as for `full`."""
    _only_stype(kwargs, "zeros")
    return _filled(np.zeros, shape, dtype, ctx, "zeros", NDArray)  # type: ignore[no-any-return]


def ones(shape: Any, ctx: Any = None, dtype: Any = None, **kwargs: Any) -> NDArray:
    """An array of ones, float32 by default; parameters and errors as for `full`."""
    _only_stype(kwargs, "ones")
    return _filled(np.ones, shape, dtype, ctx, "ones", NDArray)  # type: ignore[no-any-return]


def empty(shape: Any, ctx: Any = None, dtype: Any = None, stype: str | None = None) -> NDArray:
    """An array whose numbers are undefined until written; parameters and errors as for `full`."""
    _only_stype({} if stype is None else {"stype": stype}, "empty")
    return place(wrap(new_array(NDArray, shape, dtype), NDArray), ctx)  # type: ignore[no-any-return]


def full(shape: Any, val: float, ctx: Any = None, dtype: Any = None, out: Any = None) -> NDArray:
    """An array that holds `val` everywhere, float32 by default.

    Parameters
    ----------
    shape : int or tuple of int
        Lengths of its axes, 0 or more.
    val : float
        The number.
    ctx : Context, optional
        A CPU.
    dtype : dtype, optional
        float32 by default.
    out : NDArray, optional
        Filled and returned in place of a new array.

    Raises
    ------
    ArgumentError
        When a length is negative or no integer.
    TypeError
        When NumPy has no such dtype.
    """
    if out is not None:
        out[...] = val
        return out  # type: ignore[no-any-return]
    result = _filled(np.empty, shape, dtype, ctx, "full", NDArray)
    np.asarray(result)[...] = val
    return result  # type: ignore[no-any-return]


def _only_stype(kwargs: dict[str, Any], name: str) -> None:
    if any(key != "stype" or value != "default" for key, value in kwargs.items()):
        msg = f"expected shape, ctx and dtype for '{name}', found {kwargs}; leave these away"
        raise ArgumentError(msg)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    infer_range: Any = None,
    ctx: Any = None,
    dtype: Any = None,
) -> NDArray:
    """Numbers from `start` up to `stop`, which is left out, each `repeat` times; float32 by default.

    Parameters
    ----------
    start, stop : float
        Where to begin and to end; from 0 up to `start` without `stop`.
    step : float, default 1
        The distance; negative ones go down.
    repeat : int, default 1
        How often each number stands there.
    infer_range
        Ignored: the range is always known.
    ctx : Context, optional
        A CPU.
    dtype : dtype, optional
        float32 by default.

    Raises
    ------
    ArgumentError
        When `step` is 0 or `repeat` negative.
    """
    del infer_range
    if step == 0 or repeat < 0:
        msg = (
            f"expected a step other than 0 and a repeat of 0 or more for arange, found step={step} and "
            f"repeat={repeat}; correct them"
        )
        raise ArgumentError(msg)
    first, last = (0, start) if stop is None else (start, stop)
    values = np.repeat(np.arange(first, last, step), int(repeat)).astype(resolve_dtype(dtype))
    return place(wrap(values, NDArray), ctx)  # type: ignore[no-any-return]


def linspace(
    start: float, stop: float, num: int, endpoint: bool = True, ctx: Any = None, dtype: Any = None
) -> NDArray:
    """`num` numbers at equal distances from `start` to `stop`, float32 by default.

    Raises
    ------
    ArgumentError
        When `num` is negative.
    """
    if num < 0:
        msg = f"expected 0 numbers or more for linspace, found num={num}; it is the length of the array"
        raise ArgumentError(msg)
    values = np.linspace(start, stop, num, endpoint=endpoint).astype(resolve_dtype(dtype))
    return place(wrap(values, NDArray), ctx)  # type: ignore[no-any-return]


def eye(N: int, M: int = 0, k: int = 0, ctx: Any = None, dtype: Any = None) -> NDArray:
    """Zeros with ones on the k-th diagonal; N rows, M columns (N when 0).

    Raises
    ------
    ArgumentError
        When N or M is negative.
    """
    resolve_shape((N, M), "eye")
    values = np.eye(int(N), int(M) or None, int(k), resolve_dtype(dtype))
    return place(wrap(values, NDArray), ctx)  # type: ignore[no-any-return]


def waitall() -> None:
    """Do nothing: results are there when a function returns."""
