"""Weights of other libraries, as plain arrays by their names: into a net, and out of it."""

from __future__ import annotations

import itertools

import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import MXNetError, interop, nd
from glueball.base import ArgumentError
from glueball.gluon import nn

RNG = onp.random.default_rng(5)


def normal(*shape, dtype="float32"):
    return RNG.normal(size=shape).astype(dtype)


def mlp(*widths):
    net = nn.Sequential()
    for width in widths:
        net.add(nn.Dense(width, activation="tanh"))
    return net


def torch_names(*widths):
    """Make a state_dict of Linear layers and activations, as torch.nn.Sequential names it."""
    state = {}
    for place, (width, units) in enumerate(itertools.pairwise(widths)):
        state[f"{2 * place}.weight"] = normal(units, width)
        state[f"{2 * place}.bias"] = normal(units)
    return state


def values(net):
    return {path: p.data().asnumpy().copy() for path, p in net._walk_parameters()}


def predict(x, state):
    """Compute a chain of tanh layers with NumPy, in float64, from (out, in) weights in order."""
    arrays = [array.astype("float64") for array in state.values()]
    for weight, bias in zip(arrays[::2], arrays[1::2], strict=True):
        x = onp.tanh(x @ weight.T + bias)
    return x


# Dense layers


@given(st.lists(st.integers(1, 7), min_size=2, max_size=5))
def test_a_state_dict_gives_the_net_the_outputs_of_its_module(widths):
    state, x = torch_names(*widths), normal(3, widths[0])
    net = mlp(*widths[1:])

    interop.load_torch(net, state)

    onp.testing.assert_allclose(net(nd.array(x)).asnumpy(), predict(x, state), rtol=1e-4, atol=1e-6)


@given(st.lists(st.integers(1, 7), min_size=2, max_size=5))
def test_kerass_list_gives_the_net_the_outputs_of_its_model(widths):
    state, x = torch_names(*widths), normal(3, widths[0])
    net = mlp(*widths[1:])

    interop.load_keras(net, [array.T for array in state.values()])

    onp.testing.assert_allclose(net(nd.array(x)).asnumpy(), predict(x, state), rtol=1e-4, atol=1e-6)


def test_what_goes_out_as_pytorchs_comes_back_bit_by_bit():
    net, other = mlp(4, 3), mlp(4, 3)
    net.initialize()
    net(nd.ones((1, 5)))

    interop.load_torch(other, interop.to_torch(net))

    for path, array in values(net).items():
        onp.testing.assert_array_equal(values(other)[path], array)


def test_what_goes_out_as_kerass_comes_back_bit_by_bit():
    net, other = mlp(4, 3), mlp(4, 3)
    net.initialize()
    net(nd.ones((1, 5)))

    weights = interop.to_keras(net)
    interop.load_keras(other, weights)

    assert [array.shape for array in weights] == [(5, 4), (4,), (4, 3), (3,)]
    assert all(array.flags.c_contiguous for array in weights)
    for path, array in values(net).items():
        onp.testing.assert_array_equal(values(other)[path], array)


def test_what_goes_out_are_copies():
    net = mlp(2)
    net.initialize()
    net(nd.ones((1, 3)))
    before = values(net)["0.weight"]

    for array in (*interop.to_torch(net).values(), *interop.to_keras(net)):
        array[...] = 7

    onp.testing.assert_array_equal(values(net)["0.weight"], before)


def test_the_report_says_where_each_parameter_has_its_values_from():
    report = interop.load_torch(mlp(4, 3), torch_names(5, 4, 3))

    assert report.loaded == {
        "0.weight": "0.weight",
        "0.bias": "0.bias",
        "1.weight": "2.weight",
        "1.bias": "2.bias",
    }


@pytest.mark.parametrize(
    "names",
    [
        ("out/kernel", "out/bias"),
        ("out/kernel:0", "out/bias:0"),
        ("params.Dense_0.kernel", "params.Dense_0.bias"),
        ("linear_0.w", "linear_0.b"),
        ("0.weight", "0.bias"),
    ],
    ids=["keras", "tensorflow", "flax", "haiku", "gluon"],
)
def test_each_librarys_names_are_understood(names):
    weight, bias = normal(3, 5), normal(3)
    net = mlp(3)

    interop.load_arrays(net, dict(zip(names, (weight.T, bias), strict=True)))

    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), weight)
    onp.testing.assert_array_equal(net[0].bias.data().asnumpy(), bias)


