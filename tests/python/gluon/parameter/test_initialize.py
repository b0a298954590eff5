"""`initialize()`: whose initializer fills what, and what is taken for one."""

from __future__ import annotations

import gc
import warnings
import weakref

import numpy as np
import pytest

from glueball import init, nd
from glueball.base import InitializerWarning
from glueball.gluon import Parameter, nn
from initialized_nets import every, net_of, values


class Filled(init.Initializer):
    """Fills weights with one number, biases with another."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = weight, bias

    def _init_weight(self, name, arr):
        arr[:] = self.weight

    def _init_bias(self, name, arr):
        arr[:] = self.bias


class OnlyWeights(init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 5


def test_a_layers_own_initializers_win_also_when_forced():
    layer = nn.Dense(2, in_units=3, weight_initializer="zeros", bias_initializer="ones")
    layer.initialize(init.Constant(5))
    layer.initialize(init.Constant(6), force_reinit=True)

    assert (every(layer.weight), every(layer.bias)) == (0, 1)


def test_a_hook_for_biases_is_not_asked_when_layers_have_zeros_and_one_warning_names_them():
    net = net_of(nn.Dense(2, in_units=3), nn.Dense(1))

    with pytest.warns(InitializerWarning) as caught:
        net.initialize(Filled(3, 4))
    net(nd.ones((1, 3)))

    assert len(caught) == 1
    assert str(caught[0].message) == (
        "expected parameters without an initializer of their own for Filled._init_bias, found "
        "'dense0_bias', 'dense1_bias', which keep theirs; pass bias_initializer=None to their layers "
        "to have it asked"
    )
    assert [every(p) for p in net.collect_params().values()] == [3, 0, 3, 0]


def test_with_bias_initializer_none_the_hook_for_biases_is_asked():
    net = net_of(nn.Dense(2, in_units=3, bias_initializer=None), nn.Dense(1, bias_initializer=None))
    net.initialize(Filled(3, 4))
    net(nd.ones((1, 3)))

    assert [every(p) for p in net.collect_params().values()] == [3, 4, 3, 4]


def test_without_a_hook_for_biases_they_are_zero_and_nothing_is_said():
    layer = nn.Dense(2, in_units=3, bias_initializer=None)
    layer.initialize(OnlyWeights())

    assert (every(layer.weight), every(layer.bias)) == (5, 0)


def test_an_own_initializer_that_has_the_kinds_hook_is_asked_through_it():
    layer = nn.Dense(2, in_units=3, bias_initializer=Filled(3, 4))
    layer.initialize("ones")

    assert (every(layer.weight), every(layer.bias)) == (1, 4)


def test_an_own_initializer_without_that_hook_fills_the_bias_as_it_fills_weights():
    layer = nn.Dense(2, in_units=3, bias_initializer=OnlyWeights())
    layer.initialize("ones")

    assert (every(layer.weight), every(layer.bias)) == (1, 5)


def test_an_own_initializer_fills_whatever_the_parameters_name_is():
    for name in ("gamma", "beta", "running_var", "anything"):
        made = Parameter(name, shape=(2,), init=init.Constant(7))
        made.initialize(default_init="zeros")
        assert every(made) == 7


def test_a_name_of_no_known_kind_gets_the_defaults_rule_for_weights():
    made = Parameter("anything", shape=(2,))
    made.initialize(default_init=init.Constant(7))

    assert every(made) == 7


@pytest.mark.parametrize(
    ("name", "expected"), [("gamma", 1), ("beta", 0), ("running_mean", 0), ("running_var", 1)]
)
def test_a_name_of_a_known_kind_gets_that_kinds_hook_of_the_default(name, expected):
    made = Parameter(f"norm_{name}", shape=(2,))
    made.initialize(default_init=init.Constant(7))

    assert every(made) == expected


def test_the_argument_of_a_parameters_initialize_is_its_own():
    layer = nn.Dense(2, in_units=3)
    layer.initialize()
    layer.bias.initialize(init=init.Constant(7), force_reinit=True)
    layer.weight.initialize(init.Normal(sigma=0.01), force_reinit=True)

    assert every(layer.bias) == 7
    assert 0 < np.abs(values(layer.weight)).max() < 0.1


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        ("ones", 1),
        ("One", 1),
        (init.Constant(4), 4),
        (init.One, 1),
        ('["constant", {"value": 4}]', 4),
        ('{"initializer": "constant", "value": 4}', 4),
        (lambda shape: np.full(shape, 4), 4),
        (lambda desc, arr: arr.__setitem__(slice(None), 4), 4),
        (init.Mixed([".*"], ["ones"]), 1),
        (init.Load({"dense0_weight": np.full((2, 3), 4)}, "zeros"), 4),
    ],
    ids=["name", "Name", "object", "class", "JSON", "JSON dict", "f(shape)", "f(desc, array)"]
    + ["Mixed", "Load"],
)
@pytest.mark.parametrize("way", ["net", "layer", "parameter"])
def test_whatever_describes_an_initializer_is_taken_everywhere(initializer, expected, way):
    layer = nn.Dense(2, weight_initializer=initializer if way == "layer" else None)
    net = net_of(layer)
    net.initialize(initializer if way == "net" else "zeros")
    if way == "parameter":
        layer.weight.initialize(init=initializer, force_reinit=True)
    net(nd.ones((1, 3)))

    assert every(layer.weight) == expected


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ("nosuch", AssertionError, "nosuch is not registered.*expected the name of an initializer"),
        ("uniforn", AssertionError, "near it are.*'uniform'"),
        (3, AssertionError, "initializer must be of string type.*found 3 of type int"),
        ((1, 2), AssertionError, r"found \(1, 2\) of type tuple"),
        ("[broken", ValueError, "expected JSON such as"),
        ({}, ValueError, "expected a mapping with the name under 'initializer'"),
        (lambda: 0, TypeError, "one or two required arguments as initializer, found '<lambda>'"),
        (lambda a, b, c: 0, TypeError, r"found '<lambda>' with \(a, b, c\)"),
        ("constant", TypeError, "value"),
    ],
    ids=[
        "unknown",
        "misspelt",
        "number",
        "tuple",
        "JSON",
        "mapping",
        "0 args",
        "3 args",
        "no value",
    ],
)
def test_what_describes_no_initializer_is_refused_at_once_and_the_net_stays_usable(
    wrong, error, message
):
    net = net_of(nn.Dense(2, in_units=3))

    with pytest.raises(error, match=message):
        net.initialize(wrong)
    with pytest.raises(error, match=message):
        nn.Dense(2, weight_initializer=wrong)
    with pytest.raises(error, match=message):
        nn.Dense(2, bias_initializer=wrong)
    with pytest.raises(error, match=message):
        Parameter("p", shape=(2,), init=wrong)
    with pytest.raises(error, match=message):
        net[0].weight.initialize(init=wrong)

    net.initialize("ones")
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[3, 3]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: init.Normal(-1.0), "sigma"),
        (lambda: init.Xavier(rnd_type="cauchy"), "Unknown random type"),
        (lambda: init.Xavier(factor_type="sum"), "Incorrect factor type"),
        (lambda: init.Mixed([".*"], []), "as many initializers as patterns"),
    ],
    ids=["negative sigma", "rnd_type", "factor_type", "Mixed"],
)
def test_a_wrong_setting_of_an_initializer_is_refused_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_initializer_that_needs_two_axes_refuses_a_bias_by_name():
    layer = nn.Dense(2, in_units=3, bias_initializer="xavier", prefix="out_")

    with pytest.raises(
        ValueError,
        match="Xavier initializer cannot be applied to vector out_bias. It requires at least 2D.",
    ):
        layer.initialize()

    layer.bias.initialize("zeros")
    assert layer(nd.ones((1, 3))).shape == (1, 2)


class Everything(init.Initializer):
    """Overrides the dispatch itself."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def __call__(self, desc, arr):
        self.asked.append((str(desc), bool(desc.attrs.get("__init__"))))
        arr[:] = 9


