"""Dense: the fully connected layer."""

from __future__ import annotations

import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import MXNetError, autograd, init, nd
from glueball.gluon import nn
from nd_values import read_only

sizes = st.integers(1, 9)


def ready(units, shape, **settings):
    layer = nn.Dense(units, **settings)
    layer.initialize(init.Normal(1))
    layer(nd.ones(shape))
    return layer


def expected(layer, x):
    weight, bias = layer.weight.data().asnumpy(), layer.bias.data().asnumpy()
    return x @ weight.T.astype(onp.float64) + bias


def test_parameters_have_gluons_shapes_and_names():
    layer = nn.Dense(4, in_units=3, prefix="fc_")

    assert (layer.weight.name, layer.weight.shape) == ("fc_weight", (4, 3))
    assert (layer.bias.name, layer.bias.shape) == ("fc_bias", (4,))
    assert layer.act is None


def test_layer_without_bias_has_none():
    layer = nn.Dense(2, in_units=3, use_bias=False)
    layer.initialize(init.One())

    assert layer.bias is None
    assert list(layer.collect_params()) == [layer.weight.name]
    onp.testing.assert_array_equal(layer(nd.ones((1, 3))).asnumpy(), [[3, 3]])


@given(batch=sizes, in_units=sizes, units=sizes)
def test_output_is_x_wt_plus_b(batch, in_units, units):
    layer = ready(units, (1, in_units), bias_initializer=init.Normal(1))
    x = nd.random.normal(shape=(batch, in_units))

    onp.testing.assert_allclose(
        layer(x).asnumpy(), expected(layer, x.asnumpy()), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("shape", "flatten", "weight", "output"),
    [
        ((2, 3, 4), True, (5, 12), (2, 5)),
        ((2, 3, 4), False, (5, 4), (2, 3, 5)),
        ((2, 3, 4, 2), True, (5, 24), (2, 5)),
        ((2, 3, 4, 2), False, (5, 2), (2, 3, 4, 5)),
        ((4,), False, (5, 4), (5,)),
        ((4,), True, (5, 1), (4, 5)),
    ],
)
def test_inputs_of_every_rank_are_flattened_or_taken_by_their_last_axis(
    shape, flatten, weight, output
):
    layer = nn.Dense(5, flatten=flatten)
    layer.initialize(init.Normal(1))
    x = nd.random.normal(shape=shape)

    y = layer(x)

    assert layer.weight.shape == weight
    assert y.shape == output
    rows = x.asnumpy().reshape(-1, weight[1])
    onp.testing.assert_allclose(
        y.asnumpy(), expected(layer, rows).reshape(output), rtol=1e-5, atol=1e-6
    )


def test_activation_is_applied_and_shown():
    layer = nn.Dense(2, activation="relu", in_units=1, weight_initializer="ones", prefix="fc_")
    layer.initialize()

    assert repr(layer) == "Dense(1 -> 2, Activation(relu))"
    assert repr(layer.act) == "Activation(relu)"
    onp.testing.assert_array_equal(layer(nd.array([[-1], [2]])).asnumpy(), [[0, 0], [2, 2]])


def test_own_initializers_are_used():
    layer = nn.Dense(2, in_units=2, weight_initializer="ones", bias_initializer=init.Constant(4))
    layer.initialize(init.Zero())

    onp.testing.assert_array_equal(layer.weight.data().asnumpy(), onp.ones((2, 2)))
    onp.testing.assert_array_equal(layer.bias.data().asnumpy(), [4, 4])


def test_float64_layers_compute_in_float64():
    layer = nn.Dense(1, dtype="float64", in_units=1, weight_initializer="ones")
    layer.initialize()
    x = nd.array([[1 + 1e-12]], dtype="float64")

    assert layer(x).asscalar() == 1 + 1e-12


# Bad settings are found at construction


@pytest.mark.parametrize("units", [0, -1])
def test_units_have_to_be_positive(units):
    with pytest.raises(ValueError) as caught:
        nn.Dense(units)

    assert (
        str(caught.value) == f"expected units of Dense to be 1 or more, found {units}; correct it"
    )


@pytest.mark.parametrize("units", ["3", 2.0, None], ids=["str", "float", "none"])
def test_units_have_to_be_an_integer(units):
    with pytest.raises(
        TypeError, match=r"expected an integer as units of Dense, found .*; pass an int"
    ):
        nn.Dense(units)


def test_numpy_integers_are_integers():
    assert nn.Dense(onp.int64(3)).weight.shape == (3, 0)


def test_in_units_must_not_be_negative():
    with pytest.raises(ValueError, match="expected in_units of Dense to be 0 or more, found -3"):
        nn.Dense(2, in_units=-3)


def test_unknown_activation_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"found 'nosuch'; valid values are: .*'relu', 'sigmoid'"):
        nn.Dense(2, activation="nosuch")


@pytest.mark.parametrize("which", ["weight_initializer", "bias_initializer"])
def test_unknown_initializer_is_found_at_once(which):
    with pytest.raises(ValueError, match="nosuch is not registered"):
        nn.Dense(2, **{which: "nosuch"})


@pytest.mark.parametrize("dtype", ["int32", "float16", "nosuch"])
def test_dtypes_that_layers_do_not_compute_in_are_refused(dtype):
    with pytest.raises(TypeError, match=f"expected dtype float32 or float64 .* found '{dtype}'"):
        nn.Dense(2, dtype=dtype)


# Bad inputs leave the layer as it was


