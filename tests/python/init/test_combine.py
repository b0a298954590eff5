from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

from glueball import _core, init, nd
from glueball.base import ArgumentError, InitializerWarning, ShapeError
from init_filling import fill


def initialize(own, default, name, shape=(2, 3)):
    made = _core.Parameter(name, shape, "float32", "write", True, True, 1.0, 1.0)
    made._initialize(own, default, _core.Generator(1, 2), False)
    return np.array(made._data(np.ndarray))


def test_the_first_pattern_found_in_the_name_decides():
    mixed = init.Mixed(["dense1", "weight", ".*"], [init.One(), "zeros", init.Constant(5)])

    np.testing.assert_array_equal(initialize(None, mixed, "net0_dense1_weight"), np.ones((2, 3)))
    np.testing.assert_array_equal(initialize(None, mixed, "net0_dense0_weight"), np.zeros((2, 3)))
    np.testing.assert_array_equal(initialize(None, mixed, "alpha"), np.full((2, 3), 5))


def test_a_pattern_for_biases_sets_biases():
    # In Gluon both gave 0: the name's ending was asked once more.
    mixed = init.Mixed(["bias", ".*"], [init.One(), init.Zero()])

    np.testing.assert_array_equal(fill(mixed, (2,), "x_bias"), [1, 1])
    np.testing.assert_array_equal(fill(mixed, (2,), "x_weight"), [0, 0])
    np.testing.assert_array_equal(initialize(None, mixed, "x_bias"), np.ones((2, 3)))


@pytest.mark.parametrize("pattern", [".*", ".+", "", "^", "(?s:.*)"])
def test_a_pattern_that_fits_any_name_is_only_a_default(pattern):
    mixed = init.Mixed([pattern], [init.Constant(5)])

    np.testing.assert_array_equal(fill(mixed, (2,), "x_weight"), [5, 5])
    np.testing.assert_array_equal(fill(mixed, (2,), "x_bias"), [0, 0])
    np.testing.assert_array_equal(initialize(None, mixed, "x_gamma"), np.ones((2, 3)))


def test_a_parameters_own_initializer_wins_over_mixed():
    mixed = init.Mixed(["bias", ".*"], [init.One(), init.Zero()])

    np.testing.assert_array_equal(initialize(init.Constant(7), mixed, "x_bias"), np.full((2, 3), 7))


def test_mixed_can_be_a_parameters_own_initializer():
    mixed = init.Mixed(["first", ".*"], [init.One(), init.Constant(5)])

    np.testing.assert_array_equal(initialize(mixed, init.Zero(), "first_bias"), np.ones((2, 3)))
    np.testing.assert_array_equal(initialize(mixed, init.Zero(), "x_bias"), np.full((2, 3), 5))


def test_mixed_initializers_of_the_user_are_called_through_their_hooks():
    class Mine(init.Initializer):
        def _init_weight(self, name, arr):
            arr[:] = 4

        def _init_bias(self, name, arr):
            arr[:] = 6

    mixed = init.Mixed(["a_", ".*"], [Mine(), Mine()])

    for name, value in [("a_weight", 4), ("a_bias", 6), ("b_weight", 4), ("b_bias", 6)]:
        np.testing.assert_array_equal(initialize(None, mixed, name), np.full((2, 3), value))


def test_mixed_without_a_match_lists_its_patterns():
    mixed = init.Mixed(["bias", "gamma"], ["zeros", "ones"])

    with pytest.raises(
        ValueError,
        match=r"Parameter name x_weight did not match any pattern: expected "
        r"to find one of 'bias', 'gamma' in it; add a \"\.\*\" pattern at the end",
    ):
        fill(mixed, (2,), "x_weight")


