"""Steps along the gradient: SGD and its kin with momentum, by sign, and for delayed gradients."""

from __future__ import annotations

from typing import Any

from glueball.optimizer._native import Hyperparameter, NativeOptimizer
from glueball.optimizer.optimizer import register

__all__ = ["DCASGD", "NAG", "SGD", "Signum", "ccSGD"]


@register
class SGD(NativeOptimizer):
    """Stochastic gradient descent with momentum and weight decay.

    With g = clip(rescale_grad * grad) + wd * w: without momentum w -= lr * g; else
    m = momentum * m - lr * g and w += m.

    Parameters
    ----------
    momentum : float, default 0.0
        How much of the last step each step keeps.
    lazy_update : bool, default True
        For sparse gradients, of which there are none here.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum` is negative or not finite.
    """

    rule = "sgd"
    momentum = Hyperparameter()

    def __init__(self, momentum: float = 0.0, lazy_update: bool = True, **settings: Any) -> None:
        super().__init__(settings, momentum=momentum)


@register
class ccSGD(SGD):
    """The same as `SGD`, under a name of old."""


@register
class NAG(NativeOptimizer):
    """Nesterov's accelerated gradient: momentum that looks ahead.

    With g = clip(rescale_grad * grad) + wd * w: m = momentum * m - lr * g and
    w += momentum * m - lr * g. Without momentum as `SGD`.

    Parameters
    ----------
    momentum : float, default 0.0
        How much of the last step each step keeps.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum` is negative or not finite.

    Notes
    -----
    MXNet keeps, with momentum and weight decay together, a momentum that was made with the new weight.
    Here both lines use the old one, as in the source.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and momentum in
    deep learning", ICML 2013.
    """

    rule = "nag"
    momentum = Hyperparameter()

    def __init__(self, momentum: float = 0.0, **settings: Any) -> None:
        super().__init__(settings, momentum=momentum)


@register
class Signum(NativeOptimizer):
    """Steps of one size for all elements: the sign of the gradient, or of its momentum.

    With g = clip(rescale_grad * grad): without momentum w = (1 - lr * wd) * w - lr * sign(g); else
    m = momentum * m - (1 - momentum) * (g + wd * w) and w = (1 - lr * wd_lh) * w + lr * sign(m).

    Parameters
    ----------
    learning_rate : float, default 0.01
        Size of the steps.
    momentum : float, default 0.9
        How much of the last mean each mean keeps.
    wd_lh : float, default 0.0
        Weight decay outside the sign, with momentum.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum` or `wd_lh` is negative or not finite.

    References
    ----------
    J. Bernstein, Y.-X. Wang, K. Azizzadenesheli and A. Anandkumar, "signSGD: compressed optimisation for
    non-convex problems", ICML 2018.
    """

    rule = "signum"
    momentum = Hyperparameter()
    wd_lh = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | None = None,
        momentum: float = 0.9,
        wd_lh: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(
            {"learning_rate": learning_rate, **settings}, momentum=momentum, wd_lh=wd_lh
        )


@register
class DCASGD(NativeOptimizer):
    """Descent that corrects gradients for the steps which were taken since they were computed.

    With g = clip(rescale_grad * grad) and p the weight before the last update:
    d = lr * (g + wd * w + lamda * g * g * (w - p)); without momentum w -= d; else
    m = momentum * m - d and w += m.

    Parameters
    ----------
    momentum : float, default 0.0
        How much of the last step each step keeps. (MXNet fails with it on most arrays.)
    lamda : float, default 0.04
        Strength of the correction.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum` or `lamda` is negative or not finite.

    References
    ----------
    S. Zheng and others, "Asynchronous stochastic gradient descent with delay compensation", ICML 2017.
    """

    rule = "dcasgd"
    momentum = Hyperparameter()
    lamda = Hyperparameter()

    def __init__(self, momentum: float = 0.0, lamda: float = 0.04, **settings: Any) -> None:
        super().__init__(settings, momentum=momentum, lamda=lamda)
