"""New arrays from numbers and lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball.base import ArgumentError, DtypeError, GlueballTypeError
from glueball.context import Context, require_cpu
from glueball.nd._ndarray import NDArray
from glueball.nd._record import into, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "arange", "array", "empty", "eye", "full", "linspace", "ones", "waitall", "zeros",
]  # fmt: skip


def resolve_dtype(dtype: Any, default: Any = np.float32) -> np.dtype[Any]:
    """Return a NumPy dtype from a name, class or None; a DtypeError if there is none."""
    try:
        kind: np.dtype[Any] = np.dtype(default if dtype is None else dtype)
    except TypeError as error:
        msg = f"expected a dtype such as 'float32', found {dtype!r}; use float32, float64, int32 or int64"
        raise DtypeError(msg) from error
    return kind


# Of 8 bytes each: what addresses can reach.
_MOST_ELEMENTS = 2**60


def resolve_shape(shape: Any, name: str) -> tuple[int, ...]:
    """Return a tuple of lengths, integers of 0 or more, from an int or a sequence."""
    try:
        given = (shape,) if np.ndim(shape) == 0 else tuple(shape)
        lengths = tuple([n.__index__() for n in given])
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"expected a shape, such as (2, 3), for '{name}', found {shape!r}; pass integers"
        raise ArgumentError(msg) from error
    if any(n < 0 for n in lengths):
        msg = f"expected lengths of 0 or more for '{name}', found shape {lengths}; an array's shape is known"
        raise ArgumentError(msg)
    if math.prod([n or 1 for n in lengths]) > _MOST_ELEMENTS:  # an empty array has strides too
        msg = f"expected fewer than 2**60 elements for '{name}', found shape {lengths}; take a smaller one"
        raise ArgumentError(msg)
    return lengths


def new_array(cls: type, shape: tuple[int, ...], dtype: Any, name: str = "empty") -> Any:
    """Return an aligned array of class `cls` with undefined contents."""
    kind = resolve_dtype(dtype)
    lengths = resolve_shape(shape, name)
    if kind.kind == "f" and kind.itemsize >= 4:
        return _core.empty(lengths, kind.name, cls)
    return np.empty(lengths, kind).view(cls)


def place(array: Any, ctx: Any) -> Any:
    """Give `array` the context that was asked for, and return it."""
    if ctx is not None:
        require_cpu(ctx)
        if isinstance(ctx, Context) and ctx.device_id:
            array._context = ctx
    return array


def numbers(source: Any, dtype: Any) -> np.ndarray:
    """Return a plain array of the numbers of another, or of nested lists; see `array`."""
    kind = resolve_dtype(source.dtype if dtype is None and isinstance(source, NDArray) else dtype)
    try:
        return np.array(source, dtype=kind, subok=False)
    except (TypeError, ValueError) as error:
        msg = (
            f"source_array must be array like object: expected nested lists of numbers of equal length, found "
            f"a {type(source).__name__} that is not ({error}); pad the shorter lists"
        )
        raise GlueballTypeError(msg) from error


def array(
    source_array: Any,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Make an array of the numbers of another, or of nested lists.

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
    return _made(wrap(numbers(source_array, dtype), NDArray), ctx, out, "array")


def _made(array: Any, ctx: Any, out: Any, name: str) -> NDArray:
    return into(out, place(array, ctx), name)  # type: ignore[no-any-return]


def _filled(
    make: Callable[..., Any], shape: Any, dtype: Any, ctx: Any, name: str, cls: type
) -> Any:
    return place(wrap(make(resolve_shape(shape, name), resolve_dtype(dtype)), cls), ctx)


def zeros(
    shape: Any,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
    **kwargs: Any,
) -> NDArray:
    """Make an array of zeros, float32 by default; parameters and errors as for `full`."""
    _only_stype(kwargs, "zeros")
    found = _filled(np.zeros, shape, dtype, ctx, "zeros", NDArray)
    return found if out is None else _made(found, None, out, "zeros")


def ones(
    shape: Any,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
    **kwargs: Any,
) -> NDArray:
    """Make an array of ones, float32 by default; parameters and errors as for `full`."""
    _only_stype(kwargs, "ones")
    found = _filled(np.ones, shape, dtype, ctx, "ones", NDArray)
    return found if out is None else _made(found, None, out, "ones")


def empty(
    shape: Any,
    ctx: Any = None,
    dtype: Any = None,
    stype: str | None = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Make an array whose numbers are undefined until written; parameters and errors as for `full`."""
    _only_stype({} if stype is None else {"stype": stype}, "empty")
    return _made(wrap(new_array(NDArray, shape, dtype), NDArray), ctx, out, "empty")


def full(
    shape: Any,
    val: float,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Make an array that holds `val` everywhere, float32 by default.

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
        When a length is negative or not an integer.
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
        msg = f"expected shape, ctx and dtype for '{name}', found {kwargs}; leave these out"
        raise ArgumentError(msg)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    infer_range: Any = None,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Make numbers from `start` up to `stop`, which is left out, each `repeat` times; float32 by default.

    Parameters
    ----------
    start, stop : float
        The first number, and the end; without `stop`, from 0 up to `start`.
    step : float, default 1
        The distance; negative ones go down.
    repeat : int, default 1
        How many times each number occurs in a row.
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
    return _made(wrap(values, NDArray), ctx, out, "arange")


def linspace(
    start: float,
    stop: float,
    num: int,
    endpoint: bool = True,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Make `num` numbers at equal distances from `start` to `stop`, float32 by default.

    Raises
    ------
    ArgumentError
        When `num` is negative.
    """
    if num < 0:
        msg = f"expected 0 numbers or more for linspace, found num={num}; it is the length of the array"
        raise ArgumentError(msg)
    values = np.linspace(start, stop, num, endpoint=endpoint).astype(resolve_dtype(dtype))
    return _made(wrap(values, NDArray), ctx, out, "linspace")


def eye(
    N: int,
    M: int = 0,
    k: int = 0,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Make zeros with ones on the k-th diagonal; N rows, M columns (N when 0).

    Raises
    ------
    ArgumentError
        When N or M is negative.
    """
    resolve_shape((N, M), "eye")
    values = np.eye(int(N), int(M) or None, int(k), resolve_dtype(dtype))
    return _made(wrap(values, NDArray), ctx, out, "eye")


def waitall() -> None:
    """Do nothing: results are there when a function returns."""
