"""What is known of NumPy's functions: their derivatives, and what they do to their arguments.

The few ufuncs of plain arithmetic have derivatives here, since they are in every loss. Functions that are
recorded by functions of `nd` register in `_numpy_functions`. Everything else has the derivatives of the
`autograd` package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

import numpy as np

from glueball._scope import import_late
from glueball._tape import LinearNode, MixedNode, Node, ResultNode
from glueball.nd import _traced
from glueball.nd._record import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glueball.nd._record import Plain

    Pullback: TypeAlias = Callable[[Any], Sequence[Any]]

_R = TypeVar("_R")

__all__ = [
    "KINDS", "FunctionRule", "UfuncRule", "formula_of_ufunc", "function_rules", "kind_of",
    "pull_back_ufunc", "recorded_by", "refuse", "ufunc_rules",
]  # fmt: skip


class _Rules(dict[Any, _R]):
    """Rules by function, with one for all others; finding a rule costs no Python call."""

    def __init__(self, others: _R, late: str = "") -> None:
        self._others = others
        self._late = late  # the module that enters further ones

    def __missing__(self, function: Any) -> _R:
        if not self._late:
            return self._others
        import_late(self._late)  # where another thread is at it, this one waits
        self._late = ""
        return self.get(function, self._others)


class UfuncRule:
    """What is known of a ufunc.

    Parameters
    ----------
    *slopes : callable
        One for each input: ``slope(g, *inputs, y)`` is its gradient, from that of the result y. Without any,
        `autograd` is asked.
    node : type
        Of what is recorded: which values the slopes read.
    formula : callable, optional
        ``formula(np, *inputs)`` for second derivatives, in place of autograd's function of the same name.
    is_step : bool
        Whether the derivative is 0 wherever there is one.
    is_comparison : bool
        Whether legacy arrays get numbers 0 and 1, which select elements when used as an index.
    reduction : callable, optional
        NumPy's function that does what the method ``reduce`` does.
    """

    __slots__ = ("formula", "is_comparison", "is_step", "node", "reduction", "slopes")

    def __init__(
        self,
        *slopes: Callable[..., Any],
        node: type[Node] = Node,
        formula: Callable[..., Any] | None = None,
        is_step: bool = False,
        is_comparison: bool = False,
        reduction: Callable[..., Any] | None = None,
    ) -> None:
        self.slopes = slopes
        self.node = node
        self.formula = formula
        self.is_step = is_step
        self.is_comparison = is_comparison
        self.reduction = reduction


def _power_of_base(g: Any, a: Any, b: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        # 0 where the exponent is 0, though the other factor is infinite at base 0.
        return np.where(np.equal(b, 0), 0, g * b * np.power(a, b - 1.0))


def _power_of_exponent(g: Any, a: Any, b: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.equal(a, 0), 0, g * y * np.log(a))


_step = UfuncRule(
    lambda g, a, y: np.zeros_like(g), node=LinearNode, formula=lambda _, a: a * 0, is_step=True
)
_comparison = UfuncRule(is_comparison=True)

ufunc_rules: _Rules[UfuncRule] = _Rules(UfuncRule())
ufunc_rules.update({
    np.add: UfuncRule(
        lambda g, a, b, y: g, lambda g, a, b, y: g, node=LinearNode, reduction=np.sum
    ),
    np.subtract: UfuncRule(lambda g, a, b, y: g, lambda g, a, b, y: -g, node=LinearNode),
    np.multiply: UfuncRule(
        lambda g, a, b, y: g * b, lambda g, a, b, y: g * a, reduction=np.prod
    ),
    np.divide: UfuncRule(lambda g, a, b, y: g / b, lambda g, a, b, y: -g * y / b, node=MixedNode),
    np.power: UfuncRule(_power_of_base, _power_of_exponent, node=MixedNode),
    # At a tie all of the gradient goes to the first, so that maximum(x, 0) is not halved at 0; autograd's own
    # formulas would share it.
    np.maximum: UfuncRule(
        lambda g, a, b, y: g * (a >= b), lambda g, a, b, y: g * (a < b),
        formula=lambda anp, a, b: _traced.chosen(anp, a >= b, a, b), reduction=np.max,
    ),
    np.minimum: UfuncRule(
        lambda g, a, b, y: g * (a <= b), lambda g, a, b, y: g * (a > b),
        formula=lambda anp, a, b: _traced.chosen(anp, a <= b, a, b), reduction=np.min,
    ),
    np.negative: UfuncRule(lambda g, a, y: -g, node=LinearNode),
    np.positive: UfuncRule(lambda g, a, y: g, node=LinearNode),
    np.absolute: UfuncRule(lambda g, a, y: g * np.sign(a)),
    np.square: UfuncRule(lambda g, a, y: g * (a + a)),
    np.sqrt: UfuncRule(lambda g, a, y: g * 0.5 / y, node=ResultNode),
    np.exp: UfuncRule(lambda g, a, y: g * y, node=ResultNode),
    np.log: UfuncRule(lambda g, a, y: g / a),
    # 1 - y^2 rather than 1 / cosh^2, which overflows.
    np.tanh: UfuncRule(lambda g, a, y: g * (1 - y * y), node=ResultNode),
    # autograd writes these with their results.
    **dict.fromkeys(
        (np.exp2, np.expm1, np.fmax, np.fmin, np.hypot, np.logaddexp, np.logaddexp2), UfuncRule(node=MixedNode)
    ),
    **dict.fromkeys((np.sign, np.floor, np.ceil, np.rint, np.trunc), _step),
    **dict.fromkeys(
        (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and,
         np.logical_or, np.logical_not, np.logical_xor),
        _comparison,
    ),
})  # fmt: skip


class FunctionRule:
    """What is known of a function of NumPy that is not a ufunc.

    Parameters
    ----------
    own : callable, optional
        Takes NumPy's arguments, not necessarily all, and records the call by functions of `nd`.
    node : type
        Of what is recorded with autograd's derivative: which values that reads.
    is_step : bool
        Whether the derivative is 0 wherever there is one.
    writes : bool
        Whether the function changes its first argument.
    """

    __slots__ = ("_least", "_most", "_names", "is_step", "node", "own", "writes")

    def __init__(
        self,
        own: Callable[..., Any] | None = None,
        *,
        node: type[Node] = Node,
        is_step: bool = False,
        writes: bool = False,
    ) -> None:
        self.own = own
        self.node = node
        self.is_step = is_step
        self.writes = writes
        code = None if own is None else own.__code__
        self._names = (
            () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        )
        self._most = -1 if code is None else code.co_argcount
        self._least = 0 if own is None else self._most - len(own.__defaults__ or ())

    def takes(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Return whether `own` has these arguments; NumPy has others, and has checked the call."""
        count = len(args)
        if not kwargs:
            return self._least <= count <= self._most
        return (
            count <= self._most
            and kwargs.keys() <= set(self._names)
            and all(name in kwargs for name in self._names[count : self._least])
        )


