"""Functions of each element by itself, and of pairs of elements, against NumPy or a formula."""

from __future__ import annotations

import math

import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import nd
from nd_values import close, same

FUNCTIONS = {
    "exp": onp.exp, "expm1": onp.expm1, "log1p": onp.log1p, "sqrt": onp.sqrt, "cbrt": onp.cbrt, "square": onp.square,
    "log": onp.log, "log2": onp.log2, "log10": onp.log10, "negative": onp.negative, "abs": onp.abs,
    "sign": onp.sign, "floor": onp.floor, "ceil": onp.ceil, "trunc": onp.trunc, "fix": onp.trunc,
    "rint": onp.rint, "sin": onp.sin, "cos": onp.cos, "tan": onp.tan, "arctan": onp.arctan, "sinh": onp.sinh,
    "cosh": onp.cosh, "tanh": onp.tanh, "arcsinh": onp.arcsinh, "degrees": onp.degrees, "radians": onp.radians,
    "reciprocal": onp.reciprocal, "rsqrt": lambda x: 1 / onp.sqrt(x), "rcbrt": lambda x: 1 / onp.cbrt(x),
    "relu": lambda x: onp.maximum(x, 0), "sigmoid": lambda x: 1 / (1 + onp.exp(-x)),
    "softsign": lambda x: x / (1 + onp.abs(x)), "softrelu": lambda x: onp.log(1 + onp.exp(x)),
    "erf": onp.vectorize(math.erf), "gamma": onp.vectorize(math.gamma), "gammaln": onp.vectorize(math.lgamma),
    "silu": lambda x: x / (1 + onp.exp(-x)), "gelu": lambda x: x * onp.vectorize(math.erfc)(-x / 2**0.5) / 2,
    "mish": lambda x: x * onp.tanh(onp.log1p(onp.exp(x))),
    "log_sigmoid": lambda x: -onp.log1p(onp.exp(-x)),
    "hard_sigmoid": lambda x: onp.clip(0.2 * x + 0.5, 0, 1),
    "hard_swish": lambda x: x * onp.clip(x + 3, 0, 6) / 6,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementwise_function_equals_its_formula(name):
    x = onp.array([[0.1, 0.5, 1.0], [1.7, 2.5, 3.9]])

    close(getattr(nd, name)(nd.array(x, dtype="float64")), FUNCTIONS[name](x), rtol=1e-13)
    result = getattr(nd, name)(nd.array(x))
    close(result, FUNCTIONS[name](x), rtol=1e-5)
    assert result.dtype == onp.float32


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementwise_function_fills_out_and_returns_it(name):
    x = nd.array([0.5, 1.0])
    out = nd.zeros(2)

    assert getattr(nd, name)(x, out=out) is out
    same(out, onp.asarray(getattr(nd, name)(x)))


def test_out_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"out= of shape \(2,\) for 'relu', found \(3,\)"):
        nd.relu(nd.ones(2), out=nd.zeros(3))


@given(st.floats(-7, 7))
def test_erf_is_exact_to_the_last_digits(x):
    assert nd.erf(nd.array([x], dtype="float64")).item() == pytest.approx(math.erf(x), rel=4e-16)


@given(st.floats(-0.999, 0.999))
def test_erfinv_inverts_erf(y):
    x = nd.erfinv(nd.array([y], dtype="float64")).item()

    assert math.erf(x) == pytest.approx(y, rel=1e-14)


def test_erfinv_at_and_beyond_the_ends():
    values = nd.erfinv(nd.array([-1, 1, 2])).asnumpy()

    assert values[:2].tolist() == [-math.inf, math.inf]
    assert math.isnan(values[2])


def test_round_takes_halves_away_from_zero_and_rint_downwards():
    halves = nd.array([-2.5, -0.5, 0.5, 1.5, 2.5])

    same(nd.round(halves), [-3, -1, 1, 2, 3])
    same(nd.rint(halves), [-3, -1, 0, 1, 2])


def test_pairs_of_elements():
    a, b = nd.array([1, 5, 3]), nd.array([4, 2, 3])

    same(nd.maximum(a, b), [4, 5, 3])
    same(nd.minimum(a, 2), [1, 2, 2])
    same(nd.broadcast_add(a, b), [5, 7, 6])
    same(nd.elemwise_sub(a, b), [-3, 3, 0])
    same(nd.broadcast_mul(a.reshape((3, 1)), b), onp.outer([1, 5, 3], [4, 2, 3]))
    same(nd.broadcast_div(a, b), onp.float32([1, 5, 3]) / onp.float32([4, 2, 3]))
    same(nd.power(a, 2), [1, 25, 9])
    same(nd.modulo(a, b), [1, 1, 0])
    close(nd.hypot(a, b), onp.hypot([1, 5, 3], [4, 2, 3]))
    same(nd.equal(a, b), [0, 0, 1])
    same(nd.lesser(a, b), [1, 0, 0])
    same(nd.greater_equal(a, b), [0, 1, 1])
    same(nd.logical_and(a, nd.array([0, 1, 2])), [0, 1, 1])
    same(nd.where(a > b, a, b), [4, 5, 3])
    same(nd.where(nd.array([1, 0]), nd.ones((2, 2)), nd.zeros((2, 2))), [[1, 1], [0, 0]])
    same(nd.clip(a, 2, 4), [2, 4, 3])
    same(nd.add_n(a, b, a), [6, 12, 9])
    same(a.clip(2, 4), [2, 4, 3])
    with pytest.raises(ValueError, match="a_min=4 and a_max=2"):
        nd.clip(a, 4, 2)


def test_casting():
    a = nd.array([1.7, -1.7])

    same(a.astype("int32"), [1, -1], onp.int32)
    same(nd.cast(a, "float64"), onp.float32([1.7, -1.7]).astype(onp.float64), onp.float64)
    assert a.astype("float32", copy=False) is a
    assert a.astype("float32") is not a
