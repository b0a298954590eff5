"""What the `autograd` package knows: vector-Jacobian products of NumPy's functions, and of formulas of them.

The package is imported when a derivative is first needed from it: it takes as long to import as all of glueball.
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

    from glueball.nd._record import Plain

    Pullback: TypeAlias = Callable[[Any], Sequence[Any]]

__all__ = [
    "chosen", "counterpart", "formula_of_call", "gradient_of", "has_derivative", "is_constant", "pull_back_call",
    "pull_back_ufunc", "refusal", "trace", "traced_erf", "traced_erfinv",
]  # fmt: skip


@functools.cache
def _autograd_numpy() -> ModuleType:
    import autograd.builtins  # teaches the tracer about tuples
    import autograd.numpy

    return autograd.numpy  # type: ignore[no-any-return]


@functools.cache
def _constant_functions() -> frozenset[Any]:
    from autograd.numpy.numpy_vjps import nograd_functions

    return frozenset(nograd_functions)


@functools.cache
def counterpart(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of `autograd` that stands for NumPy's `function`, or None."""
    anp = _autograd_numpy()
    from autograd.tracer import trace_primitives_map

    name = getattr(function, "__name__", "")
    # Functions of lists, such as concatenate and stack, are rewritten there in terms of others.
    if getattr(np, name, None) is function and hasattr(anp, name):
        return getattr(anp, name)  # type: ignore[no-any-return]
    return trace_primitives_map.get(function)  # type: ignore[no-any-return]


def is_constant(function: Callable[..., Any]) -> bool:
    """Return whether `autograd` takes the values of `function` for constants: comparisons, argmax."""
    return counterpart(function) in _constant_functions()


def has_derivative(function: Callable[..., Any]) -> bool:
    """Return whether `autograd` has a derivative of `function`, as far as can be told without calling it."""
    from autograd.core import primitive_vjps

    primitive = counterpart(function)
    if primitive is None:
        return False
    # What autograd rewrites in terms of others is not a primitive itself, and has no entry.
    is_primitive = hasattr(primitive, "fun") or isinstance(function, np.ufunc)
    return primitive in primitive_vjps or not is_primitive


def refusal(function: Callable[..., Any], why: str) -> MXNetError:
    """Return the error for a function without a known derivative."""
    name = getattr(function, "__name__", str(function))
    return MXNetError(
        f"expected a function with a known derivative, found numpy.{name} applied to an array that needs a "
        f"gradient ({why}); write it with other functions, use autograd.Function, or call .detach() "
        f"on the array if it is meant to be a constant"
    )


def pull_back_ufunc(
    ufunc: np.ufunc, inputs: Sequence[Any], value: Plain, positions: Sequence[int]
) -> Pullback | None:
    """As `_derivatives.pull_back_ufunc`, by `autograd`'s products."""
    primitive = counterpart(ufunc)
    if primitive in _constant_functions():
        return None
    from autograd.core import primitive_vjps

    if primitive not in primitive_vjps:
        raise refusal(ufunc, "none is known")
    try:
        vjp = primitive_vjps[primitive](tuple(positions), value, tuple(inputs), {})
    except NotImplementedError as error:
        raise refusal(ufunc, str(error)) from error

    def pull_back(g: Any) -> list[Plain]:
        with np.errstate(all="ignore"):
            return [fit(grad, inputs[i]) for grad, i in zip(vjp(g), positions, strict=True)]

    return pull_back


def _run(function: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """Return what `function` makes of a traced `x`, and its node; None where it does not depend on x."""
    _autograd_numpy()
    from autograd.core import VJPNode
    from autograd.tracer import isbox, new_box, trace_stack

    with trace_stack.new_trace() as trace:
        box = new_box(x, trace, VJPNode.new_root())
        end = function(box)
    return (end._value, end._node) if isbox(end) and end._trace == box._trace else (end, None)


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
    traced = counterpart(function)
    if traced is None:
        raise refusal(function, "none is known")
    try:
        # All inputs are one tuple: a backward pass there ends in one root.
        value, node = _run(
            lambda box: call(traced, [box[i] for i in range(len(arrays))]), tuple(arrays)
        )
    except (NotImplementedError, TypeError) as error:
        raise refusal(function, str(error)) from error
    if node is None:
        several = isinstance(value, list | tuple)
        raise refusal(function, "it returns several arrays" if several else "it hides its input")
    from autograd.core import backward_pass

    def pull_back(grad: Any) -> list[Plain]:
        try:
            with np.errstate(all="ignore"):
                grads = backward_pass(grad, node)
        except NotImplementedError as error:
            raise refusal(function, str(error)) from error
        return [fit(grad, array) for grad, array in zip(grads, arrays, strict=True)]

    return value, pull_back


def formula_of_call(
    function: Callable[..., Any], call: Callable[[Callable[..., Any], Sequence[Any]], Any]
) -> Callable[..., Any]:
    """Return NumPy's `function`, called as for `pull_back_call`, as a formula of the arrays."""
    traced: Any = counterpart(function)  # there is one: the call has been recorded
    return lambda _, *values: call(traced, values)


def trace(formula: Callable[..., Any], values: Sequence[Any]) -> tuple[Plain, Pullback]:
    """Compute ``formula(autograd.numpy, *values)``, and the way back to all of `values`."""
    anp = _autograd_numpy()
    from autograd.core import backward_pass

    with np.errstate(all="ignore"):
        value, node = _run(
            lambda every: formula(anp, *[every[i] for i in range(len(values))]), tuple(values)
        )

    def back(grad: Any) -> list[Plain]:
        if node is None:
            return [np.zeros_like(x) for x in values]
        with np.errstate(all="ignore"):
            return [fit(g, x) for g, x in zip(backward_pass(grad, node), values, strict=True)]

    return value, back


def gradient_of(function: Callable[[Any], Any], x: Any, head_grad: Any) -> Any:
    """Return the gradient of ``function(x)``, in which `autograd`'s tracers may be anywhere."""
    _, node = _run(function, x)
    from autograd.core import backward_pass

    return np.zeros(x.shape, x.dtype) if node is None else backward_pass(head_grad, node)


def chosen(anp: Any, condition: Plain, a: Any, b: Any) -> Any:
    """Choose as ``where``, in formulas: autograd's own fails where a or b is broadcast."""
    whole = np.zeros(condition.shape, bool)  # adding it broadcasts, in a way that has a derivative
    return anp.where(condition, a + whole, b + whole)


@functools.cache
def traced_erf() -> Callable[[Any], Any]:
    """Return the error function for formulas: `autograd` has it only where SciPy is installed."""
    anp = _autograd_numpy()
    from autograd.extend import defvjp, primitive

    erf: Callable[[Any], Any] = primitive(_special.erf)
    defvjp(erf, lambda _, x: lambda g: g * (2 / math.sqrt(math.pi)) * anp.exp(-x * x))
    return erf


@functools.cache
def traced_erfinv() -> Callable[[Any], Any]:
    """Return the inverse of the error function for formulas, whose derivative is written with it."""
    anp = _autograd_numpy()
    from autograd.extend import defvjp, primitive

    erfinv: Callable[[Any], Any] = primitive(_special.erfinv)
    defvjp(erfinv, lambda y, _: lambda g: g * (math.sqrt(math.pi) / 2) * anp.exp(y * y))
    return erfinv