def test_dicts_in_dicts_are_taken_as_jax_gives_them():
    weight, bias, mean = normal(3, 5), normal(3), normal(5)
    net = nn.Sequential(nn.BatchNorm(scale=False, center=False), nn.Dense(3))

    interop.load_arrays(
        net,
        {
            "params": {"BatchNorm_0": {}, "Dense_0": {"kernel": weight.T, "bias": bias}},
            "batch_stats": {"BatchNorm_0": {"mean": mean, "var": mean**2}},
        },
        mapping={"BatchNorm_0": "0", "Dense_0": "1"},
    )

    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), weight)
    onp.testing.assert_array_equal(net[0].running_mean.data().asnumpy(), mean)


def test_layers_sorted_by_letters_are_taken_by_their_numbers():
    state = torch_names(*([3] * 13))
    net = mlp(*([3] * 12))

    interop.load_torch(net, dict(sorted(state.items())))

    for place in range(12):
        onp.testing.assert_array_equal(
            net[place].weight.data().asnumpy(), state[f"{2 * place}.weight"]
        )


def test_equal_paths_go_before_order():
    state = {"1.weight": normal(3, 3), "0.weight": normal(3, 3)}
    net = nn.Sequential(nn.Dense(3, use_bias=False), nn.Dense(3, use_bias=False))

    interop.load_torch(net, state)

    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), state["0.weight"])


def test_a_mapping_says_what_belongs_together_and_leaves_the_rest_out():
    state = {"head.weight": normal(9, 4), "b.weight": normal(3, 3), "a.weight": normal(3, 3)}
    net = nn.Sequential(nn.Dense(3, use_bias=False), nn.Dense(3, use_bias=False))

    interop.load_torch(net, state, mapping={"a": "0", "b": "1"})

    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), state["a.weight"])
    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), state["b.weight"])


def test_a_part_of_a_net_is_loaded_by_itself():
    net = nn.Sequential(mlp(4, 4), nn.Dense(2, in_units=4))
    net.initialize()
    head = net[1].weight.data().asnumpy().copy()

    interop.load_torch(net[0], torch_names(3, 4, 4))

    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), head)
    assert net[0][0].weight.shape == (4, 3)


# Which way round


def test_the_shape_tells_which_way_round_a_matrix_is():
    weight = normal(3, 5)
    for layout in (weight, weight.T):
        net = mlp(3)

        interop.load_arrays(net, {"0.weight": layout, "0.bias": normal(3)})

        onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), weight)


@pytest.mark.parametrize("in_units", [0, 3], ids=["unknown width", "known width"])
def test_a_square_matrix_needs_to_be_told(in_units):
    net = nn.Dense(3, in_units=in_units, use_bias=False)
    weight = normal(3, 3)

    with pytest.raises(
        ArgumentError, match=r"'weight' \(3, 3\).*fits either way round; pass layout="
    ):
        interop.load_arrays(net, {"weight": weight})
    assert net.weight._state == "uninitialized"

    interop.load_arrays(net, {"weight": weight}, layout="in_out")
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), weight.T)
    interop.load_torch(net, {"weight": weight})
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), weight)
    interop.load_keras(net, {"kernel": weight})
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), weight.T)


def test_paddles_state_dict_is_pytorchs_turned_round():
    weight = normal(3, 5)
    net = mlp(3)

    interop.load_torch(net, {"0.weight": weight.T, "0.bias": normal(3)}, layout="in_out")

    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), weight)


def test_what_fits_only_the_other_way_round_says_so():
    with pytest.raises(
        ArgumentError, match=r"'0.weight' \(5, 3\).*transposed: pass layout='in_out'"
    ):
        interop.load_torch(mlp(3), {"0.weight": normal(5, 3), "0.bias": normal(3)})


def test_an_unknown_layout_is_refused():
    with pytest.raises(ArgumentError, match="expected layout 'out_in' or 'in_out', found 'rows'"):
        interop.load_torch(mlp(3), torch_names(5, 3), layout="rows")


