"""Initializers as nets use them: whose method is asked, with what, and from which random stream."""

from __future__ import annotations

import gc
import warnings
import weakref

import numpy as np
import pytest

from glueball import autograd, init, nd, npx, random
from glueball import np as mnp
from glueball.base import InitializerWarning
from glueball.gluon import Parameter, nn


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


def net_of(*layers):
    net = nn.Sequential()
    net.add(*layers)
    return net


def values(parameter):
    return parameter.data().asnumpy()


def every(parameter):
    """The one number that fills the parameter."""
    found = set(values(parameter).ravel().tolist())
    assert len(found) == 1
    return found.pop()


# ---- own or default ----------------------------------------------------------------------


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


# ---- what an initializer of one's own is given -------------------------------------------


def test_a_hook_is_given_the_parameters_name_and_its_own_memory():
    seen = {}

    class Look(init.Initializer):
        def _init_weight(self, name, arr):
            seen.update(name=name, array=arr)
            arr[:] = np.arange(6).reshape(2, 3)

    layer = nn.Dense(2, prefix="out_")
    layer.initialize(Look())
    layer(nd.ones((1, 3)))

    assert isinstance(seen["name"], init.InitDesc)
    assert isinstance(seen["name"], str)
    assert f"{seen['name']}" == "out_weight"
    assert isinstance(seen["array"], nd.NDArray)
    seen["array"][0, 0] = 42
    np.testing.assert_array_equal(values(layer.weight), [[42, 1, 2], [3, 4, 5]])


def test_what_a_hook_does_not_write_is_zero():
    class Silent(init.Initializer):
        def _init_weight(self, name, arr):
            pass

    layer = nn.Dense(2, in_units=3)
    layer.initialize(Silent())

    assert every(layer.weight) == 0


@pytest.mark.parametrize(
    "write",
    [
        lambda arr: arr.__setitem__(slice(None), 3),
        lambda arr: arr.__iadd__(3),
        lambda arr: nd.full(arr.shape, 3).copyto(arr),
        lambda arr: np.copyto(arr, 3),
        lambda arr: [row.__setitem__(slice(None), 3) for row in arr],
        lambda arr: nd.random.uniform(3, 3, out=arr),
        lambda arr: arr.__setitem__(slice(None), nd.full(arr.shape, 3)),
        lambda arr: arr.__setitem__(slice(None), np.full(arr.shape, 3.0)),
    ],
    ids=["[:]=", "+=", "copyto", "numpy.copyto", "rows", "out=", "[:]=NDArray", "[:]=ndarray"],
)
def test_a_hook_writes_in_place_by_any_means(write):
    class Writer(init.Initializer):
        def _init_weight(self, name, arr):
            write(arr)

    layer = nn.Dense(2)
    layer.initialize(Writer())
    layer(nd.ones((1, 3)))

    assert every(layer.weight) == 3


def test_the_documents_thresholded_uniform_fills_zero_or_at_least_five():
    class Thresholded(init.Initializer):
        def _init_weight(self, name, data):
            nd.random.uniform(-10, 10, out=data)
            data *= data.abs() >= 5

    layer = nn.Dense(50)
    layer.initialize(Thresholded())
    layer(nd.ones((1, 40)))

    size = np.abs(values(layer.weight))
    assert ((size == 0) | ((size >= 5) & (size <= 10))).all()
    # Half of U(-10, 10) is beyond 5; 2000 draws stray from 1000 by more than 5 sigma once in a million.
    assert abs((size > 0).sum() - 1000) < 5 * np.sqrt(2000 * 0.25)


def test_a_hook_in_numpy_mode_gets_that_modes_arrays():
    class Thresholded(init.Initializer):
        def _init_weight(self, name, data):
            assert isinstance(data, mnp.ndarray)
            data[:] = mnp.random.uniform(-10, 10, data.shape)
            data *= mnp.abs(data) >= 5

    npx.set_np()
    try:
        layer = nn.Dense(5)
        layer.initialize(Thresholded())
        layer(mnp.ones((1, 4)))
        size = np.abs(np.asarray(layer.weight.data()))
        assert ((size == 0) | (size >= 5)).all()
    finally:
        npx.reset_np()


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda arr: arr.__setitem__(slice(None), np.ones((3, 2))), ValueError),
        (lambda arr: arr.__setitem__(slice(None), nd.ones((2, 4))), ValueError),
        (lambda arr: arr.__setitem__(slice(None), "text"), ValueError),
        (lambda arr: arr.__setitem__(5, 1), IndexError),
        (lambda arr: arr.resize((1, 1)), ValueError),
        (lambda arr: nd.random.uniform(shape=(9, 9), out=arr), ValueError),
    ],
    ids=["transposed", "too wide", "text", "row 5", "resize", "random shape"],
)
@pytest.mark.parametrize("in_units", [0, 3], ids=["deferred", "at once"])
def test_a_hook_that_writes_a_wrong_shape_raises_and_a_corrected_call_works(write, error, in_units):
    class Writer(init.Initializer):
        def _init_weight(self, name, arr):
            write(arr)

    net = net_of(nn.Dense(2, in_units=in_units))
    with pytest.raises(error):
        net.initialize(Writer())
        net(nd.ones((1, 3)))

    net.initialize("ones", force_reinit=True)
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[3, 3]]


def test_a_function_that_returns_a_wrong_shape_is_told_the_right_one():
    def square(shape):
        return np.ones((9, 9))

    layer = nn.Dense(2, prefix="out_")
    layer.initialize(square)

    with pytest.raises(
        ValueError, match=r"expected an array of shape \(2, 3\) for 'out_weight', found.*\(9, 9\)"
    ):
        layer(nd.ones((1, 3)))


