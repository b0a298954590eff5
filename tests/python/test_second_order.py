"""Gradients of gradients: `autograd.grad(..., create_graph=True)`, against formulas and central differences."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import _core, autograd, gluon, init, nd, np, npx, random
from glueball.gluon import nn
from nd_cases import CASES

# What has no second derivative here; each says so by name. All other functions of `nd` have one.
REFUSED = {
    "gamma",
    "gammaln",
    "gammaln below 0",
    "random_pdf_dirichlet",
    "random_pdf_dirichlet of a batch",
    "random_pdf_gamma",
    "random_pdf_generalized_negative_binomial",
    "random_pdf_negative_binomial",
}


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
    if name not in REFUSED:
        check_second_derivative(function, arrays)
        return
    inputs = float64(*arrays)
    with autograd.record(train_mode=False):
        y = function(*inputs)
        with pytest.raises(RuntimeError, match="that can be differentiated twice .* found '"):
            autograd.grad(y, inputs, create_graph=True, train_mode=False)


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


draws = onp.random.default_rng(8)
SCORES, OTHERS = draws.normal(size=(2, 4, 3))
SIGNS = onp.where(draws.normal(size=(4, 3)) > 0, 1.0, -1.0)
SHARES = draws.uniform(0.1, 0.9, size=(4, 3))
LOGS = SHARES - 2.0
# A loss, and what it is given: predictions, labels and so on.
LOSSES = {
    "L2": (gluon.loss.L2Loss(), SCORES, OTHERS),
    "L2 with its batch on axis 1": (gluon.loss.L2Loss(batch_axis=1), SCORES, OTHERS),
    "L1": (gluon.loss.L1Loss(), SCORES, OTHERS),
    "BCE": (gluon.loss.SigmoidBCELoss(), SCORES, SHARES),
    "BCE of probabilities": (gluon.loss.SigmoidBCELoss(from_sigmoid=True), SHARES, SHARES[::-1]),
    "BCE with pos_weight": (
        lambda p, y: gluon.loss.SigmoidBCELoss()(p, y, None, nd.array([1.0, 2.0, 0.5], dtype="float64")),
        SCORES, SHARES,
    ),
    "CE": (lambda p: gluon.loss.SoftmaxCELoss()(p, nd.array([1, 0, 2, 2])), SCORES),
    "CE on axis 0": (
        lambda p: gluon.loss.SoftmaxCELoss(axis=0, batch_axis=1)(p, nd.array([1, 0, 3])), SCORES,
    ),
    "CE of dense labels": (gluon.loss.SoftmaxCELoss(sparse_label=False), SCORES, SHARES),
    "CE of log-probabilities": (gluon.loss.SoftmaxCELoss(sparse_label=False, from_logits=True), LOGS, SHARES),
    "KLDiv": (gluon.loss.KLDivLoss(), LOGS, SHARES),
    "KLDiv of scores": (gluon.loss.KLDivLoss(from_logits=False), SCORES, SHARES),
    "Huber": (gluon.loss.HuberLoss(rho=0.8), SCORES, OTHERS),
    "Hinge": (gluon.loss.HingeLoss(), SCORES, SIGNS),
    "SquaredHinge": (gluon.loss.SquaredHingeLoss(margin=0.7), SCORES, SIGNS),
    "Logistic": (gluon.loss.LogisticLoss(), SCORES, SIGNS),
    "Logistic of binary labels": (gluon.loss.LogisticLoss(label_format="binary"), SCORES, SHARES),
    "SDML": (gluon.loss.SDMLLoss(), SCORES, OTHERS),
    "Triplet": (gluon.loss.TripletLoss(margin=2), SCORES, OTHERS, SHARES),
    "PoissonNLL": (gluon.loss.PoissonNLLLoss(), SCORES, 3 * SHARES),
    "PoissonNLL of rates, in full": (
        gluon.loss.PoissonNLLLoss(from_logits=False, compute_full=True), SHARES, 3 * SHARES,
    ),
    "CosineEmbedding": (
        lambda a, b: gluon.loss.CosineEmbeddingLoss(margin=0.1)(a, b, nd.array([1, -1, -1, 1], dtype="float64")),
        SCORES, OTHERS,
    ),
}  # fmt: skip


def check_second_derivative(function, arrays):
    """Compare the derivative of a directional slope with central differences of slopes."""
    draws = onp.random.default_rng(3)
    directions = [draws.normal(size=onp.shape(a)) for a in arrays]
    inputs = float64(*arrays)
    with autograd.record(train_mode=False):
        y = function(*inputs)
        weights = draws.normal(size=y.shape)
        head = nd.array(weights, dtype="float64")
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


@pytest.mark.parametrize("name", LOSSES)
def test_second_derivative_of_a_loss(name):
    function, *arrays = LOSSES[name]
    check_second_derivative(function, arrays)


@pytest.mark.parametrize(
    ("weight", "sample_weight"), [(0.5, None), (None, [1.0, 2.0, 0.0, 3.0]), (2.0, [[1.0], [2.0], [0.0], [3.0]])]
)  # fmt: skip
def test_weights_of_losses_are_differentiated_twice_too(weight, sample_weight):
    def function(pred, label, *rest):
        return gluon.loss.HuberLoss(weight=weight)(pred, label, *rest)

    arrays = [SCORES, OTHERS] + ([] if sample_weight is None else [onp.array(sample_weight)])
    check_second_derivative(function, arrays)


def test_every_loss_is_in_the_list():
    short = {name.split(" ")[0] for name in LOSSES}
    losses = {
        name.removesuffix("Loss")
        for name in gluon.loss.__all__
        if name not in ("Loss", "SigmoidBinaryCrossEntropyLoss", "SoftmaxCrossEntropyLoss")
    }
    names = {"SigmoidBCE": "BCE", "SoftmaxCE": "CE"}
    assert {names.get(name, name) for name in losses} == short


ACTIVATIONS = {
    **{name: lambda name=name: nn.Activation(name) for name in _core.activation_names()},
    "LeakyReLU": lambda: nn.LeakyReLU(0.2),
    "PReLU": nn.PReLU,
    "ELU": lambda: nn.ELU(0.7),
    "SELU": nn.SELU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "Swish": lambda: nn.Swish(1.3),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_second_derivative_of_an_activation_layer(name):
    layer = ACTIVATIONS[name]()
    layer.initialize()
    layer.cast("float64")
    layer(nd.array(SCORES, dtype="float64"))
    check_second_derivative(layer, [SCORES])
    dense = nn.Dense(3, activation=name, in_units=3) if name in _core.activation_names() else None
    if dense is not None:
        dense.initialize(init.Normal(1))
        dense.cast("float64")
        check_second_derivative(dense, [SCORES])


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


def test_layers_are_computed_again_from_the_values_that_parameters_have_by_then():
    layer = nn.Dense(1, in_units=1, use_bias=False)
    layer.initialize("ones")
    (x,) = float64([[2.0]])
    layer.cast("float64")
    with autograd.record():
        y = layer(x) ** 2
        layer.weight.set_data([[3.0]])
        slope = autograd.grad(y, x, create_graph=True)[0]
    assert slope.asscalar() == 2 * 2 * 3  # by the square as it was, and the weight as it is


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