# Other layers


def test_batch_norms_have_other_names_elsewhere():
    arrays = [normal(4), normal(4), normal(4), normal(4) ** 2]
    net, other = nn.BatchNorm(), nn.BatchNorm()
    torch_state = dict(
        zip(("weight", "bias", "running_mean", "running_var"), arrays, strict=True),
        num_batches_tracked=onp.array(7),
    )

    interop.load_torch(net, torch_state)
    interop.load_keras(other, arrays)

    x = normal(3, 4)
    gamma, beta, mean, variance = (each.astype("float64") for each in arrays)
    expected = (x - mean) / onp.sqrt(variance + 1e-5) * gamma + beta
    for each in (net, other):
        onp.testing.assert_allclose(each(nd.array(x)).asnumpy(), expected, rtol=1e-4, atol=1e-5)
    out = interop.to_torch(net)
    assert set(out) == set(torch_state)
    assert out["num_batches_tracked"].dtype == onp.int64
    for one, two in zip(interop.to_keras(net), arrays, strict=True):
        onp.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "layer", [nn.LayerNorm(), nn.GroupNorm(), nn.InstanceNorm(scale=True)], ids=lambda x: x.name
)
def test_norms_have_a_weight_and_a_bias_in_pytorch(layer):
    gamma, beta = normal(4), normal(4)

    interop.load_torch(layer, {"weight": gamma, "bias": beta})

    onp.testing.assert_array_equal(layer.gamma.data().asnumpy(), gamma)
    onp.testing.assert_array_equal(layer.beta.data().asnumpy(), beta)
    assert set(interop.to_torch(layer)) == {"weight", "bias"}


def test_embeddings_are_never_turned():
    table = normal(5, 5)
    net = nn.Embedding(5, 5)

    interop.load_keras(net, {"embedding/embeddings": table})
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), table)
    interop.load_torch(net, {"weight": table.T})
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), table.T)
    onp.testing.assert_array_equal(interop.to_keras(net)[0], table.T)


def test_prelus_slopes_are_pytorchs_weight():
    net = nn.PReLU(in_channels=3)
    slopes = normal(3)

    interop.load_torch(net, {"weight": slopes})

    onp.testing.assert_array_equal(net.alpha.data().asnumpy(), slopes)
    assert list(interop.to_torch(net)) == ["weight"]


def test_a_norm_that_learns_nothing_needs_no_arrays_and_computes_as_elsewhere():
    net = nn.BatchNorm(scale=False, center=False, gamma_initializer="zeros")

    report = interop.load_torch(net, {"running_mean": normal(4), "running_var": normal(4) ** 2})

    assert report.loaded["gamma"] == "1"
    assert report.loaded["beta"] == "0"
    onp.testing.assert_array_equal(net.gamma.data().asnumpy(), onp.ones(4))
    assert set(interop.to_torch(net)) == {"running_mean", "running_var", "num_batches_tracked"}
    assert len(interop.to_keras(net)) == 2


def test_pytorch_gets_both_of_a_pair_or_neither():
    net = nn.BatchNorm(scale=False, in_channels=2, gamma_initializer="zeros")
    net.initialize()

    state = interop.to_torch(net)

    onp.testing.assert_array_equal(state["weight"], [1, 1])  # what stands in for it
    assert len(interop.to_keras(net)) == 3


def test_a_scale_that_the_layer_would_not_heed_is_refused():
    net = nn.BatchNorm(scale=False)
    state = dict.fromkeys(("bias", "running_mean", "running_var"), normal(2))

    with pytest.raises(ArgumentError, match="made with scale=False, which takes 1 for it"):
        interop.load_torch(net, {"weight": onp.full(2, 3.0), **state})
    interop.load_torch(net, {"weight": onp.ones(2), **state})


