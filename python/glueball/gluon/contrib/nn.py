"""The layers that programs look for here; they are those of `gluon.nn`."""

from __future__ import annotations

from glueball._scope import surface
from glueball.gluon.nn import Concurrent, HybridConcurrent, Identity

__all__ = ["Concurrent", "HybridConcurrent", "Identity"]


__getattr__, __dir__ = surface(__name__)
