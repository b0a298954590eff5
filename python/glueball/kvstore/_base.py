"""What every key-value store has, and the stores by name."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from glueball.base import GlueballTypeError, UnsupportedError

__all__ = ["KVStoreBase"]


class KVStoreBase:
    """Base of key-value stores: derive from it, and register the class, for a transport of your own.

    A store that `gluon.Trainer` trains with defines `broadcast`, `pushpull`, `rank`, `num_workers` and `type`.

    Examples
    --------
    >>> from glueball import kvstore
    >>> @kvstore.KVStoreBase.register
    ... class Alone(kvstore.KVStoreBase):
    ...     rank, num_workers, type = 0, 1, "alone"
    >>> kvstore.create("alone").num_workers
    1
    """

    OPTIMIZER = "optimizer"  # the capability to run an optimizer inside the store
    kv_registry: ClassVar[dict[str, type]] = {}

    @staticmethod
    def register(klass: Any) -> Any:
        """Make a class known to `create`, under its name in small letters.

        Parameters
        ----------
        klass : type
            A subclass of KVStoreBase whose constructor takes no arguments.

        Returns
        -------
        type
            The class, so that this serves as a decorator.

        Raises
        ------
        TypeError
            If it is not such a class.
        """
        if not isinstance(klass, type) or not issubclass(klass, KVStoreBase):
            message = f"expected a subclass of KVStoreBase, found {klass!r}; derive the class from KVStoreBase"
            raise GlueballTypeError(message)
        KVStoreBase.kv_registry[klass.__name__.lower()] = klass
        return klass

    @staticmethod
    def is_capable(capability: str) -> bool:
        """Return whether the store can do something: no, unless a subclass says so.

        Parameters
        ----------
        capability : str
            ``'optimizer'``: run an optimizer on the values that it holds.
        """
        del capability
        return False

    def broadcast(self, key: Any, value: Any, out: Any, priority: int = 0) -> None:
        """Give rank 0's value to every rank. Subclasses define it."""
        del key, value, out, priority
        self._lacks("broadcast")

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """Sum a value over the ranks. Subclasses define it."""
        del key, value, out, priority
        self._lacks("pushpull")

    def set_optimizer(self, optimizer: Any) -> None:
        """Run an optimizer on the values held. Subclasses that can define it."""
        del optimizer
        self._lacks("set_optimizer")

    def save_optimizer_states(self, fname: Any, dump_optimizer: bool = False) -> None:
        """Write what the optimizer keeps. Subclasses that can define it."""
        del fname, dump_optimizer
        self._lacks("save_optimizer_states")

    def load_optimizer_states(self, fname: Any) -> None:
        """Read what `save_optimizer_states` wrote. Subclasses that can define it."""
        del fname
        self._lacks("load_optimizer_states")

    def _lacks(self, method: str) -> NoReturn:
        message = (
            f"expected a store that defines {method}, found {type(self).__name__}, which does not; "
            "define it, or use 'local' or 'dist_sync'"
        )
        raise UnsupportedError(message)
