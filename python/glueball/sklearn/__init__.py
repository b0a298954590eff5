"""scikit-learn's neural networks on glueball's core: the same parameters, a fraction of the time.

Needs scikit-learn: ``pip install 'glueball[sklearn]'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface

if TYPE_CHECKING:
    from glueball.sklearn._estimators import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]

__getattr__, __dir__ = surface(__name__, names={"_estimators": "MLPClassifier MLPRegressor"})
