"""The layers that programs look for here; they are those of `gluon.nn`."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon.nn.containers import Concurrent, HybridConcurrent, Identity

__all__ = ["Concurrent", "HybridConcurrent", "Identity"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
