"""What Gluon kept apart as not settled: `nn`, and the `estimator`, a training loop with handlers."""

from glueball.gluon.contrib import estimator, nn

__all__ = ["estimator", "nn"]
