"""Iterators over arrays, in the form that programs had before `gluon.data`: `mx.io`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from glueball import nd
from glueball._scope import surface
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon._checks import array_type
from glueball.nd._random import derived_generator
from glueball.nd._record import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DataBatch", "DataDesc", "DataIter", "NDArrayIter"]


class _Described(NamedTuple):
    name: str
    shape: tuple[int, ...]


class DataDesc(_Described):
    """Name, shape, dtype and layout of one array of a batch; a tuple of the first two.

    Parameters
    ----------
    name : str
        The array's.
    shape : tuple of int
        With the batch axis.
    dtype : dtype, default float32
        Of its elements.
    layout : str, default 'NCHW'
        A letter for each axis; N is the batch axis.
    """

    dtype: Any
    layout: str

    def __new__(
        cls, name: str, shape: tuple[int, ...], dtype: Any = np.float32, layout: str = "NCHW"
    ) -> Self:
        """Make the tuple, and keep dtype and layout beside it."""
        described = super().__new__(cls, name, shape)
        described.dtype = dtype
        described.layout = layout
        return described

    def __repr__(self) -> str:
        return f"DataDesc[{self.name},{self.shape},{self.dtype},{self.layout}]"

    @staticmethod
    def get_batch_axis(layout: str | None) -> int:
        """Return the place of N in a layout; 0 without one."""
        return 0 if layout is None else layout.find("N")


class DataBatch:
    """One batch.

    Parameters
    ----------
    data : list of NDArray
        Inputs.
    label : list of NDArray, optional
        Labels.
    pad : int, optional
        How many samples at the end only fill it up.
    index : array_like, optional
        The samples' numbers.
    bucket_key, provide_data, provide_label
        Kept as they are.

    Raises
    ------
    AssertionError
        If `data` or `label` is not a list.
    """

    def __init__(
        self,
        data: list[Any],
        label: list[Any] | None = None,
        pad: int | None = None,
        index: Any = None,
        bucket_key: Any = None,
        provide_data: Any = None,
        provide_label: Any = None,
    ) -> None:
        for name, given in (("Data", data), ("Label", label)):
            if given is not None and not isinstance(given, list | tuple):
                message = (
                    f"{name} must be list of NDArrays: found {type(given).__name__}; put a single array "
                    "into a list"
                )
                raise ArgumentError(message)
        self.data = data
        self.label = label
        self.pad = pad
        self.index = index
        self.bucket_key = bucket_key
        self.provide_data = provide_data
        self.provide_label = provide_label

    def __str__(self) -> str:
        shapes = [tuple(each.shape) for each in self.data]
        labels = None if self.label is None else [tuple(each.shape) for each in self.label]
        return f"{type(self).__name__}: data shapes: {shapes} label shapes: {labels}"


class DataIter:
    """Base of iterators over batches.

    One of your own defines `iter_next`, `getdata`, `getlabel` and `getpad`, or `next`; and `reset`.

    Parameters
    ----------
    batch_size : int, default 0
        Samples in a batch.
    """

    def __init__(self, batch_size: int = 0) -> None:
        self.batch_size = batch_size

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DataBatch:
        return self.next()

    def reset(self) -> None:
        """Go back to the first batch."""

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises
        ------
        StopIteration
            If there is none; `reset` begins again.
        """
        if self.iter_next():
            return DataBatch(self.getdata(), self.getlabel(), self.getpad(), self.getindex())
        raise StopIteration

    def iter_next(self) -> bool:
        """Move to the next batch, and return whether there is one."""
        return False

    def getdata(self) -> Any:
        """Return the present batch's inputs."""

    def getlabel(self) -> Any:
        """Return the present batch's labels."""

    def getindex(self) -> Any:
        """Return the numbers of the present batch's samples, or None."""

    def getpad(self) -> int | None:
        """Return how many samples at the end of the present batch only fill it up."""


