"""The record of what was computed: its nodes, and what a write into their arrays does to them.

A node is held by the array that it made and holds its parents' nodes, never an array that it made: so
reference counting alone frees a graph when its last output goes. Nodes are numbered as they are made;
a node is always younger than its parents, hence descending numbers are an order in which every node
comes after all that use it. The walk finds that order without recursion, at any depth: `_walk.py`. A node's
storage is in the core (``TapeNode``).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, TypeAlias

import numpy as np

from glueball import _core
from glueball.base import MXNetError, UnknownChoiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[Any]
    Backward: TypeAlias = Callable[[Array, Any], Sequence[Array | None]]

__all__ = [
    "NOT_IN_GRAPH", "ArraySink", "Detached", "Leaf", "LinearNode", "MixedNode", "Node",
    "ResultNode", "Watched", "attach", "attach_many", "attach_sink", "check_write", "grad_reqs",
    "hooks", "is_tracked", "refuse_write", "sink_of", "state",
]  # fmt: skip

grad_reqs = ("write", "add", "null")

NOT_IN_GRAPH = (
    "Cannot differentiate node because it is not in a computational graph. You need to set is_recording "
    "to true or use autograd.record() to save computational graphs for backward. If you want to "
    "differentiate the same graph twice, you need to pass retain_graph=True to backward."
)
_WRITE_IN_GRAPH = (
    "Assigning to NDArrays that are already in a computational graph will cause undefined behavior when "
    "evaluating gradients. Please call backward first to clear the graph or do this out side of a record "
    "section. Also note that you cannot use inplace operations like +=, *=, relu(x, out=x), y[idx]=x, etc "
    "inside a record section."
)

# What this thread is doing: writing a graph (`recording`), and running layers as in training (`training`).
state = _core.recording_state


class Node(_core.TapeNode):
    """One recorded operation, whose derivative reads the values of its inputs.

    The subclasses read others: a write into what a derivative does not read spoils nothing.

    Parameters
    ----------
    parents : tuple of Node or None
        Nodes of the operation's inputs; None for an input that needs no gradient.
    backward : callable
        ``backward(head_grad, pass_)`` gives the gradient for each parent, or None for no gradient.
    name : str
        What the operation is called in error texts.
    holds_parameters : bool
        Whether `backward` itself writes gradients of trainable parameters.
    again : tuple, optional
        How to compute the same in a way that can be differentiated twice, read by `_second_order` only:
        ``(True, function, values)`` calls ``function(autograd.numpy, *values)``, with the parents' values,
        and ``(False, function, *arguments)`` calls ``function(*arguments)``, which records again.
    """

    __slots__ = ()

    reads_inputs: ClassVar[bool] = True
    reads_result: ClassVar[bool] = False

    @property
    def freed(self) -> bool:
        """Whether a backward pass has used the node up."""
        return self._backward is None

    def check(self, twice: bool = False) -> None:
        """Refuse a node that is used up, or whose arrays have been written into.

        With `twice`, for a second derivative, which computes the result from the inputs again.

        Raises
        ------
        MXNetError
            In these cases.
        """
        if self._backward is None:
            raise MXNetError(NOT_IN_GRAPH)
        if self.inputs_written and (self.reads_inputs or (twice and self.reads_result)):
            self._refuse_overwritten("an input")
        if self.version and (self.holds_parameters or self.reads_result):
            self._refuse_overwritten("the result")

    def _refuse_overwritten(self, what: str) -> None:
        msg = (
            f"expected the arrays of the recorded '{self.name}' to keep their values until backward, found "
            f"that {what} of it was written into since; write after backward(), or into a copy()"
        )
        raise MXNetError(msg)

    def count_write(self) -> None:
        """Note that the array which this node stands for is written into."""
        self.version += 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number} {self.name}>"


class LinearNode(Node):
    """An operation whose derivative reads neither its inputs nor its result."""

    __slots__ = ()

    reads_inputs = False


class ResultNode(Node):
    """An operation whose derivative is written with its result."""

    __slots__ = ()

    reads_inputs = False
    reads_result = True


class MixedNode(Node):
    """An operation whose derivative is written with its inputs and its result."""

    __slots__ = ()

    reads_result = True


class Sink(Protocol):
    """Where a leaf's gradient goes."""

    def accumulate(self, grad: Array, pass_: Any) -> None:
        """Take the gradient of one backward pass."""


