"""Steps that draw from a posterior distribution: stochastic gradient Langevin dynamics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball.optimizer.optimizer import Optimizer, register

if TYPE_CHECKING:
    from glueball.nd import NDArray

__all__ = ["SGLD"]


@register
class SGLD(Optimizer):
    """Gradient descent with noise, whose weights are, in time, draws from the posterior.

    With g = clip(rescale_grad * grad): w -= lr / 2 * (g + wd * w), and a draw from N(0, lr) is added. The noise
    obeys `mx.random.seed`.

    Parameters
    ----------
    **settings
        As `Optimizer` takes them.

    References
    ----------
    M. Welling and Y. W. Teh, "Bayesian learning via stochastic gradient Langevin dynamics", ICML 2011.
    """

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        """Update one array in place."""
        self._update_count(index)
        rate = self._get_lr(index)
        w, g = np.asarray(weight), np.asarray(grad) * self.rescale_grad
        if self.clip_gradient:
            g = np.clip(g, -self.clip_gradient, self.clip_gradient)
        noise = np.empty_like(w)
        _core.default_generator().normal(noise, 0.0, math.sqrt(max(rate, 0.0)))
        w -= rate / 2 * (g + self._get_wd(index) * w)
        w += noise