class NDArrayIter(DataIter):
    """Batches of arrays whose first axis counts samples.

    Parameters
    ----------
    data : array_like, list of array_like or dict of str to array_like
        Inputs. NDArrays keep their dtype, everything else becomes float32.
    label : as `data`, optional
        Labels, as many as there are inputs.
    batch_size : int, default 1
        Samples in a batch.
    shuffle : bool, default False
        Whether each pass draws a new order. It follows `random.seed`.
    last_batch_handle : {'pad', 'discard', 'roll_over'}, default 'pad'
        What becomes of a last batch that is not full: it is filled up from the beginning, and `DataBatch.pad`
        says with how many samples; it is left out; or its samples come first in the next pass.
    data_name, label_name : str
        Names of single arrays; several have a number in front.

    Attributes
    ----------
    provide_data, provide_label : list of DataDesc
        What batches hold.
    num_data : int
        How many samples there are.

    Raises
    ------
    TypeError
        If something else than arrays is given.
    ValueError
        If numbers of samples differ, there are none, the batch is too large to leave a last one out, or the
        word is another.

    Examples
    --------
    >>> from glueball import nd
    >>> batches = NDArrayIter(nd.array([[1], [2], [3]]), [0, 1, 1], batch_size=2)
    >>> [(batch.data[0].shape, batch.label[0].asnumpy().tolist(), batch.pad) for batch in batches]
    [((2, 1), [0.0, 1.0], 0), ((2, 1), [1.0, 0.0], 1)]
    """

    def __init__(
        self,
        data: Any,
        label: Any = None,
        batch_size: int = 1,
        shuffle: bool = False,
        last_batch_handle: str = "pad",
        data_name: str = "data",
        label_name: str = "softmax_label",
    ) -> None:
        super().__init__(_batch_size(batch_size))
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            message = (
                "expected 'pad', 'discard' or 'roll_over' as last_batch_handle, found "
                f"{last_batch_handle!r}; choose one"
            )
            raise ArgumentError(message)
        self.data = _named(data, data_name)
        self.label = [] if label is None else _named(label, label_name)
        self.num_data = _count([*self.data, *self.label])
        if last_batch_handle == "discard" and self.batch_size > self.num_data:
            message = (
                f"expected a batch_size of at most {self.num_data}, the number of samples, found "
                f"{batch_size}: with last_batch_handle='discard' there would be no batch"
            )
            raise ArgumentError(message)
        self.shuffle = shuffle
        self.last_batch_handle = last_batch_handle
        self.hard_reset()

    @property
    def provide_data(self) -> list[DataDesc]:
        """Describe the inputs of batches."""
        return self._described(self.data)

    @property
    def provide_label(self) -> list[DataDesc]:
        """Describe the labels of batches."""
        return self._described(self.label)

    def _described(self, arrays: list[tuple[str, np.ndarray]]) -> list[DataDesc]:
        return [
            DataDesc(name, (self.batch_size, *each.shape[1:]), each.dtype) for name, each in arrays
        ]

    def hard_reset(self) -> None:
        """Go back to the first batch, and forget what was to roll over."""
        self._order = self._new_order()
        self.cursor = -self.batch_size

    def reset(self) -> None:
        """Go back to the first batch, in a new order if it is shuffled."""
        left = self._order[:0]
        if self.last_batch_handle == "roll_over" and self.cursor + self.batch_size > len(
            self._order
        ):
            left = self._order[self.cursor :]
        self._order = np.concatenate([left, self._new_order()])
        self.cursor = -self.batch_size

    def _new_order(self) -> np.ndarray:
        if self.shuffle:
            return derived_generator().permutation(self.num_data)
        return np.arange(self.num_data)

    def iter_next(self) -> bool:
        """Move to the next batch, and return whether there is one."""
        needed = 1 if self.last_batch_handle == "pad" else self.batch_size
        # At the end it stays: what follows the cursor rolls over to the next pass.
        if self.cursor + needed <= len(self._order):
            self.cursor += self.batch_size
        return self.cursor + needed <= len(self._order)

    def getdata(self) -> list[Any]:
        """Return the present batch's inputs."""
        return self._batch(self.data)

    def getlabel(self) -> list[Any]:
        """Return the present batch's labels."""
        return self._batch(self.label)

    def _batch(self, arrays: list[tuple[str, np.ndarray]]) -> list[Any]:
        places = np.arange(self.cursor, self.cursor + self.batch_size) % len(self._order)
        rows = self._order[places]
        return [wrap(each[rows], array_type()) for _, each in arrays]

    def getpad(self) -> int:
        """Return how many samples at the end of the present batch only fill it up."""
        return max(0, self.cursor + self.batch_size - len(self._order))


def _batch_size(value: Any) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if size < 1:
        message = f"expected an integer of 1 or more as batch_size, found {value!r}; correct it"
        raise ArgumentError(message)
    return size


def _named(arrays: Any, name: str) -> list[tuple[str, np.ndarray]]:
    """Return arrays with their names, as plain NumPy arrays."""
    if isinstance(arrays, dict):
        named = list(arrays.items())
    elif isinstance(arrays, list | tuple) and any(np.ndim(each) for each in arrays):
        several = len(arrays) > 1
        named = [(f"_{i}_{name}" if several else name, each) for i, each in enumerate(arrays)]
    else:
        named = [(name, arrays)]
    return [(each, _to_array(value, each)) for each, value in named]


def _to_array(value: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:  # lists of unequal lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        message = (
            "Input must be NDArray, numpy.ndarray, h5py.Dataset a list of them or dict with them as "
            f"values: found {type(value).__name__} as '{name}'; pass arrays of numbers"
        )
        raise GlueballTypeError(message)
    if array.ndim == 0:
        message = (
            f"expected an array with an axis of samples as '{name}', found {value!r}; pass rows"
        )
        raise GlueballTypeError(message)
    return array if isinstance(value, nd.NDArray) else array.astype(np.float32)


def _count(arrays: Sequence[tuple[str, np.ndarray]]) -> int:
    counts = {name: len(each) for name, each in arrays}
    found = set(counts.values())
    if len(found) > 1:
        message = (
            f"expected as many samples in each array, found {counts}; pass a label for each input"
        )
        raise ShapeError(message)
    if not found or found == {0}:
        message = "expected at least one sample, found none; pass arrays with rows"
        raise ArgumentError(message)
    return found.pop()


__getattr__, __dir__ = surface(__name__)