class Leaf(Node):
    """The start of a graph: an array whose gradient is wanted.

    Parameters
    ----------
    sink : object
        Its ``accumulate(grad, pass_)`` is called at most once in a backward pass by this leaf. It may
        have a ``grad`` attribute, which is the array's ``grad``, and ``grad_req``.
    """

    __slots__ = ("sink",)

    def __init__(self, sink: Sink) -> None:
        super().__init__((), None, "leaf")
        self.sink = sink

    @property
    def freed(self) -> bool:
        """Always False: a leaf outlives the passes that reach it."""
        return False

    def deliver(self, head_grad: Array, pass_: Any) -> bool:
        """Hand the gradient to the sink; False if it wants none."""
        if getattr(self.sink, "grad_req", "write") == "null":
            return False
        self.sink.accumulate(head_grad, pass_)
        return True

    def count_write(self) -> None:
        """Note the write; native layers look at a parameter's own count of them."""
        self.version += 1
        written = getattr(self.sink, "mark_written", None)
        if written is not None:
            written()

    def free(self) -> None:
        """Do nothing: the next graph starts here too."""


class Watched(LinearNode):
    """A place within the graph whose gradient is kept as it passes.

    Parameters
    ----------
    node : Node
        What the array was computed by: the gradient goes on to it.
    sink : object
        As for `Leaf`.
    values : numpy.ndarray
        The array's own, for second derivatives.
    """

    __slots__ = ("sink",)

    def __init__(self, node: Node, sink: Sink, values: Array) -> None:
        # The gradient reaches the sink by a leaf, so that a pass for other variables leaves it alone.
        super().__init__(
            (node, Leaf(sink)),
            lambda g, _: (g, g),
            "attach_grad",
            False,
            (True, lambda np, x, _: np.multiply(x, 1), (values, values)),
        )
        self.sink = sink


class Detached(Node):
    """Stands for an array that left the graph through a call with no derivative.

    Its values are those of a recorded array, so a gradient that reaches it is an error: treating it as
    a constant would make gradients silently zero.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__((), self._refuse, name)

    def _refuse(self, head_grad: Array, pass_: Any) -> Sequence[Array | None]:
        del head_grad, pass_
        msg = (
            f"expected functions with known derivatives between the leaves and the loss, found "
            f"'{self.name}' applied to a recorded array; call .detach() before it if its result is meant "
            f"to be a constant"
        )
        raise MXNetError(msg)


class ArraySink:
    """Keeps the gradient of an array that had `attach_grad`.

    Parameters
    ----------
    grad : numpy.ndarray
        The buffer, of the array's shape and dtype.
    grad_req : {'write', 'add', 'null'}
        Whether a backward pass replaces the gradient, adds to it or leaves it.
    """

    __slots__ = ("_last_pass", "grad", "grad_req")

    def __init__(self, grad: Array | None, grad_req: str) -> None:
        if grad_req not in grad_reqs:
            msg = f"expected grad_req 'write', 'add' or 'null', found {grad_req!r}; choose one of them"
            raise UnknownChoiceError(msg)
        self.grad = grad
        self.grad_req = grad_req
        self._last_pass: Any = None

    def accumulate(self, grad: Array, pass_: Any) -> None:
        """Take a gradient; within one pass, two of them are summed under 'write' as well."""
        if self.grad is None or self.grad_req == "null":
            return
        buffer = np.asarray(self.grad)
        if self.grad_req == "add" or self._last_pass is pass_:
            np.add(buffer, grad, out=buffer, casting="same_kind")
        else:
            np.copyto(buffer, grad, casting="same_kind")
        self._last_pass = pass_


class _Hooks(threading.local):
    """Whether this thread runs a block's hooks."""

    running: bool = False


hooks = _Hooks()


def attach_sink(array: Any, sink: Sink) -> None:
    """Make `array` a place whose gradient goes to `sink`.

    It becomes a leaf: what it was computed from gets no gradient any more. In a block's hook the graph goes
    on, since who looks at a net does not mean to change it.
    """
    node = getattr(array, "_node", None)
    if hooks.running and state.recording and node is not None and not isinstance(node, Leaf):
        array._node = Watched(node, sink, np.asarray(array))
    else:
        array._node = Leaf(sink)


