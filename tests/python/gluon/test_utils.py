"""clip_global_norm."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, nd
from glueball.gluon import nn
from glueball.gluon.utils import clip_global_norm


def test_arrays_are_scaled_together_in_place():
    arrays = [nd.array([3]), nd.array([[0, 4]])]
    held = list(arrays)

    norm = clip_global_norm(arrays, 1)

    assert norm == 5
    assert isinstance(norm, float)
    onp.testing.assert_allclose(held[0].asnumpy(), [0.6], rtol=1e-6)
    onp.testing.assert_allclose(held[1].asnumpy(), [[0, 0.8]], rtol=1e-6)


def test_arrays_below_the_limit_are_left_alone():
    arrays = [nd.array([3, 4])]

    assert clip_global_norm(arrays, 5.5) == 5
    onp.testing.assert_array_equal(arrays[0].asnumpy(), [3, 4])


def test_norm_is_an_array_when_it_is_not_to_be_checked():
    norm = clip_global_norm([nd.array([3, 4])], 10, check_isfinite=False)

    assert isinstance(norm, nd.NDArray)
    assert norm.shape == (1,)
    assert norm.asscalar() == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_norm_that_is_not_finite_warns_and_leaves_the_arrays(value):
    arrays = [nd.array([1, value]), nd.array([2])]

    with pytest.warns(
        UserWarning, match=r"^nan or inf is detected. Clipping results will be undefined\."
    ):
        norm = clip_global_norm(arrays, 1)

    assert not onp.isfinite(norm)
    onp.testing.assert_array_equal(arrays[0].asnumpy(), [1, value])
    onp.testing.assert_array_equal(arrays[1].asnumpy(), [2])


def test_large_float32_gradients_do_not_overflow():
    arrays = [nd.array([3e30, 4e30])]

    norm = clip_global_norm(arrays, 1)

    assert norm == pytest.approx(5e30, rel=1e-6)
    onp.testing.assert_allclose(arrays[0].asnumpy(), [0.6, 0.8], rtol=1e-6)


def test_no_arrays_are_refused():
    with pytest.raises(AssertionError, match="expected at least one array to clip, found none"):
        clip_global_norm([], 1)


def test_clipped_gradients_are_what_the_trainer_uses():
    net = nn.Dense(1, in_units=2, use_bias=False, weight_initializer="zeros")
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    with autograd.record():
        y = net(nd.array([[3, 4]]))
    y.backward()

    clip_global_norm([p.grad() for p in net.collect_params().values()], 1)
    trainer.step(1)

    onp.testing.assert_allclose(net.weight.data().asnumpy(), [[-0.6, -0.8]], rtol=1e-6)
