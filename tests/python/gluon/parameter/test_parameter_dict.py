"""ParameterDict: looking up, making, and doing something to all."""

from __future__ import annotations

import numpy as np
import pytest

from glueball import cpu, gluon, init, nd
from glueball.base import GlueballTypeError, MXNetError, ParameterNotFoundError
from glueball.gluon import ParameterDict, nn


def mlp():
    net = nn.Sequential(prefix="net_")
    with net.name_scope():
        net.add(nn.Dense(3, in_units=2), nn.Dense(1, in_units=3))
    return net


def values(parameter):
    return parameter.data().asnumpy()


def test_it_behaves_as_a_mapping_of_full_names():
    params = ParameterDict("p_")
    weight = params.get("weight", shape=(2, 3))
    bias = params.get("bias", shape=(2,))

    assert list(params) == list(params.keys()) == ["p_weight", "p_bias"]
    assert list(params.values()) == [weight, bias]
    assert list(params.items()) == [("p_weight", weight), ("p_bias", bias)]
    assert params["p_weight"] is weight
    assert "p_weight" in params
    assert "weight" not in params
    assert len(params) == 2


def test_an_empty_one_is_true_so_that_params_or_default_works():
    assert ParameterDict()
    assert len(ParameterDict()) == 0


@pytest.mark.parametrize(
    ("prefix", "first_line"), [("p_", "p_ ("), ("", "(")], ids=["prefix", "no prefix"]
)
def test_it_prints_a_line_for_each_parameter(prefix, first_line):
    params = ParameterDict(prefix)
    assert str(params) == f"{first_line}\n\n)"

    params.get("w", shape=(2, 0))
    params.get("b", shape=2, dtype="float64")
    assert repr(params).splitlines() == [
        first_line,
        f"  Parameter {prefix}w (shape=(2, 0), dtype=float32)",
        f"  Parameter {prefix}b (shape=(2,), dtype=float64)",
        ")",
    ]


def test_an_unknown_name_is_a_key_error_that_lists_near_ones():
    params = mlp().collect_params()

    with pytest.raises(KeyError) as caught:
        params["net_dense0_wieght"]

    assert isinstance(caught.value, ParameterNotFoundError)
    assert str(caught.value).startswith(
        "expected the name of a Parameter of 'net_', found 'net_dense0_wieght'; did you mean "
        "'net_dense0_weight' or 'net_dense1_weight'"
    )


def test_an_unknown_name_near_to_none_lists_what_there_is():
    with pytest.raises(
        KeyError, match="found 'qqq'; it has 'net_dense0_weight', 'net_dense0_bias'"
    ):
        mlp().collect_params()["qqq"]
    with pytest.raises(KeyError, match="found 'qqq'; it is empty"):
        ParameterDict()["qqq"]


def test_a_long_list_of_names_is_shortened():
    params = ParameterDict()
    for i in range(9):
        params.get(f"w{i}")

    with pytest.raises(KeyError, match=r"it has 'w0', 'w1', 'w2', \.\.\., 'w6', 'w7', 'w8'"):
        params["something else"]


def test_get_puts_the_prefix_in_front_and_finds_what_it_made():
    params = ParameterDict("p_")
    made = params.get("w", shape=(2,), init="ones")

    assert made.name == "p_w"
    assert params.get("w") is made


def test_get_on_a_blocks_own_dict_makes_a_parameter_without_settings():
    made = nn.Sequential(prefix="s_").params.get("w")

    assert str(made) == "Parameter s_w (shape=None, dtype=float32)"


def test_get_of_a_misspelt_name_fails_on_a_collected_dict():
    net = mlp()

    with pytest.raises(
        KeyError, match="found 'net_dense0_wieght'; did you mean 'net_dense0_weight'"
    ):
        net.collect_params().get("dense0_wieght")

    assert net.collect_params().get("dense0_weight") is net[0].weight


def test_get_passes_settings_to_the_new_parameter():
    made = ParameterDict().get(
        "w", shape=(2, 3), dtype="float64", grad_req="add", lr_mult=0.5, wd_mult=0, init="ones"
    )
    made.initialize()

    assert (made.shape, made.dtype, made.grad_req) == ((2, 3), np.float64, "add")
    assert (made.lr_mult, made.wd_mult) == (0.5, 0)
    np.testing.assert_array_equal(values(made), np.ones((2, 3)))


def test_an_unknown_setting_is_a_type_error_for_a_new_parameter_and_ignored_for_an_old_one():
    params = ParameterDict()
    with pytest.raises(TypeError, match="nosuch"):
        params.get("w", nosuch=1)
    assert "w" not in params

    made = params.get("w", shape=(1,))
    assert params.get("w", nosuch=1) is made
    assert not hasattr(made, "nosuch")