def test_a_users_own_block_keeps_its_names():
    class Scale(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.factor = self.params.get("factor", shape=(2, 3))

        def hybrid_forward(self, F, x, factor):
            return x * factor

    net, factor = nn.Sequential(Scale()), normal(2, 3)

    interop.load_keras(net, {"0.factor": factor})

    onp.testing.assert_array_equal(net[0].factor.data().asnumpy(), factor)
    assert list(interop.to_torch(net)) == ["0.factor"]


# Shared layers


def tied():
    first = nn.Dense(3, in_units=3)
    return nn.Sequential(first, nn.Dense(3, in_units=3, params=first.params))


def test_a_tied_layer_takes_one_set_of_values_or_two_that_are_equal():
    state = {"0.weight": normal(3, 3), "0.bias": normal(3)}
    state |= {"1.weight": state["0.weight"], "1.bias": state["0.bias"]}
    net = tied()

    interop.load_torch(net, state)
    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), state["0.weight"])

    state["1.bias"] = normal(3)
    with pytest.raises(ArgumentError, match="'0.bias' and '1.bias' differ, for one parameter"):
        interop.load_torch(net, state)


def test_a_layer_used_twice_is_listed_once_by_keras():
    layer = nn.Dense(3, in_units=3)
    net = nn.Sequential(layer, nn.Dense(3), layer)
    net.initialize()
    net(nd.ones((1, 3)))

    weights = interop.to_keras(net)
    interop.load_keras(net, weights)

    assert len(weights) == 4
    assert list(interop.to_torch(net)) == [
        f"{place}.{name}" for place in (0, 1, 2) for name in ("weight", "bias")
    ]


# Dtypes


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "bool"])
def test_dtypes_become_the_nets(dtype):
    net = nn.Dense(2, use_bias=False)
    weight = onp.array([[1, 0, 1], [0, 1, 1]], dtype)

    interop.load_torch(net, {"weight": weight})

    assert net.weight.dtype == onp.float32
    onp.testing.assert_array_equal(net.weight.data().asnumpy(), weight.astype("float32"))


def test_values_that_the_nets_dtype_does_not_hold_are_refused():
    weight = onp.array([[1e300, 0]])

    with pytest.raises(ArgumentError, match="has values beyond float32"):
        interop.load_torch(nn.Dense(1, use_bias=False), {"weight": weight})
    net = nn.Dense(1, use_bias=False, dtype="float64")
    interop.load_torch(net, {"weight": weight})
    assert net.weight.data().asnumpy()[0, 0] == 1e300


def test_infinities_and_nans_are_taken_as_they_are():
    net = nn.Dense(1, use_bias=False)
    weight = onp.array([[onp.nan, onp.inf]], "float64")

    interop.load_torch(net, {"weight": weight})

    onp.testing.assert_array_equal(net.weight.data().asnumpy(), weight)


# What does not fit


def test_everything_that_does_not_fit_is_named_with_the_shapes_on_both_sides():
    net = nn.Sequential(nn.Dense(4, in_units=5), nn.Dense(3, in_units=4), nn.BatchNorm())
    state = {
        "0.weight": normal(4, 6),
        "0.bias": normal(4),
        "1.weight": normal(3, 4),
        "1.extra": normal(2, 2),
        "2.weight": normal(3),
    }

    with pytest.raises(ArgumentError) as caught:
        interop.load_torch(net, state)

    text = str(caught.value)
    assert "'0.weight' (4, 6) for the net's '0.weight' (4, 5) differs in shape" in text
    assert "the net's '1.bias' (3,) gets nothing from '1'" in text
    assert "'1.extra' (2, 2) has no place in '1' (Dense)" in text
    assert "the net's '2.running_mean' (0,) gets nothing from '2'" in text
    assert "mapping=" in text


def test_nothing_changes_when_anything_does_not_fit():
    net = mlp(4, 3)
    net.initialize()
    net(nd.ones((1, 5)))
    before = values(net)
    state = torch_names(5, 4, 3) | {"2.bias": normal(7)}

    with pytest.raises(MXNetError):
        interop.load_torch(net, state)
    with pytest.raises(MXNetError):
        interop.load_keras(net, [array.T for array in state.values()])

    for path, array in values(net).items():
        onp.testing.assert_array_equal(array, before[path])


