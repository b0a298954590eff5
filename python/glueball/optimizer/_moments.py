"""Steps by decaying means of gradients and of their squares: Adam and its kin."""

from __future__ import annotations

from typing import Any

from glueball.optimizer._native import Hyperparameter, NativeOptimizer
from glueball.optimizer.optimizer import register

__all__ = ["FTML", "Adam", "AdamW", "Adamax", "Nadam"]


class _Moments(NativeOptimizer):
    """What all of them have: two rates of decay."""

    beta1 = Hyperparameter()
    beta2 = Hyperparameter()
    default_learning_rate = 0.001


@register
class Adam(_Moments):
    """Steps by the mean of gradients over the root of the mean of their squares.

    With g = clip(rescale_grad * grad + wd * w) and t the number of the update:
    m = beta1 * m + (1 - beta1) * g, v = beta2 * v + (1 - beta2) * g * g and
    w -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon).

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the last means each mean keeps.
    epsilon : float, default 1e-8
        Keeps the divisor from 0.
    lazy_update : bool, default True
        For sparse gradients, of which there are none here.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `beta1` or `beta2` is not in [0, 1), or `epsilon` is negative or not finite.

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, the form of the end of
    section 2.
    """

    rule = "adam"
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        lazy_update: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(
            {"learning_rate": learning_rate, **settings}, beta1=beta1, beta2=beta2, epsilon=epsilon
        )


@register
class AdamW(_Moments):
    """Adam whose weight decay is a step of its own, not a part of the gradient.

    With g = clip(rescale_grad * grad), and m and v as in `Adam`: M = m / (1 - beta1**t),
    V = v / (1 - beta2**t) and w -= lr * (M / (sqrt(V) + epsilon) + wd * w).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon
        As for `Adam`; the step size also scales the decay.
    correct_bias : bool, default True
        Whether to divide the means by (1 - beta**t).
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        As `Adam`.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, with lr
    for both the step size and the schedule's multiplier.
    """

    rule = "adamw"
    epsilon = Hyperparameter()
    correct_bias = Hyperparameter(bool)

    def __init__(
        self,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        correct_bias: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(
            {"learning_rate": learning_rate, **settings},
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            correct_bias=bool(correct_bias),
        )


@register
class Adamax(_Moments):
    """Adam with the largest gradient, decaying, in place of the root of the squares.

    With g = clip(rescale_grad * grad + wd * w): m = beta1 * m + (1 - beta1) * g,
    u = max(beta2 * u, abs(g)) and w -= lr / (1 - beta1**t) * m / u. An element that has never had a
    gradient stays (MXNet makes it NaN).

    Parameters
    ----------
    learning_rate : float, default 0.002
        Step size.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the last mean and of the last maximum each keeps.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `beta1` or `beta2` is not in [0, 1).

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 2.
    """

    rule = "adamax"
    default_learning_rate = 0.002

    def __init__(
        self,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        **settings: Any,
    ) -> None:
        super().__init__({"learning_rate": learning_rate, **settings}, beta1=beta1, beta2=beta2)


@register
class Nadam(_Moments):
    """Adam with Nesterov's momentum.

    With g = clip(rescale_grad * grad + wd * w), k(t) = beta1 * (1 - 0.5 * 0.96**(t * schedule_decay)) and
    S = k(1) * ... * k(t): m and v as in `Adam`, G = g / (1 - S), M = m / (1 - S * k(t + 1)),
    V = v / (1 - beta2**t) and w -= lr * ((1 - k(t)) * G + k(t + 1) * M) / (sqrt(V) + epsilon).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon
        As for `Adam`.
    schedule_decay : float, default 0.004
        How fast the momentum grows to `beta1`.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `beta1` or `beta2` is not in [0, 1), or another is negative or not finite.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, algorithm 8.
    """

    rule = "nadam"
    epsilon = Hyperparameter()
    schedule_decay = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        schedule_decay: float = 0.004,
        **settings: Any,
    ) -> None:
        super().__init__(
            {"learning_rate": learning_rate, **settings},
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            schedule_decay=schedule_decay,
        )


@register
class FTML(_Moments):
    """Follows the moving leader: the minimum of a decaying sum of what gradients said.

    With g = clip(rescale_grad * grad + wd * w): v = beta2 * v + (1 - beta2) * g * g,
    D = (1 - beta1**t) / lr * (sqrt(v / (1 - beta2**t)) + epsilon),
    z = beta1 * z + (1 - beta1) * g - (D - beta1 * d) * w, d = D and w = -z / d.

    Parameters
    ----------
    beta1, beta2 : float, default 0.6 and 0.999
        How much of the last means each mean keeps.
    epsilon : float, default 1e-8
        Keeps the divisor from 0.
    **settings
        As `Optimizer` takes them; a learning rate of 0 leaves weights as they are.

    Raises
    ------
    ValueError
        If `beta1` or `beta2` is not in [0, 1), or `epsilon` is negative or not finite.

    References
    ----------
    S. Zheng and J. Kwok, "Follow the moving leader in deep learning", ICML 2017, algorithm 1.
    """

    rule = "ftml"
    epsilon = Hyperparameter()
    default_learning_rate = 0.01

    def __init__(
        self, beta1: float = 0.6, beta2: float = 0.999, epsilon: float = 1e-8, **settings: Any
    ) -> None:
        super().__init__(settings, beta1=beta1, beta2=beta2, epsilon=epsilon)
