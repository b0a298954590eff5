"""One forward and one backward of a net, and what was measured of them; nothing of the net is changed."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import autograd
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon import Block
from glueball.gluon._checks import array_type
from glueball.gluon.loss import L2Loss, SoftmaxCrossEntropyLoss
from glueball.gluon.nn import Dropout
from glueball.gluon.trainer import Trainer
from glueball.insight._measuring import Fit, Layer, fit_growth, measure_layer, passed
from glueball.insight._preserving import preserved
from glueball.insight._statistics import Statistics, describe, effective_rank, rms
from glueball.insight._updating import updates
from glueball.insight._watching import blocks_by_path, flat, watching
from glueball.nd import NDArray
from glueball.nd._record import wrap

if TYPE_CHECKING:
    from glueball.gluon import Parameter
    from glueball.insight._watching import Call

__all__ = ["Measurement", "Weights", "as_inputs", "collect", "take_step"]


@dataclass(slots=True)
class Weights:
    """What was measured of one parameter.

    Attributes
    ----------
    path : str
        Structural path: ``0.weight``.
    values : Statistics
        Of all its elements' values, but for large ones.
    not_finite : int
        Elements that are NaN or infinite.
    size : float
        Root mean square.
    gradient, update : float or None
        Root mean square of the gradient of the batch's mean, and of what one step would add; None if there
        is none.
    fan_in : int
        Elements that reach one unit; 0 for what has fewer than two axes.
    """

    path: str
    values: Statistics
    not_finite: int
    size: float
    gradient: float | None
    update: float | None
    fan_in: int

    @property
    def ratio(self) -> float | None:
        """The update by the weight; None for a parameter of zeros, or without an update."""
        return None if self.update is None or self.size == 0 else self.update / self.size


@dataclass(slots=True)
class Measurement:
    """What was measured of a net.

    Attributes
    ----------
    name : str
        The class of the net.
    state : {'ready', 'waiting', 'uninitialized'}
        Of its parameters: where none had values, a copy was looked at, or nothing.
    inputs : list of Statistics
        Of the arrays of floats that went in.
    inputs_not_finite, samples : int
        Elements of them that are NaN or infinite, and the length of their first axis.
    input_rank : float
        Effective rank of the first of them.
    layers : list of Layer
        In the order in which they ran.
    weights : list of Weights
        In the order of `collect_params`.
    loss : float or None
        Its mean.
    loss_name : str
        What was differentiated.
    learning_rate : float or None
        The trainer's.
    """

    name: str
    state: str
    inputs: list[Statistics] = field(default_factory=list)
    inputs_not_finite: int = 0
    samples: int = 0
    input_rank: float = math.nan
    layers: list[Layer] = field(default_factory=list)
    weights: list[Weights] = field(default_factory=list)
    loss: float | None = None
    loss_name: str = ""
    learning_rate: float | None = None

    @property
    def weighted(self) -> list[Layer]:
        """The layers with weights of their own."""
        return [each for each in self.layers if each.is_weighted]

    @property
    def forward(self) -> Fit | None:
        """How the spread before activations grows from layer to layer."""
        return fit_growth([each.spread for each in self.weighted])

    @property
    def backward(self) -> Fit | None:
        """How the gradient before activations grows from the last layer to the first."""
        return fit_growth([each.gradient or 0.0 for each in reversed(self.weighted)])

    @property
    def expected(self) -> float | None:
        """By what theory says the spread is multiplied from layer to layer; None where it is silent."""
        logs = []
        for before, layer in zip(self.weighted, self.weighted[1:], strict=False):
            part = passed(before.function)
            if part is None or not layer.expected:
                return None
            logs.append(math.log(layer.expected) + math.log(part) / 2)
        return math.exp(sum(logs) / len(logs)) if logs else None


def collect(net: Any, x: Any, y: Any = None, loss: Any = None, trainer: Any = None) -> Measurement:
    """Run `net` forward and backward once, as in training, and measure.

    Parameters and errors are `diagnose`'s.
    """
    _check(net, loss, trainer)
    parameters = list(dict.fromkeys(each for _, each in net._walk_parameters()))
    states = {each._state for each in parameters}
    if "uninitialized" in states:
        return Measurement(type(net).__name__, "uninitialized", weights=_values(net))
    inputs = as_inputs(net, x)
    if "deferred" in states:
        # A copy gets the values that the net will get: they are of its paths, and of the call of initialize().
        net, trainer = copy.deepcopy((net, trainer))
        with preserved(net), autograd.pause():
            net(*inputs)
        return replace(collect(net, x, y, loss, trainer), state="waiting")
    found = Measurement(type(net).__name__, "ready")
    found.samples = next((len(each) for each in inputs if each.ndim), 0)
    floats = [np.asarray(each) for each in inputs if each.dtype.kind == "f"]
    found.inputs = [describe(each) for each in floats]
    found.inputs_not_finite = sum(map(_count_lost, floats))
    if floats and floats[0].ndim > 1:
        found.input_rank = effective_rank(floats[0])
    trainable = [each for each in parameters if each.grad_req != "null"]
    with preserved(net), np.errstate(all="ignore"):
        with watching(net) as calls, autograd.record():
            heads, head_grads, found.loss_name = _heads(net(*inputs), y, loss, found.samples)
        if head_grads is None:
            found.loss = float(np.mean([np.asarray(each, np.float64).mean() for each in heads]))
        slopes = _slopes(heads, head_grads, calls, trainable)
        has_noise = any(isinstance(block, Dropout) for block, _ in blocks_by_path(net))
        found.layers = [
            measure_layer(call, function, slopes.get(id(call.place)), has_noise, found.samples)
            for call, function in zip(calls, _functions(calls), strict=True)
        ]
        # A loss of one element a sample is summed by backward(), and divided by step(batch_size).
        batch = max(1, found.samples) if heads and heads[0].size == found.samples else 1
        gradients = (
            {} if head_grads else {id(p): slopes[id(p)] for p in trainable if id(p) in slopes}
        )
        changes = updates(trainer, gradients, batch) if trainer is not None and gradients else {}
    found.weights = _values(net, gradients, changes, batch)
    found.learning_rate = None if trainer is None else trainer.learning_rate
    return found


def take_step(net: Block, x: Any, y: Any, loss: Any, trainer: Trainer) -> None:
    """Train `net` by one step, on what `collect` looks at."""
    inputs = as_inputs(net, x)
    samples = next((len(each) for each in inputs if each.ndim), 0)
    with np.errstate(all="ignore"):
        with autograd.record():
            heads, _, _ = _heads(net(*inputs), y, loss, samples)
        autograd.backward(heads)
        trainer.step(max(1, samples) if heads[0].size == samples else 1, ignore_stale_grad=True)


def _check(net: Any, loss: Any, trainer: Any) -> None:
    for what, value, kind in (("net", net, Block), ("trainer", trainer, Trainer | None)):
        if not isinstance(value, kind):
            message = (
                f"expected a {'Block as net' if what == 'net' else 'gluon.Trainer as trainer'}, found {value!r}; "
                "pass the objects that you train with"
            )
            raise GlueballTypeError(message)
    if loss is not None and not callable(loss):
        message = f"expected a loss that is called with output and label, found {loss!r}; pass gluon.loss.L2Loss()"
        raise GlueballTypeError(message)


def as_inputs(net: Block, x: Any) -> list[Any]:
    """Return what `net` is called with, as arrays of their own."""
    parameters = [each for _, each in net._walk_parameters()]
    return [_array(each, parameters) for each in (x if isinstance(x, list | tuple) else [x])]


def _array(value: Any, parameters: list[Parameter]) -> Any:
    """Return an input as an array of its own, outside every graph, in the net's precision."""
    plain = np.asarray(value)
    if plain.dtype.kind not in "biuf":
        message = f"expected arrays of numbers to look into a net with, found {value!r}; pass a batch of data"
        raise GlueballTypeError(message)
    if not isinstance(value, NDArray) and plain.dtype.kind == "f":
        plain = plain.astype(parameters[0].dtype if parameters else np.float32)
    return plain.copy().view(array_type())


