"""Optimizers used without a Trainer: `Updater`, lists of arrays, rules written for MXNet's helpers."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, optimizer


def test_an_updater_keeps_a_state_for_each_array():
    update = optimizer.get_updater(optimizer.SGD(learning_rate=0.1, momentum=0.9))
    first, second = nd.ones(2), nd.ones(1)

    for _ in range(2):
        update(0, nd.ones(2), first)
    update("b", nd.ones(1), second)

    # m = 0.9 m - 0.1 g: -0.1, then -0.19
    onp.testing.assert_allclose(first, [0.71, 0.71], rtol=1e-6)
    onp.testing.assert_allclose(second, [0.9], rtol=1e-6)
    assert set(update.states) == {0, "b"}


def test_an_updater_takes_lists():
    update = optimizer.Updater(optimizer.SGD(learning_rate=0.5))
    weights = [nd.ones(1), nd.array([2, 2])]

    update([0, 1], [nd.ones(1), nd.array([1, 2])], weights)

    assert [each.asnumpy().tolist() for each in weights] == [[0.5], [1.5, 1]]


def test_what_is_not_an_optimizer_is_refused():
    with pytest.raises(
        ValueError, match=r"expected an Optimizer, found 'sgd'; make one: optimizer"
    ):
        optimizer.get_updater("sgd")


def test_update_takes_lists():
    rule = optimizer.Adam(learning_rate=0.1)
    one, two = nd.ones(2), nd.ones(2)
    alone = nd.ones(2)
    grad = nd.array([1, -3])
    states = [rule.create_state(i, nd.ones(2)) for i in range(2)]

    rule.update([0, 1], [one, two], [grad, grad], states)
    optimizer.Adam(learning_rate=0.1).update(0, alone, grad, rule.create_state(0, alone))

    onp.testing.assert_array_equal(one, alone)
    onp.testing.assert_array_equal(two, alone)


def test_names_for_half_precision_are_the_usual_ones():
    rule = optimizer.create("sgd", learning_rate=0.5, momentum=0.5, multi_precision=True)
    weight = nd.ones(1)
    state = rule.create_state_multi_precision(0, weight)

    rule.update_multi_precision(0, weight, nd.ones(1), state)

    assert weight.asscalar() == 0.5


def test_a_rule_may_ask_for_rates_by_lists():
    class Plain(optimizer.Optimizer):
        def update(self, index, weight, grad, state):
            (rate,), (decay,) = self._get_lrs([index]), self._get_wds([index])
            weight -= rate * (self.rescale_grad * grad + decay * weight)

    net = gluon.nn.Dense(1, in_units=1, use_bias=False)
    net.initialize(init.One())
    net.weight.lr_mult, net.weight.wd_mult = 0.5, 2
    trainer = gluon.Trainer(net.collect_params(), Plain(learning_rate=0.1, wd=0.25))
    with autograd.record():
        y = net(nd.ones((4, 1)))
    y.backward()

    trainer.step(4)

    assert net.weight.data().asscalar() == pytest.approx(1 - 0.05 * (1 + 0.5))


def test_only_weights_and_gammas_decay_where_names_tell():
    names = {0: "a_weight", 1: "a_bias", 2: "n_gamma", 3: "n_beta"}
    rule = optimizer.SGD(param_idx2name=names, wd=0.1)

    assert rule._get_wds(names) == [0.1, 0, 0.1, 0]
    rule.set_wd_mult({"a_bias": 2, "a_weight": 0.5})
    assert rule._get_wds(names) == pytest.approx([0.05, 0.2, 0.1, 0])


def test_registered_rules_can_be_listed():
    assert optimizer.Optimizer.opt_registry["adam"] is optimizer.Adam


@pytest.mark.parametrize("count", ["a", 1.5, -1])
def test_begin_num_update_is_a_count(count):
    with pytest.raises(ValueError, match="0 or more as begin_num_update, found"):
        optimizer.SGD(begin_num_update=count)