_writer = FunctionRule(writes=True)
_linear = FunctionRule(node=LinearNode)
_mixed = FunctionRule(node=MixedNode)  # autograd writes their derivatives with their results

function_rules = _Rules(FunctionRule(), "glueball.nd._numpy_functions")
function_rules.update({
    **dict.fromkeys(
        (np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis), _writer
    ),
    **dict.fromkeys(
        (np.concatenate, np.expand_dims, np.pad, np.repeat, np.reshape, np.squeeze, np.stack),
        _linear,
    ),
    **dict.fromkeys(
        (np.std, np.linalg.det, np.linalg.inv, np.linalg.norm, np.linalg.pinv, np.linalg.solve,
         np.linalg.cholesky),
        _mixed,
    ),
})  # fmt: skip


def recorded_by(
    *functions: Callable[..., Any], is_step: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as what records calls of NumPy's `functions`: a decorator."""

    def enter(own: Callable[..., Any]) -> Callable[..., Any]:
        function_rules.update(dict.fromkeys(functions, FunctionRule(own, is_step=is_step)))
        return own

    return enter


def refuse(function: Callable[..., Any], suffix: str = "") -> NoReturn:
    """Raise the error for a function, or a ufunc's method, without a known derivative."""
    name = getattr(function, "__name__", function)
    raise _traced.refusal(function, f"numpy.{name}{suffix} has none")


# What may be said of a function, as docs/differentiable.md puts it.
KINDS = {
    "smooth": "Differentiable",
    "step": "Differentiable, with derivative 0 wherever there is one",
    "constant": "Constants: what they return needs no gradient",
    "unknown": "Without a derivative: refused where a gradient is needed",
}


def kind_of(function: Callable[..., Any]) -> str:
    """Return which of `KINDS` a function of NumPy is, as far as can be told without calling it."""
    if isinstance(function, np.ufunc):
        rule = ufunc_rules[function]
        is_step, is_own = rule.is_step, bool(rule.slopes)
    else:
        known = function_rules[function]
        is_step, is_own = known.is_step, known.own is not None
    if is_step or is_own:
        return "step" if is_step else "smooth"
    if _traced.is_constant(function):
        return "constant"
    return "smooth" if _traced.has_derivative(function) else "unknown"


def pull_back_ufunc(
    ufunc: np.ufunc,
    inputs: Sequence[Any],
    value: Plain,
    positions: Sequence[int],
    kwargs: dict[str, Any],
) -> Pullback | None:
    """Return how the gradient of ``value = ufunc(*inputs)`` becomes those of the inputs at `positions`.

    None means that the value is a constant.

    Raises
    ------
    MXNetError
        When no derivative is known.
    """
    if value.dtype.kind not in "fc":
        return None
    if kwargs and any(key not in ("dtype", "casting", "order", "subok") for key in kwargs):
        raise _traced.refusal(ufunc, f"with {', '.join(sorted(kwargs))}=")
    slopes = ufunc_rules[ufunc].slopes
    if not slopes:
        return _traced.pull_back_ufunc(ufunc, inputs, value, positions)
    wanted = [(slopes[i], inputs[i]) for i in positions]
    return lambda g: [fit(slope(g, *inputs, value), x) for slope, x in wanted]


def formula_of_ufunc(
    ufunc: np.ufunc, inputs: Sequence[Any], positions: Sequence[int]
) -> Callable[..., Any]:
    """Return `ufunc` of `inputs` as a formula of those at `positions`."""

    def formula(anp: Any, *values: Any) -> Any:
        given = list(inputs)
        for position, value in zip(positions, values, strict=True):
            given[position] = value
        own = ufunc_rules[ufunc].formula
        return getattr(anp, ufunc.__name__)(*given) if own is None else own(anp, *given)

    return formula
