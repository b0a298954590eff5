"""What Gluon kept apart as not settled: `nn`, `data`, and the `estimator`, a training loop with handlers."""

from __future__ import annotations

from glueball._scope import surface
from glueball.gluon.contrib import data, estimator, nn

__all__ = ["data", "estimator", "nn"]


__getattr__, __dir__ = surface(__name__)
