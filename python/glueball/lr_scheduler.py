"""Schedules of the learning rate: functions of the number of the update.

Given to an optimizer as `lr_scheduler`, or called by a training loop of your own.
"""

from __future__ import annotations

import itertools
import math
from numbers import Integral, Real
from typing import Any

from glueball._number import fits_float32
from glueball._scope import surface
from glueball.base import ArgumentError, UnsupportedError

__all__ = [
    "CosineScheduler", "FactorScheduler", "LRScheduler", "MultiFactorScheduler", "PolyScheduler",
]  # fmt: skip


def _check_update(num_update: Any) -> None:
    if not (isinstance(num_update, Real) and float(num_update) >= 0):
        message = f"expected the number of an update, 0 or more, found {num_update!r}; pass an int"
        raise ArgumentError(message)


class LRScheduler:
    """Base of all schedules: a base rate, and a warm-up before it.

    A schedule of your own defines ``__call__(num_update)`` and returns the rate.

    Parameters
    ----------
    base_lr : float, default 0.01
        The rate that the schedule starts from.
    warmup_steps : int, default 0
        For how many updates to warm up.
    warmup_begin_lr : float, default 0.0
        The rate at the start of the warm-up.
    warmup_mode : {'linear', 'constant'}, default 'linear'
        Whether the rate rises to `base_lr`, or stays at `warmup_begin_lr` until the warm-up is over.

    Raises
    ------
    ValueError
        If a rate is not finite, `warmup_begin_lr` is above `base_lr`, `warmup_steps` is negative, or the mode
        is another word.
    """

    def __init__(
        self,
        base_lr: float | None = None,
        warmup_steps: int = 0,
        warmup_begin_lr: float = 0.0,
        warmup_mode: str = "linear",
    ) -> None:
        self.base_is_given = base_lr is not None
        self.base_lr = 0.01 if base_lr is None else base_lr
        _require_finite("base_lr", self.base_lr)
        _require_finite("warmup_begin_lr", warmup_begin_lr)
        if not _is_count(warmup_steps, 0):
            message = f"Warmup steps has to be positive or 0, found {warmup_steps!r}; pass a count"
            raise ArgumentError(message)
        if warmup_mode not in ("linear", "constant"):
            message = (
                "Supports only linear and constant modes of warmup, found "
                f"{warmup_mode!r}; choose one"
            )
            raise ArgumentError(message)
        if warmup_begin_lr > self.base_lr:
            message = (
                f"Base lr has to be higher than warmup_begin_lr, found {self.base_lr} and "
                f"{warmup_begin_lr}; begin lower"
            )
            raise ArgumentError(message)
        self.warmup_steps = warmup_steps
        self.warmup_begin_lr = warmup_begin_lr
        self.warmup_mode = warmup_mode

    @property
    def base_lr(self) -> float:
        """The rate that the schedule starts from; of schedules by factors, the rate it has come to."""
        return self._base

    @base_lr.setter
    def base_lr(self, rate: float) -> None:
        self._base = self.warmup_final_lr = rate

    def get_warmup_lr(self, num_update: int) -> float:
        """Return the rate at an update before `warmup_steps`.

        Raises
        ------
        ValueError
            If the warm-up is over by then.
        """
        if num_update >= self.warmup_steps:
            message = (
                f"expected an update before warmup_steps={self.warmup_steps}, found {num_update}; call "
                "the schedule itself"
            )
            raise ArgumentError(message)
        if self.warmup_mode == "constant":
            return self.warmup_begin_lr
        rise = self.warmup_final_lr - self.warmup_begin_lr
        return self.warmup_begin_lr + rise * num_update / self.warmup_steps

    def __call__(self, num_update: int) -> float:
        """Return the rate of update `num_update`, counted from 1."""
        message = (
            f"expected class {type(self).__name__} to define __call__(self, num_update), found none; "
            "return the learning rate there"
        )
        raise UnsupportedError(message)


