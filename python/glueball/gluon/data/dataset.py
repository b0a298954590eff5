"""Sets of samples that are reached by index, and views on them: transformed, filtered, in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._scope import surface
from glueball.base import ArgumentError, GlueballTypeError, ShapeError, UnsupportedError
from glueball.gluon.data.sampler import (
    FilterSampler,
    Sampler,
    SequentialSampler,
    as_function,
    as_length,
)
from glueball.nd import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ArrayDataset", "Dataset", "SimpleDataset"]


class Dataset:
    """Base of sets of samples. A subclass defines ``__getitem__(index)`` and ``__len__()``."""

    def __getitem__(self, idx: Any) -> Any:
        message = f"{type(self).__name__} has to define __getitem__(index): the sample at an index"
        raise UnsupportedError(message)

    def __len__(self) -> int:
        message = f"{type(self).__name__} has to define __len__(): how many samples there are"
        raise UnsupportedError(message)

    def filter(self, fn: Callable[[Any], Any]) -> Dataset:
        """Return the samples for which ``fn(sample)`` is true."""
        return _SampledDataset(self, FilterSampler(fn, self))

    def shard(self, num_shards: int, index: int) -> Dataset:
        """Return one of `num_shards` contiguous parts; the first ones are longer by a sample, if need be.

        Parameters
        ----------
        num_shards : int
            How many parts, for as many processes.
        index : int
            Which one, from 0.

        Raises
        ------
        AssertionError
            If there is no such part.
        """
        for name, value in (("num_shards", num_shards), ("index", index)):
            as_length(value, name, least=None)
        if not 0 <= index < num_shards:
            message = (
                f"expected an index from 0 to num_shards - 1, found index {index} of {num_shards} "
                "shards; pass this process's rank and the number of processes"
            )
            raise ArgumentError(message)
        length, longer = divmod(len(self), num_shards)
        start = length * index + min(index, longer)
        return _SampledDataset(self, SequentialSampler(length + (index < longer), start))

    def take(self, count: int | None) -> Dataset:
        """Return the first `count` samples; all for None or more than there are.

        Raises
        ------
        AssertionError
            If `count` is negative.
        """
        most = len(self) if count is None else min(as_length(count, "count"), len(self))
        return _SampledDataset(self, SequentialSampler(most))

    def sample(self, sampler: Sampler) -> Dataset:
        """Return the samples at the indices that a sampler gives, in its order, which is drawn once, now.

        Raises
        ------
        TypeError
            If it is not a Sampler.
        """
        if not isinstance(sampler, Sampler):
            message = (
                f"Invalid sampler type: {type(sampler)}. Expected gluon.data.Sampler instead; derive "
                "the class from it"
            )
            raise GlueballTypeError(message)
        return _SampledDataset(self, sampler)

    def transform(self, fn: Callable[..., Any], lazy: bool = True) -> Dataset:
        """Return the samples as ``fn(*parts)`` makes them of a tuple, ``fn(sample)`` of others.

        Parameters
        ----------
        fn : callable
            What changes a sample.
        lazy : bool, default True
            Call it whenever a sample is read, so that random changes differ; else once for all, now.
        """
        changed = _TransformedDataset(self, as_function(fn))
        return changed if lazy else SimpleDataset([changed[i] for i in range(len(changed))])

    def transform_first(self, fn: Callable[[Any], Any], lazy: bool = True) -> Dataset:
        """Return the samples with their first part changed: the picture, and not the label.

        Parameters
        ----------
        fn : callable
            ``fn(part)``.
        lazy : bool, default True
            As for `transform`.
        """
        return self.transform(_First(as_function(fn)), lazy)


class _First:
    """Changes the first argument; a class, so that it can be sent to worker processes."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._fn = fn

    def __call__(self, first: Any, *others: Any) -> Any:
        return (self._fn(first), *others) if others else self._fn(first)


