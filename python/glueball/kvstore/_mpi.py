"""The store of several ranks, on MPI."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError, GlueballTypeError, UnsupportedError
from glueball.kvstore._ranks import Ranks
from glueball.kvstore._reduction import GradientSum
from glueball.kvstore._store import KVStore

if TYPE_CHECKING:
    from glueball.kvstore._base import KVStoreBase

__all__ = ["HorovodStore", "MPIStore", "make_store"]


class MPIStore(KVStore):
    """The store of several ranks: pushed values are summed over them. `create` makes it.

    Parameters
    ----------
    kind : str
        ``'dist_sync'`` or ``'dist_device_sync'``: on CPUs they are the same.
    timeout : float or None
        Seconds to wait for other ranks.
    reproducible : bool
        Whether additions are done in a fixed order.
    """

    def __init__(self, kind: str, timeout: float | None, reproducible: bool) -> None:
        super().__init__(kind)
        self._timeout = timeout
        self._reproducible = reproducible
        self._ranks = Ranks(timeout)

    def __reduce__(self) -> tuple[Any, ...]:
        return make_store, (self._type, self._timeout, self._reproducible)

    @property
    def rank(self) -> int:
        """Which of the ranks this is, from 0."""
        return self._ranks.rank

    @property
    def num_workers(self) -> int:
        """How many ranks ``mpiexec`` started."""
        return self._ranks.size

    @property
    def timeout(self) -> float:
        """Seconds that a rank waits for the others before it raises a RanksError."""
        return self._ranks.timeout

    @property
    def reproducible(self) -> bool:
        """Whether gradients are added in a fixed order."""
        return self._reproducible

    def barrier(self) -> None:
        """Wait until every rank is here.

        Raises
        ------
        RanksError
            If one does not come in time, has ended, or has raised an error.
        """
        self._ranks.barrier()

    _barrier = barrier

    def total(self, number: float) -> float:
        """Return the sum of a number over all ranks: samples, a metric's `sum_metric` or `num_inst`.

        Parameters
        ----------
        number : float
            This rank's. The sum is rounded once, to float64.

        Raises
        ------
        TypeError
            If it is not a number.
        RanksError
            If a rank does not come in time, has ended or raised.
        """
        if not isinstance(number, int | float | np.number):
            message = f"expected a number to sum over ranks, found {number!r}; pass a float"
            raise GlueballTypeError(message)
        return math.fsum(self._ranks.gather(np.array([number], np.float64))[:, 0])

    def broadcast_parameters(self, params: Any, root: int = 0) -> None:
        """Give one rank's parameters to all: after different seeds, or loading on one rank only.

        Parameters
        ----------
        params : ParameterDict, dict or list of Parameter
            What is given, in one order on all ranks.
        root : int, default 0
            The rank whose values count.

        Raises
        ------
        DeferredInitializationError
            If a parameter has no values yet.
        RanksError
            If a rank does not come in time.
        ValueError
            If there is no such rank.
        """
        if not 0 <= root < self.num_workers:
            message = f"expected a rank from 0 to {self.num_workers - 1} as root, found {root!r}"
            raise ArgumentError(message + "; correct it")
        for each in params.values() if hasattr(params, "values") else params:
            values = np.array(each.data(), copy=True)
            self._ranks.broadcast(values, root)
            if self.rank != root:
                each.set_data(values)

    def gradient_sum(self, params: Any, settings: str) -> GradientSum:
        """Return what sums the gradients of parameters over the ranks; see `gluon.Trainer`.

        Parameters
        ----------
        params : list of Parameter
            Whose gradients.
        settings : str
            What else has to be the same on every rank.
        """
        return GradientSum(params, settings, Ranks(self._timeout), self._reproducible)

    def _sum(self, key: Any, pushed: Any) -> Any:
        total = super()._sum(key, pushed)
        values = np.ascontiguousarray(total)
        if self._reproducible:
            total[:] = GradientSum.add_in_order(self._ranks.gather(values))
        else:
            self._ranks.sum(values)
            total[:] = values
        return total

    def _share_first(self, array: Any) -> None:
        values = np.array(array, copy=True)
        self._ranks.broadcast(values)
        array[:] = values


class HorovodStore(MPIStore):
    """The store that Horovod's users name: it sums, and runs no optimizer."""

    @staticmethod
    def is_capable(capability: str) -> bool:
        """Return whether the store can do something.

        Parameters
        ----------
        capability : str
            ``'optimizer'``: run an optimizer on the values it holds. No.
        """
        KVStore.is_capable(capability)
        return False

    def set_optimizer(self, optimizer: Any) -> None:
        """Not here: a Trainer's optimizer runs on every rank.

        Parameters
        ----------
        optimizer : Optimizer
            The rule.

        Raises
        ------
        UnsupportedError
            Always.
        """
        del optimizer
        message = (
            "expected a store that runs optimizers, found 'horovod'; give the optimizer to the Trainer, or "
            "use 'dist_sync'"
        )
        raise UnsupportedError(message)


def make_store(kind: str, timeout: float | None, reproducible: bool) -> KVStoreBase:
    """Return a store over the ranks that run this program."""
    if kind == "horovod":
        return HorovodStore(kind, timeout, reproducible)
    return MPIStore("dist_sync" if kind == "dist" else kind, timeout, reproducible)
