"""Inference with weights rounded to bfloat16: `cast("bfloat16")`."""

from __future__ import annotations

import numpy as np
import pytest

from glueball import autograd, init, nd
from glueball.base import DtypeError
from glueball.gluon import nn


def made(*units, width=40):
    net = nn.Sequential()
    for each in units:
        net.add(nn.Dense(each, activation="tanh"))
    net.initialize(init.Xavier())
    net.infer_shape((None, width))
    return net


def rounded(values):
    """To the nearest number with 8 significant bits, ties to even: NumPy's rint of the mantissa."""
    mantissa, exponent = np.frexp(values.astype("float64"))
    return np.ldexp(np.rint(mantissa * 256) / 256, exponent)


def by_hand(net, x, weights_of):
    for layer in net:
        weight = weights_of(layer.weight.data().asnumpy())
        x = np.tanh(x @ weight.T + layer.bias.data().asnumpy())
    return x


@pytest.mark.parametrize("batch", [1, 3, 12, 13, 300])
def test_inference_uses_rounded_weights_and_adds_in_float32(batch):
    net = made(70, 9)
    x = nd.random.uniform(-1, 1, shape=(batch, 40))

    net.cast("bfloat16")

    expected = by_hand(net, x.asnumpy().astype("float64"), rounded)
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=2e-5, atol=2e-6)
    exact = by_hand(net, x.asnumpy().astype("float64"), lambda weight: weight)
    assert np.abs(net(x).asnumpy() - exact).max() > 1e-4


def test_a_sample_gives_the_same_bits_alone_and_in_a_batch_and_while_a_view_is_held():
    net = made(70, 9)
    net.cast("bfloat16")
    x = nd.random.uniform(-1, 1, shape=(50, 40))
    together = net(x).asnumpy()

    assert np.array_equal(net(x[7:8]).asnumpy()[0], together[7])
    held = net[0].weight.data()
    assert np.array_equal(net(x).asnumpy(), together)
    held[:] = 0
    assert not np.array_equal(net(x).asnumpy(), together)


def test_values_gradients_and_recorded_outputs_are_those_of_float32():
    net = made(5, 3)
    x = nd.random.uniform(-1, 1, shape=(4, 40))
    values = net[0].weight.data().asnumpy()

    def step():
        with autograd.record():
            y = net(x)
        y.backward()
        return y.asnumpy(), net[0].weight.grad().asnumpy()

    before = step()
    net.cast("bfloat16")
    after = step()

    assert net[0].weight.dtype == np.float32
    assert np.array_equal(net[0].weight.data().asnumpy(), values)
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other)


def test_cast_to_float32_ends_it_and_new_values_are_rounded_too():
    net = made(6)
    x = nd.random.uniform(-1, 1, shape=(2, 40))
    exact = net(x).asnumpy()
    net.cast("bfloat16")
    net[0].weight.set_data(net[0].weight.data() * 2)
    expected = by_hand(net, x.asnumpy().astype("float64"), rounded)
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=2e-5, atol=2e-6)
    net[0].weight.set_data(net[0].weight.data() / 2)

    net.cast("float32")

    assert np.array_equal(net(x).asnumpy(), exact)


def test_before_shapes_are_known_it_works_too():
    net = nn.Dense(3)
    net.initialize()
    net.cast("bfloat16")
    x = nd.ones((1, 4))

    y = net(x)

    weight = rounded(net.weight.data().asnumpy())
    np.testing.assert_allclose(y.asnumpy()[0], weight.sum(axis=1), rtol=1e-5)


def test_float64_is_refused():
    net = made(3)
    net.cast("float64")

    with pytest.raises(DtypeError, match="expected a parameter of float32.*cast it to float32"):
        net.cast("bfloat16")
