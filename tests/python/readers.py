"""Every reader of files that the package has, for tests that hold for all of them.

Each writes a file, and reads it into something whose whole state can be compared before and after.
"""

from __future__ import annotations

import functools
import pathlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import glueball
from glueball import gluon, init, metric, nd, npx, onnx, optimizer
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import CheckpointHandler, Estimator

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["READERS", "Reader"]


class Reader(NamedTuple):
    """How one kind of file is written and read."""

    write: Callable[[pathlib.Path], None]
    """Writes a file that can be read, under the path that it is given."""
    read: Callable[[Any, pathlib.Path], Any]
    """Reads it into what `target` made."""
    target: Callable[[], Any] = lambda: None
    state: Callable[[Any], Any] = lambda target: None
    """Returns all that reading may change."""
    names_file: bool = True
    """Whether there is a file to name: texts have none."""


class Wandering(optimizer.Optimizer):
    """Keep a state of every kind that files hold."""

    def create_state(self, index, weight):
        """Return a dict of an array, numbers, None, a tuple and a list."""
        return {"mean": nd.zeros(weight.shape), "seen": 0, "rest": (None, [1.5, True])}

    def update(self, index, weight, grad, state):
        """Step along the mean of all gradients."""
        state["seen"] += 1
        state["mean"] += (grad - state["mean"]) / state["seen"]
        weight -= self._get_lr(index) * state["mean"]


def _net(seed=0):
    net = nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(nn.Dense(3, activation="tanh", in_units=2), nn.Dense(1, in_units=3))
    net.initialize()
    rng = np.random.default_rng(seed)
    for parameter in net.collect_params().values():
        parameter.set_data(nd.array(rng.normal(size=parameter.shape)))
    return net


def _deferred():
    net = nn.HybridSequential(nn.Dense(3, activation="tanh"), nn.Dense(1), prefix="net_")
    net.initialize()
    return net


def _net_state(net):
    return [
        (name, each.shape, each.dtype, each._state, each.grad_req)
        + (() if each._state != "initialized" else (each.data().asnumpy().tobytes(),))
        for name, each in net.collect_params().items()
    ]


def _trainer(rule, steps=2):
    net = _net()
    # Not registered: names of optimizers are part of messages that other tests look at.
    made = Wandering() if rule == "wandering" else rule
    trainer = gluon.Trainer(net.collect_params(), made)
    x = nd.ones((4, 2))
    for _ in range(steps):
        with glueball.autograd.record():
            loss = gluon.loss.L2Loss()(net(x), nd.ones((4, 1)))
        loss.backward()
        trainer.step(4)
    return trainer


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, np.asarray(value).tobytes()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _trainer_state(trainer):
    rule = trainer.optimizer
    kept = [_plain(rule.get_state(i, each)) for i, each in enumerate(trainer._params)]
    values = [each.data().asnumpy().tobytes() for each in trainer._params]
    return kept, values, rule.num_update, rule.lr, rule._rate_is_given


def _estimator():
    net = _net()
    trainer = gluon.Trainer(net.collect_params(), "adam")
    estimator = Estimator(net, gluon.loss.L2Loss(), trainer=trainer)
    estimator.max_epoch = 9
    estimator.logger.setLevel("WARNING")
    return estimator


def _resume(estimator, path):
    CheckpointHandler(path.parent, "model", resume_from_checkpoint=True).train_begin(estimator)


def _write_checkpoint(path):
    trainer = _trainer("adam")
    net = _net(seed=1)
    net.save_parameters(path.with_suffix(".params"))
    trainer.save_states(path.with_suffix(".states"))


def _estimator_state(estimator):
    return (
        _net_state(estimator.net), _trainer_state(estimator.trainer), estimator.max_epoch,
        estimator.max_batch,
    )  # fmt: skip


def _into_net(read, write=lambda path: _net(seed=1).save_parameters(path), target=_net):
    return Reader(write, read, target, _net_state)


def _states(rule):
    return Reader(
        lambda path: _trainer(rule, steps=3).save_states(path),
        lambda trainer, path: trainer.load_states(path),
        functools.partial(_trainer, rule),
        _trainer_state,
    )


