"""What the parameters of the estimators may be."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ACTIVATIONS", "check_settings", "hidden_widths"]

# scikit-learn's names, and glueball's activations of a Dense.
ACTIVATIONS = {"identity": None, "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def _number(
    low: float, high: float = float("inf"), open_end: bool = False
) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return False
        number = float(value)
        return low <= number and (number < high if open_end else number <= high)

    return fits


def _count(value: Any) -> bool:
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_integer and int(value) > 0


def _positive(value: Any) -> bool:
    return _number(0)(value) and float(value) > 0


def _one_of(*choices: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: isinstance(value, str) and value in choices, " or ".join(
        map(repr, choices)
    )


def _flag(value: Any) -> bool:
    return isinstance(value, bool | numbers.Integral)


_SHARE = (_number(0, 1, open_end=True), "a number from 0 to less than 1")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "activation": _one_of(*ACTIVATIONS),
    "solver": _one_of("adam", "sgd", "lbfgs"),
    "alpha": (_number(0), "a number of at least 0"),
    "batch_size": (lambda value: value == "auto" or _count(value), "'auto' or a positive integer"),
    "learning_rate": _one_of("constant", "invscaling", "adaptive"),
    "learning_rate_init": (_positive, "a positive number"),
    "power_t": (_number(0), "a number of at least 0"),
    "max_iter": (_count, "a positive integer"),
    "shuffle": (_flag, "a bool"),
    "tol": (_number(0), "a number of at least 0"),
    "verbose": (_flag, "a bool"),
    "warm_start": (_flag, "a bool"),
    "momentum": (_number(0, 1), "a number from 0 to 1"),
    "nesterovs_momentum": (_flag, "a bool"),
    "early_stopping": (_flag, "a bool"),
    "validation_fraction": (
        lambda value: _number(0, 1, open_end=True)(value) and value > 0,
        "a number between 0 and 1",
    ),
    "beta_1": _SHARE,
    "beta_2": _SHARE,
    "epsilon": (_positive, "a positive number"),
    "n_iter_no_change": (
        lambda value: _count(value) or value == float("inf"),
        "a positive integer or infinity",
    ),
    "max_fun": (_count, "a positive integer"),
    "loss": _one_of("squared_error", "poisson"),
    "dtype": _one_of("float32", "float64"),
}


def check_settings(estimator: Any) -> None:
    """Refuse parameters of an estimator that are of another kind or range.

    Raises
    ------
    ValueError
        That names parameter, range and value.
    """
    name = type(estimator).__name__
    settings = estimator.get_params(deep=False)
    for key, value in settings.items():
        fits, expected = _RULES.get(key, (None, ""))
        if fits is not None and not fits(value):
            message = f"expected {expected} as {key} of {name}, found {value!r}; correct it"
            raise ArgumentError(message)
    if settings["early_stopping"] and settings["solver"] == "lbfgs":
        message = (
            f"expected solver 'adam' or 'sgd' for early_stopping of {name}, found 'lbfgs', which has no "
            "epochs; choose one of them, or leave early_stopping out"
        )
        raise ArgumentError(message)
    hidden_widths(estimator)


def hidden_widths(estimator: Any) -> list[int]:
    """Return hidden_layer_sizes as a list of positive integers."""
    given = estimator.hidden_layer_sizes
    widths = list(given) if hasattr(given, "__iter__") else [given]
    if not all(_count(each) for each in widths):
        message = (
            f"expected positive integers as hidden_layer_sizes of {type(estimator).__name__}, found "
            f"{given!r}; they are the numbers of hidden units, one a layer"
        )
        raise ArgumentError(message)
    return [int(each) for each in widths]