def _heads(output: Any, y: Any, loss: Any, samples: int) -> tuple[list[Any], Any, str]:
    """Return what is differentiated, what the gradients there are (None: ones), and its name."""
    outputs = [each for each in flat(output) if each.dtype.kind == "f"]
    if y is None and loss is None:
        # As if every output's gradient were independent of the others: Glorot and Bengio (2010), section 4.2.1.
        noise = np.random.default_rng(0)
        return outputs, [noise.normal(size=each.shape) for each in outputs], "random gradients"
    label = y if y is None or isinstance(y, NDArray) else np.asarray(y).view(array_type())
    if loss is None:
        loss = _usual_loss(output, label, samples)
    found = flat(loss(output) if y is None else loss(output, label))
    if not found:
        message = f"expected a loss that returns an array, found another result of {loss!r}; return the array"
        raise GlueballTypeError(message)
    name = getattr(loss, "__name__", type(loss).__name__)
    return found, None, name


def _usual_loss(output: Any, label: Any, samples: int) -> Any:
    shape: tuple[int, ...] = getattr(output, "shape", ())
    if label.size == samples and len(shape) == 2 and shape[1] > 1:
        return SoftmaxCrossEntropyLoss()
    if np.prod(shape) == label.size:
        return L2Loss()
    message = (
        f"expected labels that say which loss is meant, one class for each of {samples} samples or a number for "
        f"each output, found shape {label.shape} for an output of shape {shape}; pass loss="
    )
    raise ArgumentError(message)


