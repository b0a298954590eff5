"""The store of one process, and what the one of several shares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._scope import import_late
from glueball.base import ArgumentError, UnsupportedError
from glueball.kvstore._base import KVStoreBase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LOCAL_TYPES", "KVStore"]

LOCAL_TYPES = (
    "local",
    "device",
    "local_allreduce_cpu",
    "local_allreduce_device",
    "local_update_cpu",
)


class KVStore(KVStoreBase):
    """Arrays by key: pushed ones are summed, and pulled ones are copies. `create` makes it.

    Keys are integers or strings, or lists of them with a value for each. A value is an NDArray, or a list of
    NDArrays of one shape, which are summed.
    """

    def __init__(self, kind: str = "local") -> None:
        self._type = kind
        self._values: dict[Any, Any] = {}
        self._updater: Callable[[Any, Any, Any], None] | None = None

    @property
    def type(self) -> str:
        """The name that the store was made by."""
        return self._type

    @property
    def rank(self) -> int:
        """Which of the ranks this is, from 0: in one process 0."""
        return 0

    @property
    def num_workers(self) -> int:
        """How many ranks there are: in one process 1."""
        return 1

    @staticmethod
    def is_capable(capability: str) -> bool:
        """Return whether the store can do something.

        Parameters
        ----------
        capability : str
            ``'optimizer'``: run an optimizer on the values it holds. Yes.

        Raises
        ------
        ValueError
            For another word.
        """
        if capability.lower() == KVStoreBase.OPTIMIZER:
            return True
        message = f"expected the capability 'optimizer', found {capability!r}; MXNet has this one"
        raise ArgumentError(message)

    def init(self, key: Any, value: Any) -> None:
        """Give keys their first values, once, before they are pushed or pulled.

        Of several ranks, rank 0's value counts.

        Parameters
        ----------
        key : int, str or list
            What the value is called.
        value : NDArray or list of NDArray
            Its first value; copied.

        Raises
        ------
        ValueError
            If the key has a value already.
        """
        for each, first in _pairs(key, value):
            if each in self._values:
                message = (
                    f"expected a key without a value, found {each!r}, which has one (duplicate init of "
                    "key); push to it"
                )
                raise ArgumentError(message)
            array = _arrays(first)[0].copy()
            self._share_first(array)
            self._values[each] = array

    def push(self, key: Any, value: Any, priority: int = 0) -> None:
        """Sum values into the store: those of a list, and those of all ranks.

        Without an optimizer the sum takes the place of what was there. With one, it is the gradient.

        Parameters
        ----------
        key : int, str or list
            A key that `init` gave a value.
        value : NDArray or list of NDArray
            What is summed.
        priority : int, default 0
            Has no effect: a push is done when this returns.

        Raises
        ------
        ValueError
            If the key was not initialized, or the shape is another.
        """
        del priority
        for each, pushed in _pairs(key, value):
            self._take(each, self._sum(each, pushed))

    def pull(
        self, key: Any, out: Any = None, priority: int = 0, ignore_sparse: bool = True
    ) -> None:
        """Copy the store's values into arrays.

        Parameters
        ----------
        key : int, str or list
            A key that `init` gave a value.
        out : NDArray or list of NDArray
            Where each of them gets the value.
        priority, ignore_sparse
            Have no effect: a pull is done when this returns, and no array is sparse.

        Raises
        ------
        ValueError
            If the key was not initialized, or `out` is missing or of another shape.
        """
        del priority, ignore_sparse
        for each, outs in _pairs(key, out):
            value = self._value(each)
            for array in _arrays(outs):
                _check_shape(each, array, value)
                array[:] = value

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """As `push`, then `pull`.

        Parameters
        ----------
        key : int, str or list
            A key that `init` gave a value.
        value : NDArray or list of NDArray
            What is summed.
        out : NDArray or list of NDArray, optional
            Where the result goes; into `value` unless given.
        priority : int, default 0
            Has no effect.

        Raises
        ------
        ValueError
            As `push` and `pull`.
        """
        self.push(key, value, priority)
        self.pull(key, value if out is None else out, priority)

    def broadcast(self, key: Any, value: Any, out: Any, priority: int = 0) -> None:
        """As `init`, then `pull`: every rank gets rank 0's value.

        Parameters
        ----------
        key : int, str or list
            What the value is called; it may not have one yet.
        value : NDArray or list of NDArray
            The value.
        out : NDArray or list of NDArray
            Where it goes.
        priority : int, default 0
            Has no effect.

        Raises
        ------
        ValueError
            If the key has a value already, or shapes differ.
        """
        self.init(key, value)
        self.pull(key, out, priority)

    def barrier(self) -> None:
        """Wait until every rank is here: in one process that is at once."""

    _barrier = barrier  # MXNet's name

    def set_optimizer(self, optimizer: Any) -> None:
        """Take what is pushed from now on as gradients of the values held, and update these.

        Parameters
        ----------
        optimizer : Optimizer
            The rule. Its `rescale_grad` divides the sum over ranks.

        Raises
        ------
        ValueError
            If it is not an Optimizer.
        """
        self._updater = import_late("glueball.optimizer").get_updater(optimizer)

    def _set_updater(self, updater: Callable[[Any, Any, Any], None]) -> None:
        """Call ``updater(key, pushed, held)`` for what is pushed from now on."""
        self._updater = updater

    def save_optimizer_states(self, fname: Any, dump_optimizer: bool = False) -> None:
        """Not here: `gluon.Trainer.save_states` writes states in a format without pickled objects.

        Parameters
        ----------
        fname : str or path
            The file.
        dump_optimizer : bool, default False
            Whether MXNet would write the optimizer as well.

        Raises
        ------
        UnsupportedError
            Always.
        """
        del fname, dump_optimizer
        self._refuse_states("save_states")

    def load_optimizer_states(self, fname: Any) -> None:
        """Not here: see `save_optimizer_states`.

        Parameters
        ----------
        fname : str or path
            The file.

        Raises
        ------
        UnsupportedError
            Always.
        """
        del fname
        self._refuse_states("load_states")

    def _refuse_states(self, method: str) -> None:
        message = (
            "expected states that a Trainer keeps, found those of a kvstore; train with "
            f"gluon.Trainer(kvstore='{self._type}'), and call its {method}"
        )
        raise UnsupportedError(message)

    def _value(self, key: Any) -> Any:
        if key not in self._values:
            message = f"expected a key that init gave a value, found {key!r}; call init first"
            raise ArgumentError(message)
        return self._values[key]

    def _sum(self, key: Any, pushed: Any) -> Any:
        """Return the sum of the pushed arrays, in an array of its own."""
        arrays = _arrays(pushed)
        held = self._value(key)
        for each in arrays:
            _check_shape(key, each, held)
        total = arrays[0].copy()
        for each in arrays[1:]:
            total += each
        return total

    def _take(self, key: Any, total: Any) -> None:
        if self._updater is None:
            self._values[key] = total
        else:
            self._updater(key, total, self._values[key])

    def _share_first(self, array: Any) -> None:
        """Give the first value of rank 0 to the others; one process has none."""


def _pairs(key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(key, list | tuple):
        yield key, value
        return
    if not isinstance(value, list | tuple) or len(value) != len(key):
        found = len(value) if isinstance(value, list | tuple) else repr(value)
        message = (
            f"expected a value for each of {len(key)} keys, found {found}; pass a list as long"
        )
        raise ArgumentError(message)
    yield from zip(key, value, strict=True)


def _arrays(value: Any) -> list[Any]:
    found = list(value) if isinstance(value, list | tuple) else [value]
    if not found or not all(isinstance(each, np.ndarray) for each in found):
        message = f"expected an NDArray, or a list of NDArrays, found {value!r}; pass nd.array(...)"
        raise ArgumentError(message)
    return found


def _check_shape(key: Any, array: Any, held: Any) -> None:
    if array.shape != held.shape:
        message = (
            f"expected an array of shape {held.shape} for key {key!r}, found {array.shape}; pass one of "
            "the shape that init got"
        )
        raise ArgumentError(message)
