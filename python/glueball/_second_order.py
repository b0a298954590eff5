"""Gradients that are recorded themselves, so that they can be differentiated again.

A recorded operation may say how to compute it once more (`_tape.Node.again`): as a formula of
``autograd.numpy``'s functions, whose derivatives that package knows to any order, or by recording it again with
operations that have formulas, which is how native layers and losses do. Every gradient that is found here
becomes an operation with a formula in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _tape, _walk
from glueball.base import MXNetError
from glueball.nd import _traced
from glueball.nd._record import raw, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball._tape import Node

__all__ = ["recorded_gradients"]


def recorded_gradients(
    heads: Sequence[Any], head_grads: Sequence[Any] | None, variables: Sequence[Node]
) -> list[Any]:
    """As `run_backward` with `variables`, but what is computed is recorded; the graph is kept.

    Returns
    -------
    list of NDArray or None
        The gradient for each of `variables`; None where no gradient arrived.

    Raises
    ------
    MXNetError
        When an operation between the heads and the variables cannot be differentiated twice.
    """
    import heapq  # here, because it takes a fiftieth of what all of glueball takes to import

    wanted: dict[int, Any] = {node.number: None for node in variables}
    leads: dict[int, bool] = {}
    pending: dict[int, tuple[Node, Any]] = {}
    order: list[int] = []

    def add(node: Node | None, grad: Any) -> None:
        if node is None or not _leads_to(node, wanted, leads):
            return
        entry = pending.get(node.number)
        if entry is None:
            heapq.heappush(order, -node.number)
        pending[node.number] = (node, grad if entry is None else entry[1] + grad)

    grads = [None] * len(heads) if head_grads is None else head_grads
    for head, given in zip(heads, grads, strict=True):
        node = getattr(head, "_node", None)
        if node is None or node.freed:
            raise MXNetError(_tape.NOT_IN_GRAPH)
        grad = wrap(_walk.head_gradient(head, given), type(head))
        grad._node = getattr(given, "_node", None)
        add(node, grad)

    while order:
        number = -heapq.heappop(order)
        node, grad = pending.pop(number)
        if number in wanted:
            wanted[number] = grad
        if isinstance(node, _tape.Leaf):
            continue
        node.check(twice=True)
        if node.again is None:
            message = (
                "expected operations that can be differentiated twice between the heads and the variables of "
                f"grad(..., create_graph=True), found '{node.name}'; write it with functions that can "
                "(docs/differentiable.md lists them), or leave create_graph out"
            )
            raise MXNetError(message)
        from_formula, function, *rest = node.again
        if not from_formula:
            # A chain's random masks are those of the recorded run, not new ones.
            masks = getattr(node._backward, "masks", None)
            made = function(*rest) if masks is None else function(*rest, masks)
            add(made._node, grad)
            continue
        (values,) = rest
        for position, parent in enumerate(node.parents):
            if parent is not None and _leads_to(parent, wanted, leads):
                add(parent, _gradient(node, function, values, position, grad))
    return [wanted[node.number] for node in variables]


def _leads_to(node: Node, wanted: dict[int, Any], known: dict[int, bool]) -> bool:
    """Whether `node` is, or was computed from, one of the wanted nodes; iterative, since graphs are deep."""
    stack = [node]
    while stack:
        each = stack[-1]
        if each.number in known:
            stack.pop()
        elif each.number in wanted or each.holds_parameters:
            # Native layers hold their parameters themselves: what they lead to shows when they are expanded.
            known[each.number] = True
        else:
            parents = [parent for parent in each.parents if parent is not None]
            unknown = [parent for parent in parents if parent.number not in known]
            if unknown:
                stack.extend(unknown)
            else:
                known[each.number] = any(known[parent.number] for parent in parents)
    return known[node.number]


def _gradient(node: Node, function: Any, values: tuple[Any, ...], position: int, grad: Any) -> Any:
    """Return the gradient for one parent, as an operation on the parents and on `grad`."""

    def formula(np: Any, *arguments: Any) -> Any:
        *inputs, g = arguments
        return _traced.gradient_of(
            lambda x: function(np, *inputs[:position], x, *inputs[position + 1 :]),
            inputs[position],
            g,
        )

    everything = (*values, raw(grad))
    value, pull_back = _traced.trace(formula, everything)
    result = wrap(value.reshape(values[position].shape), type(grad))
    result._node = _tape.Node(
        (*node.parents, grad._node),
        lambda g, _: pull_back(g.reshape(value.shape)),
        f"the gradient of {node.name}",
        again=(True, formula, everything),
    )
    return result