def test_a_default_that_overrides_the_call_is_asked_for_every_parameter():
    everything = Everything()
    net = net_of(nn.Dense(2, prefix="a_"))
    net.initialize(everything)
    net(nd.ones((1, 3)))

    assert everything.asked == [("a_bias", True), ("a_weight", False)]
    assert [every(p) for p in net.collect_params().values()] == [9, 9]


def test_an_own_initializer_that_overrides_the_call_is_called_too():
    layer = nn.Dense(2, weight_initializer=Everything())
    layer.initialize("ones")
    layer(nd.ones((1, 3)))
    assert every(layer.weight) == 9

    layer.bias.initialize(init=Everything(), force_reinit=True)
    assert every(layer.bias) == 9


def test_mixed_chooses_by_name_and_may_hold_initializers_of_ones_own():
    net = net_of(
        nn.Dense(2, prefix="first_", bias_initializer=None),
        nn.Dense(2, prefix="second_", bias_initializer=None),
    )
    net.initialize(init.Mixed(["first_.*", ".*"], [Filled(1, 2), Filled(3, 4)]))
    net(nd.ones((1, 3)))

    assert [every(p) for p in net.collect_params().values()] == [1, 2, 3, 4]


def test_mixed_without_a_pattern_for_a_name_says_so_and_the_net_stays_usable():
    net = net_of(nn.Dense(2, in_units=3, prefix="a_"))

    with (
        pytest.raises(ValueError, match="Parameter name a_weight did not match any pattern"),
        pytest.warns(init.InitializerWarning, match="'b_.*' is found in no name"),
    ):
        net.initialize(init.Mixed(["b_.*"], ["ones"]))

    net.initialize("ones", force_reinit=True)
    assert every(net[0].weight) == 1


