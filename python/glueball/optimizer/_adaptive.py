"""Steps scaled by each element's own history of gradients: AdaGrad, AdaDelta, RMSProp, Ftrl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball.base import ArgumentError
from glueball.optimizer._native import Hyperparameter, NativeOptimizer
from glueball.optimizer.optimizer import Optimizer, finite, register

if TYPE_CHECKING:
    from glueball.nd import NDArray

__all__ = ["AdaDelta", "AdaGrad", "Ftrl", "GroupAdaGrad", "RMSProp"]


@register
class AdaGrad(NativeOptimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    With g = clip(rescale_grad * grad): h += g * g and w -= lr * (g / sqrt(h + eps) + wd * w).

    Parameters
    ----------
    eps : float, default 1e-7
        Keeps the divisor from 0.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `eps` is negative or not finite.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12 (2011).
    """

    rule = "adagrad"
    eps = Hyperparameter()

    def __init__(self, eps: float = 1e-7, **settings: Any) -> None:
        super().__init__(settings, eps=eps)


@register
class AdaDelta(NativeOptimizer):
    """Steps as large as the steps before, relative to gradients: without a learning rate.

    With g = clip(rescale_grad * grad): a = rho * a + (1 - rho) * g * g,
    d = sqrt(D + epsilon) / sqrt(a + epsilon) * g, D = rho * D + (1 - rho) * d * d and
    w -= d + wd * w.

    Parameters
    ----------
    rho : float, default 0.9
        How much of the last means each mean keeps.
    epsilon : float, default 1e-5
        What the first steps grow from.
    **settings
        As `Optimizer` takes them. The learning rate and its multipliers are not used.

    Raises
    ------
    ValueError
        If `rho` is not in [0, 1), or `epsilon` is negative or not finite.

    References
    ----------
    M. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701 (2012).
    """

    rule = "adadelta"
    rho = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(self, rho: float = 0.9, epsilon: float = 1e-5, **settings: Any) -> None:
        super().__init__(settings, rho=rho, epsilon=epsilon)


@register
class RMSProp(NativeOptimizer):
    """Steps divided by the root of a decaying mean of squared gradients.

    With g = clip(rescale_grad * grad + wd * w) and n = gamma1 * n + (1 - gamma1) * g * g:
    w -= lr * g / sqrt(n + epsilon). Centered: G = gamma1 * G + (1 - gamma1) * g,
    d = gamma2 * d - lr * g / sqrt(n - G * G + epsilon) and w += d.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size.
    gamma1 : float, default 0.9
        How much of the last means each mean keeps.
    gamma2 : float, default 0.9
        Momentum, of the centered rule only.
    epsilon : float, default 1e-8
        Keeps the divisor from 0.
    centered : bool, default False
        Divide by the variance of the gradients instead of their squares, and use momentum.
    clip_weights : float, optional
        Cut weights to [-clip_weights, clip_weights] at the end; None or 0: not.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `gamma1` or `gamma2` is not in [0, 1), or another is negative or not finite.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5", COURSERA (2012); centered: A. Graves, "Generating sequences
    with recurrent neural networks", arXiv:1308.0850 (2013), eq. 38 to 45.
    """

    rule = "rmsprop"
    gamma1 = Hyperparameter()
    gamma2 = Hyperparameter()
    epsilon = Hyperparameter()
    centered = Hyperparameter(bool)
    clip_weights = Hyperparameter()
    default_learning_rate = 0.001

    def __init__(
        self,
        learning_rate: float | None = None,
        gamma1: float = 0.9,
        gamma2: float = 0.9,
        epsilon: float = 1e-8,
        centered: bool = False,
        clip_weights: float | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            {"learning_rate": learning_rate, **settings},
            gamma1=gamma1,
            gamma2=gamma2,
            epsilon=epsilon,
            centered=bool(centered),
            clip_weights=clip_weights,
        )


@register
class Ftrl(NativeOptimizer):
    """Follows the regularised leader: weights that do not pay for themselves are exactly 0.

    With g = clip(rescale_grad * grad): z += g - (sqrt(n + g * g) - sqrt(n)) * w / lr, n += g * g, and
    w = 0 if abs(z) <= lamda1, else (sign(z) * lamda1 - z) / ((beta + sqrt(n)) / lr + wd).

    Parameters
    ----------
    lamda1 : float, default 0.01
        Price of a weight that is not 0.
    learning_rate : float, default 0.1
        Step size; 0 leaves weights as they are.
    beta : float, default 1.0
        Makes the first steps smaller.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `lamda1` or `beta` is negative or not finite.

    References
    ----------
    H. B. McMahan and others, "Ad click prediction: a view from the trenches", KDD 2013, algorithm 1.
    """

    rule = "ftrl"
    lamda1 = Hyperparameter()
    beta = Hyperparameter()
    default_learning_rate = 0.1

    def __init__(
        self,
        lamda1: float = 0.01,
        learning_rate: float | None = None,
        beta: float = 1.0,
        **settings: Any,
    ) -> None:
        super().__init__({"learning_rate": learning_rate, **settings}, lamda1=lamda1, beta=beta)


@register
class GroupAdaGrad(Optimizer):
    """AdaGrad with one history for each row of a weight.

    With g = clip(rescale_grad * grad): h += mean of g * g over the row, and
    w -= lr * g / sqrt(h + eps).

    Parameters
    ----------
    eps : float, default 1e-5
        Keeps the divisor from 0.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `eps` is negative or not finite, or there is a weight decay.
    """

    def __init__(self, eps: float = 1e-5, **settings: Any) -> None:
        super().__init__(**settings)
        self.eps = finite("eps", eps)
        if self.eps < 0:
            message = f"expected an eps of 0 or more, found {eps}; the default is 1e-5"
            raise ArgumentError(message)
        if self.wd != 0:
            message = f"expected wd of 0 for GroupAdaGrad, found {self.wd}; leave it out"
            raise ArgumentError(message)

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        """Return one zero for each row."""
        rows = weight.shape[:1] + (1,) * (weight.ndim - 1)
        return nd.zeros(rows, dtype=weight.dtype)

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        """Update one array in place."""
        self._update_count(index)
        w, g, history = np.asarray(weight), np.asarray(grad) * self.rescale_grad, np.asarray(state)
        if self.clip_gradient:
            g = np.clip(g, -self.clip_gradient, self.clip_gradient)
        history += (g * g).reshape(len(g), -1).mean(axis=1).reshape(history.shape)
        w -= self._get_lr(index) * g / np.sqrt(history + self.eps)
