"""Gradients of nets through the Python API, in float64, against central differences."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd
from glueball.gluon import nn

ACTIVATIONS = [
    None,
    "relu",
    "sigmoid",
    "tanh",
    "softrelu",
    "softsign",
    "gelu",
    "silu",
    "elu",
    "selu",
    "leaky_relu",
    "log_sigmoid",
    "mish",
]


def made_double(net, x, scale=0.7):
    """Initialize `net` for input like `x`, in float64."""
    net.initialize(init.Normal(scale))
    net.cast("float64")
    net(x)
    for name, parameter in net.collect_params(".*bias").items():
        values = onp.random.default_rng(len(name)).normal(size=parameter.shape)
        parameter.set_data(values)
    return net


def assert_gradients_fit(forward, parameters, inputs=(), step=1e-5):
    """Compare every gradient of forward().sum() to central differences, at a relative error of 1e-6."""
    with autograd.record():
        y = forward()
    y.backward()
    pairs = [(p.data(), p.grad().asnumpy()) for p in parameters]
    pairs += [(x, x.grad.asnumpy()) for x in inputs]
    for array, found in pairs:
        found = found.copy()
        wanted = onp.empty(array.shape)
        for index in onp.ndindex(*array.shape):
            value = float(array.asnumpy()[index])
            ends = []
            for moved in (value + step, value - step):
                array[index] = moved
                ends.append(float(forward().asnumpy().sum()))
            array[index] = value
            wanted[index] = (ends[0] - ends[1]) / (2 * step)
        error = onp.abs(found - wanted).max()
        assert error < 1e-6 * max(1.0, onp.abs(wanted).max()), (found, wanted)


def double(*shape, seed=0):
    values = nd.array(onp.random.default_rng(seed).normal(size=shape), dtype="float64")
    values.attach_grad()
    return values


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["l2", "cross entropy"])
def test_dense_with_every_activation_under_both_losses(activation, loss):
    x = double(5, 3)
    net = made_double(nn.Dense(4, activation=activation), x)
    if loss == "l2":
        function, label = gluon.loss.L2Loss(), double(5, 4, seed=1)
    else:
        function, label = gluon.loss.SoftmaxCrossEntropyLoss(), nd.array([0, 3, 1, 2, 2])

    assert_gradients_fit(lambda: function(net(x), label), [net.weight, net.bias], [x])


@pytest.mark.parametrize("activation", ACTIVATIONS[1:])
def test_every_activation_alone(activation):
    x = double(4, 3)
    layer = nn.Activation(activation)

    assert_gradients_fit(lambda: layer(x) * layer(x), [], [x])


def test_leaky_relu_alone():
    x = double(4, 3)

    assert_gradients_fit(lambda: nn.LeakyReLU(0.3)(x), [], [x])


@pytest.mark.parametrize("flatten", [True, False])
def test_dense_on_inputs_of_three_axes(flatten):
    x = double(2, 3, 4)
    net = made_double(nn.Dense(3, activation="tanh", flatten=flatten), x)

    assert_gradients_fit(lambda: net(x) * net(x), [net.weight, net.bias], [x])


def test_deep_chain():
    x = double(4, 5)
    net = nn.Sequential(
        nn.Dense(6, activation="tanh"),
        nn.Dense(5, activation="gelu", use_bias=False),
        nn.LeakyReLU(0.1),
        nn.Flatten(),
        nn.Dense(3),
        nn.Activation("softsign"),
    )
    made_double(net, x)
    loss, label = gluon.loss.SoftmaxCrossEntropyLoss(), nd.array([0, 1, 2, 1])

    assert_gradients_fit(lambda: loss(net(x), label), net.collect_params().values(), [x])


def test_block_of_ones_own_on_array_functions():
    class Gated(nn.Block):
        def __init__(self):
            super().__init__()
            self.weight = self.params.get("weight", shape=(3, 4))
            self.gate = nn.Dense(4, activation="sigmoid", in_units=3)

        def forward(self, x):
            return nd.tanh(nd.dot(x, self.weight.data())) * self.gate(x)

    x = double(5, 3)
    net = made_double(Gated(), x)

    assert_gradients_fit(lambda: net(x), net.collect_params().values(), [x])


def test_two_native_chains_joined_by_arithmetic():
    class TwoTowers(nn.Block):
        def __init__(self):
            super().__init__()
            self.left = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(2))
            self.right = nn.Sequential(nn.Dense(3, activation="sigmoid"), nn.Dense(2))

        def forward(self, x, y):
            left = self.left(x)
            return left * self.right(y) + 0.5 * left - x[:, :2].exp()

    x, y = double(4, 3), double(4, 5, seed=2)
    net = TwoTowers()
    net.initialize(init.Normal(0.7))
    net.cast("float64")
    net(x, y)

    assert_gradients_fit(lambda: net(x, y), net.collect_params().values(), [x, y])


def test_net_called_twice_sums_the_gradients_of_both_calls():
    x = double(4, 3)
    net = made_double(nn.Sequential(nn.Dense(3, activation="tanh")), x)

    assert_gradients_fit(lambda: net(net(x)) * 3 + net(x * x), net.collect_params().values(), [x])


def test_shared_layers_sum_their_gradients():
    x = double(4, 3)
    first = nn.Dense(3, activation="tanh", in_units=3)
    net = nn.Sequential(first, nn.Dense(3, in_units=3, params=first.params), first)
    made_double(net, x)

    assert_gradients_fit(lambda: net(x), [first.weight, first.bias], [x])


def test_loop_whose_length_depends_on_the_data():
    x = double(2, 3)
    net = made_double(nn.Dense(3, activation="tanh"), x)

    def forward():
        y = x
        for _ in range(1 + int(onp.abs(x.asnumpy()).sum()) % 4):
            y = net(y) + x
        return y

    assert_gradients_fit(forward, [net.weight, net.bias], [x])


# grad_req


def net_and_input():
    x = nd.ones((1, 2))
    net = nn.Sequential(
        nn.Dense(2, use_bias=False, in_units=2, weight_initializer="ones"),
        nn.Dense(1, use_bias=False, in_units=2, weight_initializer="ones"),
    )
    net.initialize()
    return net, x


def backward(net, x):
    with autograd.record():
        y = net(x)
    y.backward()


def test_grad_req_write_overwrites_and_add_accumulates():
    net, x = net_and_input()
    net[1].weight.grad_req = "add"

    for times in (1, 2, 3):
        backward(net, x)
        onp.testing.assert_array_equal(net[0].weight.grad().asnumpy(), [[1, 1], [1, 1]])
        onp.testing.assert_array_equal(net[1].weight.grad().asnumpy(), [[2 * times, 2 * times]])


def test_frozen_layer_passes_gradients_on_and_has_none():
    net, x = net_and_input()
    net[1].collect_params().setattr("grad_req", "null")

    backward(net, x)

    onp.testing.assert_array_equal(net[0].weight.grad().asnumpy(), [[1, 1], [1, 1]])
    with pytest.raises(RuntimeError, match="because grad_req='null'"):
        net[1].weight.grad()


def test_wholly_frozen_net_still_gives_the_inputs_gradient():
    net, x = net_and_input()
    net.collect_params().setattr("grad_req", "null")
    x.attach_grad()

    backward(net, x)

    onp.testing.assert_array_equal(x.grad.asnumpy(), [[2, 2]])


def test_parameters_that_a_computation_does_not_use_keep_their_gradient():
    net, x = net_and_input()
    other, _ = net_and_input()
    backward(other, x)

    backward(net, x)

    onp.testing.assert_array_equal(other[1].weight.grad().asnumpy(), [[2, 2]])


def test_gradient_of_the_first_deferred_forward_is_right():
    net = nn.Sequential(nn.Dense(1, weight_initializer="ones"))
    net.initialize()

    backward(net, nd.array([[2, 3, 4]]))

    onp.testing.assert_array_equal(net[0].weight.grad().asnumpy(), [[2, 3, 4]])
    onp.testing.assert_array_equal(net[0].bias.grad().asnumpy(), [1])


def test_head_gradients_scale_samples():
    net, _ = net_and_input()
    x = nd.array([[1, 0], [0, 1]])
    with autograd.record():
        y = net(x)
    y.backward(nd.array([[3], [5]]))

    onp.testing.assert_array_equal(net[0].weight.grad().asnumpy(), [[3, 5], [3, 5]])


def test_head_gradient_of_another_shape_is_refused_and_the_graph_kept():
    net, x = net_and_input()
    with autograd.record():
        y = net(x)

    with pytest.raises(RuntimeError, match=r"expected .*\(1, 1\)"):
        y.backward(nd.ones((2,)))
    y.backward()

    onp.testing.assert_array_equal(net[1].weight.grad().asnumpy(), [[2, 2]])


def test_retained_graph_can_be_run_again_and_a_freed_one_cannot():
    net, x = net_and_input()
    net[1].weight.grad_req = "add"
    with autograd.record():
        y = net(x)
    y.backward(retain_graph=True)
    y.backward()

    onp.testing.assert_array_equal(net[1].weight.grad().asnumpy(), [[4, 4]])
    with pytest.raises(
        RuntimeError, match="Cannot differentiate node because it is not in a comput"
    ):
        y.backward()


def test_several_losses_in_one_backward_are_summed():
    net, x = net_and_input()
    with autograd.record():
        heads = [net(x), net(x * 3)]
    autograd.backward(heads)

    onp.testing.assert_array_equal(net[1].weight.grad().asnumpy(), [[8, 8]])


def test_paused_part_is_a_constant():
    net, x = net_and_input()
    with autograd.record():
        with autograd.pause():
            hidden = net[0](x)
        y = net[1](hidden) + hidden.sum()
    y.backward()

    onp.testing.assert_array_equal(net[1].weight.grad().asnumpy(), [[2, 2]])
    onp.testing.assert_array_equal(net[0].weight.grad().asnumpy(), onp.zeros((2, 2)))
