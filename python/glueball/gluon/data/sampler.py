"""In which order samples are taken, and how they are grouped into batches."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._scope import surface
from glueball.base import ArgumentError, GlueballTypeError, UnsupportedError
from glueball.nd._random import derived_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BatchSampler", "FilterSampler", "IntervalSampler", "RandomSampler", "Sampler",
    "SequentialSampler", "SplitBatchSampler", "SplitSampler", "as_length",
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


class SplitSampler(Sampler):
    """The indices of one part of the samples, in an order drawn again each time.

    As Gluon's books have it for training on several machines: each rank passes its own part only. Parts are
    contiguous, and their lengths differ by at most one.

    Parameters
    ----------
    length : int
        Samples of all parts.
    num_parts : int, default 1
        How many parts: ``store.num_workers``.
    part_index : int, default 0
        Which of them, from 0: ``store.rank``.

    Raises
    ------
    ValueError
        If there is no such part.

    Examples
    --------
    >>> [sorted(SplitSampler(7, 3, part)) for part in range(3)]
    [[0, 1], [2, 3], [4, 5, 6]]
    """

    def __init__(self, length: int, num_parts: int = 1, part_index: int = 0) -> None:
        self._part = _part(as_length(length, "length"), num_parts, part_index)

    def __iter__(self) -> Iterator[int]:
        order: list[int] = derived_generator().permutation(len(self._part)).tolist()
        return iter([self._part[each] for each in order])

    def __len__(self) -> int:
        return len(self._part)


class SplitBatchSampler(Sampler):
    """One rank's part of each batch, where all ranks together pass the batches that one process would.

    Every rank draws the same order, which depends on `seed` and `epoch` only, and takes its part of each batch. So
    training on any number of ranks sees the same batches. Give `sizes` to `Trainer.step`, whose batch_size is that
    of all ranks: a last batch that is smaller, or parts that differ by one sample, are then weighted by samples.

    Parameters
    ----------
    length : int
        Samples in the whole set.
    batch_size : int
        Samples in a batch of all ranks together.
    num_parts : int, default 1
        How many ranks: ``store.num_workers``.
    part_index : int, default 0
        Which of them this is: ``store.rank``.
    last_batch : {'keep', 'discard'}
        Whether fewer than `batch_size` samples at the end make a smaller batch, or are left out.
    seed : int or None, default 0
        What the order depends on; None takes samples as they are.

    Attributes
    ----------
    epoch : int
        How many times it was iterated. With `seed` it gives the next order.
    start : int
        The batch that the next iteration begins with; 0 in those that follow. To go on in the middle of an epoch,
        set `epoch` and `start`, on the same or another number of ranks.

    Raises
    ------
    ValueError
        If there is no such part, or a batch has fewer samples than there are parts.

    Examples
    --------
    >>> [list(SplitBatchSampler(7, 4, 2, rank, seed=None)) for rank in (0, 1)]
    [[[0, 1], [4]], [[2, 3], [5, 6]]]
    >>> SplitBatchSampler(7, 4, 2).sizes()
    [4, 3]
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        num_parts: int = 1,
        part_index: int = 0,
        last_batch: str = "keep",
        seed: int | None = 0,
    ) -> None:
        if last_batch not in ("keep", "discard"):
            message = f"expected last_batch 'keep' or 'discard', found {last_batch!r}; choose one of the two"
            raise ArgumentError(message)
        self._length = as_length(length, "length")
        self._batch_size = as_length(batch_size, "batch_size", least=1)
        self._last_batch = last_batch
        self._seed = None if seed is None else as_length(seed, "seed")
        self._parts = (num_parts, part_index)
        self.epoch = self.start = 0
        for size in set(self._all_sizes()):
            _part(size, num_parts, part_index)
            if size < num_parts:
                message = (
                    f"expected a sample for each of {num_parts} parts in every batch, found a batch of {size}; "
                    "use last_batch='discard', or another batch_size"
                )
                raise ArgumentError(message)

    def sizes(self) -> list[int]:
        """Return the samples of all ranks together in each batch that the next iteration gives."""
        return self._all_sizes()[self.start :]

    def _all_sizes(self) -> list[int]:
        full, rest = divmod(self._length, self._batch_size)
        return [self._batch_size] * full + [rest] * (rest > 0 and self._last_batch == "keep")

    def __iter__(self) -> Iterator[list[int]]:
        epoch, start = self.epoch, self.start
        self.epoch, self.start = epoch + 1, 0
        if self._seed is None:
            order = np.arange(self._length)
        else:
            order = np.random.Generator(np.random.Philox(key=[self._seed, epoch])).permutation(
                self._length
            )
        batches = []
        for place, size in enumerate(self._all_sizes()[start:], start):
            part = _part(size, *self._parts)
            first = place * self._batch_size
            batches.append(order[first + part.start : first + part.stop].tolist())
        return iter(batches)

    def __len__(self) -> int:
        return len(self._all_sizes()) - self.start


def _part(length: int, num_parts: Any, part_index: Any) -> range:
    """Return the places of one part of `length` samples."""
    parts = as_length(num_parts, "num_parts", least=1)
    place = as_length(part_index, "part_index")
    if place >= parts:
        message = f"expected a part_index below num_parts, {parts}, found {place}; parts are counted from 0"
        raise ArgumentError(message)
    return range(place * length // parts, (place + 1) * length // parts)


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
