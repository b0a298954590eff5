"""What a Trainer does with a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from glueball.base import ArgumentError, GlueballTypeError, UnsupportedError
from glueball.kvstore._base import KVStoreBase
from glueball.kvstore._creation import create
from glueball.kvstore._store import KVStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.parameter import Parameter

__all__ = ["connect"]


class SumsGradients(Protocol):
    """What puts the sum over ranks into every gradient."""

    def sum(self) -> None:
        """Do it."""


def connect(
    given: Any,
    update_on_kvstore: bool | None,
    compression_params: Any,
    parameters: Sequence[Parameter],
    settings: str,
) -> tuple[KVStoreBase, bool, SumsGradients | None]:
    """Return a Trainer's store, whether it updates inside the store, and what sums its gradients.

    Parameters
    ----------
    given : str or KVStoreBase
        The store, or its name.
    update_on_kvstore : bool or None
        Whether `step` is the only way to update, as with MXNet's servers.
    compression_params : dict or None
        MXNet's settings of compressed gradients, which are refused.
    parameters : sequence of Parameter
        What is trained.
    settings : str
        What has to be the same on every rank besides.
    """
    if not isinstance(given, str | KVStoreBase):
        message = (
            f"expected the name of a kvstore, a KVStoreBase or None, found {given!r}; pass 'dist_sync', or "
            "what kvstore.create returned"
        )
        raise GlueballTypeError(message)
    store = create(given) if isinstance(given, str) else given
    if compression_params:
        message = f"expected gradients as they are, found compression_params={compression_params!r}; leave it out"
        raise UnsupportedError(message)
    if update_on_kvstore and not store.is_capable(KVStoreBase.OPTIMIZER):
        name = getattr(store, "type", type(store).__name__)
        message = (
            f"Cannot set update_on_kvstore=True with a kvstore that runs no optimizer: expected False or "
            f"None with {name!r}, found True; leave it out"
        )
        raise ArgumentError(message)
    make = getattr(store, "gradient_sum", None)
    if make is not None:
        sums = make(parameters, settings)
    elif type(store) is KVStore:
        sums = None  # one process, and one array for each gradient: nothing to sum
    else:
        sums = _ThroughStore(store, parameters)
    return store, bool(update_on_kvstore), sums


class _ThroughStore:
    """Sums through the public methods of a store that a user has registered."""

    def __init__(self, store: KVStoreBase, parameters: Sequence[Parameter]) -> None:
        self._store = store
        self._parameters = list(dict.fromkeys(parameters))
        self._shared = False

    def sum(self) -> None:
        if not self._shared:  # as Gluon does: all start from rank 0's values
            for place, each in enumerate(self._parameters):
                self._store.broadcast(place, each.data(), out=each.list_data())
            self._shared = True
        for place, each in enumerate(self._parameters):
            if each.grad_req != "null":
                self._store.pushpull(place, each.list_grad(), out=each.list_grad(), priority=-place)
