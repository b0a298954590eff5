"""What happens to a training program that is given something wrong: the message, and the state after it.

Each test goes on afterwards: a program that catches the error can mend its input and train.
"""

from __future__ import annotations

import os

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd
from glueball.gluon import nn


def made():
    net = nn.HybridSequential(nn.Dense(4, activation="tanh", in_units=3), nn.Dense(2, in_units=4))
    net.initialize(init.Xavier())
    return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5, "momentum": 0.9})


def values(net):
    return [p.data().asnumpy() for p in net.collect_params().values()]


def gradients(net):
    return [p.grad().asnumpy() for p in net.collect_params().values()]


def check_it_trains(net, trainer):
    """Check that a step works, and moves every parameter."""
    before = values(net)
    with autograd.record():
        loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(nd.ones((2, 3))), nd.array([0, 1]))
    (loss * nd.array([1.0, 3.0])).sum().detach()
    loss.backward(nd.array([1.0, 3.0]))
    trainer.step(2)
    assert all((a != b).any() for a, b in zip(before, values(net), strict=True))


def test_wrong_shape_of_a_head_gradient():
    net, trainer = made()
    with autograd.record():
        y = net(nd.ones((2, 3)))
    before = gradients(net)

    for wrong in ((2, 1), (1, 1), (3, 2), (2,)):
        with pytest.raises(
            ValueError, match=r"expected a head gradient of shape \(2, 2\).*found .*; pass out_grad"
        ):
            y.backward(nd.ones(wrong))

    onp.testing.assert_array_equal(gradients(net)[0], before[0])
    y.backward(nd.ones((2, 2)))  # the graph is still there
    trainer.step(2)


def test_backward_outside_record():
    net, trainer = made()
    y = net(nd.ones((2, 3)))

    with pytest.raises(RuntimeError, match="You need to set is_recording to true or use"):
        y.backward()

    assert all((g == 0).all() for g in gradients(net))
    with pytest.raises(UserWarning, match="has not been updated by backward since last `step`"):
        trainer.step(2)
    check_it_trains(net, trainer)


@pytest.mark.parametrize(
    ("loss", "label", "message"),
    [
        (gluon.loss.L2Loss(), (3, 2), r"Cannot reshape array of size 6 into shape \(2, 2\)"),
        (gluon.loss.SoftmaxCrossEntropyLoss(), (3,), r"expected one label of shape \(2,\)"),
        (
            gluon.loss.SigmoidBCELoss(),
            (2, 3),
            r"Cannot reshape array of size 6 into shape \(2, 2\)",
        ),
    ],
    ids=["L2Loss", "SoftmaxCrossEntropyLoss", "SigmoidBCELoss"],
)
def test_loss_on_mismatched_shapes(loss, label, message):
    net, trainer = made()
    with autograd.record():
        y = net(nd.ones((2, 3)))
        with pytest.raises(ValueError, match=message):
            loss(y, nd.zeros(label))
    assert not autograd.is_recording()
    check_it_trains(net, trainer)


@pytest.mark.parametrize("label", [2, -1, 0.5, float("nan")])
def test_label_out_of_range(label):
    net, trainer = made()
    with autograd.record():
        y = net(nd.ones((2, 3)))
        with pytest.raises(IndexError, match=r"class numbers from 0 to 1, found .* at \[1\]"):
            gluon.loss.SoftmaxCrossEntropyLoss()(y, nd.array([0, label]))
    check_it_trains(net, trainer)


