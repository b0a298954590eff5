"""Trainer: one optimizer step for all parameters; trained nets against plain NumPy."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import special

from glueball import autograd, cpu, gluon, init, nd
from glueball.base import StaleGradientError
from glueball.gluon import Trainer, nn
from linear_net import backward, linear, weight

# Steps


def test_step_divides_by_the_batch_size():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
    backward(net)

    trainer.step(4)

    # The gradient of the sum over both samples is (1 + 3, 2 + 4); of the bias 2.
    onp.testing.assert_allclose(weight(net), [[1 - 0.5 * 4 / 4, 1 - 0.5 * 6 / 4]])
    onp.testing.assert_allclose(net.bias.data().asnumpy(), [-0.5 * 2 / 4])


def test_initial_rescale_grad_is_kept():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1, "rescale_grad": 2.0})
    backward(net)

    trainer.step(4)

    assert trainer.optimizer.rescale_grad == 0.5
    onp.testing.assert_allclose(weight(net), [[1 - 2, 1 - 3]])


def test_allreduce_and_update_are_a_step():
    one, other = linear(), linear()
    for net, steps in [(one, ["step"]), (other, ["allreduce_grads", "update"])]:
        trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
        for _ in range(3):
            backward(net)
            for name in steps:
                getattr(trainer, name)(*([] if name == "allreduce_grads" else [2]))

    onp.testing.assert_array_equal(weight(one), weight(other))


def test_gradients_are_not_zeroed_by_a_step():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0})
    net.collect_params().setattr("grad_req", "add")

    for times in (1, 2, 3):
        backward(net)
        trainer.step(1)
        onp.testing.assert_array_equal(net.weight.grad().asnumpy(), [[4 * times, 6 * times]])
    net.collect_params().zero_grad()
    backward(net)

    onp.testing.assert_array_equal(net.weight.grad().asnumpy(), [[4, 6]])


@pytest.mark.parametrize(
    ("batch_size", "error"), [(0, ZeroDivisionError), (float("nan"), ValueError)]
)
def test_batch_size_that_is_not_a_count_changes_nothing(batch_size, error):
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd")
    backward(net)

    with pytest.raises(error):
        trainer.step(batch_size)
    onp.testing.assert_array_equal(weight(net), [[1, 1]])
    trainer.step(1)
    assert weight(net).max() < 1


def test_step_before_any_backward_is_an_error_and_a_warning_class():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd")

    with pytest.raises(UserWarning) as caught:
        trainer.step(1)

    assert isinstance(caught.value, StaleGradientError)
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == (
        "Gradient of Parameter `fc_bias` on context cpu(0) has not been updated by backward since last "
        "`step`. This could mean a bug in your model that made it only use a subset of the Parameters "
        "(Blocks) for this iteration. If you are intentionally only using a subset, call step with "
        "ignore_stale_grad=True to suppress this warning and skip updating of Parameters with stale "
        "gradient"
    )


def test_second_step_without_backward_updates_nothing():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd")
    backward(net)
    trainer.step(1)
    before, updates = weight(net), trainer.optimizer.num_update

    with pytest.raises(StaleGradientError):
        trainer.step(1)

    onp.testing.assert_array_equal(weight(net), before)
    assert trainer.optimizer.num_update == updates
    backward(net)
    trainer.step(1)
    assert (weight(net) < before).all()


def test_stale_parameters_are_skipped_on_request():
    used, unused = linear(), linear()
    params = [*used.collect_params().values(), *unused.collect_params().values()]
    trainer = Trainer(params, "sgd", {"learning_rate": 1, "wd": 1})
    backward(used)

    with pytest.raises(StaleGradientError):
        trainer.step(1)
    trainer.step(1, ignore_stale_grad=True)

    onp.testing.assert_array_equal(weight(used), [[1 - 4 - 1, 1 - 6 - 1]])
    onp.testing.assert_array_equal(weight(unused), [[1, 1]])


@pytest.mark.parametrize("ignore", [False, True])
def test_step_before_the_first_forward_names_what_waits_and_updates_nothing(ignore):
    seen, deferred = linear(), nn.Dense(3, prefix="late_")
    deferred.initialize()
    params = [*seen.collect_params().values(), *deferred.collect_params().values()]
    trainer = Trainer(params, "sgd")
    backward(seen)

    with pytest.raises(
        gluon.parameter.DeferredInitializationError, match="'late_weight' has not been"
    ):
        trainer.step(1, ignore_stale_grad=ignore)

    onp.testing.assert_array_equal(weight(seen), [[1, 1]])
    backward(deferred, nd.ones((1, 2)))
    trainer.step(1)
    assert weight(seen).max() < 1


def test_two_trainers_on_one_net_find_each_others_gradients_stale():
    net = linear()
    first, second = (Trainer(net.collect_params(), "sgd") for _ in range(2))
    backward(net)
    first.step(1)

    with pytest.raises(StaleGradientError):
        second.step(1)


def test_two_trainers_on_separate_parameters_do_not_disturb_each_other():
    net = linear()
    trainers = [Trainer([p], "sgd", {"learning_rate": 1}) for p in (net.weight, net.bias)]
    backward(net)

    for trainer in trainers:
        trainer.step(1)

    onp.testing.assert_array_equal(weight(net), [[-3, -5]])
    onp.testing.assert_array_equal(net.bias.data().asnumpy(), [-2])


def test_same_parameter_twice_in_a_list_is_updated_twice_a_step():
    net = linear()
    trainer = Trainer([net.weight, net.weight], "sgd", {"learning_rate": 1})
    backward(net)

    trainer.step(1)

    onp.testing.assert_array_equal(weight(net), [[1 - 2 * 4, 1 - 2 * 6]])


def train_in_parts(contexts, steps=3, at_once=False):
    """Return the weight after steps whose batch is walked in as many parts as there are contexts."""
    net = nn.Dense(1, in_units=2, weight_initializer="ones", prefix="fc_")
    net.initialize(ctx=contexts)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
    loss = gluon.loss.L2Loss()
    x, y = nd.array([[1, 2], [3, 4], [5, 6], [7, 8]]), nd.array([[1], [0], [-1], [2]])
    parts = zip(*(gluon.utils.split_and_load(each, contexts) for each in (x, y)), strict=True)
    parts = list(parts)
    for _ in range(steps):
        with autograd.record():
            losses = [loss(net(a), b) for a, b in parts]
        if at_once:
            autograd.backward(losses)
        else:
            for each in losses:
                each.backward()
        trainer.step(len(x))
    return weight(net)


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
@pytest.mark.parametrize("count", [2, 4])
def test_gradients_of_a_batch_in_parts_for_several_contexts_are_summed(count, at_once):
    contexts = [cpu(i) for i in range(count)]

    onp.testing.assert_allclose(
        train_in_parts(contexts, at_once=at_once), train_in_parts([cpu()]), rtol=1e-5
    )


def test_steps_by_hand_on_several_contexts_begin_again():
    net = nn.Dense(1, in_units=2, weight_initializer="ones", use_bias=False)
    net.initialize(ctx=[cpu(0), cpu(1)])

    for _ in range(3):
        backward(net)
        assert net.weight.grad().asnumpy().tolist() == [[4, 6]]
        net.weight.data()[:] -= 0.1 * net.weight.grad()


# Rates


def test_learning_rate_can_be_read_and_changed():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    assert trainer.learning_rate == 1

    trainer.set_learning_rate(0.5)
    backward(net)
    trainer.step(1)

    assert trainer.learning_rate == 0.5
    onp.testing.assert_array_equal(weight(net), [[1 - 2, 1 - 3]])


def test_learning_rate_has_to_be_a_number():
    trainer = Trainer(linear().collect_params(), "sgd", {"learning_rate": 0.5})

    with pytest.raises(ValueError, match="a finite number as learning_rate, found nan"):
        trainer.set_learning_rate(float("nan"))
    assert trainer.learning_rate == 0.5


def test_scheduler_gives_the_rate_of_each_step_and_refuses_another():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"lr_scheduler": lambda update: 1 / 2**update})
    steps = []

    for _ in range(3):
        before = weight(net)
        backward(net)
        trainer.step(4)
        steps.append((before - weight(net))[0, 0])

    assert steps == [1 / 2, 1 / 4, 1 / 8]
    assert trainer.learning_rate == 1 / 8
    with pytest.raises(UserWarning, match="LRScheduler of the optimizer has already been defined"):
        trainer.set_learning_rate(0.1)


def test_multipliers_are_read_at_each_step():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1, "wd": 1})
    backward(net)
    net.weight.lr_mult = 0.5
    net.weight.wd_mult = 2
    net.bias.lr_mult = 0
    trainer.step(1)
    onp.testing.assert_array_equal(weight(net), [[1 - 0.5 * (4 + 2), 1 - 0.5 * (6 + 2)]])
    onp.testing.assert_array_equal(net.bias.data().asnumpy(), [0])

    net.weight.lr_mult = 0
    backward(net)
    trainer.step(1)

    onp.testing.assert_array_equal(weight(net), [[-2, -3]])


def test_weight_decay_counts_for_biases_too():
    net = linear(bias_initializer="ones")
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5, "wd": 1})
    backward(net)

    trainer.step(1)

    onp.testing.assert_array_equal(net.bias.data().asnumpy(), [1 - 0.5 * (2 + 1)])


# Changes between steps


def test_gradients_changed_by_hand_are_used():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    backward(net)
    net.weight.grad()[:] = 10

    trainer.step(1)

    onp.testing.assert_array_equal(weight(net), [[-9, -9]])


def test_values_given_by_hand_are_trained_on():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    for change in (
        lambda: net.initialize(init.One(), force_reinit=True),
        lambda: net.weight.set_data(nd.ones((1, 2))),
        lambda: net.weight.data().__setitem__(slice(None), 1),
    ):
        change()
        backward(net)
        trainer.step(1)
        onp.testing.assert_array_equal(weight(net), [[-3, -5]])


def test_momentum_is_kept_when_values_are_replaced():
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1, "momentum": 0.5})
    backward(net)
    trainer.step(1)

    net.weight.set_data(nd.zeros((1, 2)))
    backward(net)
    trainer.step(1)

    # m1 = -g, m2 = m1 / 2 - g = -1.5 g
    onp.testing.assert_array_equal(weight(net), [[-6, -9]])


def test_frozen_parameters_stay_and_thaw():
    net = linear()
    net.weight.grad_req = "null"
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    backward(net)
    trainer.step(1)
    onp.testing.assert_array_equal(weight(net), [[1, 1]])
    onp.testing.assert_array_equal(net.bias.data().asnumpy(), [-2])

    net.weight.grad_req = "write"
    backward(net)
    trainer.step(1)

    onp.testing.assert_array_equal(weight(net), [[-3, -5]])


def test_constants_are_not_trained():
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.scale = self.params.get_constant("scale", nd.array([2]))
            self.fc = linear()

        def forward(self, x):
            return self.fc(x) * self.scale.data()

    net = Net()
    with pytest.warns(UserWarning, match="already initialized"):
        net.initialize()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    backward(net)
    trainer.step(1)

    assert net.scale.data().asscalar() == 2
    onp.testing.assert_array_equal(weight(net.fc), [[1 - 8, 1 - 12]])


def test_shared_parameter_is_updated_once_by_the_sum_of_its_gradients():
    net = nn.Sequential()
    net.add(nn.Dense(1, in_units=1, use_bias=False, weight_initializer=init.Constant(3)))
    net.add(nn.Dense(1, in_units=1, use_bias=False, params=net[0].params))
    net.initialize()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
    backward(net, nd.array([[1]]))

    trainer.step(1)

    assert net[1].weight.data().asscalar() == 3 - 0.5 * 6  # d(w w)/dw = 2w


def test_training_writes_into_the_arrays_that_users_hold():
    net = linear()
    held = net.weight.data()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    backward(net)

    trainer.step(1)

    assert net.weight.data() is held
    onp.testing.assert_array_equal(held.asnumpy(), [[-3, -5]])


# Whole trainings, step by step against NumPy


class NumpyMlp:
    """relu(x W1' + b1) W2' + b2, its gradients written out, and sgd with momentum and weight decay."""

    def __init__(self, params, momentum, wd, rate):
        self.params = [p.astype(onp.float64) for p in params]
        self.velocity = [onp.zeros_like(p) for p in self.params]
        self.momentum, self.wd, self.rate = momentum, wd, rate

    def step(self, x, loss_and_gradient):
        w1, b1, w2, b2 = self.params
        hidden = x @ w1.T + b1
        active = onp.maximum(hidden, 0)
        loss, d_out = loss_and_gradient(active @ w2.T + b2)
        d_hidden = (d_out @ w2) * (hidden > 0)
        gradients = [d_hidden.T @ x, d_hidden.sum(0), d_out.T @ active, d_out.sum(0)]
        for p, v, g in zip(self.params, self.velocity, gradients, strict=True):
            v *= self.momentum
            v -= self.rate * (g / len(x) + self.wd * p)
            p += v
        return loss


@pytest.mark.parametrize("kind", ["classes", "values"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_trained_mlp_follows_plain_numpy_step_by_step(kind, momentum):
    rng = onp.random.default_rng(0)
    data = rng.normal(size=(64, 10)).astype("float32")
    if kind == "classes":
        labels = (data[:, 0] + data[:, 1] > 0).astype("float32")
        loss_function, outputs = gluon.loss.SoftmaxCrossEntropyLoss(), 2
    else:
        labels = onp.sin(data[:, :1]).astype("float32")
        loss_function, outputs = gluon.loss.L2Loss(), 1
    net = nn.HybridSequential(nn.Dense(16, activation="relu"), nn.Dense(outputs))
    net.initialize(init.Xavier())
    net(nd.array(data[:1]))
    settings = {"learning_rate": 0.1, "momentum": momentum, "wd": 0.01}
    trainer = Trainer(net.collect_params(), "sgd", settings)
    plain = NumpyMlp(
        [p.data().asnumpy() for p in net.collect_params().values()], momentum, 0.01, 0.1
    )

    ours, wanted = [], []
    for step in range(50):
        rows = slice(step % 4 * 16, step % 4 * 16 + 16)
        x, y = data[rows], labels[rows]

        def loss_and_gradient(out, y=y):
            if kind == "values":
                return ((out - y) ** 2 / 2).mean(axis=1), out - y
            hot = onp.eye(2)[y.astype(int)]
            return -(hot * special.log_softmax(out, 1)).sum(1), special.softmax(out, 1) - hot

        wanted.append(plain.step(x, loss_and_gradient).mean())
        with autograd.record():
            loss = loss_function(net(nd.array(x)), nd.array(y))
        loss.backward()
        trainer.step(len(x))
        ours.append(loss.mean().asscalar())

    onp.testing.assert_allclose(ours, wanted, atol=1e-5)
    assert onp.mean(wanted[-4:]) < onp.mean(wanted[:4]) / 1.2
    for parameter, values in zip(net.collect_params().values(), plain.params, strict=True):
        onp.testing.assert_allclose(parameter.data().asnumpy(), values, atol=1e-5)


def test_a_subclass_that_overrides_the_private_sum_of_gradients_has_it_called():
    called = []

    class Distributed(gluon.Trainer):
        def _allreduce_grads(self):
            called.append(1)

    net = nn.Dense(1, in_units=2)
    net.initialize()
    trainer = Distributed(net.collect_params(), "sgd")
    with autograd.record():
        y = net(nd.ones((1, 2)))
    y.backward()

    trainer.step(1)
    assert called == [1]
    trainer.allreduce_grads()
    assert called == [1, 1]
