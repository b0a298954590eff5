"""What Gluon kept apart as not settled: `nn`, `data`, and the `estimator`, a training loop with handlers."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon.contrib import data, estimator, nn

__all__ = ["data", "estimator", "nn"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
