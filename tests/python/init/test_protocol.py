from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import _core, init
from glueball.base import ArgumentError, DtypeError
from init_filling import fill

BUILT_IN = [
    init.Zero(),
    init.One(),
    init.Constant(1.5),
    init.Constant([[1, 2], [3, 4]]),
    init.Identity(2.0),
    init.Dirac(groups=2),
    init.Bilinear(),
    init.LSTMBias(0.5),
    init.Uniform(0.1),
    init.Uniform(low=1, high=2),
    init.Normal(0.5, mean=1.0),
    init.TruncatedNormal(0.5, cut="value", correct=True),
    init.Sparse(0.5, per="row"),
    init.VarianceScaling(2.0, "fan_out", "uniform", fan_out=7),
    init.Xavier("gaussian", "in", 2.34),
    init.MSRAPrelu("out", 0.1, in_axes=(1, 2)),
    init.XavierUniform(2.0),
    init.XavierNormal(truncated=True),
    init.KaimingUniform(0.1, nonlinearity="leaky_relu"),
    init.KaimingNormal(mode="fan_out", nonlinearity="relu"),
    init.LeCunUniform(),
    init.LeCunNormal(truncated=True),
    init.Orthogonal(1.0, "normal", "qr"),
    init.DeltaOrthogonal(0.5),
    init.Mixed(["bias", ".*"], [init.One(), "xavier"]),
    init.Load({"a_weight": np.ones((2, 3))}, default_init="zeros"),
]


class Twos(init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 2


class Threes(init.Xavier):
    """A built-in class, extended: its weight rule is replaced, a bias rule added."""

    def _init_weight(self, name, arr):
        arr[:] = 3

    def _init_bias(self, name, arr):
        arr[:] = 4


class Silent(init.Initializer):
    """Does not call super().__init__()."""

    def __init__(self, value):
        self.value = value

    def _init_weight(self, name, arr):
        arr[:] = self.value


@pytest.mark.parametrize("initializer", BUILT_IN, ids=repr)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_is_equal_and_fills_the_same(initializer, copied):
    again = copied(initializer)

    assert again == initializer
    assert hash(again) == hash(initializer)
    assert repr(again) == repr(initializer)
    assert type(again) is type(initializer)
    # Every shape rule of the list above accepts one of these.
    for shape in [(8, 8), (2, 2), (8,), (8, 4, 3), (1, 1, 4, 4)]:
        try:
            expected = fill(initializer, shape, name="0_weight")
        except (ValueError, AssertionError):
            continue
        np.testing.assert_array_equal(fill(again, shape, name="0_weight"), expected)


@pytest.mark.parametrize("initializer", [Twos(), Threes(), Silent(7)], ids=repr)
def test_a_users_class_survives_pickling(initializer):
    again = pickle.loads(pickle.dumps(initializer))

    np.testing.assert_array_equal(fill(again, (2, 2)), fill(initializer, (2, 2)))


@pytest.mark.parametrize(
    "initializer",
    [
        each for each in BUILT_IN if not isinstance(each, init.Load)
    ],  # a Load's arrays are not for JSON
    ids=repr,
)
def test_create_reads_what_dumps_wrote(initializer):
    assert init.create(initializer.dumps()) == initializer


@given(st.floats(0, 1e30), st.floats(-1e30, 1e30))
def test_dumps_keeps_every_digit(sigma, mean):
    normal = init.Normal(sigma, mean)

    assert init.create(normal.dumps()) == normal


def test_dumps_is_gluons():
    assert init.Uniform(0.1).dumps() == '["uniform", {"scale": 0.1}]'
    assert init.Zero().dumps() == '["zero", {}]'
    assert (
        init.Xavier().dumps()
        == '["xavier", {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}]'
    )
    assert Twos(depth=3).dumps() == '["twos", {"depth": 3}]'


def test_dumps_takes_numpys_numbers_and_names_what_it_cannot_write():
    assert init.Uniform(np.float64(0.5)).dumps() == '["uniform", {"scale": 0.5}]'
    assert Twos(count=np.int64(2)).dumps() == '["twos", {"count": 2}]'
    with pytest.raises(TypeError, match=r"expected settings that JSON can hold, found object"):
        Twos(thing=object()).dumps()


def test_equal_class_and_settings_make_equal_initializers():
    assert init.Uniform() == init.Uniform(0.07)
    assert init.Uniform(0.1) != init.Uniform(0.2)
    assert init.Uniform(0.1) != init.Normal(0.1)
    assert init.Constant([1, 2]) == init.Constant(np.array([1.0, 2.0]))
    assert init.Constant([1, 2]) != init.Constant([1, 3])
    assert init.Constant([1, 2]) != init.Constant(1)
    assert init.Zero() != "zeros"


def test_initializers_are_hashable():
    assert len({init.Zero(), init.Zero(), init.One(), init.Constant([1, 2])}) == 3


def test_repr_is_how_one_would_write_it():
    assert repr(init.Uniform(scale=0.07)) == "Uniform(scale=0.07)"
    assert repr(init.Uniform(low=0, high=1)) == "Uniform(low=0, high=1)"
    assert repr(init.Zero()) == "Zero()"
    assert repr(init.Constant(np.zeros((20, 20)))) == "Constant(value=<array of shape (20, 20)>)"
    assert repr(init.XavierUniform(fan_in=3)) == "XavierUniform(gain=1.0, fan_in=3)"
    assert repr(Twos(depth=3)) == "Twos(depth=3)"


def test_settings_can_be_read_and_those_of_built_in_classes_not_changed():
    xavier = init.Xavier(magnitude=2.5)
    mine = Twos(depth=3)
    mine.depth = 4

    assert (xavier.rnd_type, xavier.magnitude) == ("uniform", 2.5)
    assert mine.depth == 4
    with pytest.raises(AttributeError, match=r"stay as they were built.*magnitude; make a new one"):
        xavier.magnitude = 3
    with pytest.raises(AttributeError, match="'Xavier' object has no attribute 'scale'"):
        _ = xavier.scale


def test_built_in_initializers_are_initializers():
    assert all(isinstance(each, init.Initializer) for each in BUILT_IN)
    assert issubclass(init.Uniform, init.Initializer)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_weight", 5),
        ("x_bias", 0),
        ("x_gamma", 1),
        ("x_beta", 0),
        ("x_min", 0),
        ("x_max", 1),
        ("x_moving_mean", 0),
        ("x_moving_var", 1),
        ("x_moving_inv_var", 0),
        ("x_moving_avg", 0),
        ("x_running_mean", 0),
        ("x_running_var", 1),
        ("stn_loc_weight", 0),
    ],
)
def test_a_direct_call_goes_by_the_end_of_the_name(name, value):
    array = fill(init.Constant(5), (2, 3), name=name)

    np.testing.assert_array_equal(array, np.full((2, 3), value))


