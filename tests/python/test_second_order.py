"""Gradients of gradients: `autograd.grad(..., create_graph=True)`, against formulas and central differences."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, np, npx, random
from glueball.gluon import nn
from nd_cases import CASES

# What has no second derivative here; each says so by name. All other functions of `nd` have one.
REFUSED = {
    "diagonal", "diagonal of planes", "erfinv", "gamma", "gammaln", "gammaln below 0", "np.split", "prod of zeros",
    "scatter_nd", "softmax_cross_entropy", "split",
}  # fmt: skip


def float64(*arrays, make=nd.array):
    made = [make(a, dtype="float64") for a in arrays]
    for each in made:
        each.attach_grad()
    return made


def directional_slope(function, arrays, weights, directions):
    """Sum over all inputs of direction * d(weights . function) / d input, by first derivatives only."""
    inputs = float64(*arrays)
    with autograd.record(train_mode=False):
        y = function(*inputs)
    slopes = autograd.grad(y, inputs, nd.array(weights, dtype="float64"))
    return sum(float((s.asnumpy() * d).sum()) for s, d in zip(slopes, directions, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_second_derivative_is_that_of_central_differences_or_is_refused_by_name(name):
    function, *arrays = CASES[name]
    draws = onp.random.default_rng(3)
    directions = [draws.normal(size=onp.shape(a)) for a in arrays]
    inputs = float64(*arrays)

    with autograd.record(train_mode=False):
        y = function(*inputs)
        weights = draws.normal(size=y.shape)
        head = nd.array(weights, dtype="float64")
        if name in REFUSED:
            with pytest.raises(RuntimeError, match="that can be differentiated twice .* found '"):
                autograd.grad(y, inputs, head, create_graph=True, train_mode=False)
            return
        slopes = autograd.grad(y, inputs, head, create_graph=True, train_mode=False)
        total = sum(
            (s * nd.array(d, dtype="float64")).sum()
            for s, d in zip(slopes, directions, strict=True)
        )

    for found, wanted in zip(slopes, autograd_slopes(function, arrays, weights), strict=True):
        onp.testing.assert_allclose(found.asnumpy(), wanted, rtol=1e-10, atol=1e-10)
    if getattr(total, "_node", None) is not None:  # else the slopes are constants
        total.backward()
    for place, x in enumerate(inputs):
        for index in onp.ndindex(x.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [onp.array(a, dtype=onp.float64) for a in arrays]
                moved[place][index] += step
                ends.append(directional_slope(function, moved, weights, directions))
            wanted = (ends[0] - ends[1]) / 2e-5
            assert x.grad.asnumpy()[index] == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def autograd_slopes(function, arrays, weights):
    inputs = float64(*arrays)
    with autograd.record(train_mode=False):
        y = function(*inputs)
    return [s.asnumpy() for s in autograd.grad(y, inputs, nd.array(weights, dtype="float64"))]


def test_powers_can_be_differentiated_to_any_order():
    (x,) = float64([1.5, -2.0])

    with autograd.record():
        first = autograd.grad(x**4, x, create_graph=True)[0]
        second = autograd.grad(first, x, create_graph=True)[0]
        third = autograd.grad(second, x, create_graph=True)[0]
    third.backward()

    values = x.asnumpy()
    onp.testing.assert_allclose(first.asnumpy(), 4 * values**3)
    onp.testing.assert_allclose(second.asnumpy(), 12 * values**2)
    onp.testing.assert_allclose(third.asnumpy(), 24 * values)
    onp.testing.assert_allclose(x.grad.asnumpy(), [24, 24])


def test_products_that_mxnet_cannot_differentiate_twice_are_differentiated():
    (x,) = float64([2.0])
    with autograd.record():
        slope = autograd.grad(x * x * x, x, create_graph=True)[0]
    slope.backward()
    onp.testing.assert_allclose(x.grad.asnumpy(), [12.0])


def test_hessian_of_a_quadratic_form_is_its_matrix():
    matrix = onp.random.default_rng(1).normal(size=(3, 3))
    (x,) = float64([1.0, -1.0, 2.0])
    rows = []
    with autograd.record():
        y = nd.dot(nd.dot(x, nd.array(matrix, dtype="float64")), x)
        slope = autograd.grad(y, x, create_graph=True)[0]
    for i in range(3):
        head = onp.eye(3)[i]
        slope.backward(nd.array(head, dtype="float64"), retain_graph=True)
        rows.append(x.grad.asnumpy().copy())
    onp.testing.assert_allclose(rows, matrix + matrix.T, rtol=1e-12)


def made_net():
    net = nn.HybridSequential()
    net.add(
        nn.Dense(4, activation="tanh"),
        nn.LayerNorm(),
        nn.Dense(3, activation="softrelu"),
        nn.BatchNorm(),
        nn.PReLU(),
        nn.LeakyReLU(0.1),
        nn.ELU(),
        nn.Swish(0.7),
        nn.GELU(),
        nn.HybridLambda("sigmoid"),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Dropout(0.2, axes=(0,)),
        nn.Dense(1),
    )
    net.initialize(init.Normal(0.7))
    net.cast("float64")
    return net


@pytest.mark.parametrize("training", [False, True])
def test_gradient_penalty_through_native_layers(training):
    net = made_net()
    x0 = onp.random.default_rng(2).normal(size=(5, 2))
    parameters = net.collect_params()

    def penalty(create_graph):
        (x,) = float64(x0)
        random.seed(4)  # the same mask of Dropout each time
        with autograd.record(train_mode=training):
            y = net(x)
            slope = autograd.grad(y, x, create_graph=create_graph, train_mode=training)[0]
            return (slope * slope).sum()

    net(nd.array(x0, dtype="float64"))
    penalty(True).backward()
    found = {
        name: p.grad().asnumpy().copy() for name, p in parameters.items() if p.grad_req != "null"
    }

    checked = 0
    for name, gradient in found.items():
        values = parameters[name].data()
        for index in onp.ndindex(values.shape):
            ends = []
            for step in (1e-5, -1e-5):
                kept = values.asnumpy()
                moved = kept.copy()
                moved[index] += step
                values[:] = moved
                ends.append(float(penalty(False).asnumpy()[0]))
                values[:] = kept
            wanted = (ends[0] - ends[1]) / 2e-5
            assert gradient[index] == pytest.approx(wanted, rel=1e-5, abs=1e-6), name
            checked += 1
    assert checked > 30


def test_recorded_gradient_is_the_native_one_and_moves_no_running_value():
    net = made_net()
    x0 = onp.random.default_rng(2).normal(size=(5, 2))
    (x,) = float64(x0)
    random.seed(4)
    with autograd.record():
        y = net(x)
        running = net[3].running_mean.data().asnumpy().copy()
        again = autograd.grad(y, x, create_graph=True)[0]
    onp.testing.assert_array_equal(net[3].running_mean.data().asnumpy(), running)

    (x,) = float64(x0)
    random.seed(4)
    with autograd.record():
        y = net(x)
    native = autograd.grad(y, x)[0]

    onp.testing.assert_allclose(again.asnumpy(), native.asnumpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "label"),
    [
        (gluon.loss.L2Loss(), [[1.0, 0.5], [0.0, 2.0]]),
        (gluon.loss.SoftmaxCrossEntropyLoss(), [1.0, 0.0]),
    ],
    ids=["L2Loss", "SoftmaxCrossEntropyLoss"],
)
def test_hessian_of_a_loss(loss, label):
    target = nd.array(label, dtype="float64")
    (x,) = float64([[0.3, -0.7], [1.1, 0.4]])
    with autograd.record():
        slope = autograd.grad(loss(x, target), x, create_graph=True)[0]
    slope.backward()

    def slopes(values):
        (x,) = float64(values)
        with autograd.record():
            y = loss(x, target)
        return autograd.grad(y, x)[0].asnumpy()

    wanted = onp.empty((2, 2))
    for index in onp.ndindex(2, 2):
        step = onp.zeros((2, 2))
        step[index] = 1e-5
        wanted[index] = (slopes(x.asnumpy() + step) - slopes(x.asnumpy() - step)).sum() / 2e-5
    onp.testing.assert_allclose(x.grad.asnumpy(), wanted, rtol=1e-6, atol=1e-8)


def test_head_gradient_may_be_recorded_too():
    x, head = float64([2.0, 3.0], [1.0, -1.0])
    with autograd.record():
        slope = autograd.grad(x**3, x, head, create_graph=True)[0]
    slope.backward()
    onp.testing.assert_allclose(head.grad.asnumpy(), 3 * x.asnumpy() ** 2)
    onp.testing.assert_allclose(x.grad.asnumpy(), 6 * x.asnumpy() * head.asnumpy())


def test_numpy_mode_and_numpys_own_functions():
    npx.set_np()
    try:
        (x,) = float64([0.3, 1.2], make=np.array)
        with autograd.record():
            y = onp.sinc(x) + onp.einsum("i,i->i", x, x)
            slope = autograd.grad(y, x, create_graph=True)[0]
        slope.backward()
        assert type(slope) is np.ndarray
    finally:
        npx.reset_np()
    z = onp.pi * x.asnumpy()
    second = (-onp.sin(z) / z - 2 * onp.cos(z) / z**2 + 2 * onp.sin(z) / z**3) * onp.pi**2
    onp.testing.assert_allclose(onp.asarray(x.grad), second + 2, rtol=1e-9)


def test_variable_that_the_head_does_not_depend_on_has_zeros():
    x, other = float64([1.0, 2.0], [3.0])
    with autograd.record():
        y = x * x + nd.gamma(other).detach()
        slopes = autograd.grad(y, [other, x], create_graph=True)
    onp.testing.assert_array_equal(slopes[0].asnumpy(), [0])
    onp.testing.assert_array_equal(slopes[1].asnumpy(), [2, 4])


def test_operation_off_the_way_to_the_variables_may_be_one_that_cannot():
    x, other = float64([1.0, 2.0], [3.0, 0.5])
    with autograd.record():
        y = x * x * nd.gamma(other)
        slope = autograd.grad(y, x, create_graph=True)[0]
    onp.testing.assert_allclose(slope.asnumpy(), 2 * x.asnumpy() * [2.0, onp.sqrt(onp.pi)])


def test_what_cannot_be_differentiated_twice_is_named_and_the_graph_is_left():
    class Cube(autograd.Function):
        def forward(self, x):
            self.save_for_backward(x)
            return x**3

        def backward(self, dy):
            return dy * 3 * self.saved_tensors[0] ** 2

    (x,) = float64([2.0])
    with autograd.record():
        y = Cube()(x)
        with pytest.raises(
            RuntimeError,
            match=r"expected operations that can be differentiated twice .* found 'Cube'; write it with",
        ):
            autograd.grad(y, x, create_graph=True)
    y.backward()
    onp.testing.assert_allclose(x.grad.asnumpy(), [12])


def test_graph_that_is_used_up_or_overwritten_is_refused():
    (x,) = float64([2.0])
    with autograd.record():
        y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="not in a computational graph"):
        autograd.grad(y, x, create_graph=True)
    with autograd.record():
        y = x * x
    x[:] = 5
    with pytest.raises(RuntimeError, match="keep their values until backward"):
        autograd.grad(y, x, create_graph=True)


def test_layers_are_computed_anew_from_the_values_that_parameters_have_by_then():
    layer = nn.Dense(1, in_units=1, use_bias=False)
    layer.initialize("ones")
    (x,) = float64([[2.0]])
    layer.cast("float64")
    with autograd.record():
        y = layer(x) ** 2
        layer.weight.set_data([[3.0]])
        slope = autograd.grad(y, x, create_graph=True)[0]
    assert slope.asscalar() == 2 * 2 * 3  # by the square as it was, and the weight as it is


# ---- autograd.grad and parameters --------------------------------------------------------


def test_grad_writes_no_gradient_of_any_parameter():
    net = nn.HybridSequential(nn.Dense(3, activation="relu"), nn.BatchNorm(), nn.Dense(1))
    net.initialize(init.Normal(1))
    x = nd.array(onp.random.default_rng(1).normal(size=(4, 2)))
    net(x)
    parameters = [p for p in net.collect_params().values() if p.grad_req != "null"]
    for p in parameters:
        p.grad()[:] = 7
    weight = net[0].weight
    with autograd.record():
        y = net(x)

    found = autograd.grad(y, [weight.data(), net[2].bias.data()], retain_graph=True)

    assert all((p.grad().asnumpy() == 7).all() for p in parameters)
    with pytest.raises(UserWarning, match="has not been updated"):
        gluon.Trainer(net.collect_params(), "sgd").step(1)
    y.backward()
    onp.testing.assert_array_equal(found[0].asnumpy(), weight.grad().asnumpy())
    onp.testing.assert_array_equal(found[1].asnumpy(), net[2].bias.grad().asnumpy())


def test_grad_of_a_parameter_used_natively_and_in_a_formula_is_the_sum():
    layer = nn.Dense(1, in_units=2, use_bias=False)
    layer.initialize(init.One())
    x = nd.array([[3.0, 4.0]])
    with autograd.record():
        y = layer(x) + (layer.weight.data() ** 2).sum()

    found = autograd.grad(y, layer.weight.data())[0]

    onp.testing.assert_array_equal(found.asnumpy(), [[5, 6]])
    onp.testing.assert_array_equal(layer.weight.grad().asnumpy(), [[0, 0]])
