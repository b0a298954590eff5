"""In which order samples are taken, and how they are grouped into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError
from glueball.nd._random import derived_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BatchSampler", "FilterSampler", "RandomSampler", "Sampler", "SequentialSampler"]


class Sampler:
    """Base of samplers: something of known length that gives indices, each time it is iterated."""

    def __len__(self) -> int:
        message = f"{type(self).__name__} has to define __len__: how many indices it gives"
        raise NotImplementedError(message)

    def __iter__(self) -> Iterator[Any]:
        message = f"{type(self).__name__} has to define __iter__: the indices"
        raise NotImplementedError(message)


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
        self._length = _as_length(length, "length")
        self._start = start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._start, self._start + self._length))

    def __len__(self) -> int:
        return self._length


class RandomSampler(Sampler):
    """Every index once, in an order drawn anew each time.

    The order comes from glueball's generator: `random.seed` repeats it.

    Parameters
    ----------
    length : int
        Indices are 0 to ``length - 1``.
    """

    def __init__(self, length: int) -> None:
        self._length = _as_length(length, "length")

    def __iter__(self) -> Iterator[int]:
        # Drawn here and not at the first index, so that the order of draws is that of the loops.
        order: list[int] = derived_generator().permutation(self._length).tolist()
        return iter(order)

    def __len__(self) -> int:
        return self._length


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
        self._fn = fn
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
        self._batch_size = _as_length(batch_size, "batch_size", least=1)
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


def _as_length(value: Any, name: str, least: int = 0) -> int:
    try:
        length = int(value.__index__())
    except AttributeError:
        length = least - 1
    if length < least:
        message = (
            f"expected a whole number of {least} or more as {name}, found {value!r}; correct it"
        )
        raise ArgumentError(message)
    return length
