"""Making a store by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball._scope import later
from glueball.base import ArgumentError, OutsideScopeError
from glueball.kvstore._base import KVStoreBase
from glueball.kvstore._store import LOCAL_TYPES, KVStore

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["create", "is_distributed"]

MPI_TYPES = ("dist_sync", "dist_device_sync", "dist", "horovod")
# What MXNet has besides, and what does the same here.
INSTEAD = {
    "dist_async": "'dist_sync': ranks step together here, so that training can be repeated",
    "dist_sync_device": "'dist_device_sync'",
    "nccl": "'device' in one process, 'dist_sync' in several: there are no GPUs here",
    "byteps": "'dist_sync', which is on MPI",
    "p3": "'dist_sync', which is on MPI",
    "p3store_dist": "'dist_sync', which is on MPI",
}

_make_mpi_store: Callable[..., KVStore] = later("kvstore._mpi:make_store")


def is_distributed(name: Any) -> bool:
    """Return whether a store of this name reaches other processes, here or in MXNet."""
    return isinstance(name, str) and (
        name.lower() in MPI_TYPES or name.lower().startswith(("dist", "p3", "byteps"))
    )


def create(name: Any = "local", *, timeout: float | None = None, reproducible: bool = False) -> Any:
    """Make a key-value store.

    Parameters
    ----------
    name : str, default 'local'
        ``'local'`` or ``'device'``: within this process. ``'dist_sync'``, ``'dist_device_sync'`` or
        ``'horovod'``: over the ranks that ``mpiexec`` started (``pip install glueball[mpi] mpich``); without
        mpiexec, one rank. Or the name of a class that `KVStoreBase.register` got. Capitals do not matter.
    timeout : float, optional
        Seconds that a rank waits for the others before it raises a RanksError; 120 unless the environment
        variable ``GLUEBALL_MPI_TIMEOUT`` says otherwise. For stores of several ranks only.
    reproducible : bool, default False
        Add gradients in a fixed order, not in the one that MPI finds fastest. For stores of several ranks only.

    Returns
    -------
    KVStoreBase
        The store.

    Raises
    ------
    ValueError
        If the name is unknown, or a setting is one that the store does not have.
    OutsideScopeError
        If the name is one of MXNet's that glueball leaves out; the message says what to use.
    PackageError
        If mpi4py or MPI is missing.

    Examples
    --------
    >>> from glueball import kvstore, nd
    >>> store = kvstore.create("local")
    >>> store.init("w", nd.ones(2))
    >>> store.push("w", [nd.ones(2), nd.ones(2)])
    >>> out = nd.zeros(2)
    >>> store.pull("w", out=out)
    >>> out
    <BLANKLINE>
    [2. 2.]
    <NDArray 2 @cpu(0)>
    """
    kind = name.lower() if isinstance(name, str) else name
    if kind in MPI_TYPES:
        return _make_mpi_store(kind, timeout, reproducible)
    if timeout is not None or reproducible:
        message = (
            f"expected timeout and reproducible with a store of several ranks, found {name!r}; use "
            "'dist_sync', or leave them out"
        )
        raise ArgumentError(message)
    if kind in LOCAL_TYPES:
        return KVStore(kind)
    if isinstance(kind, str) and kind in KVStoreBase.kv_registry:
        return KVStoreBase.kv_registry[kind]()
    if isinstance(kind, str) and kind in INSTEAD:
        message = f"expected a kvstore that glueball has, found {name!r}; use {INSTEAD[kind]}"
        raise OutsideScopeError(message)
    known = [*LOCAL_TYPES, *MPI_TYPES, *KVStoreBase.kv_registry]
    message = (
        f"expected a kvstore, {', '.join(map(repr, known))}, found {name!r}; choose one of these"
    )
    raise ArgumentError(message)
