"""Functions that make one batch of a list of samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball._numpy_mode import Mode
from glueball._scope import surface
from glueball.base import ArgumentError, ShapeError
from glueball.gluon._checks import array_type
from glueball.nd import NDArray
from glueball.nd._record import wrap

__all__ = ["Append", "AsList", "Group", "Pad", "Stack", "default_batchify_fn"]


def default_batchify_fn(data: list[Any]) -> Any:
    """Stack samples; of tuples, each field.

    Parameters
    ----------
    data : list
        Samples of one kind: arrays of one shape, numbers, lists of numbers, or tuples of those.

    Returns
    -------
    NDArray or list
        Of shape (batch, ...) and the samples' dtype; for tuples a list with an array for each field.

    Raises
    ------
    ShapeError
        If samples differ in shape.
    ArgumentError
        If there are none, or they hold no numbers.

    Examples
    --------
    >>> from glueball import nd
    >>> x, y = default_batchify_fn([(nd.ones(2), 0), (nd.zeros(2), 1)])
    >>> x.shape, y.asnumpy().tolist()
    ((2, 2), [0, 1])
    """
    if not data:
        message = "expected at least one sample in a batch, found none; check the sampler"
        raise ArgumentError(message)
    if isinstance(data[0], tuple):
        widths = {len(sample) if isinstance(sample, tuple) else 1 for sample in data}
        if len(widths) > 1:
            message = (
                f"expected tuples of one length as samples, found lengths {sorted(widths)}; return "
                "the same fields for each sample"
            )
            raise ArgumentError(message)
        return [default_batchify_fn(list(field)) for field in zip(*data, strict=True)]
    return _to_array(_stack(data))


def _to_array(values: np.ndarray[Any, Any]) -> Any:
    return wrap(values, array_type())


def _stack(data: list[Any]) -> np.ndarray[Any, Any]:
    arrays = [np.asarray(sample) for sample in data]
    shapes = {each.shape for each in arrays}
    if len(shapes) > 1:
        found = ", ".join(str(shape) for shape in sorted(shapes)[:5])
        message = (
            f"expected samples of one shape to stack, found {found}; make them equal with "
            "transform(), or pass batchify_fn=batchify.Pad()"
        )
        raise ShapeError(message)
    if arrays[0].dtype.kind not in "biuf":
        message = (
            f"expected arrays, numbers or tuples of them as samples, found {type(data[0]).__name__}; "
            "pass a batchify_fn that knows them, such as batchify.AsList()"
        )
        raise ArgumentError(message)
    # An element of an NDArray has shape (1,), as Gluon stacks it too.
    return np.stack(arrays)


class Stack:
    """Stacks samples of one shape: arrays, numbers or lists.

    Parameters
    ----------
    use_shared_mem : bool
        For Gluon's scripts; how batches travel is the loader's business.
    """

    def __init__(self, use_shared_mem: bool = False) -> None:
        del use_shared_mem

    def __call__(self, data: list[Any]) -> Any:
        """Return an array of shape (batch, ...)."""
        return default_batchify_fn(data) if not data else _to_array(_stack(data))


class Pad:
    """Stacks samples whose lengths differ, after filling each at the end of each axis.

    Parameters
    ----------
    val : float, default 0
        What to fill with.
    dtype : dtype, optional
        Of the batch; the samples' own by default.
    use_shared_mem : bool
        For Gluon's scripts.

    Examples
    --------
    >>> Pad(val=-1)([[1, 2, 3], [4]]).asnumpy().tolist()
    [[1, 2, 3], [4, -1, -1]]
    """

    def __init__(self, val: float | None = None, dtype: Any = None, use_shared_mem: bool = False):
        del use_shared_mem
        self._value = 0 if val is None else val
        self._dtype = dtype

    def __call__(self, data: list[Any]) -> Any:
        """Return an array of shape (batch, longest, ...).

        Raises
        ------
        ShapeError
            If samples differ in their number of axes.
        """
        arrays = [np.asarray(sample) for sample in data]
        ranks = {each.ndim for each in arrays}
        if len(ranks) != 1:
            message = (
                f"expected samples with one number of axes to pad, found {sorted(ranks)}; reshape them "
                "with transform()"
            )
            raise ShapeError(message)
        longest = np.max([each.shape for each in arrays], axis=0) if ranks != {0} else []
        shape = (len(arrays), *[int(n) for n in longest])
        batch = np.full(shape, self._value, self._dtype or np.result_type(*arrays))
        for i, each in enumerate(arrays):
            batch[i, ...][tuple(slice(n) for n in each.shape)] = each
        return _to_array(batch)


class Append:
    """Leaves samples apart: a list with an array for each.

    Parameters
    ----------
    expand : bool, default True
        Whether each gets a batch axis of length 1.
    batch_axis : int, default 0
        Where.
    use_shared_mem : bool
        For Gluon's scripts.
    """

    def __init__(self, expand: bool = True, batch_axis: int = 0, use_shared_mem: bool = False):
        del use_shared_mem
        self._expand = expand
        self._axis = batch_axis

    def __call__(self, data: list[Any]) -> list[Any]:
        """Return the list."""
        arrays = [np.asarray(sample) for sample in data]
        if self._expand:
            arrays = [np.expand_dims(each, self._axis) for each in arrays]
        return [_to_array(each) for each in arrays]


class AsList:
    """Leaves samples as they are: texts, dicts, anything."""

    def __call__(self, data: list[Any]) -> list[Any]:
        """Return a list of the samples."""
        return list(data)


class Group:
    """One function for each field of samples that are tuples.

    Parameters
    ----------
    fn : callable, or list or tuple of them
        The first field's, or all.
    *args : callable
        The others'.

    Raises
    ------
    ValueError
        If one is not a function.

    Examples
    --------
    >>> both = Group(Pad(), Stack())
    >>> [each.shape for each in both([([1, 2], 0), ([3], 1)])]
    [(2, 2), (2,)]
    """

    def __init__(self, fn: Any, *args: Any) -> None:
        self._functions = tuple(fn) if isinstance(fn, list | tuple) else (fn, *args)
        for each in self._functions:
            if not callable(each):
                message = (
                    f"expected functions of a list of samples, found {each!r}; pass Stack(), Pad()"
                )
                raise ArgumentError(message)

    def __call__(self, data: list[Any]) -> tuple[Any, ...]:
        """Return a tuple of the fields' batches.

        Raises
        ------
        ValueError
            If a sample has another number of fields.
        """
        for sample in data:
            if len(sample) != len(self._functions):
                message = (
                    f"expected {len(self._functions)} fields in each sample, found {len(sample)}; give "
                    "Group a function for each field"
                )
                raise ArgumentError(message)
        fields = zip(*data, strict=True)
        return tuple(f(list(field)) for f, field in zip(self._functions, fields, strict=True))


def wrap_rows(rows: Any) -> Any:
    """Turn what `rows_of` gave into what `default_batchify_fn` makes of the same samples."""
    if isinstance(rows, tuple):
        return [_to_array(each) for each in rows]
    return _to_array(rows)


def cast_floats(batch: Any, dtype: Any) -> Any:
    """Return a batch with its floating-point arrays, wherever they are in it, as `dtype`."""
    if isinstance(batch, NDArray | np.ndarray):
        return batch.astype(dtype) if batch.dtype.kind == "f" and batch.dtype != dtype else batch
    if type(batch) in (list, tuple):
        return type(batch)([cast_floats(each, dtype) for each in batch])
    return batch


def in_mode(batch: Any) -> Any:
    """Return a batch, made in a worker, with its arrays of the class of the present mode."""
    if isinstance(batch, NDArray):
        return batch.as_np_ndarray() if Mode.array else batch.as_nd_ndarray()
    if type(batch) in (list, tuple):
        return type(batch)([in_mode(each) for each in batch])
    return batch


__getattr__, __dir__ = surface(__name__)
