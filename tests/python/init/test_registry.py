from __future__ import annotations

import functools

import numpy as np
import pytest

from glueball import init
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from init_filling import fill


@pytest.fixture
def registry(monkeypatch):
    """Names that a test registers are forgotten after it."""
    from glueball.init import _registry

    monkeypatch.setattr(_registry, "_factories", dict(_registry._factories))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zero", init.Zero()),
        ("zeros", init.Zero()),
        ("ones", init.One()),
        ("Xavier", init.Xavier()),
        ("XAVIER", init.Xavier()),
        ("uniform", init.Uniform()),
        ("normal", init.Normal()),
        ("gaussian", init.Normal()),
        ("msraprelu", init.MSRAPrelu()),
        ("orthogonal", init.Orthogonal()),
        ("bilinear", init.Bilinear()),
        ("lstmbias", init.LSTMBias()),
        ("eye", init.Identity()),
        ("truncated_normal", init.TruncatedNormal()),
        ("trunc_normal_", init.TruncatedNormal(1.0, cut="value")),
        ("random_normal", init.Normal(0.05)),
        ("random_uniform", init.Uniform(low=-0.05, high=0.05)),
        ("variance_scaling", init.VarianceScaling()),
        ("delta_orthogonal", init.DeltaOrthogonal()),
        # PyTorch's names: what "normal" means there is not truncated.
        ("xavier_uniform_", init.XavierUniform()),
        ("xavier_normal", init.XavierNormal()),
        ("kaiming_uniform", init.KaimingUniform()),
        ("kaiming_normal", init.KaimingNormal()),
        # Keras's and JAX's: there it is.
        ("glorot_uniform", init.XavierUniform()),
        ("glorot_normal", init.XavierNormal(truncated=True)),
        ("he_uniform", init.KaimingUniform()),
        ("he_normal", init.KaimingNormal(truncated=True)),
        ("lecun_uniform", init.LeCunUniform()),
        ("lecun_normal", init.LeCunNormal(truncated=True)),
        # What a dense layer of another system starts from.
        ("keras", init.XavierUniform()),
        ("paddle", init.XavierUniform()),
        ("flax", init.LeCunNormal(truncated=True)),
        ('["uniform", {"scale": 0.3}]', init.Uniform(0.3)),
        ('["zeros"]', init.Zero()),
        ('{"initializer": "uniform", "scale": 0.3}', init.Uniform(0.3)),
        ('{"initializer":"uniform"}', init.Uniform()),
    ],
)
def test_create_knows_names(name, expected):
    assert init.create(name) == expected


def test_create_passes_settings_on():
    assert init.create("xavier", magnitude=2) == init.Xavier(magnitude=2)
    assert init.create("he_normal", mode="fan_out") == init.KaimingNormal(
        mode="fan_out", truncated=True
    )
    assert init.create(init.Normal, sigma=2.0) == init.Normal(2.0)
    assert init.create(initializer="normal", sigma=2.0) == init.Normal(2.0)


def test_create_returns_an_initializer_as_it_is():
    uniform = init.Uniform()

    assert init.create(uniform) is uniform
    with pytest.raises(ArgumentError, match=r"no further settings with Uniform.*found scale"):
        init.create(uniform, scale=3)


@pytest.mark.parametrize(
    ("name", "near"),
    [("xaviar", "'xavier'"), ("kaiming_norm", "'kaiming_normal'"), ("qqqq", "no registered name")],
)
def test_an_unknown_name_is_refused_with_those_near_it(name, near):
    # Gluon's own sentence, which is what users search for, and its class.
    with pytest.raises(
        AssertionError,
        match=f"^{name} is not registered. Please register with initializer.register first",
    ) as caught:
        init.create(name)

    assert isinstance(caught.value, ValueError)
    assert near in str(caught.value)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (
            3.5,
            r"must be of string type.*found 3.5 of type float; pass for example init.Constant\(3.5\)",
        ),
        (None, "must be of string type.*found None"),
        ("[" * 100000, "expected JSON .*maximum recursion depth"),
        ("[not json", "expected JSON"),
        ('[3, {"scale": 1}]', "expected a list of a name and a dict"),
        ('["uniform", 3]', "expected a list of a name and a dict"),
        ('{"scale": 1}', r"name under 'initializer', found the keys \['scale'\]"),
    ],
)
def test_what_describes_no_initializer_is_refused(thing, text):
    with pytest.raises(ArgumentError, match=text):
        init.create(thing)


