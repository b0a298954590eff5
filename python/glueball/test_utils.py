"""Helpers of test suites: comparisons with a tolerance for each dtype, random shapes and arrays."""

from __future__ import annotations

import functools
import math
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import context, nd
from glueball._scope import import_late, outside, surface
from glueball.base import ArgumentError
from glueball.nd._random import derived_generator
from glueball.npx import use_np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "almost_equal",
    "assert_almost_equal",
    "assert_almost_equal_ignore_nan",
    "assert_almost_equal_with_err",
    "assert_exception",
    "assign_each",
    "assign_each2",
    "collapse_sum_like",
    "compare_ndarray_tuple",
    "create_2d_tensor",
    "create_vector",
    "default_atols",
    "default_context",
    "default_dtype",
    "default_numeric_eps",
    "default_rtols",
    "discard_stderr",
    "effective_dtype",
    "environment",
    "get_atol",
    "get_etol",
    "get_mnist",
    "get_mnist_iterator",
    "get_rtol",
    "get_tolerance",
    "get_tols",
    "list_gpus",
    "mean_check",
    "np_reduce",
    "rand_coord_2d",
    "rand_ndarray",
    "rand_shape_2d",
    "rand_shape_3d",
    "rand_shape_nd",
    "random_arrays",
    "random_sample",
    "random_uniform_arrays",
    "retry",
    "same",
    "same_array",
    "set_default_context",
    "use_np",
    "var_check",
]  # fmt: skip

# (relative, absolute) by dtype; integers have to be equal.
_TOLERANCES = {"float16": (1e-2, 1e-1), "float32": (1e-4, 1e-3), "float64": (1e-5, 1e-20)}

_KINDS = (*_TOLERANCES, "bool", "int8", "uint8", "int32", "uint32", "int64", "uint64")

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


def default_rtols() -> dict[Any, float]:
    """Return the relative tolerances by dtype."""
    return {np.dtype(kind): _tolerance(kind)[0] for kind in _KINDS}


def default_atols() -> dict[Any, float]:
    """Return the absolute tolerances by dtype."""
    return {np.dtype(kind): _tolerance(kind)[1] for kind in _KINDS}


def default_numeric_eps() -> dict[Any, float]:
    """Return steps of finite differences by dtype: powers of two, which change no other bit."""
    return {
        np.dtype(kind): 2.0**-n for kind, n in (("float16", 6), ("float32", 9), ("float64", 14))
    }


def effective_dtype(dat: Any) -> np.dtype[Any]:
    """Return the dtype whose tolerances an array's computations have: its own, on CPUs."""
    kind: np.dtype[Any] = np.dtype(dat.dtype)
    return kind


def get_tolerance(dat: Any, tol: Any, default_tol: dict[Any, float]) -> float:
    """Return `tol` if it is a number, else what it, or `default_tol`, has for the array's dtype."""
    if isinstance(tol, int | float):
        return tol
    kind = effective_dtype(dat)
    return float((tol or {}).get(kind, default_tol[kind]))


def get_tols(x: Any, y: Any, rtol: Any, atol: Any) -> tuple[float, float]:
    """Return the tolerances for a comparison: numbers as they are, else the larger of both dtypes'.

    Parameters
    ----------
    x, y : array_like
        What is compared.
    rtol, atol : float, dict from dtype to float, or None
        As for `get_tolerance`.
    """
    pair = np.asarray(x), np.asarray(y)
    return (
        max(get_tolerance(each, rtol, default_rtols()) for each in pair),
        max(get_tolerance(each, atol, default_atols()) for each in pair),
    )


def get_etol(etol: float | None = None) -> float:
    """Return `etol`, or 0: the share of elements that may differ."""
    return 0 if etol is None else etol


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
        By default those of the dtypes: 1e-4 and 1e-3 for float32, 1e-5 and 1e-20 for float64, 0 for
        integers; of two dtypes, the larger ones.
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


def assert_almost_equal_with_err(
    a: Any,
    b: Any,
    rtol: Any = None,
    atol: Any = None,
    etol: float | None = None,
    names: tuple[str, str] = ("a", "b"),
    equal_nan: bool = False,
    mismatches: tuple[int, int] = (10, 10),
) -> None:
    """As `assert_almost_equal`, unless the share of elements that differ is at most `etol`.

    `rtol` and `atol` are as for `get_tols`.
    """
    rtol, atol = get_tols(a, b, rtol, atol)
    close = np.isclose(np.asarray(a), np.asarray(b), rtol, atol, equal_nan)
    if np.count_nonzero(~close) > get_etol(etol) * close.size:
        assert_almost_equal(a, b, rtol, atol, names, equal_nan, mismatches=mismatches)


