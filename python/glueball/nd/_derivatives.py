"""Derivatives of NumPy's functions.

The few ufuncs of plain arithmetic have theirs here, since they are in every loss; everything else has
the vector-Jacobian products of the `autograd` package, imported when first needed.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball.base import MXNetError
from glueball.nd import _special
from glueball.nd._record import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]
    Pullback: TypeAlias = Callable[[Any], Sequence[Any]]

__all__ = [
    "KINDS",
    "chosen",
    "formula_of_call",
    "formula_of_ufunc",
    "gradient_of",
    "is_constant",
    "kind_of",
    "pull_back_call",
    "pull_back_ufunc",
    "refuse",
    "trace",
    "traced_erf",
    "traced_erfinv",
]

# Each takes the gradient of y = f(a) or y = f(a, b), the inputs and y; one for each input.
_SLOPES: dict[np.ufunc, tuple[Callable[..., Any], ...]] = {
    np.add: (lambda g, a, b, y: g, lambda g, a, b, y: g),
    np.subtract: (lambda g, a, b, y: g, lambda g, a, b, y: -g),
    np.multiply: (lambda g, a, b, y: g * b, lambda g, a, b, y: g * a),
    np.divide: (lambda g, a, b, y: g / b, lambda g, a, b, y: -g * y / b),
    # At a tie all of the gradient goes to the first, so that maximum(x, 0) is not halved at 0.
    np.maximum: (lambda g, a, b, y: g * (a >= b), lambda g, a, b, y: g * (a < b)),
    np.minimum: (lambda g, a, b, y: g * (a <= b), lambda g, a, b, y: g * (a > b)),
    np.negative: (lambda g, a, y: -g,),
    np.positive: (lambda g, a, y: g,),
    np.absolute: (lambda g, a, y: g * np.sign(a),),
    np.square: (lambda g, a, y: g * (a + a),),
    np.sqrt: (lambda g, a, y: g * 0.5 / y,),
    np.exp: (lambda g, a, y: g * y,),
    np.log: (lambda g, a, y: g / a,),
    # 1 - y^2 rather than 1 / cosh^2, which overflows.
    np.tanh: (lambda g, a, y: g * (1 - y * y),),
}

# Steps: their derivative is 0 wherever there is one.
_STEPS = frozenset({np.sign, np.floor, np.ceil, np.rint, np.trunc})


@functools.cache
def _autograd_numpy() -> ModuleType:
    import autograd.numpy

    return autograd.numpy  # type: ignore[no-any-return]


@functools.cache
def _constant_functions() -> frozenset[Any]:
    from autograd.numpy.numpy_vjps import nograd_functions

    return frozenset(nograd_functions)


@functools.cache
def _counterpart(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function of `autograd` that stands for NumPy's `function`."""
    anp = _autograd_numpy()
    from autograd.tracer import trace_primitives_map

    name = getattr(function, "__name__", "")
    # Functions of lists, such as concatenate and stack, are rewritten there in terms of others.
    if getattr(np, name, None) is function and hasattr(anp, name):
        return getattr(anp, name)  # type: ignore[no-any-return]
    return trace_primitives_map.get(function)  # type: ignore[no-any-return]


def _refusal(function: Callable[..., Any], why: str) -> MXNetError:
    name = getattr(function, "__name__", str(function))
    return MXNetError(
        f"expected a function with a known derivative, found numpy.{name} applied to an array that needs a "
        f"gradient ({why}); write it with other functions, use autograd.Function, or call .detach() "
        f"on the array if it is meant to be a constant"
    )


def refuse(function: Callable[..., Any], suffix: str = "") -> None:
    """Raise the error for a function, or a ufunc's method, without a known derivative."""
    raise _refusal(function, f"numpy.{getattr(function, '__name__', function)}{suffix} has none")


# What may be said of a function, as docs/differentiable.md puts it.
KINDS = {
    "smooth": "Differentiable",
    "step": "Differentiable, with derivative 0 wherever there is one",
    "constant": "Constants: what they return needs no gradient",
    "unknown": "Without a derivative: refused where a gradient is needed",
}


def kind_of(function: Callable[..., Any]) -> str:
    """Which of `KINDS` a function of NumPy is, as far as can be told without calling it."""
    from autograd.core import primitive_vjps

    from glueball.nd._numpy_functions import recorded

    if function in _STEPS or function in (np.round, np.around, np.fix):
        return "step"
    if function in _SLOPES or function in recorded or function is np.power:
        return "smooth"
    if is_constant(function):
        return "constant"
    primitive = _counterpart(function)
    if primitive is None:
        return "unknown"
    # What autograd rewrites in terms of others is no primitive itself, and has no entry.
    is_primitive = hasattr(primitive, "fun") or isinstance(function, np.ufunc)
    return "smooth" if primitive in primitive_vjps or not is_primitive else "unknown"


