"""Both estimators, once scikit-learn is known to be there."""

from __future__ import annotations

from glueball.sklearn import _packages  # noqa: F401 - says what to install
from glueball.sklearn._classifier import MLPClassifier
from glueball.sklearn._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
