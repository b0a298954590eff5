"""Helpers of test suites: comparisons with a tolerance for each dtype, random shapes and arrays."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import context, nd
from glueball._scope import missing, outside
from glueball.base import ArgumentError
from glueball.nd._random import derived_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "almost_equal",
    "assert_almost_equal",
    "assert_almost_equal_ignore_nan",
    "assert_exception",
    "default_context",
    "default_dtype",
    "environment",
    "get_atol",
    "get_rtol",
    "list_gpus",
    "rand_ndarray",
    "rand_shape_2d",
    "rand_shape_3d",
    "rand_shape_nd",
    "random_arrays",
    "same",
    "set_default_context",
]

# (relative, absolute) by dtype; whole numbers have to be equal.
_TOLERANCES = {"float16": (1e-2, 1e-1), "float32": (1e-4, 1e-3), "float64": (1e-5, 1e-20)}

_default_context: list[context.Context] = []


def default_context() -> context.Context:
    """Return where tests run: what `set_default_context` was given, else the current context."""
    return _default_context[-1] if _default_context else context.current_context()


def set_default_context(ctx: context.Context) -> None:
    """Say where tests run.

    Raises
    ------
    OutsideScopeError
        For a GPU.
    """
    context.require_cpu(ctx)
    _default_context[:] = [ctx]


def default_dtype() -> type[np.float32]:
    """Return the dtype of tests: float32."""
    return np.float32


def get_rtol(rtol: float | None = None, dtype: Any = np.float64) -> float:
    """Return `rtol`, or the dtype's relative tolerance."""
    return _tolerance(dtype)[0] if rtol is None else rtol


def get_atol(atol: float | None = None, dtype: Any = np.float64) -> float:
    """Return `atol`, or the dtype's absolute tolerance."""
    return _tolerance(dtype)[1] if atol is None else atol


def _tolerance(dtype: Any) -> tuple[float, float]:
    return _TOLERANCES.get(np.dtype(dtype).name, (0.0, 0.0))


def same(a: Any, b: Any) -> bool:
    """Return whether two arrays are equal."""
    return bool(np.array_equal(np.asarray(a), np.asarray(b)))


def almost_equal(
    a: Any,
    b: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    use_broadcast: bool = True,
) -> bool:
    """Return whether two arrays differ by no more than ``atol + rtol * abs(b)`` in any element.

    Parameters
    ----------
    a, b : array_like
        What is compared.
    rtol, atol : float, optional
        By default those of the dtypes: 1e-4 and 1e-3 for float32, 1e-5 and 1e-20 for float64, 0 for whole
        numbers; of two dtypes, the larger ones.
    equal_nan : bool, default False
        Whether NaN equals NaN.
    use_broadcast : bool, default True
        Whether shapes may differ, if they can be broadcast.
    """
    first, second = np.asarray(a), np.asarray(b)
    if not use_broadcast and first.shape != second.shape:
        return False
    rtol, atol = _both_tolerances(first, second, rtol, atol)
    return bool(np.allclose(first, second, rtol, atol, equal_nan))


def _both_tolerances(
    a: np.ndarray, b: np.ndarray, rtol: float | None, atol: float | None
) -> tuple[float, float]:
    return (
        max(get_rtol(rtol, a.dtype), get_rtol(rtol, b.dtype)),
        max(get_atol(atol, a.dtype), get_atol(atol, b.dtype)),
    )


def assert_almost_equal(
    a: Any,
    b: Any,
    rtol: float | None = None,
    atol: float | None = None,
    names: tuple[str, str] = ("a", "b"),
    equal_nan: bool = False,
    use_broadcast: bool = True,
    mismatches: tuple[int, int] = (10, 10),
) -> None:
    """Raise an AssertionError unless two arrays are `almost_equal`.

    Parameters
    ----------
    a, b : array_like
        What is compared.
    rtol, atol, equal_nan, use_broadcast
        As for `almost_equal`.
    names : tuple of str
        What the message calls the arrays.
    mismatches : tuple of int
        The first is how many differences the message lists.

    Raises
    ------
    AssertionError
        If they differ.
    ValueError
        If their shapes do not fit.
    """
    if almost_equal(a, b, rtol, atol, equal_nan, use_broadcast):
        return
    first, second = np.asarray(a), np.asarray(b)
    rtol, atol = _both_tolerances(first, second, rtol, atol)
    if first.shape != second.shape and not use_broadcast:
        message = f"expected '{names[0]}' and '{names[1]}' of one shape, found {first.shape} and {second.shape}"
        raise AssertionError(message)
    first, second = np.broadcast_arrays(first, second)
    wrong = ~np.isclose(first, second, rtol, atol, equal_nan)
    lines = [
        f"  {tuple(map(int, place))}: {names[0]}={first[tuple(place)]!r}, {names[1]}={second[tuple(place)]!r}"
        for place in np.argwhere(wrong)[: mismatches[0]]
    ]
    share = 100 * np.count_nonzero(wrong) / wrong.size
    message = (
        f"Items are not equal: expected '{names[0]}' within rtol={rtol:g}, atol={atol:g} of '{names[1]}', "
        f"found {share:.3g} % of {wrong.size} elements outside:\n" + "\n".join(lines)
    )
    raise AssertionError(message)