def test_learning_rate_that_is_not_a_number():
    net, trainer = made()
    for wrong in (float("nan"), float("inf"), "fast"):
        with pytest.raises(ValueError, match="expected a finite number as learning_rate, found"):
            trainer.set_learning_rate(wrong)
        with pytest.raises(ValueError, match="expected a finite number as learning_rate, found"):
            gluon.Trainer(net.collect_params(), "adam", {"learning_rate": wrong})
    assert trainer.learning_rate == 0.5
    check_it_trains(net, trainer)

    scheduled = gluon.Trainer(net.collect_params(), "sgd", {"lr_scheduler": lambda _: float("nan")})
    with autograd.record():
        y = net(nd.ones((2, 3)))
    y.backward()
    before = values(net)
    with pytest.raises(ValueError, match="finite number as learning rate of lr_scheduler"):
        scheduled.step(2)
    for a, b in zip(before, values(net), strict=True):
        onp.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: f.pop("1.bias"), AssertionError, r"Parameter '1\.bias' is missing in file"),
        (lambda f: f.update(extra=nd.ones(2)), ValueError, "Parameter 'extra' loaded from file"),
        (
            lambda f: f.update({"1.weight": nd.ones((2, 5))}),
            AssertionError,
            r"shape incompatible expected \(2, 4\) vs saved \(2, 5\)",
        ),
    ],
    ids=["missing", "extra", "wrong shape"],
)
def test_load_of_parameters_that_do_not_fit(tmp_path, change, error, message):
    net, trainer = made()
    path = str(tmp_path / "net.npz")
    net.save_parameters(path)
    stored = nd.load(path)
    stored["0.weight"] = nd.ones((4, 3))  # would be loaded first
    change(stored)
    nd.save(path, stored)
    before = values(net)

    with pytest.raises(error, match=message):
        net.load_parameters(path)

    for a, b in zip(before, values(net), strict=True):
        onp.testing.assert_array_equal(a, b)
    check_it_trains(net, trainer)


def test_data_loader_over_arrays_of_unequal_length():
    with pytest.raises(AssertionError, match="All arrays must have the same length"):
        gluon.data.ArrayDataset(nd.ones((4, 3)), nd.ones((3, 1)))
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(nd.ones((4, 3)), nd.ones((4, 1))), 2)
    assert [len(batch) for batch in loader] == [2, 2]


class DiesOnce:
    """Kills the process that asks for item 2, unless the flag is there."""

    def __init__(self, flag):
        self.flag = flag

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 2 and not os.path.exists(self.flag):
            with open(self.flag, "w"):
                pass
            os._exit(3)
        return onp.float32(i)


def test_worker_that_dies(tmp_path):
    loader = gluon.data.DataLoader(DiesOnce(str(tmp_path / "flag")), 2, num_workers=1)

    with pytest.raises(RuntimeError, match=r"expected .*worker.* found"):
        list(loader)

    batches = [batch.asnumpy().tolist() for batch in loader]  # a new worker does it
    assert batches == [[0, 1], [2, 3]]


def test_everything_works_on_parameters_whose_shapes_are_not_known(tmp_path):
    source = nn.HybridSequential(nn.Dense(4, activation="tanh"), nn.Dense(4), nn.Dense(2))
    source.initialize(init.Xavier())
    source(nd.ones((1, 3)))
    path = str(tmp_path / "net.npz")
    source.save_parameters(path)

    net = nn.HybridSequential()
    first = nn.Dense(4, activation="tanh")
    net.add(first, nn.Dense(4), nn.Dense(2))
    tied = nn.Dense(4, params=first.params)  # tying
    net.initialize(init.Normal(1))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1.0})  # a Trainer
    net.cast("float64")  # casting
    net[1].weight.grad_req = "null"  # freezing
    net[2].weight.lr_mult = 0.5  # multipliers
    net[2].bias.wd_mult = 0.0
    net[1].weight.set_data(onp.full((4, 4), 0.25))  # set_data finishes at once
    assert net[1].weight.data().shape == (4, 4)
    with pytest.raises(gluon.parameter.DeferredInitializationError):
        net[0].weight.data()

    x = nd.array([[1, 2, 3], [3, 2, 1]], dtype="float64")
    with autograd.record():
        y = net(x)
    y.backward()
    slope = net[2].weight.grad().asnumpy()
    before = net[2].weight.data().asnumpy()
    trainer.step(1)

    assert tied.weight is net[0].weight
    assert net[0].weight.dtype == onp.float64
    onp.testing.assert_allclose(net[2].weight.data().asnumpy(), before - 0.5 * slope)
    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), onp.full((4, 4), 0.25))

    fresh = nn.HybridSequential(nn.Dense(4, activation="tanh"), nn.Dense(4), nn.Dense(2))
    fresh.load_parameters(path)  # loading, and nothing is initialized first
    onp.testing.assert_array_equal(
        fresh(nd.ones((1, 3))).asnumpy(), source(nd.ones((1, 3))).asnumpy()
    )
