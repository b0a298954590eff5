"""What is set on a parameter by habit does what is meant, or is refused with the near name: nothing is kept in silence."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading

import numpy as onp
import pytest

from glueball import autograd, nd
from glueball.gluon import Constant, Parameter, Trainer, nn


def made(**settings):
    weight = Parameter("w", shape=(2, 3), **settings)
    weight.initialize("ones")
    return weight


SIX = onp.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize("data", [SIX, SIX.tolist(), nd.array(SIX)], ids=["numpy", "list", "nd"])
def test_setting_data_sets_the_values_and_data_goes_on_working(data):
    weight = made()

    weight.data = data

    assert weight.data().asnumpy().tolist() == SIX.tolist()
    assert callable(weight.data)


def test_a_net_computes_and_saves_what_was_set(tmp_path):
    net = nn.Dense(2, in_units=3, use_bias=False)
    net.initialize()

    net.weight.data = SIX
    net.save_parameters(str(tmp_path / "net.params"))

    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[3, 12]]
    assert nd.load(str(tmp_path / "net.params"))["weight"].asnumpy().tolist() == SIX.tolist()


@pytest.mark.parametrize("wrong", [onp.ones((3, 2)), onp.ones(6), []])
def test_setting_data_of_another_shape_is_refused(wrong):
    weight = made()

    with pytest.raises(ValueError, match="'w'"):
        weight.data = wrong

    assert (weight.data().asnumpy() == 1).all()


def test_setting_the_gradient_to_none_zeros_it():
    weight = made()
    with autograd.record():
        loss = (weight.data() * 3).sum()
    loss.backward()
    assert weight.has_grad

    weight.grad = None

    assert weight.grad().asnumpy().tolist() == [[0] * 3] * 2
    assert not weight.has_grad
    weight.grad = None  # again, and of one that does not learn
    made(grad_req="null").grad = None


def test_setting_the_gradient_is_as_a_backward_that_computed_it():
    weight = made()
    trainer = Trainer([weight], "sgd", {"learning_rate": 1})

    weight.grad = SIX
    trainer.step(1)

    assert weight.data().asnumpy().tolist() == (1 - SIX).tolist()
    with pytest.raises(ValueError, match=r"expected a gradient of shape \(2, 3\)"):
        weight.grad = onp.ones(2)
    with pytest.raises(ValueError, match="set requires_grad = True first"):
        made(grad_req="null").grad = SIX


@pytest.mark.parametrize(
    ("attribute", "near"),
    [
        ("requires_gard", "did you mean 'requires_grad'"),
        ("grad_reg", "did you mean 'grad_req'"),
        ("lr_mul", "did you mean 'lr_mult'"),
        ("wd_mut", "did you mean 'wd_mult'"),
        ("stop_gradiant", "did you mean 'stop_gradient'"),
        ("trainble", "did you mean 'trainable'"),
        ("Data", "did you mean 'data'"),
        ("foo", "it has data, grad, init, "),
    ],
)
@pytest.mark.parametrize("kind", ["parameter", "constant"])
def test_unknown_attributes_are_refused_with_the_near_name(kind, attribute, near):
    parameter = made() if kind == "parameter" else Constant("c", [1.0])

    with pytest.raises(AttributeError, match=f"found '{attribute}'; {near}"):
        setattr(parameter, attribute, False)

    assert attribute not in parameter.__dict__


@pytest.mark.parametrize(
    "attribute",
    ["initialize", "set_data", "zero_grad", "list_data", "numpy", "has_grad", "size", "path"],
)
def test_methods_and_what_is_read_only_are_refused(attribute):
    weight = made()
    before = weight.data().asnumpy()

    with pytest.raises(AttributeError, match=attribute):
        setattr(weight, attribute, 3)

    onp.testing.assert_array_equal(weight.data().asnumpy(), before)


def test_what_a_parameter_has_can_be_set():
    weight = made()

    weight.lr_mult, weight.wd_mult, weight.grad_req, weight.dtype = 0.5, 0, "add", "float64"
    weight.init = "zeros"
    weight.shape = (2, 3)

    assert (weight.lr_mult, weight.wd_mult, weight.grad_req) == (0.5, 0, "add")
    assert weight.data().dtype == onp.float64


def test_setattr_of_a_whole_net_is_checked_too():
    net = nn.Dense(2, in_units=3)

    with pytest.raises(AttributeError, match="found 'lr_mul'; did you mean 'lr_mult'"):
        net.collect_params().setattr("lr_mul", 0)
    net.collect_params().setattr("lr_mult", 0)

    assert net.weight.lr_mult == 0


def test_a_class_of_a_users_own_may_have_more_but_nothing_near_what_there_is():
    class Own(Parameter):
        def __init__(self, name, **settings):
            self.note = "before"  # even before our constructor
            super().__init__(name, **settings)
            self.mask = [1]

    weight = Own("w", shape=(2,))
    weight.anything = 3

    assert (weight.note, weight.mask, weight.anything) == ("before", [1], 3)
    with pytest.raises(AttributeError, match="did you mean 'requires_grad'"):
        weight.requires_gard = True
    with pytest.raises(AttributeError, match="which is a method; call it"):
        weight.initialize = 3


def test_programs_for_mxnet_keep_attributes_of_their_own():
    code = """
