"""Words of PyTorch, Keras and Paddle are answered with ours, and the table of them is true."""

from __future__ import annotations

import importlib
import inspect

import numpy as onp
import pytest

import glueball
from glueball import _elsewhere, gluon, init, lr_scheduler, nd, optimizer
from glueball.base import ArgumentError, GlueballAttributeError, GlueballTypeError, MXNetError
from glueball.gluon import nn
from glueball.gluon.data import ArrayDataset, DataLoader

TABLE = _elsewhere.table()
CLASSES = {"Block": nn.Block, "Parameter": gluon.Parameter}
OWNERS = [kind for kind in TABLE if kind != "arguments"]


def dense():
    net = nn.Dense(3, in_units=4)
    net.initialize()
    return net


def accepted_anywhere():
    """All names of arguments of public classes and functions."""
    found = set()
    for module in (nn, gluon.loss, init, optimizer, lr_scheduler, nd, nd.random, glueball.metric):
        for name in module.__all__:
            thing = getattr(module, name)
            mro = thing.__mro__[:-1] if isinstance(thing, type) else [thing]
            for each in mro:
                call = each.__dict__.get("__init__") if isinstance(each, type) else each
                if call is not None and callable(call) and hasattr(call, "__code__"):
                    found |= set(inspect.signature(call).parameters)
    return found


def test_arguments_of_the_table_are_ours():
    known = accepted_anywhere() | {"gamma1"}  # RMSProp's
    for word, ours in TABLE["arguments"].items():
        for each in filter(None, ours.split(", ")):
            assert each in known, (word, each)


@pytest.mark.parametrize("kind", OWNERS)
def test_names_of_the_table_are_not_there_and_are_answered(kind):
    owner = CLASSES[kind] if kind in CLASSES else importlib.import_module(kind)
    for name, ours in TABLE[kind].items():
        assert not hasattr(owner, name), name
        error = GlueballAttributeError(
            "no", name=name, obj=owner.__new__(owner) if kind in CLASSES else owner
        )
        assert str(error) == f"no; here it is {ours}"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: gluon.Trainer(dense().collect_params(), "sgd", {"lr": 0.1}), "found 'lr'; did you mean 'learning_rate'"),
        (lambda: gluon.Trainer(dense().collect_params(), "adam", {"betas": (0.9, 0.9)}), "did you mean 'beta1'"),
        (lambda: optimizer.AdamW(weight_decay=0.1), "did you mean 'wd'"),
        (lambda: optimizer.SGD(lr=0.1), "did you mean 'learning_rate'"),
        (lambda: nn.Dense(3, input_dim=4), "found 'input_dim'; did you mean 'in_units'"),
        (lambda: nn.Dense(3, in_features=4), "did you mean 'in_units'"),
        (lambda: nn.Dense(3, bias=False), "did you mean 'use_bias'"),
        (lambda: nn.Dense(3, kernel_initializer="normal"), "did you mean 'weight_initializer'"),
        (lambda: nn.BatchNorm(num_features=3), "did you mean 'in_channels'"),
        (lambda: nn.LayerNorm(eps=1e-3), "did you mean 'epsilon'"),
        (lambda: nn.Embedding(3, embedding_dim=4), "did you mean 'output_dim'"),
        (lambda: init.Normal(std=0.1), "did you mean 'sigma'"),
        (lambda: init.Normal(stddev=0.1), "did you mean 'sigma'"),
        (lambda: init.Uniform(a=-1, b=1), "did you mean 'low'"),
        (lambda: gluon.loss.HuberLoss(delta=1), "did you mean 'rho'"),
        (lambda: lr_scheduler.FactorScheduler(step_size=3), "did you mean 'step'"),
    ],
)  # fmt: skip
def test_an_argument_of_another_system_is_answered_with_ours(call, said):
    with pytest.raises(GlueballTypeError, match=said):
        call()


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (lambda: nn.Linear, "has no attribute 'Linear'; here it is nn.Dense"),
        (lambda: nn.ReLU, "here it is nn.Activation"),
        (lambda: gluon.loss.CrossEntropyLoss, r"here it is SoftmaxCELoss\(\)"),
        (lambda: dense().fit, "here it is gluon.contrib.estimator"),
        (lambda: dense().train(), "autograd.record"),
        (lambda: dense().weight.copy_, r"set_data\(values\)"),
        (lambda: glueball.no_grad, "autograd.record"),
        (lambda: nd.tensor, "here it is nd.array"),
    ],
)
def test_a_name_of_another_system_is_answered_with_what_does_it_here(look, said):
    with pytest.raises(AttributeError, match=said) as caught:
        look()
    assert isinstance(caught.value, MXNetError)


def test_one_sample_is_told_its_shape():
    with pytest.raises(
        MXNetError, match=r"found \(4,\); one sample has the shape \(1, 4\): reshape it"
    ):
        dense()(nd.ones((4,)))


@pytest.mark.parametrize(
    "read", [nd.load, glueball.load, lambda path: dense().load_parameters(path)]
)
def test_a_file_that_is_not_there_is_not_told_to_make_a_folder(read, tmp_path):
    with pytest.raises(FileNotFoundError, match="correct the path$"):
        read(str(tmp_path / "none.safetensors"))


def test_a_loader_of_arrays_is_told_of_the_set():
    x, y = onp.ones((4, 2)), onp.ones(4)
    with pytest.raises(
        GlueballTypeError, match=r"found ndarray of 4; .*DataLoader\(ArrayDataset\(x, y\)"
    ):
        DataLoader(x, y)
    assert len(DataLoader(ArrayDataset(x, y), batch_size=2)) == 2


def test_an_onnx_file_is_told_who_writes_it():
    with pytest.raises(ArgumentError, match=r"use glueball\.onnx\.export\(net, 'x\.onnx'\)"):
        nn.Sequential(dense()).export("x.onnx")


def test_a_trainer_takes_what_parameters_gives():
    net = dense()
    trainer = gluon.Trainer(net.parameters(), "sgd", {"learning_rate": 0.5})
    assert [each.name for each in trainer._params] == [net.weight.name, net.bias.name]
