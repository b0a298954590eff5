"""What Gluon kept apart as not settled: `nn`, and the `estimator`, a training loop with handlers."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon.contrib import estimator, nn

__all__ = ["estimator", "nn"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