def test_missing_and_unknown_settings_are_type_errors():
    with pytest.raises(TypeError, match="value"):
        init.create("constant")
    with pytest.raises(TypeError, match="spread"):
        init.create("uniform", spread=3)


@pytest.mark.usefixtures("registry")
def test_register_gives_a_class_its_lower_case_name():
    @init.register
    class Sevens(init.Initializer):
        def _init_weight(self, name, arr):
            arr[:] = 7

    assert type(init.create("sevens")) is Sevens
    assert type(init.create("Sevens")) is Sevens
    np.testing.assert_array_equal(fill(init.create("sevens"), (2,)), [7, 7])


@pytest.mark.usefixtures("registry")
def test_alias_gives_only_the_names_it_is_told():
    @init.alias("septem", "sept")
    class Sevens(init.Initializer):
        pass

    assert type(init.create("sept")) is type(init.create("septem")) is Sevens
    with pytest.raises(ArgumentError, match="sevens is not registered"):
        init.create("sevens")


@pytest.mark.usefixtures("registry")
def test_taking_a_name_from_another_class_warns():
    class Zero(init.Initializer):
        pass

    with pytest.warns(
        UserWarning,
        match=r"New initializer .*Zero registered with name zero is overriding existing "
        r"initializer glueball\.init\._constant\.Zero",
    ):
        init.register(Zero)

    assert type(init.create("zero")) is Zero
    assert type(init.create("zeros")) is init.Zero


@pytest.mark.parametrize("thing", [3, len, int, init.Zero()])
def test_only_subclasses_can_be_registered(thing):
    with pytest.raises(TypeError, match="expected a subclass of Initializer to register"):
        init.register(thing)
    with pytest.raises(TypeError, match="expected a subclass of Initializer to register"):
        init.alias("name")(thing)


def ramp(desc, array):
    array[...] = np.arange(array.size).reshape(array.shape)


class Ramp:
    def __call__(self, desc, array, start=0):
        ramp(desc, array)


@pytest.mark.parametrize(
    "function",
    [
        ramp,
        lambda desc, array: ramp(desc, array),
        lambda *arguments: ramp(*arguments),
        Ramp(),
        functools.partial(Ramp().__call__, start=1),
        lambda shape: np.arange(6).reshape(shape),
        lambda shape, dtype=float: np.arange(6, dtype=dtype).reshape(shape),
    ],
)
def test_functions_are_initializers(function):
    initializer = init.create(function)

    assert isinstance(initializer, init.Initializer)
    np.testing.assert_array_equal(fill(initializer, (2, 3)), [[0, 1, 2], [3, 4, 5]])


def test_a_function_may_return_a_number():
    np.testing.assert_array_equal(fill(init.create(lambda shape: 0.5), (2,)), [0.5, 0.5])
    np.testing.assert_array_equal(fill(init.create(np.ones), (2,)), [1, 1])


def test_a_function_gets_the_parameters_name():
    seen = []

    fill(init.create(lambda desc, array: seen.append(desc)), (2,), name="dense3_weight")

    assert seen == ["dense3_weight"]


def test_a_function_that_returns_another_shape_is_refused():
    def transposed(shape):
        return np.zeros(shape[::-1])

    with pytest.raises(
        ShapeError,
        match=r"expected an array of shape \(2, 3\) for 'dense0_weight', "
        r"found a ndarray of shape \(3, 2\) and dtype float64 from 'transposed'",
    ):
        fill(init.create(transposed), (2, 3))


@pytest.mark.parametrize(
    "function", [lambda: 0, lambda key, shape, dtype: 0, lambda shape, *, key: 0]
)
def test_functions_of_other_arguments_are_refused(function):
    with pytest.raises(TypeError, match="expected a function with one or two required arguments"):
        init.create(function)


def test_functions_compare_by_identity_and_show_their_name():
    assert init.create(ramp) == init.create(ramp)
    assert init.create(ramp) != init.create(lambda desc, array: None)
    assert repr(init.create(ramp)) == "Function(function=ramp)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["mixed", {"patterns": 3, "initializers": []}]', "expected a list of patterns"),
        ('["uniform", {"a b": 1}]', "found 'a b'"),
        ('["uniform", {"": 1}]', "found ''"),
        ('["uniform", {"a\\nb": 1}]', "found 'a\nb'"),
    ],
)
def test_settings_from_json_that_an_initializer_does_not_take_are_named(text, message):
    with pytest.raises(GlueballTypeError, match=message):
        init.create(text)


def test_patterns_may_be_any_collection():
    rules = {"bias": "ones", ".*": "zeros"}
    assert len(init.Mixed(rules.keys(), rules.values()).initializers) == 2