def test_load_of_another_shape_is_refused_by_name_and_the_net_stays_usable():
    held = {"a_weight": np.ones((3, 2))}
    net = net_of(nn.Dense(2, prefix="a_"))
    net.initialize(init.Load(held, default_init="zeros"))

    with pytest.raises(
        AssertionError,
        match=r"Parameter a_weight cannot be initialized from loading. Shape mismatch, target "
        r"\(2, 3\) vs loaded \(3, 2\)",
    ):
        net(nd.ones((1, 3)))

    net.initialize("ones", force_reinit=True)
    assert every(net[0].weight) == 1


def test_an_initializer_that_holds_its_net_is_freed_with_it():
    class Holder(init.Initializer):
        def _init_weight(self, name, arr):
            arr[:] = 1

    net = net_of(nn.Dense(2))
    holder = Holder()
    holder.net = net
    net.initialize(holder)
    net(nd.ones((1, 3)))
    watched = weakref.ref(net)
    del net, holder
    gc.collect()

    assert watched() is None


def test_no_hook_no_warning():
    net = net_of(nn.Dense(2, in_units=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for initializer in ("uniform", "xavier", OnlyWeights(), Everything()):
            net.initialize(initializer, force_reinit=True)


def test_missing_only_initializes_what_is_new_and_warns_of_nothing(recwarn):
    net = nn.Sequential(nn.Dense(2, in_units=2), nn.Dense(2))
    net.initialize("ones")
    waiting = net[1].weight
    net.add(nn.Dense(1, in_units=2))
    net[2].bias.set_data([5])

    net.initialize("zeros", missing_only=True)
    net.collect_params().initialize("zeros", missing_only=True)

    assert list(recwarn) == []
    assert net[0].weight.data().asnumpy().tolist() == [[1, 1], [1, 1]]
    assert net[2].weight.data().asnumpy().tolist() == [[0, 0]]
    assert net[2].bias.data().asnumpy().tolist() == [5]
    net(nd.ones((1, 2)))
    assert waiting.data().asnumpy().tolist() == [[1, 1], [1, 1]]


def test_missing_only_and_force_reinit_contradict():
    with pytest.raises(ValueError, match="expected one of force_reinit and missing_only"):
        nn.Dense(2).initialize(force_reinit=True, missing_only=True)