@pytest.mark.parametrize(
    ("patterns", "initializers", "error", "text"),
    [
        (["a", "b"], ["zeros"], ArgumentError, "found 2 patterns and 1 initializers"),
        (["("], ["zeros"], ArgumentError, r"regular expressions as patterns of Mixed, found '\('"),
        ([3], ["zeros"], ArgumentError, "regular expressions as patterns of Mixed, found 3"),
        (["a"], ["nosuch"], ArgumentError, "nosuch is not registered"),
        ("bias", "zeros", TypeError, "expected a list of patterns and a list of initializers"),
        (["a"], init.Zero(), TypeError, "expected a list of patterns and a list of initializers"),
    ],
)
def test_mixed_refuses_what_cannot_be_paired(patterns, initializers, error, text):
    with pytest.raises(error, match=text):
        init.Mixed(patterns, initializers)


WEIGHT = np.arange(6.0).reshape(2, 3)


def test_load_fills_what_it_holds_whatever_the_kind_and_strips_prefixes():
    load = init.Load({"arg:x_weight": WEIGHT, "aux:x_bias": [1, 2], "arg_weight": WEIGHT + 1})

    np.testing.assert_array_equal(fill(load, (2, 3), "x_weight"), WEIGHT)
    np.testing.assert_array_equal(fill(load, (2,), "x_bias"), [1, 2])
    np.testing.assert_array_equal(fill(load, (2, 3), "arg_weight"), WEIGHT + 1)


def test_load_wins_over_a_parameters_own_initializer():
    load = init.Load({"x_bias": WEIGHT})

    np.testing.assert_array_equal(initialize(init.Zero(), load, "x_bias"), WEIGHT)
    np.testing.assert_array_equal(initialize(load, init.Zero(), "x_bias"), WEIGHT)


def test_load_leaves_the_rest_to_the_parameters_own_initializer_or_the_default():
    load = init.Load({"x_weight": WEIGHT}, default_init=init.Constant(5))

    np.testing.assert_array_equal(initialize(None, load, "y_weight"), np.full((2, 3), 5))
    np.testing.assert_array_equal(initialize(None, load, "y_bias"), np.zeros((2, 3)))
    np.testing.assert_array_equal(initialize(init.One(), load, "y_bias"), np.ones((2, 3)))
    np.testing.assert_array_equal(initialize(load, init.Zero(), "y_bias"), np.full((2, 3), 5))


def test_load_without_the_name_or_a_default_says_what_it_holds():
    load = init.Load({"x_weight": WEIGHT})

    with pytest.raises(
        AssertionError,
        match=r"Cannot Initialize y_weight\. Not found in loaded param and "
        r"no default Initializer is provided.*'x_weight'; pass default_init=",
    ):
        fill(load, (2, 3), "y_weight")
    # Where the parameter has an initializer of its own, there is no need of a default.
    np.testing.assert_array_equal(initialize(init.One(), load, "y_bias"), np.ones((2, 3)))


def test_load_refuses_another_shape():
    with pytest.raises(
        AssertionError,
        match=r"Parameter x_weight cannot be initialized from loading\. Shape "
        r"mismatch, target \(1, 2\) vs loaded \(2, 3\)",
    ) as caught:
        fill(init.Load({"x_weight": WEIGHT}), (1, 2), "x_weight")

    assert isinstance(caught.value, ShapeError)


def test_load_reads_npz(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, **{"arg:x_weight": WEIGHT})

    for name in (path, str(path)):
        np.testing.assert_array_equal(fill(init.Load(name), (2, 3), "x_weight"), WEIGHT)


@pytest.mark.parametrize("name", ["net.params", "net.safetensors", "net.npz"])
def test_load_reads_every_kind_of_file(tmp_path, name):
    nd.save(tmp_path / name, {"aux:x_weight": nd.array(WEIGHT)})

    np.testing.assert_array_equal(fill(init.Load(tmp_path / name), (2, 3), "x_weight"), WEIGHT)


def test_load_refuses_broken_files_and_lists(tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"no zip file")
    objects = tmp_path / "objects.npz"
    np.savez(objects, a=np.array([{}], dtype=object))
    nd.save(tmp_path / "list.params", [nd.ones(1)])

    for path in (broken, objects):
        with pytest.raises(ValueError, match=rf"expected an? \..* file .*{path.name}"):
            init.Load(path)
    with pytest.raises(ArgumentError, match=r"expected named arrays .*list\.params', found a list"):
        init.Load(tmp_path / "list.params")
    with pytest.raises(FileNotFoundError):
        init.Load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("thing", [3, [1, 2], None])
