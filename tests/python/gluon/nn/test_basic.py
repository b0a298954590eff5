"""Dropout, Flatten, Lambda and HybridLambda."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import stats

from glueball import autograd, nd, np, npx, random
from glueball._core import Chain
from glueball.base import MXNetError
from glueball.gluon import nn
from glueball.gluon.block._plan import current_plan

# Dropout


def dropped(layer, x):
    with autograd.train_mode():
        return layer(x).asnumpy()


def test_dropout_passes_the_input_on_unless_training():
    x = nd.random.normal(shape=(5, 5))
    layer = nn.Dropout(0.5)

    onp.testing.assert_array_equal(layer(x).asnumpy(), x.asnumpy())
    with autograd.record(train_mode=False):
        onp.testing.assert_array_equal(layer(x).asnumpy(), x.asnumpy())


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_zeroes_a_share_and_scales_the_rest(rate):
    count = 20000

    y = dropped(nn.Dropout(rate), nd.ones((count,)))

    zeros = int((y == 0).sum())
    onp.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)
    assert stats.binomtest(zeros, count, rate).pvalue > 1e-4


def test_dropout_draws_new_masks_each_time_and_repeats_with_the_seed():
    x, layer = nd.ones((64,)), nn.Dropout(0.5)
    random.seed(7)
    first, second = dropped(layer, x), dropped(layer, x)
    random.seed(7)

    onp.testing.assert_array_equal(dropped(layer, x), first)
    assert not onp.array_equal(first, second)


def test_dropout_sends_the_gradient_through_the_same_mask():
    x = nd.ones((4, 50))
    x.attach_grad()

    with autograd.record():
        y = nn.Dropout(0.4)(x)
    y.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), y.asnumpy())


def test_dropout_of_rate_0_and_1():
    x = nd.array([1, 2])

    onp.testing.assert_array_equal(dropped(nn.Dropout(0), x), [1, 2])
    onp.testing.assert_array_equal(dropped(nn.Dropout(1), x), [0, 0])


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (-1,), (0, -1)])
def test_dropout_shares_its_mask_along_axes(axes):
    y = dropped(nn.Dropout(0.5, axes=axes), nd.ones((20, 30, 40)))

    together = tuple(slice(0, 1) if i in axes or i - 3 in axes else slice(None) for i in range(3))
    assert set(onp.unique(y)) == {0, 2}
    assert (y == y[together]).all()
    # Along the other axes fates differ, with the share that was asked for.
    fates = y[together] > 0
    assert abs(fates.mean() - 0.5) < 6 * onp.sqrt(0.25 / fates.size)


def test_dropout_sends_the_gradient_through_a_shared_mask():
    x = nd.random.normal(shape=(8, 6, 5))
    head = nd.random.normal(shape=(8, 6, 5))
    x.attach_grad()
    with autograd.record():
        y = nn.Dropout(0.5, axes=(1,))(x)
    y.backward(head)

    factor = y.asnumpy() / x.asnumpy()
    onp.testing.assert_allclose(x.grad.asnumpy(), factor * head.asnumpy(), rtol=1e-6)


def test_dropout_with_axes_is_part_of_the_one_call_of_a_net_and_repeats_with_the_seed():
    net = nn.Sequential(nn.Dense(4, flatten=False), nn.Dropout(0.5, axes=(1,)), nn.Dense(2))
    net.initialize()
    x = nd.random.normal(shape=(3, 5, 7))
    net(x)

    random.seed(4)
    first = dropped(net, x)
    random.seed(4)

    assert isinstance(current_plan(net).chain, Chain)
    onp.testing.assert_array_equal(dropped(net, x), first)
    assert (dropped(net, x) != first).any()


def test_dropout_of_the_layer_and_of_the_function_draw_the_same_mask():
    x = nd.ones((6, 7))
    random.seed(5)
    layer = dropped(nn.Dropout(0.3, axes=(0,)), x)
    random.seed(5)
    with autograd.train_mode():
        function = nd.Dropout(x, p=0.3, axes=(0,)).asnumpy()

    onp.testing.assert_array_equal(layer, function)


def test_dropout_refuses_axes_that_the_input_lacks():
    layer = nn.Dropout(0.5, axes=(2,), prefix="drop_")
    x = nd.ones((2, 3))
    with autograd.train_mode():
        with pytest.raises(MXNetError, match=r"'drop' that has the axis 2 .* found shape \(2, 3\)"):
            layer(x)
        with pytest.raises(ValueError, match="expected an axis in .* for 'Dropout', found 2"):
            nd.Dropout(x, axes=(2,))
    assert layer(nd.ones((1, 2, 3))).shape == (1, 2, 3)


@pytest.mark.parametrize("axes", ["ab", (0.5,), None])
def test_dropout_refuses_axes_that_are_not_integers(axes):
    with pytest.raises(TypeError, match="expected the axes of Dropout to be a tuple of integers"):
        nn.Dropout(0.5, axes=axes)


def test_dropout_inside_a_chain_is_the_same_layer():
    net = nn.Sequential(nn.Dropout(0.5))
    x = nd.ones((64,))
    random.seed(3)
    alone = dropped(net[0], x)
    random.seed(3)

    onp.testing.assert_array_equal(dropped(net, x), alone)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_dropout_refuses_a_rate_that_is_not_a_probability(rate):
    with pytest.raises(
        ValueError, match=f"expected the rate of Dropout to be from 0 to 1, found {rate}"
    ):
        nn.Dropout(rate)


def test_dropout_shows_its_settings():
    assert repr(nn.Dropout(0.5)) == "Dropout(p = 0.5, axes=())"
    assert repr(nn.Dropout(0.25, axes=(0,))) == "Dropout(p = 0.25, axes=(0,))"
    assert repr(nn.Dropout(0.25, axes=1)) == "Dropout(p = 0.25, axes=(1,))"


# Flatten


@pytest.mark.parametrize(
    ("shape", "flat"),
    [((2, 3, 4), (2, 12)), ((2, 3), (2, 3)), ((2,), (2, 1)), ((1, 1, 1, 5), (1, 5))],
)
def test_flatten_keeps_the_first_axis(shape, flat):
    x = nd.random.normal(shape=shape)

    y = nn.Flatten()(x)

    onp.testing.assert_array_equal(y.asnumpy(), x.asnumpy().reshape(flat))


def test_flatten_of_an_empty_batch():
    assert nn.Flatten()(nd.ones((2, 3, 4))[0:0]).shape == (0, 12)


def test_flatten_of_an_array_that_is_not_contiguous():
    x = nd.array([[[1, 2], [3, 4]]]).transpose((0, 2, 1))

    onp.testing.assert_array_equal(nn.Flatten()(x).asnumpy(), [[1, 3, 2, 4]])


def test_flatten_passes_the_gradient_back_in_the_inputs_shape():
    x = nd.random.normal(shape=(2, 3, 2))
    x.attach_grad()
    with autograd.record():
        y = nn.Flatten()(x)
        loss = (y * y).sum()
    loss.backward()

    onp.testing.assert_allclose(x.grad.asnumpy(), 2 * x.asnumpy(), rtol=1e-6)


def test_flattened_output_outlives_its_input():
    x = nd.array([[[1, 2], [3, 4]]])
    y = nn.Flatten()(x)
    del x

    onp.testing.assert_array_equal(y.asnumpy(), [[1, 2, 3, 4]])
    assert repr(nn.Flatten()) == "Flatten"


# Lambda


def test_lambda_runs_a_function_or_a_named_one():
    x = nd.array([-1, 2])

    onp.testing.assert_array_equal(nn.Lambda("relu")(x).asnumpy(), [0, 2])
    onp.testing.assert_array_equal(nn.Lambda(lambda a, b: a - b)(x, x).asnumpy(), [0, 0])


def test_hybrid_lambda_gets_f_first():
    x = nd.array([-1, 2])

    onp.testing.assert_array_equal(nn.HybridLambda("relu")(x).asnumpy(), [0, 2])
    onp.testing.assert_array_equal(nn.HybridLambda(lambda F, a: F.abs(a))(x).asnumpy(), [1, 2])


def test_named_functions_come_from_numpy_modules_in_numpy_mode():
    npx.set_np()
    try:
        x = np.array([-1, 2])
        named = [nn.Lambda("absolute")(x), nn.HybridLambda("relu")(x)]
    finally:
        npx.reset_np()

    onp.testing.assert_array_equal([each.asnumpy() for each in named], [[1, 2], [0, 2]])


@pytest.mark.parametrize("kind", [nn.Lambda, nn.HybridLambda])
def test_lambdas_show_the_functions_name(kind):
    assert repr(kind("tanh")) == f"{kind.__name__}(tanh)"
    assert repr(kind(lambda *_: None)) == f"{kind.__name__}(<lambda>)"


@pytest.mark.parametrize("kind", [nn.Lambda, nn.HybridLambda])
def test_lambdas_refuse_unknown_names_and_other_types(kind):
    with pytest.raises(AssertionError, match=r"^Function name nosuch is not found in ndarray\."):
        kind("nosuch")
    with pytest.raises(
        ValueError, match=r"^Unrecognized function in lambda: 5 of type <class 'int'>"
    ):
        kind(5)


def test_lambda_passes_gradients():
    net = nn.Sequential(nn.Dense(1, in_units=1, weight_initializer="ones"), nn.Lambda("square"))
    net.initialize()
    with autograd.record():
        y = net(nd.array([[3]]))
    y.backward()

    assert net[0].weight.grad().asscalar() == 18  # d(3w)^2/dw at w = 1
