"""Steps in proportion to the size of each parameter, for large batches: LARS and LAMB."""

from __future__ import annotations

import math
from typing import Any

from glueball.base import ArgumentError
from glueball.optimizer.native import Hyperparameter, NativeOptimizer
from glueball.optimizer.optimizer import register

__all__ = ["LAMB", "LARS"]


@register
class LARS(NativeOptimizer):
    """SGD whose learning rate is scaled, for each weight, by its norm over its gradient's.

    With g = clip(rescale_grad * grad) and s = lr * eta * norm(w) / (norm(g) + wd * norm(w) + eps), or lr
    where a norm is 0: without momentum w -= s * (g + wd * w); else m = momentum * m - s * (g + wd * w)
    and w += m. Parameters whose names end in ``bias``, ``gamma`` or ``beta`` have s = lr.

    Parameters
    ----------
    momentum : float, default 0.0
        How much of the last step each step keeps.
    lazy_update : bool, default True
        For sparse gradients, which there are none of here.
    eta : float, default 0.001
        Size of a step relative to the weight's.
    eps : float, default 0.0
        Keeps the divisor from 0.
    momentum_correction : bool, default True
        Scale the momentum with the learning rate when that changes.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum`, `eta` or `eps` is negative or not finite.

    References
    ----------
    Y. You, I. Gitman and B. Ginsburg, "Large batch training of convolutional networks",
    arXiv:1708.03888 (2017), algorithm 1; the correction: P. Goyal and others, "Accurate, large minibatch
    SGD", arXiv:1706.02677 (2017), section 3.
    """

    rule = "lars"
    momentum = Hyperparameter()
    eta = Hyperparameter()
    eps = Hyperparameter()
    momentum_correction = Hyperparameter(bool)

    def __init__(
        self,
        momentum: float = 0.0,
        lazy_update: bool = True,
        eta: float = 0.001,
        eps: float = 0.0,
        momentum_correction: bool = True,
        **settings: Any,
    ) -> None:
        hyperparameters = {
            "momentum": momentum,
            "eta": eta,
            "eps": eps,
            "momentum_correction": bool(momentum_correction),
        }
        super().__init__(hyperparameters, settings)


@register
class LAMB(NativeOptimizer):
    """Adam whose steps are scaled, for each weight, to the weight's norm.

    With g = clip(rescale_grad * grad), and M and V as in `AdamW`: u = M / (sqrt(V) + epsilon) + wd * w and
    w -= lr * r * u, where r is norm(w), limited to the bounds, over norm(u), or 1 where either is 0.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the last means each mean keeps.
    epsilon : float, default 1e-6
        Keeps the divisor from 0.
    lower_bound, upper_bound : float, optional
        Limits of norm(w).
    bias_correction : bool, default True
        Whether to divide the means by (1 - beta**t).
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `beta1` or `beta2` is not in [0, 1), another is negative or not finite, or the bounds are crossed.

    References
    ----------
    Y. You and others, "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR
    2020, algorithm 2.
    """

    rule = "lamb"
    beta1 = Hyperparameter()
    beta2 = Hyperparameter()
    epsilon = Hyperparameter()
    bias_correction = Hyperparameter(bool)
    lower_bound = Hyperparameter()
    upper_bound = Hyperparameter()
    default_learning_rate = 0.001

    def __init__(
        self,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-6,
        lower_bound: float | None = None,
        upper_bound: float | None = None,
        bias_correction: bool = True,
        **settings: Any,
    ) -> None:
        settings["learning_rate"] = learning_rate
        hyperparameters = {
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "bias_correction": bool(bias_correction),
            "lower_bound": lower_bound,
            "upper_bound": upper_bound,
        }
        super().__init__(hyperparameters, settings)
        if self.lower_bound > self.upper_bound and not math.isinf(self.upper_bound):
            message = (
                f"expected a lower_bound that is not above upper_bound, found {lower_bound} and "
                f"{upper_bound}; swap them"
            )
            raise ArgumentError(message)
