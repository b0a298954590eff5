"""Where the ranks of one training sum their gradients: Gluon's key-value stores, on MPI.

``mpiexec -n 4 python ...`` starts four ranks; ``gluon.Trainer(..., kvstore="dist_sync")`` makes them one training.
``docs/many-machines.md`` is the guide.
"""

from __future__ import annotations

from glueball._scope import surface
from glueball.kvstore._base import KVStoreBase
from glueball.kvstore._creation import create
from glueball.kvstore._store import KVStore

__all__ = ["KVStore", "KVStoreBase", "create"]

__getattr__, __dir__ = surface(__name__)