@pytest.fixture
def layer():
    made = nn.Dense(2, in_units=3, prefix="fc_", weight_initializer="ones")
    made.initialize()
    yield made
    onp.testing.assert_array_equal(made(nd.ones((1, 3))).asnumpy(), [[3, 3]])


def test_input_of_another_width_names_layer_and_both_widths(layer):
    layer(nd.ones((2, 3)))

    with pytest.raises(MXNetError) as caught:
        layer(nd.ones((2, 4)))

    assert str(caught.value) == (
        "expected input of shape (batch, 3) for 'fc', found (2, 4); pass 3 features, or make a "
        "new layer for 4 (its weight fc_weight is (2, 3))"
    )


def test_input_of_another_width_while_recording_names_the_layer_too(layer):
    with autograd.record(), pytest.raises(MXNetError, match="for 'fc', found"):
        layer(nd.ones((2, 4)))


def test_error_names_the_layer_inside_a_chain(layer):
    net = nn.Sequential(nn.Flatten(), layer, prefix="net_")

    with pytest.raises(MXNetError, match=r"expected input of shape \(batch, 3\) for 'fc'"):
        net(nd.ones((2, 2, 2)))


def test_other_batch_sizes_are_fine(layer):
    for batch in (1, 7, 2):
        assert layer(nd.ones((batch, 3))).shape == (batch, 2)


def test_input_of_another_float_dtype_says_how_to_cast(layer):
    with pytest.raises(MXNetError) as caught:
        layer(nd.ones((2, 3), dtype="float64"))

    assert str(caught.value) == (
        "expected input of dtype float32 for 'fc', found shape (2, 3), float64; cast the input, with "
        "astype('float32'), or the layer, with cast('float64')"
    )


def test_input_of_integers_is_refused(layer):
    with pytest.raises(MXNetError) as caught:
        layer(nd.ones((2, 3), dtype="int32"))

    assert str(caught.value) == (
        "expected an array of float32 or float64 as input of 'fc', found dtype int32; convert it: "
        ".astype('float32')"
    )


@pytest.mark.parametrize("value", [(1, 1, 1), "ones", 3.0, None])
def test_input_that_is_not_an_array_is_refused(layer, value):
    with pytest.raises(ValueError, match=r"there must be one NDArray .*\n.* input of 'fc', found"):
        layer(value)


def test_second_input_is_refused(layer):
    with pytest.raises(TypeError, match="expected one input of 'fc', found 2; pass x alone"):
        layer(nd.ones((1, 3)), nd.ones((1, 3)))


def test_empty_batch_gives_an_empty_output(layer):
    assert layer(nd.ones((2, 3))[0:0]).shape == (0, 2)


def test_gradient_of_an_empty_batch_is_zero(layer):
    x = nd.ones((2, 3))[0:0]
    with autograd.record():
        y = layer(x).sum()
    y.backward()

    onp.testing.assert_array_equal(layer.weight.grad().asnumpy(), onp.zeros((2, 3)))


def test_empty_batch_makes_the_width_known():
    deferred = nn.Dense(2)
    deferred.initialize()

    assert deferred(nd.ones((4, 3))[0:0]).shape == (0, 2)
    assert deferred.weight.shape == (2, 3)


def test_input_without_features_is_refused_and_the_layer_stays_deferred():
    deferred = nn.Dense(2, prefix="fc_")
    deferred.initialize()

    with pytest.raises(MXNetError, match=r"at least one feature for 'fc', found shape \(2, 0\)"):
        deferred(nd.ones((2, 3))[:, 0:0])
    assert deferred.weight.shape == (2, 0)
    assert deferred(nd.ones((2, 3))).shape == (2, 2)


def test_input_that_is_not_contiguous_gives_the_same_result():
    layer = ready(4, (1, 3))
    x = nd.random.normal(shape=(3, 6))
    strided, transposed = x.T, x[:, ::2]

    onp.testing.assert_array_equal(layer(strided).asnumpy(), layer(strided.copy()).asnumpy())
    onp.testing.assert_array_equal(layer(transposed).asnumpy(), layer(transposed.copy()).asnumpy())


def test_input_that_is_read_only_is_fine(layer):
    x = nd.ones((1, 3))
    x = read_only(x)

    onp.testing.assert_array_equal(layer(x).asnumpy(), [[3, 3]])


def test_nan_passes_through_and_spoils_its_own_sample_only(layer):
    x = nd.array([[1, onp.nan, 1], [1, 1, 1]])

    onp.testing.assert_array_equal(layer(x).asnumpy(), [[onp.nan, onp.nan], [3, 3]])


def test_use_before_initialize_names_the_weight():
    fresh = nn.Dense(2, in_units=3, prefix="fc_")

    with pytest.raises(RuntimeError) as caught:
        fresh(nd.ones((1, 3)))

    assert str(caught.value) == (
        "Parameter 'fc_weight' has not been initialized. Note that you should initialize parameters "
        "and create Trainer with Block.collect_params() instead of Block.params because the later "
        "does not include Parameters of nested child Blocks"
    )
    fresh.initialize()
    assert fresh(nd.ones((1, 3))).shape == (1, 2)


def test_failed_first_forward_leaves_a_deferred_net_usable():
    net = nn.Sequential(nn.Dense(4), nn.Dense(2, in_units=5, prefix="second_"))
    net.initialize()

    with pytest.raises(
        MXNetError, match=r"input of shape \(batch, 5\) for 'second', found \(1, 4\)"
    ):
        net(nd.ones((1, 3)))
    net._children["0"] = nn.Dense(5)
    net[0].initialize()

    assert net(nd.ones((1, 3))).shape == (1, 2)
