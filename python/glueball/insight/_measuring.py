"""Figures of one call of a layer, from its arrays and their gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.insight._statistics import Statistics, describe, effective_rank, rms

if TYPE_CHECKING:
    from glueball.insight._watching import Call

__all__ = ["Fit", "Layer", "fit_growth", "measure_layer", "passed"]

Array = np.ndarray[Any, Any]

# Where a function's slope is less than a twentieth of its greatest: of |y| for tanh (1 - y^2), of |2y - 1| for
# the sigmoid (4 y (1 - y)), and of |y| for softsign ((1 - |y|)^2).
_FLAT = {"tanh": math.sqrt(0.95), "sigmoid": math.sqrt(0.95), "softsign": 1 - math.sqrt(0.05)}
# E[f(z)^2] / Var[z] for a z of mean 0: He and others (2015), eq. 8 for relu; for tanh and softsign near 0, where
# they are the identity, Glorot and Bengio (2010), section 4.2.1.
_PASSED = {None: 1.0, "relu": 0.5, "tanh": 1.0, "softsign": 1.0}


@dataclass(slots=True)
class Layer:
    """What was measured of one call of a layer.

    Attributes
    ----------
    path, type : str
        Where it is, and its class.
    function : str or None
        The activation that its output goes through, its own or that of the block after it.
    before, after : Statistics
        Of what the layer computes before its activation, and of what it gives.
    width : int
        Units: the length of the last axis.
    is_weighted : bool
        Whether it has weights of its own.
    spread : float
        Root mean square before the activation.
    gradient : float or None
        Root mean square of the gradient there; None if none was computed.
    gradient_not_finite : int
        How many of its elements are NaN or infinite.
    dead, saturated : float or None
        Share of units that are 0 for the whole batch, and of elements where the activation is flat.
    rank, likeness : float
        Effective rank of the output over the batch, and the share of it that all samples have in common.
    twins : float
        Share of units that have the weights, the values and the gradients of another.
    expected : float or None
        By what the weights multiply the root mean square of inputs of mean 0: sqrt(fan-in E[w^2]).
    not_finite : int
        Elements before the activation, and of the output, that are NaN or infinite.
    """

    path: str
    type: str
    function: str | None
    before: Statistics
    after: Statistics
    width: int
    is_weighted: bool
    spread: float
    gradient: float | None
    gradient_not_finite: int
    dead: float | None
    saturated: float | None
    rank: float
    likeness: float
    twins: float
    expected: float | None
    not_finite: int


@dataclass(slots=True, frozen=True)
class Fit:
    """A straight line through the logarithms of positive figures.

    Attributes
    ----------
    factor : float
        By what a figure is multiplied from one layer to the next.
    total : float
        By what it is multiplied from the first to the last, by the line.
    error : float
        How far, as a factor, figures are from the line, in the root mean square.
    layers : int
        How many there were.
    """

    factor: float
    total: float
    error: float
    layers: int


def fit_growth(figures: list[float]) -> Fit | None:
    """Return the growth from figure to figure; None if fewer than two are positive and finite."""
    points = [(i, math.log(each)) for i, each in enumerate(figures) if 0 < each < math.inf]
    if len(points) < 2:
        return None
    at, logs = np.array(points).T
    slope, start = np.polyfit(at, logs, 1)
    error = math.sqrt(float(np.mean((logs - slope * at - start) ** 2)))
    steps = len(figures) - 1
    return Fit(_exp(slope), _exp(slope * steps), _exp(error), len(figures))


def _exp(value: float) -> float:
    return math.exp(min(float(value), 700.0))


def measure_layer(
    call: Call, function: str | None, before_grad: Any, has_noise: bool, samples: int
) -> Layer:
    """Return a call's figures.

    Parameters
    ----------
    call : Call
        The call.
    function : str or None
        The activation after it.
    before_grad : array or None
        The gradient of what is before the activation, or of the output where there is none.
    has_noise : bool
        Whether the net has dropout, which makes gradients of equal units differ.
    samples : int
        How many samples the batch has.
    """
    output = np.asarray(call.output)
    before = output if call.before is None else np.asarray(call.before)
    gradient = None if before_grad is None else np.asarray(before_grad)
    seen = describe(before)
    out = seen if before is output else describe(output)
    weights = call.weights
    units = before.reshape(-1, before.shape[-1]) if before.ndim > 1 else None
    with np.errstate(all="ignore"):
        lost = _count_lost(before) + (0 if before is output else _count_lost(output))
        rank, likeness = _alikeness(output, samples)
        return Layer(
            path=call.path,
            type=type(call.block).__name__,
            function=function,
            before=seen,
            after=out,
            width=before.shape[-1] if before.ndim else 1,
            is_weighted=bool(weights),
            spread=rms(before),
            gradient=None if gradient is None else rms(gradient),
            gradient_not_finite=0 if gradient is None else _count_lost(gradient),
            dead=_dead(output, call.function),
            saturated=_saturated(output, call.function),
            rank=rank,
            likeness=likeness,
            twins=0.0
            if units is None or lost
            else _twins(units, None if has_noise else gradient, weights),
            expected=_expected(weights),
            not_finite=lost,
        )


def passed(function: str | None) -> float | None:
    """Return which part of the mean square before an activation it passes on; None if theory is silent."""
    return _PASSED.get(function)


def _count_lost(array: Array) -> int:
    return array.size - int(np.isfinite(array).sum())


def _dead(output: Array, function: str | None) -> float | None:
    if function != "relu" or output.ndim < 2:
        return None
    return float(np.mean(~output.reshape(-1, output.shape[-1]).any(0)))


def _saturated(output: Array, function: str | None) -> float | None:
    if function not in _FLAT or output.size == 0:
        return None
    size = np.abs(2 * output - 1) if function == "sigmoid" else np.abs(output)
    return float(np.mean(size > _FLAT[function]))


def _alikeness(output: Array, samples: int) -> tuple[float, float]:
    """Return the effective rank over the batch, and the share of the mean square that the mean sample has."""
    if output.ndim < 2 or samples < 2 or output.shape[0] != samples or output.size == 0:
        return math.nan, math.nan
    rows = output.reshape(samples, -1)
    largest = float(np.abs(rows).max())
    if largest == 0 or not math.isfinite(largest):
        return (0.0 if largest == 0 else math.nan), math.nan
    scaled = rows / largest
    mean = scaled.mean(0, dtype=np.float64)
    return effective_rank(output), float((mean**2).mean() / np.mean(scaled**2, dtype=np.float64))


def _twins(units: Array, gradient: Array | None, weights: list[Any]) -> float:
    """Return the share of units that are another's equal in all that training could tell them apart by."""
    parts = [units]
    if gradient is not None:
        parts.append(gradient.reshape(-1, units.shape[1]))
    for parameter in weights:
        weight = np.asarray(parameter.data())
        if weight.shape[0] == units.shape[1]:
            parts.append(weight.reshape(weight.shape[0], -1).T)
    # Equal units have sums of equal terms in equal order; the first rows tell most others apart already.
    keys = [np.concatenate([each[:4] for each in parts]), np.concatenate(parts)]
    distinct = units.shape[1]
    for key in keys:
        # adding 0 makes -0 and 0 the same
        distinct = len({column.tobytes() for column in np.ascontiguousarray(key.T + 0)})
        if distinct == units.shape[1]:
            break
    return 1 - distinct / units.shape[1] if units.shape[1] > 1 else 0.0


def _expected(weights: list[Any]) -> float | None:
    """Return by what a layer multiplies the root mean square of inputs of mean 0: sqrt(fan-in E[w^2])."""
    if len(weights) != 1:
        return None
    weight = np.asarray(weights[0].data())
    return math.sqrt(weight[0].size) * rms(weight)