def test_nan_that_an_initializer_writes_is_kept():
    layer = nn.Dense(2, in_units=3)
    layer.initialize(init.Constant(np.nan))

    assert np.isnan(values(layer.weight)).all()


def test_a_subclass_without_a_rule_for_weights_says_what_to_define():
    class Empty(init.Initializer):
        pass

    layer = nn.Dense(2, in_units=3, prefix="out_")
    with pytest.raises(NotImplementedError, match="Must override it.*class Empty.*'out_weight'"):
        layer.initialize(Empty())

    layer.initialize("ones")
    assert every(layer.weight) == 1


def test_super_reaches_the_built_in_rule_from_a_hook():
    class Shifted(init.Uniform):
        def _init_weight(self, name, arr):
            super()._init_weight(name, arr)
            arr += 10

    layer = nn.Dense(20)
    layer.initialize(Shifted(0.5))
    layer(nd.ones((1, 30)))

    assert 9.5 <= values(layer.weight).min() < 9.6
    assert 10.4 < values(layer.weight).max() <= 10.5


# ---- __call__ ----------------------------------------------------------------------------


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


# ---- Mixed and Load ----------------------------------------------------------------------


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

    with pytest.raises(ValueError, match="Parameter name a_weight did not match any pattern"):
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


# ---- random streams ----------------------------------------------------------------------


def weights(*layers, seed=3, initializer="uniform", data=True):
    random.seed(seed)
    net = net_of(*layers)
    net.initialize(initializer)
    if data:
        net(nd.ones((1, 4)))
    return [values(parameter) for parameter in net.collect_params(".*weight").values()]


class Hooked(init.Initializer):
    """Draws through nd.random, in several ways."""

    def _init_weight(self, name, arr):
        nd.random.uniform(-1, 1, out=arr)
        arr += nd.random.normal(0, 0.1, shape=arr.shape)


KINDS = ["uniform", init.Normal(1.0), "xavier", init.Orthogonal(), Hooked()]


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(initializer):
    def drawn(seed):
        return weights(nn.Dense(5), nn.Dense(3), seed=seed, initializer=initializer)

    for one, again, other in zip(drawn(3), drawn(3), drawn(4), strict=True):
        assert one.tobytes() == again.tobytes()
        assert not np.array_equal(one, other)


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_adding_a_layer_changes_no_other_layers_weights(initializer):
    two = weights(nn.Dense(5), nn.Dense(3), initializer=initializer)
    three = weights(nn.Dense(5), nn.Dense(3), nn.Dense(2), initializer=initializer)

    for one, other in zip(two, three[:2], strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_deferring_a_layer_changes_no_weights(initializer):
    deferred = weights(nn.Dense(5), nn.Dense(3), initializer=initializer)
    known = weights(
        nn.Dense(5, in_units=4), nn.Dense(3, in_units=5), initializer=initializer, data=False
    )

    for one, other in zip(deferred, known, strict=True):
        assert one.tobytes() == other.tobytes()


def test_names_do_not_matter_so_that_a_notebooks_cell_can_be_run_again():
    first = weights(nn.Dense(5), nn.Dense(3))
    again = weights(nn.Dense(5), nn.Dense(3, prefix="other_"))

    for one, other in zip(first, again, strict=True):
        assert one.tobytes() == other.tobytes()


def test_layers_of_one_shape_get_different_weights():
    first, second = weights(nn.Dense(4), nn.Dense(4))

    assert not np.array_equal(first, second)


def test_initializing_again_draws_anew():
    net = net_of(nn.Dense(4, in_units=4))
    net.initialize()
    before = values(net[0].weight)
    net.initialize(force_reinit=True)

    assert not np.array_equal(before, values(net[0].weight))


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_how_many_layers_an_earlier_net_has_changes_no_later_nets_weights(initializer):
    def later(*earlier):
        random.seed(3)
        net_of(*earlier).initialize()
        net = net_of(nn.Dense(5, in_units=4))
        net.initialize(initializer)
        return values(net[0].weight)

    one = later(nn.Dense(2))
    three = later(nn.Dense(2), nn.Dense(2, in_units=2), nn.Dense(2))
    assert one.tobytes() == three.tobytes()
    assert not np.array_equal(one, weights(nn.Dense(5), initializer=initializer)[0])


def test_what_is_drawn_between_initialize_and_the_first_forward_does_not_matter():
    def drawn(between):
        random.seed(3)
        net = net_of(nn.Dense(5))
        net.initialize(Hooked())
        nd.random.uniform(shape=(between,))
        net(nd.ones((1, 4)))
        return values(net[0].weight)

    assert drawn(1).tobytes() == drawn(1000).tobytes()


def test_initializing_takes_nothing_from_the_generator_of_nd_random():
    def drawn(initialize):
        random.seed(3)
        if initialize:
            net = net_of(nn.Dense(5))
            net.initialize(Hooked())
            net(nd.ones((1, 4)))
        return nd.random.uniform(shape=(6,)).asnumpy()

    np.testing.assert_array_equal(drawn(True), drawn(False))


def test_numpys_seed_has_no_effect():
    drawn = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        drawn.append(weights(nn.Dense(5))[0])

    assert drawn[0].tobytes() == drawn[1].tobytes()


# ---- the rest ----------------------------------------------------------------------------


def test_initializing_is_not_recorded():
    layer = nn.Dense(1, use_bias=False)
    layer.initialize(Hooked())
    x = nd.ones((1, 4))
    with autograd.record():
        loss = layer(x)
    loss.backward()

    np.testing.assert_array_equal(layer.weight.grad().asnumpy(), x.asnumpy())


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
