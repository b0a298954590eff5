"""Optimizers: how parameters change by their gradients.

Built-in rules run natively, over all parameters in one call. A rule of your own is a subclass that
defines `create_state` and `update`, registered with `register`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from glueball import _core, nd
from glueball._suggest import near_names
from glueball.base import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueball.gluon.parameter import Parameter

__all__ = ["SGD", "Optimizer", "create", "register"]

_registry: dict[str, type[Optimizer]] = {}
_Class = TypeVar("_Class", bound="type[Optimizer]")


class Optimizer:
    """Base of all optimizers.

    Parameters
    ----------
    rescale_grad : float, default 1.0
        Every gradient is multiplied by it; `Trainer.step(batch_size)` divides by the batch size.
    param_idx2name, sym, param_dict, multi_precision
        Accepted for Gluon's sake, and not needed.
    wd : float, default 0.0
        Weight decay: what is added to a gradient is wd times the weight.
    clip_gradient : float, optional
        Each element of the rescaled gradient is cut to [-clip_gradient, clip_gradient]; None or 0: not.
    learning_rate : float, default 0.01
        Step size.
    lr_scheduler : callable, optional
        Gives the learning rate for the number of the update, counted from 1.
    begin_num_update : int, default 0
        How many updates came before.

    Raises
    ------
    ValueError
        If a rate is NaN or infinite, or `clip_gradient` is negative.
    """

    def __init__(
        self,
        rescale_grad: float = 1.0,
        param_idx2name: dict[int, str] | None = None,
        wd: float = 0.0,
        clip_gradient: float | None = None,
        learning_rate: float | None = None,
        lr_scheduler: Callable[[int], float] | None = None,
        sym: Any = None,
        begin_num_update: int = 0,
        multi_precision: bool = False,
        param_dict: dict[int, Parameter] | None = None,
    ) -> None:
        self.rescale_grad = _finite("rescale_grad", rescale_grad)
        self.wd = _finite("wd", wd)
        self.clip_gradient = (
            None if clip_gradient is None else _finite("clip_gradient", clip_gradient)
        )
        if self.clip_gradient is not None and self.clip_gradient < 0:
            message = (
                f"expected clip_gradient of 0 or more, found {clip_gradient}; None clips nothing"
            )
            raise ArgumentError(message)
        self.lr = _finite("learning_rate", 0.01 if learning_rate is None else learning_rate)
        self.lr_scheduler = lr_scheduler
        if (
            lr_scheduler is not None
            and learning_rate is not None
            and hasattr(lr_scheduler, "base_lr")
        ):
            lr_scheduler.base_lr = learning_rate
        self.num_update = begin_num_update
        self._states: dict[int, Any] = {}

    @property
    def learning_rate(self) -> float:
        """The learning rate now: the scheduler's, if there is one."""
        if self.lr_scheduler is not None:
            return float(self.lr_scheduler(self.num_update))
        return self.lr

    def set_learning_rate(self, lr: float) -> None:
        """Change the learning rate.

        Raises
        ------
        UserWarning
            If a scheduler rules it. (Raised, as in Gluon.)
        """
        if self.lr_scheduler is not None:
            message = (
                "LRScheduler of the optimizer has already been defined. Note that set_learning_rate "
                "can mutate the value of the learning rate of the optimizer only when the "
                "LRScheduler of the optimizer is undefined."
            )
            raise UserWarning(message)
        self.lr = _finite("learning_rate", lr)

    @staticmethod
    def create_optimizer(name: str | Optimizer, **settings: Any) -> Optimizer:
        """As `create`."""
        return create(name, **settings)

    def create_state(self, index: int, weight: nd.NDArray) -> Any:
        """Return what the rule keeps for one parameter: arrays, or None."""
        return None

    def update(self, index: int, weight: nd.NDArray, grad: nd.NDArray, state: Any) -> None:
        """Change `weight` in place; a subclass says how."""
        message = (
            f"expected class {type(self).__name__} to define update(self, index, weight, grad, "
            "state), found none; define it, changing weight in place"
        )
        raise NotImplementedError(message)

    def update_parameters(
        self, parameters: Sequence[Parameter], native: _core.ParameterList, ignore_stale: bool
    ) -> None:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        parameters : sequence of Parameter
            Their order numbers the states.
        native : _core.ParameterList
            The same, converted once.
        ignore_stale : bool
            Leave out those whose gradient no backward wrote since their last update.
        """
        self.num_update += 1
        for index, parameter in enumerate(parameters):
            if parameter.grad_req == "null" or (ignore_stale and not parameter._grad_is_fresh):
                continue
            weight, grad = parameter.data(), parameter.grad()
            if index not in self._states:
                self._states[index] = self.create_state(index, weight)
            self._parameter = parameter
            self.update(index, weight, grad, self._states[index])
            parameter._mark_stale()

    def _get_lr(self, index: int) -> float:
        """Return the learning rate of the parameter that is being updated."""
        return self.learning_rate * self._parameter.lr_mult

    def _get_wd(self, index: int) -> float:
        """Return the weight decay of the parameter that is being updated."""
        return self.wd * self._parameter.wd_mult


def register(cls: _Class) -> _Class:
    """Make a class known by its lower-case name."""
    _registry[cls.__name__.lower()] = cls
    return cls


def create(name: str | Optimizer, **settings: Any) -> Optimizer:
    """Return an optimizer by name, in any case.

    Raises
    ------
    ValueError
        If there is none of that name.
    TypeError
        If it does not take a setting.
    """
    if isinstance(name, Optimizer):
        return name
    found = _registry.get(str(name).lower())
    if found is None:
        near = near_names(str(name).lower(), _registry) or sorted(_registry)
        message = (
            f"Cannot find optimizer {name}. Expected a registered name, found {name!r}; did you "
            f"mean {' or '.join(map(repr, near))}?"
        )
        raise ArgumentError(message)
    return found(**settings)


@register
class SGD(Optimizer):
    """Stochastic gradient descent with momentum and weight decay.

    With g = clip(rescale_grad * grad) + wd * w: without momentum w -= lr * g; else
    m = momentum * m - lr * g and w += m.

    Parameters
    ----------
    momentum : float, default 0.0
        How much of the last step each step keeps.
    lazy_update : bool, default False
        For sparse gradients, which there are none of here.
    **settings
        As `Optimizer` takes them.

    Raises
    ------
    ValueError
        If `momentum` is negative or not finite.
    """

    def __init__(self, momentum: float = 0.0, lazy_update: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self._native = _core.SGD(_finite("momentum", momentum))

    @property
    def momentum(self) -> float:
        """How much of the last step each step keeps."""
        return float(self._native.momentum)

    @momentum.setter
    def momentum(self, momentum: float) -> None:
        self._native.momentum = _finite("momentum", momentum)

    def create_state(self, index: int, weight: nd.NDArray) -> nd.NDArray | None:
        """Return a zero momentum, or None without momentum."""
        return nd.zeros_like(weight) if self.momentum else None

    def update(self, index: int, weight: nd.NDArray, grad: nd.NDArray, state: Any) -> None:
        """Update one array in place, for those who keep weights and states themselves."""
        scaled = grad * self.rescale_grad
        if self.clip_gradient:
            scaled = nd.clip(scaled, -self.clip_gradient, self.clip_gradient)
        step = -self.learning_rate * (scaled + self.wd * weight)
        if state is None:
            weight[:] = weight + step
        else:
            state[:] = self.momentum * state + step
            weight[:] = weight + state

    def update_parameters(
        self, parameters: Sequence[Parameter], native: _core.ParameterList, ignore_stale: bool
    ) -> None:
        """Update every parameter that has a gradient, in one native call."""
        self.num_update += 1
        self._native.update(
            native,
            self.learning_rate,
            self.wd,
            self.rescale_grad,
            self.clip_gradient or 0.0,
            ignore_stale,
        )


def _finite(what: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        message = f"expected a finite number as {what}, found {value!r}; correct it"
        raise ArgumentError(message)
    return number