def test_load_takes_files_and_mappings_only(thing):
    with pytest.raises(TypeError, match="expected a file's name or a mapping of names to arrays"):
        init.Load(thing)


def test_load_refuses_what_is_not_an_array_of_numbers():
    with pytest.raises(TypeError, match="expected numbers under 'x_weight' for Load, found 'abc'"):
        init.Load({"x_weight": "abc"})


def test_a_verbose_load_logs(caplog):
    load = init.Load({"x_weight": WEIGHT}, default_init="zeros", verbose=True)

    with caplog.at_level(logging.INFO, "glueball.init"):
        fill(load, (2, 3), "x_weight")
        fill(load, (2, 3), "y_weight")

    assert caplog.messages == ["Initialized x_weight by loading", "Initialized y_weight by default"]


def test_defaults_hold_until_they_are_set_again():
    assert (init.default_weight(), init.default_bias()) == (None, None)
    try:
        init.set_default(weight="xavier", bias=init.One())
        assert init.default_weight() == init.Xavier()
        assert init.default_bias() == init.One()
    finally:
        init.set_default()
    assert (init.default_weight(), init.default_bias()) == (None, None)


def test_defaults_of_a_with_statement_end_with_it():
    with init.set_default(weight="ones"):
        with init.set_default(bias="ones"):
            assert (init.default_weight(), init.default_bias()) == (None, init.One())
        assert (init.default_weight(), init.default_bias()) == (init.One(), None)
        with pytest.raises(KeyError), init.set_default(weight="zeros"):
            raise KeyError
        assert init.default_weight() == init.One()
    assert init.default_weight() is None


def test_an_unknown_default_changes_nothing():
    with pytest.raises(ArgumentError, match="nosuch is not registered"):
        init.set_default(weight="ones", bias="nosuch")

    assert init.default_weight() is None


class Biased(init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 1

    def _init_bias(self, name, arr):
        arr[:] = 2


def test_an_ignored_hook_is_told_once_with_names_and_remedy():
    names = [(f"dense{i}_bias", True) for i in range(10)] + [("dense0_weight", False)]

    with pytest.warns(InitializerWarning) as caught:
        init.warn_about_ignored_hooks(Biased(), names)

    (warning,) = caught
    text = str(warning.message)
    assert "Biased._init_bias" in text
    assert "'dense0_bias', " in text
    assert "and 4 more" in text
    assert "pass bias_initializer=None" in text
    assert "\n" not in text
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("initializer", "parameters"),
    [
        (Biased(), [("dense0_bias", False), ("dense0_weight", True)]),
        (Biased(), []),
        (init.Uniform(), [("dense0_bias", True)]),
        (init.Xavier(), [("dense0_bias", True), ("norm0_gamma", True)]),
        (init.Mixed([".*"], ["zeros"]), [("dense0_bias", True)]),
        (init.Mixed(["bias"], ["zeros"]), [("dense0_bias", False), ("dense0_weight", True)]),
    ],
)
def test_nothing_is_said_where_nothing_is_ignored(initializer, parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init.warn_about_ignored_hooks(initializer, parameters)


def test_a_pattern_of_mixed_that_is_not_asked_is_told():
    mixed = init.Mixed(["bias", ".*"], ["ones", "xavier"])

    with pytest.warns(
        InitializerWarning,
        match=r"the pattern of Mixed, found 'dense0_bias', which keep.*"
        "bias_initializer=None",
    ):
        init.warn_about_ignored_hooks(mixed, [("dense0_bias", True), ("dense0_weight", True)])


def test_hooks_of_a_subclass_of_a_built_in_class_count():
    class Own(init.Xavier):
        def _init_gamma(self, name, arr):
            arr[:] = 2

    with pytest.warns(
        InitializerWarning, match="Own._init_gamma, found 'norm0_gamma'.*gamma_initializer=None"
    ):
        init.warn_about_ignored_hooks(Own(), [("norm0_gamma", True), ("dense0_bias", True)])
