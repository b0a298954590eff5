"""In which order samples are taken, and how they are grouped into batches."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from glueball._scope import surface
from glueball.base import ArgumentError, GlueballTypeError, UnsupportedError
from glueball.nd._random import derived_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BatchSampler", "FilterSampler", "IntervalSampler", "RandomSampler", "Sampler",
    "SequentialSampler", "as_length",
]  # fmt: skip


class Sampler:
    """Base of samplers: something of known length that gives indices, each time it is iterated."""

    def __len__(self) -> int:
        message = f"{type(self).__name__} has to define __len__: how many indices it gives"
        raise UnsupportedError(message)

    def __iter__(self) -> Iterator[Any]:
        message = f"{type(self).__name__} has to define __iter__: the indices"
        raise UnsupportedError(message)


class SequentialSampler(Sampler):
    """Indices in ascending order.

    Parameters
    ----------
    length : int
        How many.
    start : int, default 0
        The first.

    Examples
    --------
    >>> list(SequentialSampler(3, start=2))
    [2, 3, 4]
    """

    def __init__(self, length: int, start: int = 0) -> None:
        self._length = as_length(length, "length")
        self._start = start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._start, self._start + self._length))

    def __len__(self) -> int:
        return self._length


class RandomSampler(Sampler):
    """Every index once, in an order drawn again each time.

    The order comes from glueball's generator: `random.seed` repeats it.

    Parameters
    ----------
    length : int
        Indices are 0 to ``length - 1``.
    """

    def __init__(self, length: int) -> None:
        self._length = as_length(length, "length")

    def __iter__(self) -> Iterator[int]:
        # Drawn here and not at the first index, so that the order of draws is that of the loops.
        order: list[int] = derived_generator().permutation(self._length).tolist()
        return iter(order)

    def __len__(self) -> int:
        return self._length


class IntervalSampler(Sampler):
    """Indices at a fixed distance: 0, 3, 6 ... and then 1, 4, 7 ...

    Parameters
    ----------
    length : int
        Indices are 0 to ``length - 1``.
    interval : int
        The step, of at most `length`.
    rollover : bool, default True
        Whether to go on with those that were left out; else only the first series is given.

    Raises
    ------
    AssertionError
        If `interval` is below 1, or above `length`.

    Examples
    --------
    >>> list(IntervalSampler(7, interval=3))
    [0, 3, 6, 1, 4, 2, 5]
    >>> list(IntervalSampler(7, interval=3, rollover=False))
    [0, 3, 6]
    """

    def __init__(self, length: int, interval: int, rollover: bool = True) -> None:
        self._length = as_length(length, "length")
        self._interval = as_length(interval, "interval", least=1)
        if self._interval > self._length:
            message = (
                f"Interval {interval} must be smaller than or equal to length {length}; pass a smaller "
                "interval"
            )
            raise ArgumentError(message)
        self._starts = range(self._interval if rollover else 1)

    def __iter__(self) -> Iterator[int]:
        for start in self._starts:
            yield from range(start, self._length, self._interval)

    def __len__(self) -> int:
        return sum(len(range(start, self._length, self._interval)) for start in self._starts)


class FilterSampler(Sampler):
    """The indices of the samples for which a function is true.

    Parameters
    ----------
    fn : callable
        ``fn(sample)``, called once for each sample, here.
    dataset : Dataset
        What the indices are of.

    Examples
    --------
    >>> list(FilterSampler(lambda x: x > 1, [3, 0, 2]))
    [0, 2]
    """

    def __init__(self, fn: Callable[[Any], Any], dataset: Any) -> None:
        self._fn = as_function(fn)
        self._dataset = dataset
        self._indices = [i for i in range(len(dataset)) if fn(dataset[i])]

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


class BatchSampler(Sampler):
    """Groups the indices of another sampler into lists.

    Parameters
    ----------
    sampler : Sampler
        What gives the indices.
    batch_size : int
        Indices in each list.
    last_batch : {'keep', 'discard', 'rollover'}
        What happens to fewer than `batch_size` indices at the end: they make a smaller batch, they are left
        out, or they come first the next time.

    Raises
    ------
    ValueError
        For another word, or a size below 1.
    TypeError
        For a size that is not an integer.

    Examples
    --------
    >>> list(BatchSampler(SequentialSampler(5), 2, "discard"))
    [[0, 1], [2, 3]]
    """

    def __init__(self, sampler: Any, batch_size: int, last_batch: str = "keep") -> None:
        if last_batch not in ("keep", "discard", "rollover"):
            message = (
                "last_batch must be one of 'keep', 'discard', or 'rollover', but got "
                f"{last_batch}; choose one of the three"
            )
            raise ArgumentError(message)
        self._sampler = sampler
        self._batch_size = as_length(batch_size, "batch_size", least=1)
        self._last_batch = last_batch
        self._left: list[Any] = []

    def __iter__(self) -> Iterator[list[Any]]:
        batch, self._left = self._left, []
        for index in self._sampler:
            batch.append(index)
            if len(batch) == self._batch_size:
                yield batch
                batch = []
        if batch:
            if self._last_batch == "keep":
                yield batch
            elif self._last_batch == "rollover":
                self._left = batch

    def __len__(self) -> int:
        count = len(self._sampler)
        if self._last_batch == "keep":
            count += self._batch_size - 1
        elif self._last_batch == "rollover":
            count += len(self._left)
        return int(count // self._batch_size)


def as_length(value: Any, name: str, least: int | None = 0) -> int:
    """Return a length as an int.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below `least`.
    """
    bound = "" if least is None else f" of {least} or more"
    message = f"expected an integer{bound} as {name}, found {value!r}; correct it"
    try:
        length = operator.index(value)
    except TypeError:
        raise GlueballTypeError(message) from None
    if least is not None and length < least:
        raise ArgumentError(message)
    return length


def as_function(value: Any) -> Any:
    """Return what is called with samples; a TypeError if it can't be."""
    if not callable(value):
        message = f"expected a function of a sample, found {value!r}; pass a callable"
        raise GlueballTypeError(message)
    return value


__getattr__, __dir__ = surface(__name__)