def sink_of(array: Any) -> Any:
    """Return where the gradient of `array` goes, or None."""
    node = getattr(array, "_node", None)
    return node.sink if isinstance(node, Leaf | Watched) else None


class _Parts:
    """Gradients of some of the outputs of an operation that has several."""

    __slots__ = ("grads",)

    def __init__(self, grads: dict[int, Array]) -> None:
        self.grads = grads

    def __add__(self, other: _Parts) -> _Parts:
        merged = dict(self.grads)
        for index, grad in other.grads.items():
            merged[index] = merged[index] + grad if index in merged else grad
        return _Parts(merged)


def is_tracked(array: object) -> bool:
    """Return whether gradients flow through `array` into the graph that is being recorded."""
    return state.recording and getattr(array, "_node", None) is not None


def attach(
    output: Any,
    parents: Sequence[Any],
    backward: Backward,
    name: str,
    always: bool = False,
    again: tuple[Any, ...] | None = None,
    node: type[Node] = Node,
) -> None:
    """Record that `output` was computed from `parents`, when that matters for a gradient.

    Parameters
    ----------
    output : NDArray
        The result; its node is set.
    parents : sequence of arrays
        The inputs, in the order of what `backward` returns. Only their nodes are kept.
    backward : callable
        ``backward(head_grad, pass_)`` with a plain array of `output`'s shape; returns one gradient (of
        the parent's shape) or None for each parent. It must not hold `output`.
    name : str
        For error texts.
    always : bool, default False
        Record even when no parent has a node, because `backward` writes gradients of its own.
    again : tuple, optional
        As for `Node`.
    node : type, default Node
        Of what is recorded: which values `backward` reads.
    """
    if not state.recording:
        return
    nodes = tuple([getattr(parent, "_node", None) for parent in parents])
    if always or any(each is not None for each in nodes):
        output._node = node(nodes, backward, name, always, again)


def attach_many(
    outputs: Sequence[Any],
    parents: Sequence[Any],
    backward: Callable[[list[Array | None], Any], Sequence[Array | None]],
    name: str,
    again: Sequence[tuple[Any, ...]] | None = None,
    node: type[Node] = Node,
) -> None:
    """As `attach`, for an operation with several outputs.

    `backward` is called once, with a list of the outputs' gradients; None for an output that was not used.
    `again` is as for `Node`, one for each output; `node` as for `attach`.
    """
    if not state.recording:
        return
    nodes = tuple([getattr(parent, "_node", None) for parent in parents])
    if not any(each is not None for each in nodes):
        return
    count = len(outputs)

    def joint_backward(parts: Any, pass_: Any) -> Sequence[Array | None]:
        return backward([parts.grads.get(i) for i in range(count)], pass_)

    joint = node(nodes, joint_backward, name)
    for index, output in enumerate(outputs):

        def part(head_grad: Array, pass_: Any, index: int = index) -> Any:
            return (_Parts({index: head_grad}),)

        way = None if again is None else again[index]
        output._node = LinearNode((joint,), part, name, again=way)


def check_write(array: Any) -> None:
    """Refuse to change an array that the graph being recorded depends on.

    Outside a record section the write is counted, so that a backward pass which needs the old values can
    tell.

    Raises
    ------
    MXNetError
        When recording and `array` is in the graph: the values that its gradient needs would be lost.
    """
    if state.recording:
        node = getattr(array, "_node", None)
        if node is not None:
            if not node.freed:
                refuse_write(array)
            return
    while array is not None:
        node = getattr(array, "_node", None)
        if node is not None:
            node.count_write()
        source = getattr(array, "_source", None)
        if isinstance(source, Leaf):
            source.count_write()
            return
        array = None if source is None else source()


def refuse_write(array: Any) -> NoReturn:
    """Raise the error for an in-place change inside a record section."""
    msg = (
        f"{_WRITE_IN_GRAPH} (Found the array of shape {tuple(array.shape)} made by "
        f"'{getattr(getattr(array, '_node', None), 'name', 'another operation')}'; make a new array instead, "
        f"as in x = x + 1, or write inside autograd.pause().)"
    )
    raise MXNetError(msg)


_core.register_nodes(Node, Leaf)
