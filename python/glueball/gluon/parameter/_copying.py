"""Copies and pickles of parameters: what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core

if TYPE_CHECKING:
    from glueball.gluon.parameter._parameter import Parameter

__all__ = ["parts_of", "restore"]

# What every parameter makes for itself.
_OWN = (
    "init",
    "_contexts",
    "_differentiable",
    "_grad_view",
    "_leaf",
    "_path",
    "_plan",
    "_rounds_inference",
    "_view",
)


def parts_of(
    parameter: Parameter, memo: dict[int, Any] | None = None
) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]:
    """Return a parameter's settings, its state, and the attributes that others have given it.

    Parameters
    ----------
    parameter : Parameter
        Of any state.
    memo : dict, optional
        Of a deep copy that this is part of: initializers and attributes are copied then.

    Returns
    -------
    tuple of dict, tuple and dict
        Of these, a class and a name a parameter can be made again.
    """

    def own(value: Any) -> Any:
        if memo is None:
            return value
        import copy  # here: only copies need it

        return copy.deepcopy(value, memo)

    values = gradient = plan = None
    fresh = computed = False
    if parameter._is_initialized:
        values = np.array(parameter._data(np.ndarray))
        if parameter._grad_req != "null":
            gradient = np.array(parameter._grad(np.ndarray))
            fresh, computed = parameter._grad_is_fresh, parameter._grad_was_computed
    elif parameter._state == "deferred" and parameter._plan is not None:
        first, default, stream = parameter._plan
        plan = (own(first), own(default), stream.seed, stream.stream)
    settings = {
        "grad_req": parameter._grad_req,
        "shape": parameter._lengths,
        "dtype": parameter._dtype_name,
        "lr_mult": parameter.lr_mult,
        "wd_mult": parameter.wd_mult,
        "init": own(parameter.init),
        "allow_deferred_init": parameter._allow_deferred_init,
        "differentiable": parameter._differentiable,
    }
    state = (
        values, gradient, fresh, computed, plan, list(parameter._contexts), parameter._rounds_inference,
    )  # fmt: skip
    others = {name: own(each) for name, each in parameter.__dict__.items() if name not in _OWN}
    return settings, state, others


def restore(
    parameter: Parameter,
    lengths: tuple[int, ...] | None,
    state: tuple[Any, ...],
    others: dict[str, Any],
) -> None:
    """Give a new parameter the shape, the state and the attributes that `parts_of` took from another."""
    parameter.__dict__.update(others)
    if lengths is not None:
        parameter._set_shape(lengths)  # as it is: here 0 is a length, not "unknown"
    values, gradient, fresh, computed, plan, contexts, rounds_inference = state
    if values is not None:
        parameter._set_data(values, True)
        if computed:
            parameter._accumulate_grad(gradient, _core.BackwardPass())
            if not fresh:
                parameter._mark_stale()
        elif gradient is not None:
            parameter._grad(np.ndarray)[...] = gradient
    elif plan is not None:
        own, default, seed, stream = plan
        parameter._plan = (own, default, _core.Generator(seed, stream))
        parameter._initialize(*parameter._plan, False)
    parameter._be_on(contexts)
    if rounds_inference:
        parameter.cast("bfloat16")
