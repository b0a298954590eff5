"""Initializers of your own: what their hooks are given, and what they may do with it."""

from __future__ import annotations

import numpy as np
import pytest

from glueball import init, nd, npx
from glueball import np as mnp
from glueball.gluon import nn
from initialized_nets import every, net_of, values


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
