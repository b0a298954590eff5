"""Shapes of a HybridBlock's own parameters, found by running it: the functions that take them know.

The first run of a block whose parameters wait for their shapes is given placeholders in their place. A function
that a placeholder reaches fills in the shape from its other arguments, has the parameter initialized, and
goes on with the values; what comes out is the block's output.
"""

from __future__ import annotations

import functools
import inspect
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon.parameter import Parameter

__all__ = ["InferringFunctions", "Waiting"]


class Waiting:
    """Stands for the data of a parameter that waits for its shape."""

    # NumPy then leaves operators to this class, which has none: `x * weight` is a TypeError.
    __array_ufunc__ = None

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter


class InferringFunctions:
    """The module of array functions, or in NumPy mode what holds `np` and `npx`, for such a first run."""

    def __init__(self, functions: Any) -> None:
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._functions, name)
        if name in ("np", "npx"):
            return InferringFunctions(found)
        return functools.partial(_call, found, name) if inspect.isroutine(found) else found


def _call(function: Callable[..., Any], name: str, *args: Any, **settings: Any) -> Any:
    """Call a function, once the shapes that it implies for placeholders among its arguments are filled in."""
    if any(isinstance(each, Waiting) for each in (*args, *settings.values())):
        rule = _RULES.get(name)
        if rule is not None:
            bound = inspect.signature(function).bind(*args, **settings)
            bound.apply_defaults()
            for argument, shape in rule(bound.arguments).items():
                value = bound.arguments.get(argument)
                if isinstance(value, Waiting):
                    value.parameter.shape = shape
        args = tuple(_resolved(each) for each in args)
        settings = {key: _resolved(each) for key, each in settings.items()}
    return function(*args, **settings)


def _resolved(value: Any) -> Any:
    if not isinstance(value, Waiting):
        return value
    value.parameter._finish_deferred()
    return value.parameter.data()  # raises while the shape is unknown


_Shapes = dict[str, tuple[int, ...]]


def _dense(given: dict[str, Any]) -> _Shapes:
    shape = given["data"].shape
    width = math.prod(shape[1:]) if given["flatten"] else shape[-1]
    units = given["num_hidden"] or -1  # which the weight's own shape may know
    return {"weight": (units, width), "bias": (units,)}


def _norm(given: dict[str, Any]) -> _Shapes:
    features = (given["data"].shape[given["axis"]],)
    return dict.fromkeys(("gamma", "beta", "moving_mean", "moving_var"), features)


def _embedding(given: dict[str, Any]) -> _Shapes:
    return {"weight": (given["input_dim"] or -1, given["output_dim"] or -1)}


def _elementwise(given: dict[str, Any]) -> _Shapes:
    lhs, rhs = given["lhs"], given["rhs"]
    return {"lhs": getattr(rhs, "shape", None) or (), "rhs": getattr(lhs, "shape", None) or ()}


# What MXNet finds parameters' shapes by, of what dense networks use.
_RULES: dict[str, Callable[[dict[str, Any]], _Shapes]] = {
    "BatchNorm": _norm,
    "Embedding": _embedding,
    "FullyConnected": _dense,
    "InstanceNorm": _norm,
    "LayerNorm": _norm,
    "batch_norm": _norm,
    "elemwise_add": _elementwise,
    "elemwise_div": _elementwise,
    "elemwise_mul": _elementwise,
    "elemwise_sub": _elementwise,
    "embedding": _embedding,
    "fully_connected": _dense,
    "instance_norm": _norm,
    "layer_norm": _norm,
}