def compare_ndarray_tuple(
    t1: Any, t2: Any, rtol: float | None = None, atol: float | None = None
) -> None:
    """`assert_almost_equal` of arrays, or of tuples of them, nested or not; None equals anything."""
    if t1 is None or t2 is None:
        return
    if isinstance(t1, tuple):
        for first, second in zip(t1, t2, strict=True):
            compare_ndarray_tuple(first, second, rtol, atol)
    else:
        assert_almost_equal(t1, t2, rtol, atol)


def same_array(array1: Any, array2: Any) -> bool:
    """Return whether two arrays are one: the same memory, shape and strides."""
    first, second = np.asarray(array1), np.asarray(array2)
    return first.__array_interface__ == second.__array_interface__


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


def random_uniform_arrays(
    *shapes: tuple[int, ...], low: float = 0.0, high: float = 1.0, dtype: Any = np.float32
) -> list[Any]:
    """Return a NumPy array of draws from U(low, high) for each shape."""
    generator = derived_generator()
    return [generator.uniform(low, high, shape).astype(dtype) for shape in shapes]


def random_sample(population: Any, k: int) -> Any:
    """Return `k` elements of a sequence, none twice, in random order.

    Raises
    ------
    ValueError
        If there are not as many.
    """
    if not 0 <= k <= len(population):
        message = f"expected k from 0 to {len(population)}, found {k}; draw fewer elements"
        raise ArgumentError(message)
    order = derived_generator().permutation(len(population))[:k]
    return [population[i] for i in order]


def rand_coord_2d(x_low: int, x_high: int, y_low: int, y_high: int) -> tuple[int, int]:
    """Return a point with integer coordinates from [x_low, x_high) and [y_low, y_high)."""
    generator = derived_generator()
    return int(generator.integers(x_low, x_high)), int(generator.integers(y_low, y_high))


def create_vector(size: int, dtype: Any = np.int64) -> nd.NDArray:
    """Return the numbers below `size`."""
    return nd.arange(0, size, dtype=dtype)


def create_2d_tensor(rows: int, columns: int, dtype: Any = np.int64) -> nd.NDArray:
    """Return a matrix whose elements are the numbers of their rows."""
    numbers = nd.arange(0, rows, dtype=dtype).reshape((rows, 1))
    return nd.broadcast_to(numbers, (rows, columns))  # type: ignore[no-any-return]


def assign_each(the_input: Any, function: Callable[[Any], Any] | None) -> np.ndarray:
    """Return a NumPy array of ``function(x)`` for each element; a copy for None."""
    values = np.asarray(the_input)
    if function is None:
        return values.copy()
    return np.array([function(x) for x in values.ravel()], np.float64).reshape(values.shape)


def assign_each2(
    input1: Any, input2: Any, function: Callable[[Any, Any], Any] | None
) -> np.ndarray:
    """Return a NumPy array of ``function(x, y)`` for each pair of elements; a copy of `input1` for None."""
    first, second = np.asarray(input1), np.asarray(input2)
    if function is None:
        return first.copy()
    pairs = zip(first.ravel(), second.ravel(), strict=True)
    return np.array([function(x, y) for x, y in pairs], np.float64).reshape(first.shape)


def np_reduce(
    dat: Any, axis: Any, keepdims: bool, numpy_reduce_func: Callable[..., Any]
) -> np.ndarray:
    """Reduce by a function that takes one axis at a time: ``numpy_reduce_func(array, axis=i)``."""
    made = np.asarray(dat)
    ndim = made.ndim
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    chosen = sorted({each % ndim for each in axes})
    for each in reversed(chosen):
        made = numpy_reduce_func(made, axis=each)
    return np.expand_dims(made, tuple(chosen)) if keepdims else np.asarray(made)