def test_a_direct_call_on_upsampling_gives_the_bilinear_kernel():
    side = np.array([0.25, 0.75, 0.75, 0.25])

    array = fill(init.Constant(5), (1, 1, 4, 4), name="upsampling0_weight")

    np.testing.assert_array_equal(array[0, 0], np.outer(side, side))


@pytest.mark.parametrize("name", ["x_Weight", "state", "weights"])
def test_a_direct_call_refuses_other_endings(name):
    with pytest.raises(ValueError, match=f"Unknown initialization pattern for {name}"):
        fill(init.One(), (2,), name=name)


@pytest.mark.parametrize("own", [init.Constant(7), "ones", '["constant", {"value": 7}]'])
def test_a_parameters_own_initializer_fills_whatever_the_name(own):
    value = 1 if own == "ones" else 7

    array = fill(init.Zero(), (2,), name=init.InitDesc("x_bias", {"__init__": own}))

    np.testing.assert_array_equal(array, [value, value])


def test_an_own_initializer_with_a_hook_for_the_kind_uses_it():
    array = fill(init.Zero(), (2,), name=init.InitDesc("x_bias", {"__init__": Threes()}))

    np.testing.assert_array_equal(array, [4, 4])


def test_desc_has_to_be_a_string():
    with pytest.raises(TypeError, match=r"name must be string.*found int"):
        init.One()(3, np.empty(2, "float32"))


@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        (
            [1.0, 2.0],
            DtypeError,
            r"expected an array as the array to fill for 'x_weight', found a list",
        ),
        (
            np.zeros(2, "int64"),
            DtypeError,
            r"expected .*'x_weight' of float32 or float64, found dtype int64",
        ),
        (np.zeros(2, "complex64"), DtypeError, r"found dtype complex64"),
    ],
)
def test_what_cannot_be_filled_is_refused(array, error, text):
    with pytest.raises(error, match=text):
        init.One()("x_weight", array)


def test_a_read_only_array_is_refused():
    array = np.zeros(2, "float32")
    array.flags.writeable = False

    with pytest.raises(ArgumentError, match=r"'x_weight' that can be written, found a read-only"):
        init.One()("x_weight", array)

    np.testing.assert_array_equal(array, [0, 0])


def test_the_base_class_has_no_weight_rule():
    with pytest.raises(NotImplementedError, match="Must override it"):
        init.Initializer()("x_weight", np.empty(2, "float32"))


def parameter(name, shape=(2, 3)):
    return _core.Parameter(name, shape, "float32", "write", True, True, 1.0, 1.0)


def initialize(own, default, name="x_weight", shape=(2, 3)):
    """Return what C++ makes of a parameter with these initializers."""
    target = parameter(name, shape)
    target._initialize(own, default, _core.Generator(1, 2), False)
    return np.array(target._data(np.ndarray))


class Recording(init.Initializer):
    def __init__(self):
        super().__init__()
        self.calls = []

    def _init_weight(self, name, arr):
        self.calls.append(("weight", name, arr.shape))
        arr[:] = 5

    def _init_bias(self, name, arr):
        self.calls.append(("bias", name, arr.shape))
        arr[:] = 6


