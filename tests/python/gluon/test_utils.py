"""clip_global_norm, and batches in slices."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, cpu, gluon, gpu, nd, npx, optimizer
from glueball.gluon import nn
from glueball.gluon.utils import clip_global_norm, split_and_load, split_data


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


def test_split_data_cuts_a_batch_into_slices():
    data = nd.arange(12).reshape((6, 2))

    slices = split_data(data, 3)

    assert [each.shape for each in slices] == [(2, 2)] * 3
    onp.testing.assert_array_equal(onp.concatenate(slices), data)
    slices[1][:] = -1
    assert data.asnumpy()[2:4].tolist() == [[-1, -1], [-1, -1]]  # they are views


def test_split_data_cuts_other_axes():
    slices = split_data(nd.arange(12).reshape((2, 6)), 2, batch_axis=1)

    assert slices[1].asnumpy().tolist() == [[3, 4, 5], [9, 10, 11]]


def test_first_slices_of_an_uneven_split_are_longer():
    slices = split_data(nd.arange(7), 3, even_split=False)

    assert [each.asnumpy().tolist() for each in slices] == [[0, 1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"num_slice": 3},
            (
                r"^data with shape \(7,\) cannot be evenly split into 3 slices along axis 0\. Use a batch "
                r"size that's multiple of 3 or set even_split=False to allow uneven partitioning of data\.$"
            ),
        ),
        ({"num_slice": 8, "even_split": False}, "num_slice from 1 to 7, found 8"),
        ({"num_slice": 0}, "num_slice from 1 to 7, found 0"),
        ({"num_slice": 7, "batch_axis": 1}, r"batch_axis from -1 to 0, found 1 .*shape \(7,\)"),
    ],
)
def test_splits_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_data(nd.arange(7), **arguments)


def test_split_and_load_takes_lists_and_numpy_arrays():
    whole = split_and_load([[1, 2], [3, 4]], [cpu()])
    halves = split_and_load(onp.arange(4), [cpu(0), cpu(1)])

    assert len(whole) == 1
    assert whole[0].dtype == "float32"
    assert whole[0].shape == (2, 2)
    assert [each.dtype for each in halves] == ["int64", "int64"]
    assert [each.asnumpy().tolist() for each in halves] == [[0, 1], [2, 3]]


def test_split_and_load_refuses_a_gpu():
    with pytest.raises(RuntimeError, match=r"expected the context cpu\(\), found gpu\(0\)"):
        split_and_load([1, 2], [gpu()])


@pytest.mark.parametrize("max_norm", [-1, float("nan"), "a", None])
def test_a_largest_norm_that_is_not_a_norm_is_refused(max_norm):
    gradient = nd.array([3, 4])

    with pytest.raises(ValueError, match="expected a max_norm of 0 or more, found"):
        clip_global_norm([gradient], max_norm)

    assert gradient.asnumpy().tolist() == [3, 4]


def test_rows_of_one_array_are_clipped_together():
    gradients = nd.array([[3, 0], [0, 4]])

    norm = clip_global_norm(gradients, 1)

    assert norm == pytest.approx(5)
    onp.testing.assert_allclose(gradients, [[0.6, 0], [0, 0.8]], rtol=1e-6)


def test_what_is_not_an_array_cannot_be_split():
    with pytest.raises(TypeError, match="expected an NDArray as data, found list; wrap it"):
        split_data([1, 2], 2)
    with pytest.raises(TypeError, match="expected an int as num_slice, found 2.0"):
        split_data(nd.ones(4), 2.0)


@pytest.mark.parametrize(
    ("shape", "legacy", "numpys"),
    [(None, False, False), ((), False, True), ((2, 0), False, True), ((2, -1), False, False), ((2, 3), True, True)],
)  # fmt: skip
def test_a_shape_is_known_by_the_rules_of_the_mode(shape, legacy, numpys):
    assert gluon.utils.shape_is_known(shape) is legacy
    npx.set_np()
    try:
        assert gluon.utils.shape_is_known(shape) is numpys
    finally:
        npx.reset_np()


def test_names_of_classes_in_gluons_modules():
    net = nn.Dense(1)

    assert isinstance(net.register_forward_hook(print), gluon.utils.HookHandle)
    assert isinstance(nd.ones(1), gluon.tensor_types)
    assert gluon.parameter.tensor_types is gluon.tensor_types
    assert optimizer.contrib.GroupAdaGrad is optimizer.GroupAdaGrad
