"""The layers that programs look for here; they are those of `gluon.nn`."""

from glueball.gluon.nn.containers import Concurrent, HybridConcurrent, Identity

__all__ = ["Concurrent", "HybridConcurrent", "Identity"]
