"""ELU, SELU, GELU, SiLU, Swish and PReLU as layers."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import special

from glueball import autograd, init, nd
from glueball._core import Chain
from glueball.gluon import nn
from glueball.gluon.block._plan import current_plan

VALUES = onp.array([-40, -3, -1, -0.5, -1e-4, 1e-4, 0.5, 1, 3, 40], dtype=onp.float64)


def elu(x, alpha=1.0):
    return onp.where(x > 0, x, alpha * onp.expm1(onp.minimum(x, 0)))


LAYERS = {
    "elu": (nn.ELU, elu),
    "elu 0.7": (lambda: nn.ELU(0.7), lambda x: elu(x, 0.7)),
    "elu 2": (lambda: nn.ELU(alpha=2), lambda x: elu(x, 2)),
    "selu": (nn.SELU, lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "gelu": (nn.GELU, lambda x: x * special.ndtr(x)),
    "silu": (nn.SiLU, lambda x: x * special.expit(x)),
    "swish": (nn.Swish, lambda x: x * special.expit(x)),
    "swish 1.7": (lambda: nn.Swish(1.7), lambda x: x * special.expit(1.7 * x)),
    "swish 0": (lambda: nn.Swish(beta=0), lambda x: x / 2),
    "swish -1": (lambda: nn.Swish(-1.0), lambda x: x * special.expit(-x)),
    "prelu": (nn.PReLU, lambda x: onp.where(x > 0, x, 0.25 * x)),
}


def initialized(name, dtype="float64"):
    make, formula = LAYERS[name]
    layer = make()
    layer.initialize()
    layer.cast(dtype)
    return layer, formula


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-6)])
def test_layer_computes_its_formula(name, dtype, tolerance):
    layer, formula = initialized(name, dtype)
    x = nd.array(VALUES, dtype=dtype)

    y = layer(x)

    assert y.dtype == onp.dtype(dtype)
    wanted = formula(x.asnumpy().astype(onp.float64))
    onp.testing.assert_allclose(y.asnumpy(), wanted, rtol=4 * tolerance, atol=tolerance)


@pytest.mark.parametrize("name", LAYERS)
def test_gradient_is_that_of_central_differences(name):
    layer, formula = initialized(name)
    x = nd.array(VALUES, dtype="float64")
    x.attach_grad()

    with autograd.record():
        y = layer(x)
    y.backward()

    step = 1e-5
    wanted = (formula(VALUES + step) - formula(VALUES - step)) / (2 * step)
    onp.testing.assert_allclose(x.grad.asnumpy(), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_joins_the_native_chain(name):
    layer, formula = initialized(name, "float32")
    net = nn.HybridSequential()
    net.add(nn.Dense(4, in_units=3), layer)
    net[0].initialize(init.Normal(1))
    x = nd.random.normal(shape=(5, 3))

    y = net(x).asnumpy()

    assert isinstance(current_plan(net).chain, Chain)
    onp.testing.assert_allclose(y, formula(net[0](x).asnumpy()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Swish, nn.PReLU])
def test_names_and_reprs_are_gluons(make):
    layer = make()
    kind = make.__name__
    assert layer.name == kind.lower() + "0"
    assert repr(layer) == f"{kind}(\n\n)"


def test_prelu_learns_one_slope_or_one_for_each_channel():
    x = onp.array([[[-1.0, 2], [-3, -4]], [[5, -6], [7, 8]]])  # (2, 2, 2): channels in the middle
    head = onp.arange(8.0).reshape(2, 2, 2)
    below = head * onp.minimum(x, 0)
    for channels, wanted in ((1, [below.sum()]), (2, below.sum(axis=(0, 2)))):
        layer = nn.PReLU(init.Constant(onp.linspace(0.1, 0.5, channels)), in_channels=channels)
        layer.initialize()
        given = nd.array(x)
        given.attach_grad()
        slopes = onp.linspace(0.1, 0.5, channels).reshape(-1, 1)

        with autograd.record():
            y = layer(given)
        y.backward(nd.array(head))

        onp.testing.assert_allclose(y.asnumpy(), onp.where(x > 0, x, slopes * x), rtol=1e-6)
        onp.testing.assert_allclose(layer.alpha.grad().asnumpy(), wanted, rtol=1e-6)
        onp.testing.assert_allclose(
            given.grad.asnumpy(), head * onp.where(x > 0, 1, slopes), rtol=1e-6
        )


def test_prelus_channels_can_be_inferred():
    by_data, net = nn.PReLU(in_channels=0), nn.HybridSequential()
    net.add(nn.Dense(4), nn.PReLU(in_channels=0))
    for each in (by_data, net):
        each.initialize()

    by_data(nd.ones((2, 3)))
    net.infer_shape((None, 6))

    assert by_data.alpha.shape == (3,)
    onp.testing.assert_array_equal(net[1].alpha.data().asnumpy(), onp.full(4, 0.25))


def test_prelu_keeps_its_own_initializer_and_name():
    layer = nn.PReLU()
    layer.initialize(init.Zero())
    assert layer.alpha.name == "prelu0_alpha"
    onp.testing.assert_array_equal(layer.alpha.data().asnumpy(), [0.25])


def test_prelu_saved_and_shared(tmp_path):
    first = nn.PReLU(init.Constant(0.5))
    first.initialize()
    assert nn.PReLU(init.Constant(0.5), params=first.params).alpha is first.alpha
    first.save_parameters(str(tmp_path / "slope.npz"))
    other = nn.PReLU()
    other.load_parameters(str(tmp_path / "slope.npz"))
    onp.testing.assert_array_equal(other(nd.array([-2])).asnumpy(), [-1])


def test_prelu_refuses_what_does_not_fit():
    layer = nn.PReLU(in_channels=3)
    layer.initialize()
    for wrong in (nd.ones((2, 4)), nd.ones((3,))):
        with pytest.raises(ValueError, match="expected 3 channels on axis 1 of the input of"):
            layer(wrong)
    with pytest.raises(TypeError, match="input of dtype float32 for 'prelu0'"):
        layer(nd.ones((2, 3), dtype="float64"))
    with pytest.raises(ValueError, match="expected in_channels of PReLU to be 0 or more"):
        nn.PReLU(in_channels=-1)


@pytest.mark.parametrize("make", [nn.ELU, nn.Swish])
def test_settings_have_to_be_finite_numbers(make):
    with pytest.raises(ValueError, match="to be finite"):
        make(float("nan"))
    with pytest.raises(TypeError, match=r"expected a number as .*found 'a'"):
        make("a")
