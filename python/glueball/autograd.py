"""Recording what is computed, and gradients of it: `mx.autograd`.

Examples
--------
>>> from glueball import autograd, nd
>>> x = nd.array([1, 2, 3])
>>> x.attach_grad()
>>> with autograd.record():
...     y = (x * x).sum()
>>> y.backward()
>>> x.grad
<BLANKLINE>
[2. 4. 6.]
<NDArray 3 @cpu(0)>
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, _tape, _walk
from glueball._scope import later, surface
from glueball.base import (
    ArgumentError,
    GlueballTypeError,
    MXNetError,
    ShapeError,
    UnsupportedError,
)
from glueball.nd._record import class_of, is_array, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Function", "backward", "grad", "is_recording", "is_training", "mark_variables", "pause",
    "predict_mode", "record", "set_recording", "set_training", "train_mode",
]  # fmt: skip

_state = _tape.state
_recorded_gradients = later("_second_order:recorded_gradients")
_UNDEFINED = "expected an autograd.Function with methods forward and backward"


def record(train_mode: bool = True) -> _core.RecordingScope:
    """Record what is computed in a with block; layers run as in training unless `train_mode` is False."""
    return _core.RecordingScope(True, train_mode)


def pause(train_mode: bool = False) -> _core.RecordingScope:
    """Do not record in a with block: what is computed there is a constant to the graph."""
    return _core.RecordingScope(False, train_mode)


def train_mode() -> _core.RecordingScope:
    """Run layers as in training in a with block, whether recording or not."""
    return _core.RecordingScope(None, True)


def predict_mode() -> _core.RecordingScope:
    """Run layers as in prediction in a with block, whether recording or not."""
    return _core.RecordingScope(None, False)


def is_recording() -> bool:
    """Return whether this thread records."""
    return _state.recording


def is_training() -> bool:
    """Return whether layers in this thread run as in training."""
    return _state.training


def set_recording(is_recording: bool) -> bool:
    """Start or stop recording in this thread; return what was before."""
    before = _state.recording
    _state.recording = bool(is_recording)
    return before


def set_training(train_mode: bool) -> bool:
    """Make layers in this thread run as in training or not; return what was before."""
    before = _state.training
    _state.training = bool(train_mode)
    return before


def _arrays(what: str, given: Any, or_none: bool = False) -> list[Any]:
    """Return one array, or several, as a list; refuse what holds something else."""
    if is_array(given):
        return [given]
    arrays = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else None
    wrong = (
        given
        if arrays is None
        else next((a for a in arrays if not (is_array(a) or (or_none and a is None))), None)
    )
    if arrays is None or wrong is not None:
        message = f"expected an NDArray or a list of them as {what}, found {wrong!r}; pass what was computed"
        raise GlueballTypeError(message)
    return arrays


def _lists(heads: Any, head_grads: Any) -> tuple[list[Any], list[Any] | None]:
    heads = _arrays("heads", heads)
    if head_grads is None:
        return heads, None
    grads = _arrays("head_grads", head_grads, or_none=True)
    if len(grads) != len(heads):
        msg = (
            f"heads and head_grads must be lists of the same length: found {len(heads)} and {len(grads)}; "
            f"pass None for a head whose gradient is ones"
        )
        raise ArgumentError(msg)
    return heads, grads


def backward(
    heads: Any, head_grads: Any = None, retain_graph: bool = False, train_mode: bool = True
) -> None:
    """Write the gradients of `heads` with respect to all leaves that they were computed from.

    Parameters
    ----------
    heads : NDArray or list of NDArray
        What is differentiated; several contribute their sum.
    head_grads : NDArray or list of NDArray, optional
        What each head's gradient is multiplied with, of the head's shape; ones by default, also for a None
        in the list.
    retain_graph : bool, default False
        Keep the graph for another pass.
    train_mode : bool, default True
        Whether layers run backward as in training.

    Raises
    ------
    ArgumentError
        When the lists differ in length.
    ShapeError
        When a head gradient does not have its head's shape.
    MXNetError
        When a head is in no graph, or an earlier pass has freed it.
    """
    all_heads, grads = _lists(heads, head_grads)
    with _core.RecordingScope(False, train_mode):
        _walk.run_backward(all_heads, grads, retain_graph)


def grad(
    heads: Any,
    variables: Any,
    head_grads: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    train_mode: bool = True,
) -> list[Any]:
    """Return the gradients of `heads` with respect to `variables`; no array's and no parameter's `grad` is written.

    Parameters
    ----------
    heads : NDArray or list of NDArray
        What is differentiated.
    variables : NDArray or list of NDArray
        Arrays that had `attach_grad` before they were used, parameters' data, and arrays that were computed
        while recording, such as a layer's output in a hook.
    head_grads : NDArray or list of NDArray, optional
        As for `backward`.
    retain_graph : bool, optional
        Keep the graph for another pass; with `create_graph` it is kept.
    create_graph : bool, default False
        Record the gradients' own computation, so that they can be differentiated again, to any order.
    train_mode : bool, default True
        Whether layers run backward as in training.

    Returns
    -------
    list of NDArray
        One for each variable; zeros where the heads do not depend on it.

    Raises
    ------
    MXNetError
        When a variable is in no graph, or with `create_graph` an operation on the way to it cannot be
        differentiated twice.

    Examples
    --------
    >>> from glueball import autograd, nd
    >>> x = nd.array([1, 2, 3])
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     slope = autograd.grad(x**3, x, create_graph=True)[0]
    >>> slope.backward()
    >>> x.grad
    <BLANKLINE>
    [ 6. 12. 18.]
    <NDArray 3 @cpu(0)>
    """
    wanted = _arrays("variables", variables)
    if not wanted:
        msg = "need at least one variable: found an empty list; pass the arrays to differentiate by"
        raise ArgumentError(msg)
    nodes: list[_tape.Node] = []
    for i, variable in enumerate(wanted):
        node = getattr(variable, "_node", None)
        if node is None:
            msg = (
                f"Cannot differentiate with respect to the {i + 1}-th variable because it does not require "
                f"gradient. (Call attach_grad() on it before the record section.)"
            )
            raise MXNetError(msg)
        nodes.append(node)
    all_heads, grads = _lists(heads, head_grads)
    if create_graph:
        with _core.RecordingScope(True, train_mode):
            slopes = _recorded_gradients(all_heads, grads, nodes)
        return [
            wrap(np.zeros(variable.shape, variable.dtype), type(variable))
            if slope is None
            else slope
            for variable, slope in zip(wanted, slopes, strict=True)
        ]
    # Native layers hold their parameters themselves: they give those gradients to the pass.
    parameters = [getattr(_tape.sink_of(each), "parameter", None) for each in wanted]
    pass_ = _core.BackwardPass([each for each in parameters if each is not None])
    with _core.RecordingScope(False, train_mode):
        found = _walk.run_backward(all_heads, grads, bool(retain_graph), nodes, pass_)
    results = []
    for variable, parameter, value in zip(wanted, parameters, found, strict=True):
        total = np.zeros(variable.shape, variable.dtype)
        for part in (value, None if parameter is None else pass_.collected(parameter)):
            if part is not None:
                total += part
        results.append(wrap(total, type(variable)))
    return results


def mark_variables(
    variables: Any, gradients: Any, grad_reqs: str | Sequence[str] = "write"
) -> None:
    """Make arrays leaves, with gradient buffers of the caller's.

    Parameters
    ----------
    variables, gradients : NDArray or list of NDArray
        The arrays, and where their gradients go: equal in number and in shape.
    grad_reqs : str or list of str, default 'write'
        'write', 'add' or 'null', for all or for each.

    Raises
    ------
    ArgumentError
        When the lists differ in length.
    ShapeError
        When a buffer does not have its variable's shape.
    KeyError
        For another grad_req.
    """
    arrays, buffers = _arrays("variables", variables), _arrays("gradients", gradients)
    reqs = [grad_reqs] * len(arrays) if isinstance(grad_reqs, str) else list(grad_reqs)
    if not len(arrays) == len(buffers) == len(reqs):
        msg = (
            f"expected as many gradients and grad_reqs as variables, found {len(arrays)} variables, "
            f"{len(buffers)} gradients and {len(reqs)} grad_reqs; pass one for each"
        )
        raise ArgumentError(msg)
    for array, buffer in zip(arrays, buffers, strict=True):
        if buffer.shape != array.shape:
            msg = f"expected a gradient of shape {array.shape}, found {buffer.shape}; use nd.zeros_like"
            raise ShapeError(msg)
    sinks = [_tape.ArraySink(buffer, req) for buffer, req in zip(buffers, reqs, strict=True)]
    for array, sink in zip(arrays, sinks, strict=True):
        array._node = _tape.Leaf(sink)


class Function:
    """A function with a derivative of your own.

    Subclass it with `forward` and `backward`, and call an instance. `backward` gets the gradient of each
    output and returns that of each input.

    Examples
    --------
    >>> from glueball import autograd, nd
    >>> class Sigmoid(autograd.Function):
    ...     def forward(self, x):
    ...         y = 1 / (1 + (-x).exp())
    ...         self.save_for_backward(y)
    ...         return y
    ...
    ...     def backward(self, dy):
    ...         (y,) = self.saved_tensors
    ...         return dy * y * (1 - y)
    >>> x = nd.zeros(2)
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     y = Sigmoid()(x)
    >>> y.backward()
    >>> x.grad
    <BLANKLINE>
    [0.25 0.25]
    <NDArray 2 @cpu(0)>
    """

    _saved: tuple[Any, ...] = ()

    def save_for_backward(self, *args: Any) -> None:
        """Keep arrays for `backward`."""
        # Without their nodes: an output among them would hold the graph that holds it.
        self._saved = tuple(a.detach() if is_array(a) else a for a in args)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept."""
        return self._saved

    def forward(self, *inputs: Any) -> Any:
        """Compute one output or several; runs without recording."""
        msg = f"{_UNDEFINED}, found {type(self).__name__} without forward; define it"
        raise UnsupportedError(msg)

    def backward(self, *output_grads: Any) -> Any:
        """Compute the gradient of each input from those of the outputs; runs without recording."""
        msg = f"{_UNDEFINED}, found {type(self).__name__} without backward; define it"
        raise UnsupportedError(msg)

    def __call__(self, *inputs: Any) -> Any:
        """Run `forward`, and record that `backward` is its derivative.

        Raises
        ------
        ArgumentError
            In a backward pass, when `backward` returns another number of gradients than there are inputs.
        ShapeError
            In a backward pass, when a gradient does not have its input's shape.
        """
        with pause(train_mode=_state.training):
            made = self.forward(*inputs)
        single = not isinstance(made, list | tuple)
        outputs = [
            a.detach() if is_array(a) else wrap(a, class_of(inputs))
            for a in ([made] if single else made)
        ]
        classes = [type(a) for a in outputs]
        shapes = [a.shape for a in outputs]
        dtypes = [a.dtype for a in outputs]
        input_shapes = [getattr(x, "shape", None) for x in inputs]

        def run_backward(grads: list[Any], pass_: Any) -> list[Any]:
            del pass_
            full = [
                wrap(np.zeros(shape, dtype) if g is None else g, cls)
                for g, shape, dtype, cls in zip(grads, shapes, dtypes, classes, strict=True)
            ]
            with pause(train_mode=_state.training):
                result = self.backward(*full)
            returned = list(result) if isinstance(result, list | tuple) else [result]
            if len(returned) != len(inputs):
                msg = (
                    f"expected {type(self).__name__}.backward to return one gradient for each of the "
                    f"{len(inputs)} inputs, found {len(returned)}; return None for an input without one"
                )
                raise ArgumentError(msg)
            plain = [None if g is None else np.asarray(g) for g in returned]
            for i, (g, shape) in enumerate(zip(plain, input_shapes, strict=True)):
                if g is not None and shape is not None and g.shape != shape:
                    msg = (
                        f"expected {type(self).__name__}.backward to return a gradient of shape {shape} for "
                        f"input {i + 1}, found {g.shape}; it has the shape of the input"
                    )
                    raise ShapeError(msg)
            return plain

        if single:
            _tape.attach(
                outputs[0], inputs, lambda g, pass_: run_backward([g], pass_), type(self).__name__
            )
            return outputs[0]
        _tape.attach_many(outputs, inputs, run_backward, type(self).__name__)
        return tuple(outputs)


__getattr__, __dir__ = surface(__name__)
