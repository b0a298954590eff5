"""What every optimizer has: rates, counts of updates, and the register of names."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from glueball import _core
from glueball._number import correction, fits_float32
from glueball._scope import surface
from glueball._suggest import near_names
from glueball.base import ArgumentError, GlueballTypeError, ScheduledRateError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueball import nd
    from glueball.gluon.parameter import Parameter

__all__ = ["Optimizer", "create", "register"]

_registry: dict[str, type[Optimizer]] = {}
# What decays where only names tell: as in MXNet, for whom the rest is biases, betas and statistics.
_DECAYING = ("_weight", "_gamma")
_Class = TypeVar("_Class", bound="type[Optimizer]")


def _mapping(what: str, value: Any) -> dict[Any, Any]:
    try:
        return dict(value)
    except (TypeError, ValueError):
        message = f"expected a dict by index or name as {what}, found {value!r}; pass {{'dense0_weight': ...}}"
        raise GlueballTypeError(message) from None


class Optimizer:
    """Base of all optimizers.

    A rule of your own defines `create_state` and `update`, and is made known by `register`.

    Parameters
    ----------
    rescale_grad : float, default 1.0
        Every gradient is multiplied by it; `Trainer.step(batch_size)` divides by the batch size.
    param_idx2name : dict of int to str, optional
        Names of the indices, for `set_lr_mult` and `set_wd_mult`.
    wd : float, default 0.0
        Weight decay: what is added to a gradient is wd times the weight.
    clip_gradient : float, optional
        Each element of the rescaled gradient is cut to [-clip_gradient, clip_gradient]; None or 0: not.
    learning_rate : float, optional
        Step size; without it the rule's own default.
    lr_scheduler : callable, optional
        Gives the learning rate for the number of the update, counted from 1. A `learning_rate` becomes
        its `base_lr`, if it has one.
    sym, multi_precision
        Accepted for Gluon's sake, and not needed.
    begin_num_update : int, default 0
        How many updates came before.
    param_dict : dict of int to Parameter, optional
        The parameters of the indices, whose `lr_mult` and `wd_mult` are used. A Trainer sets it.

    Raises
    ------
    ValueError
        If a rate is NaN or infinite, or `clip_gradient` is negative.

    Examples
    --------
    >>> from glueball import nd, optimizer
    >>> @optimizer.register
    ... class SignDescent(optimizer.Optimizer):
    ...     def update(self, index, weight, grad, state):
    ...         weight -= self._get_lr(index) * nd.sign(grad)
    >>> optimizer.create("signdescent", learning_rate=0.5).learning_rate
    0.5
    """

    default_learning_rate: ClassVar[float] = 0.01
    opt_registry: ClassVar[dict[str, type[Optimizer]]] = _registry

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
        self.rescale_grad = finite("rescale_grad", rescale_grad)
        self.wd = finite("wd", wd)
        self.clip_gradient = (
            None if clip_gradient is None else finite("clip_gradient", clip_gradient)
        )
        if self.clip_gradient is not None and self.clip_gradient < 0:
            message = (
                f"expected clip_gradient of 0 or more, found {clip_gradient}; None clips nothing"
            )
            raise ArgumentError(message)
        self._rate_is_given = learning_rate is not None
        self.lr = finite(
            "learning_rate",
            self.default_learning_rate if learning_rate is None else learning_rate,
        )
        if lr_scheduler is not None and not callable(lr_scheduler):
            message = (
                f"expected a function of the number of updates as lr_scheduler, found {lr_scheduler!r}; pass one "
                "of glueball.lr_scheduler, or a number as learning_rate"
            )
            raise GlueballTypeError(message)
        self.lr_scheduler = lr_scheduler
        if hasattr(lr_scheduler, "base_lr"):
            self._set_base_rate(lr_scheduler)
        self.lr_mult: dict[Any, float] = {}
        self.wd_mult: dict[Any, float] = {}
        self.idx2name = _mapping("param_idx2name", param_idx2name or {})
        self.param_dict = dict(param_dict or {})
        self.begin_num_update = as_count("begin_num_update", begin_num_update)
        self.num_update = self.begin_num_update
        self.set_wd_mult({})
        self._index_update_count: dict[int, int] = {}
        self._counted: int | None = None
        self._states: dict[int, Any] = {}

    def _set_base_rate(self, scheduler: Any) -> None:
        """Give a scheduler the learning rate, unless only the scheduler has one."""
        if not self._rate_is_given and getattr(scheduler, "base_is_given", False):
            return
        if self._rate_is_given and scheduler.base_lr != self.lr:
            import logging  # here, because importing this package should be quick

            logging.getLogger(__name__).info(
                "The scheduler's base_lr, %s, gives way to the optimizer's learning_rate, %s.",
                scheduler.base_lr,
                self.lr,
            )
        scheduler.base_lr = self.lr

    @property
    def learning_rate(self) -> float:
        """The learning rate now: the scheduler's, if there is one, which has to be finite."""
        if self.lr_scheduler is not None:
            return finite("learning rate of lr_scheduler", self.lr_scheduler(self.num_update))
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
            raise ScheduledRateError(message)
        self.lr = finite("learning_rate", lr)
        self._rate_is_given = True

    def set_lr_mult(self, args_lr_mult: dict[Any, float]) -> None:
        """Multiply learning rates by index or name, for parameters that are not in `param_dict`."""
        self.lr_mult = _mapping("args_lr_mult", args_lr_mult)

    def set_wd_mult(self, args_wd_mult: dict[Any, float]) -> None:
        """Multiply weight decays by index or name, for parameters that are not in `param_dict`.

        As in Gluon, names that do not end with ``_weight`` or ``_gamma`` decay only if they are given here.
        """
        others = [name for name in self.idx2name.values() if not name.endswith(_DECAYING)]
        self.wd_mult = dict.fromkeys(others, 0.0) | _mapping("args_wd_mult", args_wd_mult)

    def _get_lr(self, index: int) -> float:
        """Return the learning rate of one parameter."""
        if index in self.param_dict:
            return self.learning_rate * self.param_dict[index].lr_mult
        return self.learning_rate * self._multiplier(self.lr_mult, index)

    def _get_wd(self, index: int) -> float:
        """Return the weight decay of one parameter."""
        if index in self.param_dict:
            return self.wd * self.param_dict[index].wd_mult
        return self.wd * self._multiplier(self.wd_mult, index)

    def _get_lrs(self, indices: Sequence[int]) -> list[float]:
        """Return the learning rates of several parameters."""
        return [self._get_lr(index) for index in indices]

    def _get_wds(self, indices: Sequence[int]) -> list[float]:
        """Return the weight decays of several parameters."""
        return [self._get_wd(index) for index in indices]

    def _multiplier(self, multipliers: dict[Any, float], index: int) -> float:
        if index in multipliers:
            return multipliers[index]
        return multipliers.get(self.idx2name.get(index), 1.0)

    def _update_count(self, index: int | Iterable[int]) -> None:
        """Count an update of one parameter or of several.

        A Trainer counts before it calls `update`; the `update` of the same index then counts nothing more.
        """
        for each in index if isinstance(index, Iterable) else (index,):
            if each == self._counted:
                continue
            count = self._index_update_count.get(each, self.begin_num_update) + 1
            self._index_update_count[each] = count
            self.num_update = max(self.num_update, count)

    @staticmethod
    def create_optimizer(name: str | Optimizer, **settings: Any) -> Optimizer:
        """As `create`."""
        return create(name, **settings)

    @staticmethod
    def register(klass: _Class) -> _Class:
        """As `register`."""
        return register(klass)

    def create_state(self, index: int, weight: nd.NDArray) -> Any:
        """Return what the rule keeps for one parameter: arrays in lists or tuples, numbers, None."""
        return None

    def update(self, index: int, weight: nd.NDArray, grad: nd.NDArray, state: Any) -> None:
        """Change `weight` in place; a subclass says how."""
        message = (
            f"expected class {type(self).__name__} to define update(self, index, weight, grad, "
            "state), found none; define it, changing weight in place"
        )
        raise UnsupportedError(message)

    def create_state_multi_precision(self, index: int, weight: nd.NDArray) -> Any:
        """As `create_state`: there are no weights in half precision."""
        return self.create_state(index, weight)

    def update_multi_precision(
        self, index: int, weight: nd.NDArray, grad: nd.NDArray, state: Any
    ) -> None:
        """As `update`: there are no weights in half precision."""
        self.update(index, weight, grad, state)

    def _update_parameters(
        self, parameters: Sequence[Parameter], native: _core.ParameterList, ignore_stale: bool
    ) -> int | None:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        parameters : sequence of Parameter
            Their order numbers the states.
        native : _core.ParameterList
            The same, converted once.
        ignore_stale : bool
            Leave out those whose gradient no backward wrote since their last update.

        Returns
        -------
        int or None
            Number of the first one whose gradient is stale and may not be; nothing has changed then.
        """
        if not ignore_stale:
            stale = _core.first_stale(native)
            if stale >= 0:
                return stale
        for parameter in parameters:
            if parameter.grad_req != "null":
                parameter.data()  # raises where there is none, before anything is changed
        for index, parameter in enumerate(parameters):
            if parameter.grad_req == "null" or (ignore_stale and not parameter._grad_is_fresh):
                continue
            weight, grad = parameter.data(), parameter.grad()
            if index not in self._states:
                self._states[index] = self.create_state(index, weight)
            self._update_count(index)
            self._counted = index
            try:
                self.update(index, weight, grad, self._states[index])
            finally:
                self._counted = None
            parameter._mark_stale()
        return None

    def __getstate__(self) -> dict[str, Any]:
        # Parameters are the net's, or a Trainer's, which gives them back to its copy.
        return {**self.__dict__, "param_dict": {}}

    def get_state(self, index: int, parameter: Parameter) -> dict[str, Any]:
        """Return count and state of one parameter, for a file."""
        found: dict[str, Any] = {
            "count": self._index_update_count.get(index, self.begin_num_update)
        }
        if index in self._states:
            found["state"] = self._states[index]
        return found

    def _check_state(
        self, parameter: Parameter, saved: dict[str, Any], lengths: Sequence[int] | None
    ) -> None:
        """Refuse what a file says of a parameter of that shape and `set_state` cannot take."""

    def set_state(self, index: int, parameter: Parameter, saved: dict[str, Any]) -> None:
        """Take what `get_state` returned."""
        self._index_update_count[index] = saved["count"]
        self._states.pop(index, None)
        if "state" in saved:
            self._states[index] = saved["state"]


def register(cls: _Class) -> _Class:
    """Make a class known by its lower-case name."""
    given: Any = cls
    if not (isinstance(given, type) and issubclass(given, Optimizer)):
        message = f"expected a class derived from Optimizer to register, found {cls!r}; derive it"
        raise GlueballTypeError(message)
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
    if isinstance(name, type) and issubclass(name, Optimizer):
        message = (
            f"expected an optimizer's name, or an object, found the class {name.__name__}; pass "
            f"{name.__name__}(learning_rate=...), or {name.__name__.lower()!r} and its settings"
        )
        raise ArgumentError(message)
    found = _registry.get(str(name).lower())
    if found is None:
        near = near_names(str(name).lower(), _registry) or sorted(_registry)
        message = (
            f"Cannot find optimizer {name}. Expected a registered name, found {name!r}; did you "
            f"mean {' or '.join(map(repr, near))}?"
        )
        raise ArgumentError(message)
    return found(**settings)


def finite(what: str, value: Any) -> float:
    """Return `value` as a finite float; refuse anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not fits_float32(number):
        message = f"expected a finite number as {what}, found {value!r}; {correction(number)}"
        raise ArgumentError(message)
    return number


def as_count(what: str, value: Any) -> int:
    """Return `value` as an int of 0 or more; refuse anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        message = f"expected an integer of 0 or more as {what}, found {value!r}; correct it"
        raise ArgumentError(message)
    return number


__getattr__, __dir__ = surface(__name__)