def _new(read, write):
    return Reader(write, lambda _, path: read(path))


def _text(create, text):
    return Reader(
        lambda path: pathlib.Path(path).write_text(text, "utf-8"),
        lambda _, path: create(path.read_bytes().decode("utf-8", "replace")),
        names_file=False,
    )


def _prefix(path):
    return str(path).removesuffix("-model.json").removesuffix("-model.params")


def _write_arrays(path):
    nd.save(path, {"a": nd.ones((2, 3)), "b": nd.zeros(2, dtype="int32"), "c": nd.ones((0, 2))})


def _write_onnx(path):
    layers = [
        nn.Dense(3, activation="relu", in_units=4), nn.BatchNorm(in_channels=3),
        nn.LayerNorm(in_channels=3), nn.PReLU(), nn.GELU(), nn.GroupNorm(3, in_channels=3),
        nn.Dense(2, in_units=3, use_bias=False), nn.HybridLambda("softmax"),
    ]  # fmt: skip
    net = nn.HybridSequential(*layers)
    net.initialize(init.Normal(1))
    net(nd.ones((2, 4)))
    onnx.export(net, path, fold_batch_norm=False)


def _write_beside(path):
    """Write a model whose arrays are in another file, as the onnx package does."""
    import onnx as package

    model = path.with_suffix(".onnx")
    _write_onnx(model)
    package.save(
        package.load(model),
        model,
        save_as_external_data=True,
        location="outside.bin",
        size_threshold=0,
    )


def _write_model(path):
    first = nn.Dense(3, activation="relu", in_units=3)
    net = nn.Sequential(
        nn.HybridSequential(first, nn.BatchNorm(in_channels=3), nn.PReLU(), nn.Swish(1.5)),
        nn.Sequential(nn.Dropout(0.3, axes=(0,)), nn.LeakyReLU(0.2), nn.LayerNorm(in_channels=3)),
        nn.Dense(3, in_units=3, params=first.params),
        nn.GroupNorm(3, in_channels=3),
        nn.Flatten(),
    )
    net.initialize(init.Normal(1))
    net.export(path)


# By the name of the file, whose ending some readers go by.
READERS: dict[str, Reader] = {
    **{
        f"net.{kind}": _into_net(lambda net, path: net.load_parameters(path))
        for kind in ("params", "npz", "safetensors")
    },
    "deferred.params": _into_net(lambda net, path: net.load_parameters(path), target=_deferred),
    "dict.params": _into_net(
        lambda net, path: net.collect_params().load(path),
        lambda path: _net(seed=1).collect_params().save(path),
    ),
    "pair-model.json": _into_net(
        lambda net, path: net.load(_prefix(path)), lambda path: _net(seed=1).save(_prefix(path))
    ),
    "pair-model.params": _into_net(
        lambda net, path: net.load(_prefix(path)), lambda path: _net(seed=1).save(_prefix(path))
    ),
    **{f"arrays.{kind}": _new(nd.load, _write_arrays) for kind in ("params", "npz", "safetensors")},
    "npx.params": _new(npx.load, _write_arrays),
    "init.params": _new(init.Load, _write_arrays),
    "model.safetensors": _new(glueball.load, _write_model),
    "net.onnx": _new(onnx.load, _write_onnx),
    "outside.onnx": _new(onnx.load, _write_beside),
    "outside.bin": _new(lambda path: onnx.load(path.with_suffix(".onnx")), _write_beside),
    **{f"{rule}.states": _states(rule) for rule in ("sgd", "nag", "adam", "nadam", "wandering")},
    "model-epoch1batch2.params": Reader(_write_checkpoint, _resume, _estimator, _estimator_state),
    "model-epoch1batch2.states": Reader(_write_checkpoint, _resume, _estimator, _estimator_state),
    "init.json": _text(init.create, '["mixed", {"patterns": [".*"], "initializers": [["uniform", {"scale": 0.1}]]}]'),
    "metric.json": _text(metric.create, '{"metric": "topkaccuracy", "top_k": 2, "name": "a"}'),
}  # fmt: skip
