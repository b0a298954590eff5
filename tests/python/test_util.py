"""`util`: NumPy mode's switches under their other names."""

from __future__ import annotations

import os

import pytest

import glueball
from glueball import gluon, nd, npx, util
from glueball import np as mxnp


@pytest.fixture(autouse=True)
def legacy_mode():
    npx.reset_np()
    yield
    npx.reset_np()


def test_contexts_switch_and_switch_back():
    with util.np_shape():
        assert (util.is_np_shape(), util.is_np_array()) == (True, False)
        with util.np_array():
            assert (util.is_np_shape(), util.is_np_array()) == (True, True)
            with util.np_array(active=False):
                assert (util.is_np_shape(), util.is_np_array()) == (True, False)
        assert (util.is_np_shape(), util.is_np_array()) == (True, False)

    assert (util.is_np_shape(), util.is_np_array()) == (False, False)


def test_modes_are_put_back_when_the_body_raises():
    with pytest.raises(KeyError), util.np_array():
        raise KeyError

    assert not util.is_np_array()


@pytest.mark.parametrize("use", [util.use_np, util.use_np_array])
def test_decorated_functions_and_classes_run_in_numpy_mode(use):
    @use
    def make():
        return type(gluon.nn.Dense(1, in_units=1).weight.shape), util.is_np_array()

    @use
    class Net(gluon.nn.Block):
        def forward(self, x):
            return util.is_np_array()

    assert make()[1] is True
    assert Net()(mxnp.ones(1)) is True
    assert not util.is_np_array()


def test_shapes_can_be_decorated_alone():
    @util.use_np_shape
    def modes():
        return util.is_np_shape(), util.is_np_array()

    assert modes() == (True, False)
    assert not util.is_np_shape()


def test_set_np_shape_tells_what_was_before():
    assert util.set_np_shape(True) is False
    assert util.set_np_shape(False) is True
    npx.set_np()
    with pytest.raises(ValueError, match="NumPy Shape semantics are required"):
        util.set_np_shape(False)


def test_switches_are_at_the_package_too():
    for name in ("use_np", "np_shape", "np_array", "is_np_array", "is_np_shape", "set_np_shape"):
        assert getattr(glueball, name) is getattr(util, name)


def test_variables_of_the_environment():
    util.setenv("GLUEBALL_TEST_VARIABLE", "1")
    assert util.getenv("GLUEBALL_TEST_VARIABLE") == os.environ["GLUEBALL_TEST_VARIABLE"] == "1"
    util.setenv("GLUEBALL_TEST_VARIABLE", None)
    util.setenv("GLUEBALL_TEST_VARIABLE", None)
    assert util.getenv("GLUEBALL_TEST_VARIABLE") is None


def test_there_are_no_gpus():
    assert util.get_gpu_count() == 0
    assert nd.ones(1).context == glueball.cpu()