def is_constant(function: Callable[..., Any]) -> bool:
    """Whether the values of `function` do not depend smoothly on its inputs: comparisons, argmax."""
    return _counterpart(function) in _constant_functions() and function not in _STEPS


def pull_back_ufunc(
    ufunc: np.ufunc,
    inputs: Sequence[Any],
    value: Plain,
    positions: Sequence[int],
    kwargs: dict[str, Any],
) -> Pullback | None:
    """How the gradient of ``value = ufunc(*inputs)`` becomes those of the inputs at `positions`.

    None means that the value is a constant.

    Raises
    ------
    MXNetError
        When no derivative is known.
    """
    if value.dtype.kind not in "fc":
        return None
    if kwargs and any(key not in ("dtype", "casting", "order", "subok") for key in kwargs):
        raise _refusal(ufunc, f"with {', '.join(sorted(kwargs))}=")
    wanted = [inputs[i] for i in positions]
    slopes = _SLOPES.get(ufunc)
    if slopes is not None:
        chosen = [slopes[i] for i in positions]
        return lambda g: [
            fit(slope(g, *inputs, value), x) for slope, x in zip(chosen, wanted, strict=True)
        ]
    if ufunc in _STEPS:
        return lambda g: [np.zeros(x.shape, x.dtype) for x in wanted]
    if ufunc is np.power:
        return _pull_back_power(inputs, value, positions)
    primitive = _counterpart(ufunc)
    if primitive is None:
        raise _refusal(ufunc, "none is known")
    if primitive in _constant_functions():
        return None
    from autograd.core import primitive_vjps

    if primitive not in primitive_vjps:
        raise _refusal(ufunc, "none is known")
    try:
        vjp = primitive_vjps[primitive](tuple(positions), value, tuple(inputs), {})
    except NotImplementedError as error:
        raise _refusal(ufunc, str(error)) from error

    def pull_back(g: Any) -> list[Plain]:
        with np.errstate(all="ignore"):
            return [fit(grad, x) for grad, x in zip(vjp(g), wanted, strict=True)]

    return pull_back


def _pull_back_power(inputs: Sequence[Any], value: Plain, positions: Sequence[int]) -> Pullback:
    base, exponent = inputs

    def slope(position: int, g: Any) -> Plain:
        with np.errstate(all="ignore"):
            if position == 0:
                # 0 where the exponent is 0, though the other factor is infinite at base 0.
                return np.where(
                    np.equal(exponent, 0), 0, g * exponent * np.power(base, exponent - 1.0)
                )
            return np.where(np.equal(base, 0), 0, g * value * np.log(base))

    return lambda g: [fit(slope(i, g), inputs[i]) for i in positions]


def pull_back_call(
    function: Callable[..., Any],
    call: Callable[[Callable[..., Any], Sequence[Any]], Any],
    arrays: Sequence[Plain],
) -> tuple[Any, Pullback]:
    """Run a NumPy function on plain arrays, with the way back.

    Parameters
    ----------
    function : callable
        NumPy's function.
    call : callable
        ``call(f, values)`` calls `f` with the arguments, `values` in the places of `arrays`.
    arrays : sequence of numpy.ndarray
        The inputs that need gradients.

    Returns
    -------
    value : numpy.ndarray, or list or tuple of them
        What the function returns.
    pull_back : callable
        From the gradient of `value`, of the same structure, to those of `arrays`.

    Raises
    ------
    MXNetError
        When no derivative is known.
    """
    traced = _counterpart(function)
    if traced is None:
        raise _refusal(function, "none is known")
    import autograd.builtins  # noqa: F401  teaches the tracer about tuples
    from autograd.core import VJPNode, backward_pass
    from autograd.tracer import isbox, new_box, trace_stack

    with trace_stack.new_trace() as trace:
        # All inputs are one tuple: a backward pass there ends in one root.
        box = new_box(tuple(arrays), trace, VJPNode.new_root())
        try:
            result = call(traced, [box[i] for i in range(len(arrays))])
        except (NotImplementedError, TypeError) as error:
            raise _refusal(function, str(error)) from error
    if not isbox(result):
        why = (
            "it returns several arrays"
            if isinstance(result, list | tuple)
            else "it hides its input"
        )
        raise _refusal(function, why)
    end = result._node

    def pull_back(grad: Any) -> list[Plain]:
        try:
            with np.errstate(all="ignore"):
                grads = backward_pass(grad, end)
        except NotImplementedError as error:
            raise _refusal(function, str(error)) from error
        return [fit(grad, array) for grad, array in zip(grads, arrays, strict=True)]

    return result._value, pull_back