def test_cpp_calls_the_hook_of_the_kind_once_with_name_and_array():
    recording = Recording()

    weight = initialize(None, recording, "x_weight")
    bias = initialize(None, recording, "x_bias", (3,))

    assert recording.calls == [("weight", "x_weight", (2, 3)), ("bias", "x_bias", (3,))]
    assert all(isinstance(name, init.InitDesc) for _, name, _ in recording.calls)
    np.testing.assert_array_equal(weight, np.full((2, 3), 5))
    np.testing.assert_array_equal(bias, [6, 6, 6])


def test_cpp_hands_over_the_descriptor():
    seen = []

    class Looking(init.Initializer):
        def __call__(self, desc, arr):
            seen.append((desc.attrs, desc.global_init))
            super().__call__(desc, arr)

    default, own = Looking(), init.Constant(3)
    array = initialize(own, default)

    assert seen == [({"__init__": own}, default)]
    np.testing.assert_array_equal(array, np.full((2, 3), 3))


def test_names_of_no_kind_are_weights_in_a_net():
    np.testing.assert_array_equal(initialize(None, init.Constant(5), "alpha"), np.full((2, 3), 5))


def test_a_class_whose_constructor_forgets_its_base_works():
    np.testing.assert_array_equal(initialize(None, Silent(9)), np.full((2, 3), 9))


def test_a_hook_reaches_its_base_by_super():
    class Doubled(init.Constant):
        def _init_weight(self, name, arr):
            super()._init_weight(name, arr)
            arr *= 2

        def _init_bias(self, name, arr):
            super()._init_bias(name, arr)
            arr += 0.5

    np.testing.assert_array_equal(initialize(None, Doubled(4)), np.full((2, 3), 8))
    np.testing.assert_array_equal(initialize(None, Doubled(4), "x_bias"), np.full((2, 3), 0.5))


def test_a_hook_may_ask_another_initializer_and_draws_from_the_parameters_stream():
    class Around(init.Initializer):
        def _init_weight(self, name, arr):
            init.Uniform(1.0)._init_weight(name, arr)

    np.testing.assert_array_equal(initialize(None, Around()), initialize(None, init.Uniform(1.0)))


def test_an_error_in_a_hook_reaches_the_caller_unchanged_and_leaves_the_parameter_usable():
    error = KeyError("mine")

    class Failing(init.Initializer):
        def _init_weight(self, name, arr):
            raise error

    target = parameter("x_weight")
    with pytest.raises(KeyError) as caught:
        target._initialize(None, Failing(), _core.Generator(1, 2), False)
    target._initialize(None, Twos(), _core.Generator(1, 2), False)

    assert caught.value is error
    np.testing.assert_array_equal(target._data(np.ndarray), np.full((2, 3), 2))


def test_a_hook_that_writes_another_shape_gets_numpys_error():
    class Wrong(init.Initializer):
        def _init_weight(self, name, arr):
            arr[:] = np.zeros((5, 5))

    with pytest.raises(ValueError, match="could not broadcast"):
        initialize(None, Wrong())


def test_a_descriptor_is_the_name_with_attributes():
    desc = init.InitDesc("x_weight", {"a": 1})

    assert desc == "x_weight"
    assert (desc.attrs, desc.global_init) == ({"a": 1}, None)
    assert init.InitDesc("x").attrs == {}
    assert pickle.loads(pickle.dumps(desc)).attrs == {"a": 1}


def test_a_verbose_initializer_logs_what_it_filled(caplog):
    verbose = init.Constant(3).set_verbosity(True)

    with caplog.at_level(logging.INFO, "glueball.init"):
        initialize(None, verbose, "x_weight")
        initialize(init.One(), verbose, "x_bias")
        fill(verbose, (2,), name="y_weight")

    assert caplog.messages == [
        "Initialized x_weight as weight: 3.0",
        "Initialized x_bias as One(): 1.0",
        "Initialized y_weight as weight: 3.0",
    ]


def test_verbosity_takes_a_function_can_be_switched_off_and_is_copied(caplog):
    verbose = init.Constant(3).set_verbosity(True, print_func=lambda arr: f"{arr.shape}")
    named = init.Constant(3).set_verbosity(True, print_func=len)

    with caplog.at_level(logging.INFO, "glueball.init"):
        fill(verbose, (2, 5))
        fill(verbose.set_verbosity(False), (2, 5))
        fill(pickle.loads(pickle.dumps(named)), (1,))

    assert caplog.messages == [
        "Initialized dense0_weight as weight: (2, 5)",
        "Initialized dense0_weight as weight: 1",
    ]


def test_setting_the_flag_alone_logs_nothing(caplog):
    quiet = Twos()
    quiet._verbose = True

    with caplog.at_level(logging.INFO, "glueball.init"):
        initialize(None, quiet)

    assert caplog.messages == []
