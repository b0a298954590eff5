"""Steps in proportion to the size of each parameter, for large batches: LARS, LAMB and LBSGD."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball.base import ArgumentError
from glueball.optimizer._native import Hyperparameter, NativeOptimizer
from glueball.optimizer.optimizer import Optimizer, finite, register

if TYPE_CHECKING:
    from glueball.nd import NDArray

__all__ = ["LAMB", "LARS", "LBSGD"]


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
        For sparse gradients, of which there are none here.
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
        super().__init__(
            settings,
            momentum=momentum,
            eta=eta,
            eps=eps,
            momentum_correction=bool(momentum_correction),
        )


@register
class LAMB(NativeOptimizer):
    """Adam whose steps are scaled, for each weight, to the weight's norm.

    With g = clip(rescale_grad * grad), and M and V as in `AdamW`: u = M / (sqrt(V) + epsilon) + wd * w and
    w -= lr * r * u, where r is norm(w), limited to the bounds, over norm(u), or 1 where either is 0.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon
        As for `Adam`; `epsilon` is 1e-6 by default.
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
        super().__init__(
            {"learning_rate": learning_rate, **settings},
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            bias_correction=bool(bias_correction),
            lower_bound=lower_bound,
            upper_bound=upper_bound,
        )
        if self.lower_bound > self.upper_bound and not math.isinf(self.upper_bound):
            message = (
                f"expected a lower_bound that is not above upper_bound, found {lower_bound} and "
                f"{upper_bound}; swap them"
            )
            raise ArgumentError(message)


@register
class LBSGD(Optimizer):
    """`SGD` that sums up the gradients of several batches, and warms up or adapts the learning rate.

    Every `batch_scale` updates of a parameter, g is the mean of the gradients since its last step, and the
    weight makes the step of `SGD` with lr times a factor: from 1 to `batch_scale` while it warms up, or that of
    LARS, sqrt(|w|^2 / (|g|^2 + wd * |w|^2)), kept from 0.01 to 100.

    Parameters
    ----------
    momentum : float, default 0.0
        How much of the last step each step keeps.
    multi_precision : bool
        Not needed: there is no float16.
    warmup_strategy : {'linear', 'power2', 'sqrt', 'lars'}, default 'linear'
        How the factor grows; 'lars': the factor of LARS instead.
    warmup_epochs : int, default 5
        For how many epochs it grows.
    batch_scale : int, default 1
        How many batches make a step.
    updates_per_epoch : int, default 32
        Updates in an epoch.
    begin_epoch : int, default 0
        How many epochs came before.
    num_epochs : int, default 60
        Accepted for Gluon's sake.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum` is negative or not finite, `batch_scale` less than 1, or the strategy unknown.

    References
    ----------
    Y. You, I. Gitman and B. Ginsburg, "Large batch training of convolutional networks", arXiv:1708.03888, 2017.
    """

    def __init__(
        self,
        momentum: float = 0.0,
        multi_precision: bool = False,
        warmup_strategy: str = "linear",
        warmup_epochs: int = 5,
        batch_scale: int = 1,
        updates_per_epoch: int = 32,
        begin_epoch: int = 0,
        num_epochs: int = 60,
        **settings: Any,
    ) -> None:
        super().__init__(multi_precision=multi_precision, **settings)
        self.momentum = finite("momentum", momentum)
        self.batch_scale = int(batch_scale)
        if self.momentum < 0 or self.batch_scale < 1:
            message = (
                f"expected a momentum of 0 or more and a batch_scale of 1 or more, found {momentum} and "
                f"{batch_scale}; correct them"
            )
            raise ArgumentError(message)
        if warmup_strategy not in ("linear", "power2", "sqrt", "lars"):
            message = (
                "expected warmup_strategy 'linear', 'power2', 'sqrt' or 'lars', found "
                f"{warmup_strategy!r}; choose one of them"
            )
            raise ArgumentError(message)
        self.warmup_strategy = warmup_strategy
        self.warmup_updates = int(warmup_epochs) * int(updates_per_epoch)
        self.init_updates = int(begin_epoch) * int(updates_per_epoch)
        self.num_epochs = num_epochs

    def create_state(self, index: int, weight: NDArray) -> list[Any]:
        """Return momentum, sum of gradients, and how many updates there were."""
        return [
            nd.zeros(weight.shape, dtype=weight.dtype),
            nd.zeros(weight.shape, dtype=weight.dtype),
            self.init_updates,
        ]

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        """Add the gradient up, and at every `batch_scale`-th one update the weight in place."""
        self._update_count(index)
        w, momentum, total = np.asarray(weight), np.asarray(state[0]), np.asarray(state[1])
        total += np.asarray(grad)
        state[2] += 1
        if state[2] % self.batch_scale:
            return
        g = total / self.batch_scale
        total[...] = 0
        wd = self._get_wd(index)
        rate = self._get_lr(index) * self._factor(w, g, wd, state[2])
        g = g * self.rescale_grad
        if self.clip_gradient:
            g = np.clip(g, -self.clip_gradient, self.clip_gradient)
        momentum *= self.momentum
        momentum -= rate * (g + wd * w)
        w += momentum

    def _factor(self, w: Any, g: Any, wd: float, updates: int) -> float:
        if self.warmup_strategy == "lars":
            square = float(np.square(w).sum())
            ratio = square / (float(np.square(g).sum()) + wd * square + 1e-18)
            return min(max(math.sqrt(ratio), 0.01), 100.0)
        if updates >= self.warmup_updates:
            return float(self.batch_scale)
        if self.warmup_updates <= 1:
            return 1.0
        power = {"linear": 1.0, "power2": 2.0, "sqrt": 0.5}[self.warmup_strategy]
        grown: float = (updates / self.warmup_updates) ** power
        return 1.0 + (self.batch_scale - 1) * grown
