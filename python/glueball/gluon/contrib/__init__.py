"""What Gluon kept apart as not settled: the `estimator`, a training loop with handlers."""

from glueball.gluon.contrib import estimator

__all__ = ["estimator"]
