"""Special functions that NumPy lacks, on whole arrays; computed in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = ["digamma", "erf", "erfinv", "gamma", "log_gamma"]

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969),
# 631-637, with the coefficients of the CALERF subroutine: |x| <= 0.46875, <= 4, and beyond.
_NEAR_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_NEAR_Q = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
_MIDDLE_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_MIDDLE_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
_FAR_P = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
_FAR_Q = (
    1.0,
    2.56852019228982242e0,
    1.87295284992346047e0,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)


def erf(x: Plain) -> Plain:
    """Compute the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    x64 = np.asarray(x, np.float64)
    # Beyond 6 the value is 1 to the last bit; the bound also keeps the polynomials finite.
    size = np.minimum(np.abs(x64), 6.0)
    square = size * size
    near = size * np.polyval(_NEAR_P, square) / np.polyval(_NEAR_Q, square)
    tail = np.exp(-square)
    middle = 1.0 - tail * np.polyval(_MIDDLE_P, size) / np.polyval(_MIDDLE_Q, size)
    inverse = 1.0 / np.maximum(square, 1.0)
    series = inverse * np.polyval(_FAR_P, inverse) / np.polyval(_FAR_Q, inverse)
    far = 1.0 - tail / np.maximum(size, 1.0) * (1.0 / math.sqrt(math.pi) - series)
    value = np.where(size <= 0.46875, near, np.where(size <= 4.0, middle, far))
    return np.copysign(value, x64).astype(x.dtype)


def erfinv(y: Plain) -> Plain:
    """Compute the inverse of `erf` on (-1, 1); infinite at the ends and NaN outside.

    A starting value by S. Winitzki's formula, then Newton steps with Halley's correction.
    """
    y64 = np.asarray(y, np.float64)
    with np.errstate(all="ignore"):
        log = np.log1p(-y64 * y64)
        a = 0.147
        half = 2.0 / (math.pi * a) + log / 2.0
        x = np.copysign(np.sqrt(np.sqrt(half * half - log / a) - half), y64)
        for _ in range(3):
            # Near the ends erf(x) - y cancels; float32 results do not see it.
            error = (erf(x) - y64) * (math.sqrt(math.pi) / 2.0) * np.exp(x * x)
            step = error / (1.0 + x * error)
            x = np.where(np.isfinite(step), x - step, x)
        x = np.where(np.abs(y64) == 1.0, np.copysign(np.inf, y64), x)
    return x.astype(y.dtype)


def _each(function: Any, x: Plain) -> Plain:
    """Apply a function of Python floats to every element; outside its domain the result is NaN or infinity."""

    def guarded(value: float) -> float:
        try:
            return float(function(value))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    flat = [guarded(value) for value in np.asarray(x, np.float64).ravel().tolist()]
    return np.array(flat, np.float64).reshape(x.shape).astype(x.dtype)


def gamma(x: Plain) -> Plain:
    """Compute Euler's gamma function; NaN at its poles."""
    return _each(math.gamma, x)


def log_gamma(x: Plain) -> Plain:
    """Compute the logarithm of the absolute value of `gamma`."""
    return _each(math.lgamma, x)


def digamma(x: Plain) -> Plain:
    """Compute the derivative of `log_gamma`.

    By the recurrence up to 6 and the asymptotic series from there, and by reflection below 0
    (M. Abramowitz and I. Stegun, "Handbook of mathematical functions", 6.3.5, 6.3.7 and 6.3.18).
    """
    x64 = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        reflect = x64 < 0.5
        z = np.where(reflect, 1.0 - x64, x64)
        value = np.zeros_like(z)
        for _ in range(6):
            small = z < 6.0
            value = np.where(small, value - 1.0 / z, value)
            z = np.where(small, z + 1.0, z)
        s = 1.0 / (z * z)
        series = s * (
            1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * 691 / 32760))))
        )
        value = value + np.log(z) - 0.5 / z - series
        value = np.where(reflect, value - math.pi / np.tan(math.pi * x64), value)
    return value.astype(x.dtype)