def test_a_net_that_waits_for_its_shapes_still_does_after_a_failure():
    net = mlp(4, 3)

    with pytest.raises(ArgumentError):
        interop.load_torch(net, torch_names(5, 4, 2))

    assert net[0].weight.shape == (4, 0)
    interop.load_torch(net, torch_names(6, 4, 3))
    assert net[0].weight.shape == (4, 6)


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ({"0.weight": onp.ones((4, 5)), "0.bias": onp.ones(4)}, "with parameters, 2, found 1"),
        ({}, "with parameters, 2, found 0"),
    ],
)
def test_another_number_of_layers_lists_both_sides(weights, error):
    with pytest.raises(ArgumentError, match=rf"{error}.*'1.weight' \(3, 0\).*mapping="):
        interop.load_torch(mlp(4, 3), weights)


def test_a_list_of_another_length_lists_both_sides():
    message = r"expected 4 arrays for the net's '0.weight' \(4, 0\).*found 1 of shapes \(5, 4\)"
    with pytest.raises(ArgumentError, match=message):
        interop.load_keras(mlp(4, 3), [normal(5, 4)])


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        (
            {"9": "0"},
            ArgumentError,
            "names of layers of the arrays in mapping, found '9'; choose of",
        ),
        ({"0": "9"}, ArgumentError, "layers of the net with parameters in mapping, found '9'"),
        ({"0": "0"}, ArgumentError, r"the net's '1.weight' \(3, 0\) gets nothing"),
        (["0"], TypeError, "expected a dict from their layers to the net's paths"),
    ],
)
def test_a_mapping_has_to_name_what_is_there(mapping, error, message):
    with pytest.raises(error, match=message):
        interop.load_torch(mlp(4, 3), torch_names(5, 4, 3), mapping=mapping)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (5, "expected a mapping from names to arrays, found int"),
        ({1: onp.ones(2)}, "expected str as names of arrays, found 1"),
        ({"0.weight": "text"}, "expected an array of real numbers as '0.weight', found str"),
        ({"0.weight": onp.ones(2, complex)}, "found ndarray of dtype complex128"),
        ({"0.weight": None}, "found NoneType"),
    ],
)
def test_what_is_not_an_array_by_name_is_refused(weights, message):
    with pytest.raises(TypeError, match=message):
        interop.load_torch(mlp(4), weights)


def test_a_list_has_no_names_to_map():
    with pytest.raises(ArgumentError, match="expected weights by name beside mapping="):
        interop.load_keras(mlp(4), [normal(3, 4), normal(4)], mapping={"0": "0"})


def test_a_net_without_values_has_none_to_give():
    net = mlp(3)
    for convert in (interop.to_torch, interop.to_keras):
        with pytest.raises(RuntimeError, match="has not been initialized"):
            convert(net)


# Out, for a module that is there


def test_like_gives_the_names_of_the_module():
    net = mlp(4, 3)
    net.initialize()
    net(nd.ones((1, 5)))
    like = torch_names(5, 4, 3)

    state = interop.to_torch(net, like)

    assert list(state) == list(like)
    onp.testing.assert_array_equal(state["2.weight"], net[1].weight.data().asnumpy())


def test_like_of_another_shape_is_refused():
    net = mlp(4, 3)
    net.initialize()
    net(nd.ones((1, 5)))

    with pytest.raises(
        ArgumentError, match=r"'0.weight' \(4, 6\) for the net's '0.weight' \(4, 5\)"
    ):
        interop.to_torch(net, torch_names(6, 4, 3))


def test_like_keeps_the_modules_counters():
    net = nn.BatchNorm(in_channels=2)
    net.initialize()
    like = interop.to_torch(net) | {"num_batches_tracked": onp.array(9)}

    assert interop.to_torch(net, like)["num_batches_tracked"] == 9


@pytest.mark.parametrize(
    "names",
    [
        ("params/fc/kernel", "fc/kernel"),
        ("0.weight", "0/weight"),
        ("fc.weight:0", "fc.weight"),
        ("batch_stats/norm/mean", "norm.mean"),
    ],
)
def test_two_names_of_one_array_are_refused(names):
    weights = dict.fromkeys(names, onp.ones((2, 3)))

    with pytest.raises(ArgumentError, match=f"'{names[0]}' and '{names[1]}', which both name"):
        interop.load_torch(mlp(2), weights)