def _slopes(
    heads: list[Any], head_grads: Any, calls: list[Call], trainable: list[Parameter]
) -> dict[int, Any]:
    """Return gradients by the ``id`` of the array before an activation, and of the parameter."""
    in_graph = [i for i, each in enumerate(heads) if each._node is not None]
    if not in_graph:
        return {}
    heads = [heads[i] for i in in_graph]
    given = None if head_grads is None else [wrap(head_grads[i], type(heads[0])) for i in in_graph]
    places = {id(call.place): call.place for call in calls if call.place._node is not None}
    keys = [*places, *map(id, trainable)]
    variables = [*places.values(), *(each.data() for each in trainable)]
    found = autograd.grad(heads, variables, given)
    return dict(zip(keys, map(np.asarray, found), strict=True))


def _functions(calls: list[Call]) -> list[str | None]:
    """Return the activation that each call's output goes through: its own, or the next before other weights."""
    found: list[str | None] = []
    following: str | None = None
    for call in reversed(calls):
        if call.function is not None:
            following = call.function
        if call.weights:
            found.append(following)
            following = None
        else:
            found.append(call.function)
    return found[::-1]


def _values(
    net: Block,
    gradients: dict[int, Any] | None = None,
    changes: dict[int, Any] | None = None,
    batch: int = 1,
) -> list[Weights]:
    found: dict[int, Weights] = {}
    for path, parameter in net._walk_parameters():
        if id(parameter) in found or not parameter._is_initialized:
            continue
        values = np.asarray(parameter.data())
        gradient = (gradients or {}).get(id(parameter))
        change = (changes or {}).get(id(parameter))
        found[id(parameter)] = Weights(
            path,
            describe(values),
            _count_lost(values),
            rms(values),
            None if gradient is None else rms(gradient) / batch,
            None if change is None else rms(change),
            values[0].size if values.ndim > 1 else 0,
        )
    return list(found.values())


def _count_lost(array: Any) -> int:
    return int(array.size) - int(np.isfinite(array).sum())