class FactorScheduler(LRScheduler):
    """Multiply the rate by a factor after every so many updates.

    The schedule only goes forward: called for an earlier update, it gives the rate that it has come to.

    Parameters
    ----------
    step : int
        Updates between two changes.
    factor : float, default 1.0
        What the rate is multiplied by, at most 1.
    stop_factor_lr : float, default 1e-8
        The rate never becomes less.
    base_lr, warmup_steps, warmup_begin_lr, warmup_mode
        As `LRScheduler` takes them. The warm-up does not shift the counting of updates.

    Raises
    ------
    ValueError
        If `step` is below 1, or `factor` above 1.

    Examples
    --------
    >>> from glueball.lr_scheduler import FactorScheduler
    >>> schedule = FactorScheduler(step=3, factor=0.5, base_lr=1)
    >>> [schedule(n) for n in range(1, 8)]
    [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    """

    def __init__(
        self,
        step: int,
        factor: float = 1.0,
        stop_factor_lr: float = 1e-8,
        base_lr: float | None = None,
        warmup_steps: int = 0,
        warmup_begin_lr: float = 0.0,
        warmup_mode: str = "linear",
    ) -> None:
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if not step >= 1:
            message = (
                "Schedule step must be greater or equal than 1 round, found "
                f"{step!r}; pass a number of updates"
            )
            raise ArgumentError(message)
        _check_factor(factor)
        _require_finite("stop_factor_lr", stop_factor_lr)
        self.step = step
        self.factor = factor
        self.stop_factor_lr = stop_factor_lr
        self.count = 0

    def __call__(self, num_update: int) -> float:
        """Return the rate of update `num_update`, counted from 1."""
        _check_update(num_update)
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        while num_update > self.count + self.step:
            rate = max(self._base * self.factor, self.stop_factor_lr)
            # A count from a file may be far ahead: once the rate stays, all that is left is one step.
            steps = 1 if rate != self._base else -(-(num_update - self.count) // self.step) - 1
            self.count += steps * self.step
            self._base = rate
        return self._base


class MultiFactorScheduler(LRScheduler):
    """Multiply the rate by a factor after certain updates.

    The schedule only goes forward: called for an earlier update, it gives the rate that it has come to.

    Parameters
    ----------
    step : list of int
        The updates after which the rate changes, increasing.
    factor : float, default 1.0
        What the rate is multiplied by, at most 1.
    base_lr, warmup_steps, warmup_begin_lr, warmup_mode
        As `LRScheduler` takes them.

    Raises
    ------
    ValueError
        If `step` is not an increasing list of numbers from 1 on, or `factor` is above 1.

    Examples
    --------
    >>> from glueball.lr_scheduler import MultiFactorScheduler
    >>> schedule = MultiFactorScheduler([2, 5], 0.5, base_lr=1)
    >>> [schedule(n) for n in range(1, 8)]
    [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        step: list[int],
        factor: float = 1.0,
        base_lr: float | None = None,
        warmup_steps: int = 0,
        warmup_begin_lr: float = 0.0,
        warmup_mode: str = "linear",
    ) -> None:
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if not _is_filled(step):
            message = (
                "Schedule step must be an increasing integer list, found "
                f"{step!r}; pass the updates after which the rate changes"
            )
            raise ArgumentError(message)
        if not all(later > earlier for earlier, later in itertools.pairwise(step)):
            message = (
                f"Schedule step must be an increasing integer list, found {step!r}; sort it, and leave "
                "out what is there twice"
            )
            raise ArgumentError(message)
        if not step[0] >= 1:
            message = (
                "Schedule step must be greater or equal than 1 round, found "
                f"{step[0]!r}; the first update is 1"
            )
            raise ArgumentError(message)
        _check_factor(factor)
        self.step = list(step)
        self.factor = factor
        self.cur_step_ind = 0
        self.count = 0

    def __call__(self, num_update: int) -> float:
        """Return the rate of update `num_update`, counted from 1."""
        _check_update(num_update)
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        while self.cur_step_ind < len(self.step) and num_update > self.step[self.cur_step_ind]:
            self.count = self.step[self.cur_step_ind]
            self.cur_step_ind += 1
            self._base *= self.factor
        return self._base


class _UntilScheduler(LRScheduler):
    """What schedules that end have in common: how far they have come, from 0 to 1."""

    def __init__(self, max_update: int, final_lr: float, *warmup: Any) -> None:
        super().__init__(*warmup)
        if not _is_count(max_update, 1):
            message = (
                "maximum number of updates must be strictly positive, found "
                f"{max_update!r}; pass an int of 1 or more"
            )
            raise ArgumentError(message)
        _require_finite("final_lr", final_lr)
        self.max_update = max_update
        self.final_lr = final_lr

    @property
    def max_steps(self) -> int:
        """Updates from the warm-up to the end."""
        return self.max_update - self.warmup_steps

    def _left(self, progress: float) -> float:
        """Return how much is left, from 1 to 0, of the way from `base_lr` to `final_lr`."""
        raise NotImplementedError

    def __call__(self, num_update: int) -> float:
        """Return the rate of update `num_update`, counted from 1."""
        _check_update(num_update)
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        if self.max_steps <= 0:  # the warm-up is all there is
            return self.base_lr
        if num_update >= self.max_update:
            return self.final_lr
        left = self._left((num_update - self.warmup_steps) / self.max_steps)
        return self.final_lr + (self.base_lr - self.final_lr) * left


class PolyScheduler(_UntilScheduler):
    """Go from the base rate to a final one along a power of the time that is left.

    With n counted from the end of the warm-up and m the updates from there to `max_update`, the rate is
    final_lr + (base_lr - final_lr) * (1 - n / m)**pwr, and final_lr from `max_update` on.

    Parameters
    ----------
    max_update : int
        The update at which the final rate is reached; never, if the warm-up ends no earlier.
    base_lr : float, default 0.01
        As `LRScheduler` takes it.
    pwr : int or float, default 2
        The power.
    final_lr : float, default 0.0
        The rate at the end.
    warmup_steps, warmup_begin_lr, warmup_mode
        As `LRScheduler` takes them.

    Raises
    ------
    ValueError
        If `max_update` is below 1, `pwr` is negative, or a number is not finite.

    Examples
    --------
    >>> from glueball.lr_scheduler import PolyScheduler
    >>> schedule = PolyScheduler(max_update=4, base_lr=1)
    >>> [schedule(n) for n in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0, 0]
    """

    def __init__(
        self,
        max_update: int,
        base_lr: float | None = None,
        pwr: float = 2,
        final_lr: float = 0,
        warmup_steps: int = 0,
        warmup_begin_lr: float = 0.0,
        warmup_mode: str = "linear",
    ) -> None:
        super().__init__(max_update, final_lr, base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        _require_finite("pwr", pwr)
        if pwr < 0:
            message = f"expected a pwr of 0 or more, found {pwr}: the rate would grow; 2 is usual"
            raise ArgumentError(message)
        self.power = pwr

    def _left(self, progress: float) -> float:
        return float((1 - progress) ** self.power)


class CosineScheduler(_UntilScheduler):
    r"""Go from the base rate to a final one along half a wave.

    With n counted from the end of the warm-up and m the updates from there to `max_update`, the rate is
    final_lr + (base_lr - final_lr) * (1 + cos(π n / m)) / 2, and final_lr from `max_update` on.

    Parameters
    ----------
    max_update : int
        The update at which the final rate is reached; never, if the warm-up ends no earlier.
    base_lr : float, default 0.01
        As `LRScheduler` takes it.
    final_lr : float, default 0.0
        The rate at the end.
    warmup_steps, warmup_begin_lr, warmup_mode
        As `LRScheduler` takes them.

    Raises
    ------
    ValueError
        If `max_update` is below 1, or a number is not finite.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, eq. 5.

    Examples
    --------
    >>> from glueball.lr_scheduler import CosineScheduler
    >>> schedule = CosineScheduler(max_update=4, base_lr=1, final_lr=0.2)
    >>> [round(schedule(n), 4) for n in range(6)]
    [1.0, 0.8828, 0.6, 0.3172, 0.2, 0.2]
    """

    def __init__(
        self,
        max_update: int,
        base_lr: float | None = None,
        final_lr: float = 0,
        warmup_steps: int = 0,
        warmup_begin_lr: float = 0.0,
        warmup_mode: str = "linear",
    ) -> None:
        super().__init__(max_update, final_lr, base_lr, warmup_steps, warmup_begin_lr, warmup_mode)

    def _left(self, progress: float) -> float:
        return (1 + math.cos(math.pi * progress)) / 2


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and int(value) >= least


def _is_filled(steps: Any) -> bool:
    return isinstance(steps, list | tuple) and len(steps) > 0


def _require_finite(what: str, value: Any) -> None:
    if not isinstance(value, Real) or not fits_float32(float(value)):
        message = f"expected a finite number as {what}, found {value!r}; correct it"
        raise ArgumentError(message)


def _check_factor(factor: float) -> None:
    if not factor <= 1.0:
        message = f"Factor must be no more than 1 to make lr reduce, found {factor!r}; pass less"
        raise ArgumentError(message)
    _require_finite("factor", factor)


__getattr__, __dir__ = surface(__name__)