@functools.cache
def traced_erf() -> Callable[[Any], Any]:
    """The error function for formulas: `autograd` has it only where SciPy is installed."""
    from autograd.extend import defvjp, primitive

    anp = _autograd_numpy()
    erf: Callable[[Any], Any] = primitive(_special.erf)
    defvjp(erf, lambda _, x: lambda g: g * (2 / math.sqrt(math.pi)) * anp.exp(-x * x))
    return erf


@functools.cache
def traced_erfinv() -> Callable[[Any], Any]:
    """The inverse of the error function for formulas, whose derivatives it is in itself."""
    from autograd.extend import defvjp, primitive

    anp = _autograd_numpy()
    erfinv: Callable[[Any], Any] = primitive(_special.erfinv)
    defvjp(erfinv, lambda y, _: lambda g: g * (math.sqrt(math.pi) / 2) * anp.exp(y * y))
    return erfinv


def _vjp(function: Callable[[Any], Any], x: Any) -> tuple[Any, Callable[[Any], Any] | None]:
    """The value of ``function(x)`` and its pull-back; None where the value does not depend on x."""
    import autograd.builtins  # noqa: F401  teaches the tracer about tuples
    from autograd.core import VJPNode, backward_pass
    from autograd.tracer import isbox, new_box, trace_stack

    _autograd_numpy()
    with trace_stack.new_trace() as trace:
        box = new_box(x, trace, VJPNode.new_root())
        end = function(box)
    if not isbox(end) or end._trace != box._trace:
        return end, None
    node = end._node
    return end._value, lambda g: backward_pass(g, node)


def trace(formula: Callable[..., Any], values: Sequence[Any]) -> tuple[Plain, Pullback]:
    """Compute ``formula(autograd.numpy, *values)``, and the way back to all of `values`."""
    anp = _autograd_numpy()
    with np.errstate(all="ignore"):
        value, pull_back = _vjp(
            lambda every: formula(anp, *[every[i] for i in range(len(values))]), tuple(values)
        )

    def back(grad: Any) -> list[Plain]:
        if pull_back is None:
            return [np.zeros_like(x) for x in values]
        with np.errstate(all="ignore"):
            return [fit(g, x) for g, x in zip(pull_back(grad), values, strict=True)]

    return value, back


def gradient_of(function: Callable[[Any], Any], x: Any, head_grad: Any) -> Any:
    """The gradient of ``function(x)``, in which `autograd`'s tracers may be anywhere."""
    _, pull_back = _vjp(function, x)
    return np.zeros(x.shape, x.dtype) if pull_back is None else pull_back(head_grad)


def chosen(anp: Any, condition: Plain, a: Any, b: Any) -> Any:
    """``where`` for formulas: autograd's own fails where a or b is broadcast."""
    whole = np.zeros(condition.shape, bool)  # adding it broadcasts, in a way that has a derivative
    return anp.where(condition, a + whole, b + whole)


# At ties autograd's own would share the gradient; these go where _SLOPES go.
_CHOICES: dict[np.ufunc, Callable[..., Any]] = {
    np.maximum: lambda anp, a, b: chosen(anp, a >= b, a, b),
    np.minimum: lambda anp, a, b: chosen(anp, a <= b, a, b),
}


def formula_of_ufunc(
    ufunc: np.ufunc, inputs: Sequence[Any], positions: Sequence[int]
) -> Callable[..., Any]:
    """`ufunc` of `inputs` as a formula of those at `positions`."""

    def formula(anp: Any, *values: Any) -> Any:
        given = list(inputs)
        for position, value in zip(positions, values, strict=True):
            given[position] = value
        if ufunc in _STEPS:
            return given[0] * 0
        choice = _CHOICES.get(ufunc)
        return choice(anp, *given) if choice else getattr(anp, ufunc.__name__)(*given)

    return formula


def formula_of_call(
    function: Callable[..., Any], call: Callable[[Callable[..., Any], Sequence[Any]], Any]
) -> Callable[..., Any]:
    """NumPy's `function`, called as for `pull_back_call`, as a formula of the arrays."""
    traced: Any = _counterpart(function)  # there is one: the call has been recorded
    return lambda _, *values: call(traced, values)
