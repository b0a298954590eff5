"""The walk back over a graph, which gives gradients: what the core's ``run_backward`` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from glueball import _core, _tape
from glueball.base import MXNetError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[Any]

__all__ = ["head_gradient", "refuse_vain", "run_backward"]

_NO_LEAVES = "There are no inputs in computation graph that require gradients."


def _ones_like(head: Any) -> Array:
    ones = np.empty(head.shape, head.dtype)
    ones.fill(1)  # np.ones() takes three times as long for a few elements
    return ones


def head_gradient(head: Any, grad: Any) -> Array:
    """Return `grad` as a plain array of `head`'s dtype, refused if of another shape; ones when it is None."""
    if grad is None:
        return _ones_like(head)
    array = np.asarray(grad, dtype=head.dtype)
    if array.shape != head.shape:
        msg = (
            f"expected a head gradient of shape {tuple(head.shape)}, which is the shape of the array that "
            f"is differentiated, found {array.shape}; pass out_grad of that shape, or None for ones"
        )
        raise ShapeError(msg)
    return array


def refuse_vain() -> NoReturn:
    """Raise the error for a pass whose gradients arrived only where none is wanted."""
    raise MXNetError(_NO_LEAVES)


def run_backward(
    heads: Sequence[Any],
    head_grads: Sequence[Any] | None = None,
    retain_graph: bool = False,
    variables: Sequence[_tape.Node] | None = None,
    pass_: _core.BackwardPass | None = None,
) -> list[Array | None]:
    """Carry gradients from `heads` to the leaves.

    Parameters
    ----------
    heads : sequence of NDArray
        Their contributions are summed.
    head_grads : sequence of arrays or None, optional
        One for each head; None means ones.
    retain_graph : bool, default False
        Keep what the nodes saved, for another pass.
    variables : sequence of Node, optional
        When given, the leaves get nothing; these nodes' gradients are returned instead.
    pass_ : BackwardPass, optional
        What native layers are given; a new one if None.

    Returns
    -------
    list of numpy.ndarray or None
        One for each of `variables`, None where no gradient arrived; empty without `variables`.

    Raises
    ------
    MXNetError
        When a head is not in a graph, or an earlier pass has freed the graph.
    ShapeError
        When a head gradient does not have its head's shape.
    """
    pass_ = _core.BackwardPass() if pass_ is None else pass_
    nodes = []
    for head in heads:
        node = getattr(head, "_node", None)
        if node is None or node.freed:
            raise MXNetError(_tape.NOT_IN_GRAPH)
        nodes.append(node)
    if head_grads is None:
        grads = [_ones_like(head) for head in heads]
    else:
        grads = [head_gradient(*pair) for pair in zip(heads, head_grads, strict=True)]
    found: list[Array | None]
    found, in_vain = _core.run_backward(nodes, grads, retain_graph, variables, pass_)
    if in_vain:
        refuse_vain()
    return found