@pytest.mark.parametrize(
    ("setting", "desired", "stored"),
    [
        ({"shape": (3, 2)}, "(3, 2)", "(2, 3)"),
        ({"shape": (2, 3, 1)}, "(2, 3, 1)", "(2, 3)"),
        ({"dtype": "float64"}, "float64", "float32"),
        ({"grad_req": "add"}, "add", "write"),
        ({"init": "zeros"}, "zeros", "ones"),
        ({"lr_mult": 2.0}, "2.0", "1.0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_get_of_an_existing_parameter_has_to_agree_with_it(setting, desired, stored):
    params = ParameterDict("p_")
    made = params.get("w", shape=(2, 3), init="ones")

    with pytest.raises(AssertionError) as caught:
        params.get("w", **setting)

    attribute = next(iter(setting))
    assert str(caught.value) == (
        "Cannot retrieve Parameter 'p_w' because desired attribute does not match with stored for "
        f"attribute '{attribute}': desired '{desired}' vs stored '{stored}'."
    )
    assert params.get("w", shape=(2, 3), init="ones") is made


def test_get_takes_over_what_is_not_known_yet():
    params = ParameterDict()
    made = params.get("w", shape=(0, 3))

    params.get("w", shape=(2, 0), init="ones", dtype=np.float32, grad_req=None)
    assert made.shape == (2, 3)
    assert made.init == "ones"

    late = params.get("late")
    params.get("late", shape=(4,))
    assert late.shape == (4,)


def test_equal_initializers_agree_however_they_are_written():
    params = ParameterDict()
    made = params.get("w", shape=(1,), init=init.Uniform(0.5))

    assert params.get("w", init='["uniform", {"scale": 0.5}]') is made


def test_a_get_that_fails_changes_nothing():
    params = ParameterDict()
    made = params.get("w", shape=(2, 0))

    with pytest.raises(AssertionError, match="attribute 'dtype'"):
        params.get("w", shape=(2, 3), init="ones", dtype="float64")

    assert made.shape == (2, 0)
    assert made.init is None


def test_what_is_shared_is_found_before_anything_is_made():
    first = ParameterDict("p_")
    weight = first.get("w", shape=(1,))
    middle = ParameterDict("p_", first)
    last = ParameterDict("p_", shared=middle)

    assert last.get("w") is weight
    assert "p_w" in last
    own = last.get("own", shape=(1,))
    assert "p_own" not in first
    assert last["p_own"] is own


@pytest.mark.parametrize("wrong", [{}, [], "p_"], ids=["dict", "list", "str"])
def test_only_a_parameter_dict_can_be_shared(wrong):
    with pytest.raises(
        TypeError,
        match=f"expected a ParameterDict to share with, found {type(wrong).__name__}; pass "
        "other_block.params",
    ):
        ParameterDict("p_", shared=wrong)


def test_get_constant_makes_a_constant_and_finds_it_again():
    params = ParameterDict("p_")
    constant = params.get_constant("c", [[1, 2]])

    assert isinstance(constant, gluon.Constant)
    assert str(constant) == "Constant p_c (shape=(1, 2), dtype=float32)"
    for same in (None, [[1, 2]], np.array([[1, 2]]), nd.array([[1, 2]])):
        assert params.get_constant("c", same) is constant


def test_get_constant_without_a_value_needs_one_that_is_there():
    with pytest.raises(KeyError) as caught:
        ParameterDict("p_").get_constant("c")

    assert str(caught.value) == (
        "No constant named 'p_c'. Please specify value if you want to create a new constant."
    )


def test_get_constant_refuses_a_parameter_and_another_value():
    params = ParameterDict("p_")
    params.get("w", shape=(1,))
    params.get_constant("c", [1, 2])

    with pytest.raises(
        AssertionError, match="Parameter 'p_w' already exists but it is not a constant."
    ):
        params.get_constant("w", [1])
    with pytest.raises(
        AssertionError, match="expected the value that Constant 'p_c' has, found another"
    ):
        params.get_constant("c", [1, 3])


def test_update_adds_the_parameters_of_another():
    first, second = mlp()[0], nn.Dense(1, prefix="last_")
    params = ParameterDict()
    params.update(first.params)
    params.update(first.collect_params())
    params.update(dict(second.params.items()))

    assert list(params) == ["net_dense0_weight", "net_dense0_bias", "last_weight", "last_bias"]


def test_update_refuses_a_name_of_two_parameters_and_adds_nothing():
    params, other = ParameterDict(), ParameterDict()
    kept = params.get("b")
    other.get("a")
    other.get("b")

    with pytest.raises(
        AssertionError,
        match="Cannot update self with other because they have different Parameters with the same "
        "name 'b'",
    ):
        params.update(other)

    assert list(params.items()) == [("b", kept)]


def test_update_refuses_what_is_not_a_mapping():
    with pytest.raises(
        GlueballTypeError, match="expected a ParameterDict to take parameters from, found int"
    ):
        ParameterDict().update(3)


def test_initialize_gives_the_initializer_as_a_default():
    params = ParameterDict()
    own = params.get("own", shape=(1,), init="zeros")
    other = params.get("other_weight", shape=(1,))
    params.initialize(init.Constant(4))

    assert values(own) == 0
    assert values(other) == 4


def test_initialize_without_an_initializer_is_uniform_within_seven_hundredths():
    params = ParameterDict()
    weight = params.get("weight", shape=(100, 100))
    params.initialize()

    assert 0.0699 < np.abs(values(weight)).max() <= np.float32(0.07)


@pytest.mark.parametrize("initializer", ["ones", init.One()], ids=["by name", "object"])
def test_initialize_verbose_takes_a_name_too(initializer, caplog):
    params = ParameterDict()
    params.get("weight", shape=(2,))

    with caplog.at_level("INFO", "glueball.init"):
        params.initialize(initializer, verbose=True)

    assert caplog.messages == ["Initialized weight as weight: 1.0"]


def test_initialize_twice_warns_for_each_and_force_reinit_does_not():
    params = ParameterDict()
    weight = params.get("weight", shape=(2,))
    params.initialize("ones")

    with pytest.warns(
        UserWarning,
        match="Parameter 'weight' is already initialized, ignoring. "
        "Set force_reinit=True to re-initialize.",
    ):
        params.initialize(init.Constant(2))
    np.testing.assert_array_equal(values(weight), [1, 1])

    params.initialize(init.Constant(2), force_reinit=True)
    np.testing.assert_array_equal(values(weight), [2, 2])


def test_zero_grad_sets_every_gradient_to_zero_and_skips_frozen_ones():
    params = mlp().collect_params()
    params["net_dense0_bias"].grad_req = "null"
    params.initialize()
    params["net_dense0_weight"].grad()[:] = 3
    params.zero_grad()

    assert (params["net_dense0_weight"].grad().asnumpy() == 0).all()


def test_setattr_sets_an_attribute_of_every_parameter():
    params = mlp().collect_params(".*weight")
    params.setattr("grad_req", "null")
    params.setattr("lr_mult", 0.1)

    assert [p.grad_req for p in params.values()] == ["null", "null"]
    assert [p.lr_mult for p in params.values()] == [0.1, 0.1]


def test_contexts_are_listed_once_each_and_can_be_changed():
    params = mlp().collect_params()
    params.initialize(ctx=[cpu(0), cpu(1)])
    assert params.list_ctx() == [cpu(0), cpu(1)]

    params.reset_ctx(cpu(2))
    assert params.list_ctx() == [cpu(2)]


def test_contexts_of_a_dict_that_was_never_initialized_are_refused():
    params = mlp().collect_params()

    with pytest.raises(
        RuntimeError, match=r"^Parameter 'net_dense0_weight' has not been initialized$"
    ):
        params.list_ctx()
    with pytest.raises(ValueError, match="Cannot reset context for Parameter 'net_dense0_weight'"):
        params.reset_ctx(cpu(1))


def test_an_unknown_initializer_changes_nothing():
    params = mlp().collect_params()

    with pytest.raises(MXNetError, match="nosuch is not registered"):
        params.initialize("nosuch")
    with pytest.raises(ValueError, match="initializer must be of string type.*found 3 of type int"):
        params.initialize(3)

    params.initialize("ones")
    assert (values(params["net_dense1_weight"]) == 1).all()


def test_a_dict_of_arrays_is_loaded_as_a_file_is():
    layer = nn.Dense(2, prefix="net_dense_")
    params = layer.collect_params()
    arrays = {"arg:dense_weight": nd.array([[1, 2], [3, 4]]), "aux:dense_bias": np.array([5, 6.0])}

    params.load_dict(arrays, restore_prefix="net_", cast_dtype=True)

    np.testing.assert_array_equal(layer(nd.ones((1, 2))), [[8, 13]])


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"w": [1, 2]}, AssertionError, "'b' is missing in file 'param_dict'.*parameters: 'w'"),
        ({"w": [1, 2], "b": [1], "c": [1]}, AssertionError, "'c' loaded from file 'param_dict'"),
        ({"w": [1, 2, 3], "b": [1]}, AssertionError, "shape incompatible"),
        ({"w": ["a"], "b": [1]}, TypeError, "expected an array of numbers as value of 'w'"),
        ([1, 2], TypeError, "expected a dict of names and arrays, found list"),
    ],
)
def test_a_dict_that_does_not_fit_is_refused_and_nothing_changes(arrays, error, message):
    params = ParameterDict()
    params.get("w", shape=(2,))
    params.get("b", shape=(1,))

    with pytest.raises(error, match=message):
        params.load_dict(arrays, cast_dtype=True)

    assert all(each._state == "uninitialized" for each in params.values())
