"""Activation and LeakyReLU, against their formulas."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import special

from glueball import init, nd
from glueball.gluon import nn

VALUES = onp.array([-40, -3, -1, -0.5, -1e-4, 0, 1e-4, 0.5, 1, 3, 40], dtype=onp.float64)

FORMULAS = {
    "relu": lambda x: onp.maximum(x, 0),
    "sigmoid": special.expit,
    "tanh": onp.tanh,
    "softrelu": lambda x: onp.logaddexp(0, x),
    "softplus": lambda x: onp.logaddexp(0, x),
    "softsign": lambda x: x / (1 + onp.abs(x)),
    "gelu": lambda x: x * special.ndtr(x),
    "silu": lambda x: x * special.expit(x),
    "swish": lambda x: x * special.expit(x),
    "elu": lambda x: onp.where(x > 0, x, onp.expm1(onp.minimum(x, 0))),
    "selu": lambda x: (
        1.0507009873554805 * onp.where(x > 0, x, 1.6732632423543772 * onp.expm1(onp.minimum(x, 0)))
    ),
    "leaky_relu": lambda x: onp.where(x > 0, x, 0.01 * x),
    "log_sigmoid": special.log_expit,
    "mish": lambda x: x * onp.tanh(onp.logaddexp(0, x)),
    "identity": lambda x: x,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-6)])
def test_activation_computes_its_formula(name, dtype, tolerance):
    x = nd.array(VALUES, dtype=dtype)

    y = nn.Activation(name)(x)

    assert y.dtype == onp.dtype(dtype)
    wanted = FORMULAS[name](x.asnumpy().astype(onp.float64))
    onp.testing.assert_allclose(y.asnumpy(), wanted, rtol=tolerance * 4, atol=tolerance)


@pytest.mark.parametrize("name", FORMULAS)
def test_dense_with_an_activation_equals_the_two_layers(name):
    fused = nn.Dense(7, activation=name, in_units=5)
    fused.initialize(init.Normal(1))
    x = nd.random.normal(shape=(13, 5))
    linear = x.asnumpy().astype(onp.float64) @ fused.weight.data().asnumpy().T

    onp.testing.assert_allclose(
        fused(x).asnumpy(),
        FORMULAS[name](linear + fused.bias.data().asnumpy()),
        rtol=1e-5,
        atol=1e-5,
    )


def test_every_shape_is_kept():
    for shape in [(3,), (2, 3), (2, 3, 4), (2, 0)]:
        x = nd.ones((2, 3))[:, 0:0] if 0 in shape else nd.ones(shape)
        assert nn.Activation("tanh")(x).shape == shape


def test_nan_stays_nan():
    x = nd.array([onp.nan, 1])

    for name in FORMULAS:
        assert onp.isnan(nn.Activation(name)(x).asnumpy()).tolist() == [True, False], name


def test_input_is_left_alone():
    x = nd.array([-1, 2])

    nn.Activation("relu")(x)

    onp.testing.assert_array_equal(x.asnumpy(), [-1, 2])


def test_input_that_is_not_contiguous_is_fine():
    x = nd.array([[-1, 2], [3, -4]])

    onp.testing.assert_array_equal(nn.Activation("relu")(x.T).asnumpy(), [[0, 3], [2, 0]])


def test_names_are_made_of_the_function():
    assert nn.Activation("relu").name == "relu0"
    assert nn.LeakyReLU(0.1).name == "leakyrelu0"
    assert repr(nn.Activation("relu")) == "Activation(relu)"


@pytest.mark.parametrize("name", ["nosuch", "", 5, None, ["relu"]])
def test_unknown_activation_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"expected the name of an activation, found .*'relu'"):
        nn.Activation(name)


def test_leaky_relu_has_the_slope_it_is_given():
    x = nd.array([-2, 3])

    onp.testing.assert_allclose(nn.LeakyReLU(0.1)(x).asnumpy(), [-0.2, 3], rtol=1e-6)
    onp.testing.assert_array_equal(nn.LeakyReLU(0)(x).asnumpy(), [0, 3])
    assert repr(nn.LeakyReLU(0.1)) == "LeakyReLU(0.1)"


@pytest.mark.parametrize("alpha", [-0.1, float("nan"), "a"])
def test_leaky_relu_refuses_a_slope_that_is_not_a_positive_number(alpha):
    with pytest.raises(
        AssertionError, match=r"^Slope coefficient for LeakyReLU must be no less than 0"
    ):
        nn.LeakyReLU(alpha)