class SimpleDataset(Dataset):
    """The samples that a list, or anything else with indices and a length, holds.

    Parameters
    ----------
    data : sequence
        The samples.
    """

    def __init__(self, data: Any) -> None:
        if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
            message = f"expected samples with a length and indices, found {data!r}; pass a list"
            raise GlueballTypeError(message)
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, idx: Any) -> Any:
        return self._data[idx]


class _TransformedDataset(Dataset):
    def __init__(self, data: Dataset, fn: Callable[..., Any]) -> None:
        self._data = data
        self._fn = fn

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, idx: Any) -> Any:
        item = self._data[idx]
        return self._fn(*item) if isinstance(item, tuple) else self._fn(item)


class _SampledDataset(Dataset):
    """Some samples of a set, by their indices."""

    def __init__(self, data: Dataset, sampler: Sampler) -> None:
        self._data = data
        self._indices = np.fromiter(sampler, np.intp)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, idx: Any) -> Any:
        return self._data[int(self._indices[idx])]

    def _rows(self, indices: Any) -> Any:
        return rows_of(self._data, self._indices[np.asarray(indices, np.intp)])


class ArrayDataset(Dataset):
    """Samples that are the rows of one or more arrays of one length.

    Parameters
    ----------
    *args : array_like or Dataset
        NDArrays, NumPy arrays, lists, other sets. One array gives rows as samples, several give tuples.

    Raises
    ------
    AssertionError
        If the lengths differ, or there is no array.
    TypeError
        If one has no length.

    Examples
    --------
    >>> from glueball import nd
    >>> pairs = ArrayDataset(nd.array([[1, 2], [3, 4]]), [5, 6])
    >>> pairs[1]
    (
    [3. 4.]
    <NDArray 2 @cpu(0)>, 6)
    """

    def __init__(self, *args: Any) -> None:
        if not args:
            message = "Needs at least 1 arrays; pass features, and labels if there are any"
            raise ArgumentError(message)
        lengths = [_length_of(data, i) for i, data in enumerate(args)]
        for i, length in enumerate(lengths):
            if length != lengths[0]:
                message = (
                    f"All arrays must have the same length; array[0] has length {lengths[0]} while "
                    f"array[{i}] has {length}. Pass one row, or label, for each sample"
                )
                raise ShapeError(message)
        self._length = lengths[0]
        # An element of a vector is a NumPy number, not an array of shape (1,).
        self._data = [
            np.asarray(data) if isinstance(data, NDArray) and data.ndim == 1 else data
            for data in args
        ]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, idx: Any) -> Any:
        if len(self._data) == 1:
            return self._data[0][idx]
        return tuple(data[idx] for data in self._data)

    def _rows(self, indices: Any) -> Any:
        known = all(isinstance(a, np.ndarray) and a.dtype.kind in "biuf" for a in self._data)
        if not known or type(self).__getitem__ is not ArrayDataset.__getitem__:
            return None
        chosen = np.asarray(indices, np.intp)
        rows = tuple(np.asarray(data)[chosen] for data in self._data)
        return rows if len(rows) > 1 else rows[0]


def rows_of(data: Any, indices: Any) -> Any:
    """Return samples at once, where they are rows of arrays; None where they have to be read one by one.

    Parameters
    ----------
    data : Dataset or sequence
        The samples.
    indices : sequence of int
        Which.

    Returns
    -------
    numpy.ndarray, tuple of them or None
        What stacking the samples would give; a tuple for samples that are tuples.
    """
    if isinstance(data, np.ndarray):
        # (Gluon gives an element of a vector shape (1,), which stacking keeps.)
        plain = data.dtype.kind in "biuf" and not (isinstance(data, NDArray) and data.ndim < 2)
        return np.asarray(data)[np.asarray(indices, np.intp)] if plain else None
    rows = getattr(data, "_rows", None)
    return None if rows is None else rows(indices)


def _length_of(data: Any, position: int) -> int:
    try:
        return len(data)
    except TypeError as error:
        message = (
            f"expected arrays, lists or data sets with a length, found {data!r} as array[{position}]; "
            "pass rows of samples"
        )
        raise GlueballTypeError(message) from error


__getattr__, __dir__ = surface(__name__)