def assert_almost_equal_ignore_nan(
    a: Any,
    b: Any,
    rtol: float | None = None,
    atol: float | None = None,
    names: tuple[str, str] = ("a", "b"),
) -> None:
    """As `assert_almost_equal`, without the elements that are NaN in either array."""
    first, second = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    known = ~(np.isnan(first) | np.isnan(second))
    assert_almost_equal(first[known], second[known], rtol, atol, names)


def assert_exception(
    f: Callable[..., Any], exception_type: type[BaseException], *args: Any, **kwargs: Any
) -> None:
    """Raise an AssertionError unless a call raises an exception of a type."""
    try:
        f(*args, **kwargs)
    except exception_type:
        return
    message = f"expected {exception_type.__name__} of the call, found that it returned"
    raise AssertionError(message)


def rand_shape_nd(num_dim: int, dim: int = 10, allow_zero_size: bool = False) -> tuple[int, ...]:
    """Return a shape with `num_dim` axes of 1, or 0, to `dim`, drawn by `random.seed`'s generator."""
    return _random_shape((dim,) * num_dim, allow_zero_size)


def rand_shape_2d(dim0: int = 10, dim1: int = 10, allow_zero_size: bool = False) -> tuple[int, ...]:
    """As `rand_shape_nd`, with two axes, each of its own largest length."""
    return _random_shape((dim0, dim1), allow_zero_size)


def rand_shape_3d(
    dim0: int = 10, dim1: int = 10, dim2: int = 10, allow_zero_size: bool = False
) -> tuple[int, ...]:
    """As `rand_shape_nd`, with three axes, each of its own largest length."""
    return _random_shape((dim0, dim1, dim2), allow_zero_size)


def _random_shape(largest: tuple[int, ...], allow_zero_size: bool) -> tuple[int, ...]:
    generator = derived_generator()
    least = 0 if allow_zero_size else 1
    return tuple(int(generator.integers(least, length, endpoint=True)) for length in largest)


def rand_ndarray(
    shape: tuple[int, ...],
    stype: str = "default",
    density: float | None = None,
    dtype: Any = None,
    modifier_func: Any = None,
    shuffle_csr_indices: bool = False,
    distribution: str | None = None,
    ctx: context.Context | None = None,
) -> nd.NDArray:
    """Return an NDArray drawn from U(-1, 1).

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    stype : {'default'}
        There are no sparse arrays.
    dtype : dtype, optional
        float32 if None.
    ctx : Context, optional
        A CPU.
    density, modifier_func, shuffle_csr_indices, distribution
        For sparse arrays.

    Raises
    ------
    OutsideScopeError
        For another `stype`.
    """
    del density, modifier_func, shuffle_csr_indices, distribution
    if stype != "default":
        name = f"test_utils.rand_ndarray(stype={stype!r})"
        raise outside(name, "sparse arrays")
    return nd.random.uniform(-1, 1, shape=shape, dtype=dtype or "float32", ctx=ctx)


def random_arrays(*shapes: tuple[int, ...]) -> Any:
    """Return a NumPy array of standard normal float32 numbers for each shape; a single one not in a list."""
    generator = derived_generator()
    arrays = [generator.standard_normal(shape).astype(np.float32) for shape in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def list_gpus() -> list[int]:
    """Return the GPUs that glueball computes on: none."""
    return []


@contextmanager
def environment(*args: Any) -> Iterator[None]:
    """Set variables of the environment in a context: a name and a value, or a dict. None takes one away.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if len(args) == 1 and isinstance(args[0], dict):
        wanted = args[0]
    elif len(args) == 2:
        wanted = dict([args])
    else:
        message = f"expected a name and a value, or a dict, found {args!r}; pass one of them"
        raise ArgumentError(message)
    before = {name: os.environ.get(name) for name in wanted}
    _set_variables(wanted)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