import glueball
glueball.install_as_mxnet()
from mxnet import gluon
weight = gluon.Parameter("w", shape=(2,))
weight.sparsity = 0.5
try:
    weight.lr_mul = 0
except AttributeError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "did you mean 'lr_mult'" in run.stdout


@pytest.mark.parametrize(
    ("attribute", "near"),
    [
        ("trainble", "trainable"),
        ("requires_gard", "requires_grad"),
        ("require_grad", "requires_grad"),
        ("stop_gradients", "stop_gradient"),
    ],
)
def test_blocks_own_words_misspelt_are_refused_with_the_near_name(attribute, near):
    net = nn.Dense(2)

    with pytest.raises(AttributeError, match=f"found '{attribute}', .*did you mean '{near}'"):
        setattr(net, attribute, False)

    assert attribute not in net.__dict__


def test_users_attributes_on_blocks_are_free():
    class Own(nn.Block):
        trainabl = None  # declared by the class

        def __init__(self):
            super().__init__()
            self.trainabl = True
            self.training = self.trace = self.residual = self.stochastic = False
            self.note = "mine"

    net = Own()

    assert (net.trainabl, net.training, net.residual, net.note) == (True, False, False, "mine")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))]
)
def test_copies_go_on_working(copied):
    weight = made()
    with autograd.record():
        loss = (weight.data() * 3).sum()
    loss.backward()

    twin = copied(weight)
    twin.data = SIX

    assert twin.has_grad
    assert twin.grad().asnumpy().tolist() == [[3] * 3] * 2
    with pytest.raises(AttributeError):
        twin.requires_gard = True


def test_setting_data_of_a_tied_parameter_sets_every_place():
    first = nn.Dense(3, in_units=2)
    net = nn.Sequential(first, nn.Dense(3, in_units=2, params=first.params))
    net.initialize()

    net[1].weight.data = SIX.reshape(3, 2)

    assert net[0].weight.data().asnumpy().tolist() == SIX.reshape(3, 2).tolist()


def test_setting_data_inside_record_is_noticed():
    net = nn.Sequential(nn.Dense(2, in_units=2), nn.Dense(1, in_units=2))
    net.initialize()
    with autograd.record():
        loss = net(nd.ones((1, 2)))
        net[1].weight.data = [[1, 2]]

    with pytest.raises(RuntimeError, match="has been written since"):
        loss.backward()


def test_other_threads_run_the_net_while_data_is_set():
    net = nn.Dense(2, in_units=3, use_bias=False)
    net.initialize("ones")
    x = nd.ones((1, 3))
    wrong = []
    done = threading.Event()

    def run():
        while not done.is_set():
            if not set(net(x).asnumpy().flat) <= {3.0, 6.0}:
                wrong.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    for turn in range(200):
        net.weight.data = onp.full((2, 3), 1 + turn % 2)
    done.set()
    thread.join()

    assert wrong == []


def test_debuggers_may_still_write_private_attributes():
    weight = made()

    weight._note = 3

    assert weight._note == 3
