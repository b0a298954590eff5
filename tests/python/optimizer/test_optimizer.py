"""Optimizers by themselves: the rule of sgd, settings, the registry, rules of your own."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, optimizer
from glueball.gluon import nn


def follow_sgd(weights, gradients, rate, momentum, wd, rescale, clip):
    """Apply the rule of sgd, in float64."""
    w = weights.astype(onp.float64)
    m = onp.zeros_like(w)
    for gradient in gradients:
        g = rescale * gradient
        if clip:
            g = onp.clip(g, -clip, clip)
        g = g + wd * w
        if momentum:
            m = momentum * m - rate * g
            w = w + m
        else:
            w = w - rate * g
    return w


SETTINGS = [
    {"learning_rate": 0.1},
    {"learning_rate": 0.1, "momentum": 0.9},
    {"learning_rate": 0.1, "momentum": 0.9, "wd": 0.05},
    {"learning_rate": 0.1, "wd": 0.05, "clip_gradient": 0.3},
    {"learning_rate": 0.1, "momentum": 0.5, "wd": 0.05, "clip_gradient": 0.3},
    {"learning_rate": 0.1, "clip_gradient": 0},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-12)])
def test_sgd_follows_its_rule(settings, dtype, tolerance):
    rng = onp.random.default_rng(0)
    start = rng.normal(size=(5, 7)).astype(dtype)
    gradients = rng.normal(size=(20, 5, 7)).astype(dtype)
    parameter = gluon.Parameter("w", shape=(5, 7), dtype=dtype)
    parameter.initialize()
    parameter.set_data(start)
    trainer = gluon.Trainer([parameter], "sgd", settings)

    for gradient in gradients:
        with autograd.record():
            y = (parameter.data() * nd.array(gradient, dtype=dtype)).sum()
        y.backward()
        trainer.step(2)

    wanted = follow_sgd(
        start,
        gradients,
        settings["learning_rate"],
        settings.get("momentum", 0),
        settings.get("wd", 0),
        0.5,
        settings.get("clip_gradient", 0),
    )
    onp.testing.assert_allclose(parameter.data().asnumpy(), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_update_of_single_arrays_is_the_same_rule(settings):
    rng = onp.random.default_rng(1)
    start, gradients = rng.normal(size=(4,)), rng.normal(size=(6, 4))
    weight = nd.array(start, dtype="float64")
    sgd = optimizer.SGD(rescale_grad=0.5, **settings)
    state = sgd.create_state(0, weight)

    for gradient in gradients:
        sgd.update(0, weight, nd.array(gradient, dtype="float64"), state)

    wanted = follow_sgd(
        start,
        gradients,
        settings["learning_rate"],
        settings.get("momentum", 0),
        settings.get("wd", 0),
        0.5,
        settings.get("clip_gradient", 0),
    )
    onp.testing.assert_allclose(weight.asnumpy(), wanted, rtol=1e-12)


def test_defaults_are_gluons():
    sgd = optimizer.SGD()

    assert (sgd.learning_rate, sgd.momentum, sgd.wd, sgd.rescale_grad) == (0.01, 0, 0, 1)
    assert sgd.clip_gradient is None
    assert sgd.num_update == 0


def test_settings_that_gluon_has_are_taken():
    sgd = optimizer.SGD(
        lazy_update=True, multi_precision=True, param_idx2name={0: "w"}, begin_num_update=5
    )

    assert sgd.num_update == 5


def test_momentum_can_be_changed():
    sgd = optimizer.SGD(momentum=0.5)

    sgd.momentum = 0.75

    assert sgd.momentum == 0.75
    with pytest.raises(ValueError, match="a finite number as momentum, found nan"):
        sgd.momentum = float("nan")
    assert sgd.momentum == 0.75


def test_create_finds_registered_names_in_any_case():
    assert optimizer.create("SGD", learning_rate=0.5).learning_rate == 0.5
    assert optimizer.Optimizer.create_optimizer("sgd", wd=0.1).wd == 0.1
    sgd = optimizer.SGD()
    assert optimizer.create(sgd) is sgd


def test_unknown_name_suggests_near_ones():
    with pytest.raises(ValueError) as caught:
        optimizer.create("sdg")

    assert str(caught.value).startswith(
        "Cannot find optimizer sdg. Expected a registered name, found"
    )
    assert "'sgd'" in str(caught.value)


def test_scheduler_with_a_base_rate_takes_the_learning_rate():
    class Constant:
        base_lr = 1.0

        def __call__(self, update):
            return self.base_lr

    scheduler = Constant()
    sgd = optimizer.SGD(learning_rate=0.25, lr_scheduler=scheduler)

    assert scheduler.base_lr == 0.25
    assert sgd.learning_rate == 0.25


def test_multipliers_go_by_index_or_name_where_there_are_no_parameters():
    sgd = optimizer.SGD(learning_rate=1, wd=1, param_idx2name={0: "a_weight", 1: "b_weight"})
    sgd.set_lr_mult({"a_weight": 0.5, 2: 0.25})
    sgd.set_wd_mult({"b_weight": 0.0})
    weights = [nd.ones((1,), dtype="float64") for _ in range(4)]

    for index, weight in enumerate(weights):
        sgd.update(index, weight, nd.array([0.5], dtype="float64"), None)

    # w - rate * (g + decay * w)
    wanted = [1 - 0.5 * 1.5, 1 - 0.5, 1 - 0.25 * 1.5, 1 - 1.5]
    assert [weight.asscalar() for weight in weights] == wanted


def test_single_arrays_that_do_not_fit_are_refused():
    adam = optimizer.Adam()
    weight = nd.zeros((3,), dtype="float64")

    with pytest.raises(
        ValueError, match=r"expected a gradient of the weight's shape, \(3,\), found"
    ):
        adam.update(0, weight, nd.zeros((2,), dtype="float64"), adam.create_state(0, weight))
    with pytest.raises(
        TypeError, match="expected a gradient of the weight's dtype, float64, found"
    ):
        adam.update(0, weight, nd.zeros((3,)), adam.create_state(0, weight))


def test_single_arrays_may_be_strided():
    weights = onp.zeros((4, 2))
    sgd = optimizer.SGD(learning_rate=1, momentum=0.5)
    state = sgd.create_state(0, weights[:, 0])

    for _ in range(2):
        sgd.update(0, weights[:, 0], onp.ones(4), state)

    onp.testing.assert_array_equal(weights, [[-2.5, 0]] * 4)


@pytest.fixture
def sign():
    class Sign(optimizer.Optimizer):
        """w -= rate * sign(g), counting the updates in its state."""

        def create_state(self, index, weight):
            return nd.zeros((1,))

        def update(self, index, weight, grad, state):
            state += 1
            weight -= (
                self._get_lr(index) * (grad * self.rescale_grad).sign()
                + self._get_wd(index) * weight
            )

    optimizer.register(Sign)
    yield Sign
    del optimizer.optimizer._registry["sign"]


def test_rule_of_ones_own_trains_by_its_registered_name(sign):
    net = nn.Dense(1, in_units=2, weight_initializer="ones")
    net.initialize()
    net.bias.lr_mult = 2
    trainer = gluon.Trainer(net.collect_params(), "sign", {"learning_rate": 0.25})

    for _ in range(3):
        with autograd.record():
            y = net(nd.array([[1, -2]])).sum()
        y.backward()
        trainer.step(1)

    assert type(trainer.optimizer) is sign
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), [[0.25, 1.75]])
    onp.testing.assert_array_equal(net.bias.data().asnumpy(), [-1.5])
    assert [state.asscalar() for state in trainer.optimizer._states.values()] == [3, 3]
    assert trainer.optimizer.num_update == 3


def test_rule_of_ones_own_that_counts_is_not_counted_twice():
    seen = []

    class Counting(optimizer.Optimizer):
        def update(self, index, weight, grad, state):
            self._update_count(index)
            seen.append((index, self._index_update_count[index], self._get_lr(index)))

    net = nn.Dense(1, in_units=2)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), Counting(lr_scheduler=lambda n: n / 4))

    for _ in range(2):
        with autograd.record():
            y = net(nd.ones((1, 2))).sum()
        y.backward()
        trainer.step(1)

    assert seen == [(0, 1, 0.25), (1, 1, 0.25), (0, 2, 0.5), (1, 2, 0.5)]


def test_rule_of_ones_own_changes_nothing_while_a_shape_is_unknown(sign):
    known, waiting = nn.Dense(1, in_units=1, weight_initializer="ones"), nn.Dense(1)
    known.initialize()
    waiting.initialize()
    trainer = gluon.Trainer([known.weight, waiting.weight], sign(learning_rate=1))
    with autograd.record():
        y = known(nd.ones((1, 1)))
    y.backward()

    with pytest.raises(gluon.parameter.DeferredInitializationError):
        trainer.step(1, ignore_stale_grad=True)

    assert known.weight.data().asscalar() == 1
    assert trainer.optimizer.num_update == 0


def test_rule_of_ones_own_skips_frozen_and_stale_parameters(sign):
    used, unused = (nn.Dense(1, in_units=1, weight_initializer="ones") for _ in range(2))
    used.initialize()
    unused.initialize()
    used.bias.grad_req = "null"
    params = [used.weight, used.bias, unused.weight]
    trainer = gluon.Trainer(params, sign(learning_rate=1))
    with autograd.record():
        y = used(nd.ones((1, 1)))
    y.backward()

    trainer.step(1, ignore_stale_grad=True)

    assert [p.data().asscalar() for p in params] == [0, 0, 1]


def test_rule_without_update_is_named():
    class Empty(optimizer.Optimizer):
        pass

    net = nn.Dense(1, in_units=1)
    net.initialize(init.One())
    trainer = gluon.Trainer(net.collect_params(), Empty())
    with autograd.record():
        y = net(nd.ones((1, 1)))
    y.backward()

    with pytest.raises(
        NotImplementedError, match=r"class Empty to define update\(self, index, weight"
    ):
        trainer.step(1)