def collapse_sum_like(a: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the sum over the axes along which an array of `shape` was broadcast to that of `a`."""
    values = np.asarray(a)
    extra = values.ndim - len(shape)
    axes = [*range(extra)]
    axes += [extra + i for i, n in enumerate(shape) if n != values.shape[extra + i]]
    return np.asarray(values.sum(axis=tuple(axes), dtype=values.dtype)).reshape(shape)


def mean_check(
    generator: Callable[[int], Any], mu: float, sigma: float, nsamples: int = 1000000
) -> bool:
    """Return whether the mean of samples lies within three of its standard deviations of `mu`.

    Parameters
    ----------
    generator : callable
        ``generator(n)`` returns n independent samples.
    mu, sigma : float
        The mean and the standard deviation that they should have.
    nsamples : int
        How many are drawn.
    """
    samples = np.asarray(generator(nsamples), np.float64)
    return bool(abs(samples.mean() - mu) < 3 * sigma / np.sqrt(nsamples))


def var_check(generator: Callable[[int], Any], sigma: float, nsamples: int = 1000000) -> bool:
    """Return whether the variance of samples lies within three of its standard deviations of sigma^2.

    The standard deviation is that for normal samples. Parameters as for `mean_check`.
    """
    samples = np.asarray(generator(nsamples), np.float64)
    return bool(abs(samples.var(ddof=1) - sigma**2) < 3 * np.sqrt(2 * sigma**4 / (nsamples - 1)))


def retry(n: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a test up to `n` times, until it raises no AssertionError: a decorator for random tests.

    Raises
    ------
    ValueError
        If `n` is not positive.
    """
    if n < 1:
        message = f"expected at least one run, found n={n}; pass a positive number"
        raise ArgumentError(message)

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def tried(*args: Any, **kwargs: Any) -> None:
            for _ in range(n - 1):
                try:
                    test(*args, **kwargs)
                except AssertionError:
                    continue
                return
            test(*args, **kwargs)

        return tried

    return decorate


@contextmanager
def discard_stderr() -> Iterator[None]:
    """Throw away what the process writes to its standard error in a context, native code's too."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def list_gpus() -> list[int]:
    """Return the GPUs that glueball computes on: none."""
    return []


def get_mnist(path: str | os.PathLike[str] = "data") -> dict[str, Any]:
    """Read MNIST from the files in a folder: `gluon.data.vision.MNIST` says which. Nothing is downloaded.

    Parameters
    ----------
    path : str or path, default "data"
        The folder.

    Returns
    -------
    dict
        ``train_data`` and ``test_data``, float32 from 0 to 1, (n, 1, 28, 28); ``train_label`` and ``test_label``,
        int32, (n,). All are NumPy arrays.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        If a file is damaged.
    """
    read = import_late("glueball.gluon.data.vision").MNIST
    found: dict[str, Any] = {}
    for part in ("train", "test"):
        images = read(path, train=part == "train")
        pixels = np.asarray(images._data, np.float32).transpose(0, 3, 1, 2) / np.float32(255)
        found |= {f"{part}_data": pixels, f"{part}_label": images._label}
    return found


def get_mnist_iterator(
    batch_size: int,
    input_shape: tuple[int, ...],
    num_parts: int = 1,
    part_index: int = 0,
    path: str | os.PathLike[str] = "data",
) -> tuple[Any, Any]:
    """Return `io.NDArrayIter` of MNIST to train on, shuffled, and to test on; files as for `get_mnist`.

    Parameters
    ----------
    batch_size : int
        Samples of a batch.
    input_shape : tuple of int
        A sample's: ``(784,)``, ``(28, 28)`` or ``(1, 28, 28)``.
    num_parts, part_index : int, default 1 and 0
        For several processes: each reads every `num_parts`-th sample to train on, from `part_index` on.
    path : str or path, default "data"
        The folder.

    Raises
    ------
    FileNotFoundError, ValueError
        As `get_mnist`; a ValueError too if the shape is not of 784 pixels, or there is no such part.
    """
    if math.prod(input_shape) != 784:
        message = f"expected a shape of 28 x 28 = 784 pixels, found {input_shape}; pass (784,) or (1, 28, 28)"
        raise ArgumentError(message)
    if not 0 <= part_index < num_parts:
        message = (
            f"expected a part from 0 to {num_parts - 1}, found {part_index}; count parts from 0"
        )
        raise ArgumentError(message)
    found = get_mnist(path)
    make = import_late("glueball.io").NDArrayIter

    def batches(part: str, step: slice, shuffle: bool) -> Any:
        data, label = found[f"{part}_data"][step], found[f"{part}_label"][step]
        return make(data.reshape(-1, *input_shape), label, batch_size, shuffle=shuffle)

    return batches("train", slice(part_index, None, num_parts), True), batches(
        "test", slice(None), False
    )


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


__getattr__, __dir__ = surface(__name__)
