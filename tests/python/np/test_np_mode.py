"""NumPy mode: `np` arrays, the switch in `npx`, and the two kinds of arrays side by side."""

from __future__ import annotations

import copy
import logging
import pickle

import numpy as onp
import pytest

from glueball import MXNetError, autograd, nd, np, npx

A = onp.array([[1, -2, 3], [4, 5, -6]], onp.float32)


@pytest.fixture(autouse=True)
def legacy_mode():
    npx.reset_np()
    yield
    npx.reset_np()


def same(actual, expected, dtype=onp.float32):
    assert type(actual) is np.ndarray
    assert actual.dtype == dtype
    assert actual.shape == onp.shape(expected)
    onp.testing.assert_array_equal(onp.asarray(actual), expected)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([[1, 2], [3, 4]]), "array([[1., 2.],\n       [3., 4.]])"),
        (np.array([1, 2], dtype="float64"), "array([1., 2.], dtype=float64)"),
        (np.array([1, 2], dtype="int32"), "array([1, 2], dtype=int32)"),
        (np.array([1, 2], dtype="int64"), "array([1, 2], dtype=int64)"),
        (np.array([1, 2]) > 1, "array([False,  True])"),
        (np.array(5), "array(5.)"),
        (np.zeros((0, 3)), "array([], shape=(0, 3))"),
        (np.zeros(0), "array([])"),
    ],
)
def test_repr_is_numpys_and_names_a_dtype_that_is_not_float32(array, text):
    assert repr(array) == text


def test_str_has_no_word_array():
    assert str(np.zeros(1)) == "[0.]"
    assert str(np.array([[1, 2]])) == "[[1. 2.]]"
    assert str(np.array(5)) == "5.0"


def test_reductions_and_elements_have_no_axes():
    a = np.array(A)

    assert a.sum().shape == a[0, 1].shape == a.mean().shape == a.max().shape == ()
    assert type(a.sum()) is type(a[0, 1]) is np.ndarray
    assert a.sum().item() == 5
    assert float(a[1, 2]) == -6
    assert int(np.array(3)) == 3
    same(a.sum(axis=1), [2, 3])
    same(a.argmax(), 4, onp.int64)


def test_element_is_a_view():
    a = np.zeros((2, 2))
    a[0, 1] = 42
    a[1, 0][...] = 7

    same(a, [[0, 42], [7, 0]])


def test_comparisons_are_bools_and_masks():
    a = np.array(A)

    same(a > 0, A > 0, onp.bool_)
    same(a == np.array(A), onp.ones((2, 3)), onp.bool_)
    same(a[a > 0], [1, 3, 4, 5])
    a[a < 0] = 0
    same(a, onp.maximum(A, 0))
    data = np.array([-7.0, 3])
    data *= np.abs(data) >= 5
    same(data, [-7, 0])


def test_slices_share_memory():
    a = np.zeros((2, 3))
    a[:, 1][:] = 5

    same(a, [[0, 5, 0]] * 2)


def test_new_arrays_are_float32():
    same(np.array([1, 2]), [1, 2])
    same(np.array([True]), [1])
    same(np.array(onp.array([1.5])), [1.5])
    same(np.array(np.array([1], dtype="int32")), [1], onp.int32)
    same(np.zeros((2, 3)), onp.zeros((2, 3)))
    same(np.ones(2, dtype="int32"), [1, 1], onp.int32)
    same(np.full((2,), 3), [3, 3])
    same(np.full((2,), True), [True, True], onp.bool_)
    same(np.full_like(np.array([1, 2], dtype="float64"), 3), [3, 3], onp.float64)
    same(np.arange(3), [0, 1, 2])
    same(np.linspace(0, 1, 3), [0, 0.5, 1])
    same(np.eye(2), onp.eye(2))
    same(np.identity(2), onp.eye(2))
    assert np.empty((2, 0)).shape == (2, 0)
    with pytest.raises(TypeError, match="source_array must be array like object"):
        np.array([[1], [1, 2]])


def test_numpys_functions_come_under_their_names():
    a = np.array(A)

    same(np.abs(a), onp.abs(A))
    same(np.concatenate([a, a], axis=1), onp.concatenate([A, A], axis=1))
    same(np.stack([a, a]), onp.stack([A, A]))
    same(np.where(a > 0, a, 0), onp.where(A > 0, A, 0))
    same(np.dot(a, a.T), A @ A.T)
    same(np.argsort(a[0]), [1, 0, 2], onp.int64)
    same(np.mean(np.array([1, 2], dtype="int32")), 1.5)
    same(np.true_divide(np.array([1], dtype="int32"), 2), [0.5])
    same(np.linalg.norm(np.array([3, 4])), 5)
    same(np.mean([1, 2]), 1.5)
    same(np.vstack([a, a]), onp.vstack([A, A]))
    assert np.pi == onp.pi
    assert np.float32 is onp.float32
    assert np.newaxis is None
    assert np.array_equal(a, a) is True
    assert "arctan2" in dir(np)
    with pytest.raises(
        AttributeError, match=r"'glueball.np' has no attribute 'nothing', nor has numpy"
    ):
        _ = np.nothing


def test_methods_take_numpys_arguments():
    a = np.array(A)

    same(a.reshape(3, 2), A.reshape(3, 2))
    same(a.reshape((3, -1)), A.reshape(3, 2))
    same(a.flatten(), A.ravel())
    same(a.T, A.T)
    same(a.transpose(1, 0), A.T)
    same(a.sum(axis=0, keepdims=True), A.sum(axis=0, keepdims=True))
    same(a.clip(-1, 1), A.clip(-1, 1))
    same(a.repeat(2, axis=0), A.repeat(2, axis=0))
    same(a.squeeze(), A)
    same(a.astype("int32"), A, onp.int32)
    same(a.round(), A)
    same(a.take([0, 0], axis=1), A.take([0, 0], axis=1))
    a.sort(axis=1)
    same(a, onp.sort(A, axis=1))
    assert a.tolist() == onp.sort(A, axis=1).tolist()
    with pytest.raises(IndexError):
        a.take([5], axis=1)
    assert [p.shape for p in a.split(3, axis=1)] == [(2, 1)] * 3


def test_legacy_array_is_refused_by_numpy_functions():
    legacy = nd.ones((2,))

    for call in (
        lambda: np.sum(legacy),
        lambda: np.concatenate([np.ones(2), legacy]),
        lambda: np.ones(2) + legacy,
        lambda: legacy * np.ones(2),
        lambda: npx.relu(legacy),
    ):
        with pytest.raises(
            TypeError, match="can only accept MXNet numpy ndarrays, while received a legacy ndarray"
        ):
            call()


def test_conversion_shares_memory():
    a = np.zeros(2)
    legacy = a.as_nd_ndarray()
    legacy[:] = 3

    assert type(legacy) is nd.NDArray
    same(a, [3, 3])
    same(legacy.as_np_ndarray(), [3, 3])
    assert a.as_np_ndarray() is a
    assert legacy.as_nd_ndarray() is legacy


def test_switch():
    assert not npx.is_np_array()
    npx.set_np()
    assert npx.is_np_array()
    assert npx.is_np_shape()
    npx.reset_np()
    assert not npx.is_np_array()
    assert not npx.is_np_shape()
    with pytest.raises(ValueError, match="NumPy Shape semantics are required"):
        npx.set_np(shape=False)


def test_switching_on_is_logged_once(caplog):
    with caplog.at_level(logging.INFO, logger="glueball"):
        npx.set_np()
        npx.set_np()

    assert len(caplog.records) == 2


def test_use_np_restores_the_mode():
    @npx.use_np
    def work(fail):
        assert npx.is_np_array()
        if fail:
            raise KeyError

    work(False)
    assert not npx.is_np_array()
    with pytest.raises(KeyError):
        work(True)
    assert not npx.is_np_array()


def test_arrays_exist_without_the_switch():
    assert repr(np.ones((1,))) == "array([1.])"


def test_functions_of_nets():
    a = np.array(A)

    same(npx.relu(a), onp.maximum(A, 0))
    onp.testing.assert_allclose(onp.asarray(npx.softmax(a).sum(axis=-1)), [1, 1], rtol=1e-6)
    same(npx.one_hot(np.array([1]), 2), [[0, 1]])
    same(npx.pick(a, np.array([0, 2])), [1, -6])
    same(npx.fully_connected(a, np.ones((2, 3)), np.zeros(2), num_hidden=2), A @ onp.ones((3, 2)))
    same(npx.activation(a, act_type="relu"), onp.maximum(A, 0))


def test_save_and_load(tmp_path):
    npx.save(tmp_path / "a.npz", {"x": np.array(A)})

    same(npx.load(tmp_path / "a.npz")["x"], A)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies_and_pickles(clone):
    a = np.array(A)
    a.attach_grad()

    b = clone(a)

    same(b, A)
    assert b.grad is None


def test_float64_only_from_float64():
    same(np.array([1.0]) * onp.float64(2), [2])
    same(np.array([1], dtype="int32") / 2, [0.5])
    same(np.array([1], dtype="float64") * 2, [2], onp.float64)
    same(np.array([1.0]) + np.array([1.0], dtype="float64"), [2], onp.float64)
    same(np.array([1.0]) + onp.ones(1), [2])


def test_dot_of_vectors_has_no_axes_also_when_recorded():
    x = np.array([1.0, 2.0])
    x.attach_grad()

    with autograd.record():
        y = np.dot(x, x)
    y.backward()

    assert y.shape == ()
    same(x.grad, [2, 4])


def test_write_into_a_recorded_array_is_refused():
    x = np.array([1.0, 2.0])
    x.attach_grad()

    with autograd.record():
        y = x * 2
        for write in (lambda: y.sort(), lambda: np.random.shuffle(y), lambda: y.__setitem__(0, 1)):
            with pytest.raises(MXNetError, match="already in a computational graph"):
                write()


# What MXNet 1.9.1's npx.reshape makes of these shapes.
@pytest.mark.parametrize(
    ("shape", "codes", "expected"),
    [
        ((2, 3, 4), (-2, -2, -4), (2, 3, 4)),
        ((2, 3, 4), (-1, 4), (6, 4)),
        ((2, 3, 4), (-5, -2), (6, 4)),
        ((2, 3, 4), (-6, 1, 2, -4), (1, 2, 3, 4)),
        ((2, 3, 4), (-6, -1, 2, -4), (1, 2, 3, 4)),
        ((2, 3, 4), (-2, -6, 3, -1, 4), (2, 3, 1, 4)),
        ((2, 3, 4), (-2, -5), (2, 12)),
        ((2, 3, 4), (2, -4, -1), (2, 3, 4, 1)),
        ((1, 2, 1, 3), (-3, -2, -3, -2), (2, 3)),
        ((1, 2, 1, 3), (-3, -4), (2, 1, 3)),
        ((1, 2, 1, 3), (-3, -1), (6,)),
        ((0, 3), (0, -2), (0, 3)),
        ((8, 3, 3, 3, 4, 4), (-6, 2, -1, -4), (2, 4, 3, 3, 3, 4, 4)),
        ((2, 3), 6, (6,)),
    ],
)
def test_reshape_has_codes_of_its_own(shape, codes, expected):
    a = np.array(onp.arange(onp.prod(shape)).reshape(shape))

    same(npx.reshape(a, codes), onp.arange(onp.prod(shape)).reshape(expected))


def test_reshape_reads_from_the_ends():
    a = np.zeros((8, 3, 3, 3, 4, 4))

    assert npx.reshape(a, (-1, -5), reverse=True).shape == (216, 16)
    assert npx.reshape(a, (-4, -5), reverse=True).shape == (8, 3, 3, 3, 16)
    assert npx.reshape(a, (-4, -6, 2, -1), reverse=True).shape == (8, 3, 3, 3, 4, 2, 2)


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ((-1, -1), "only one axis can be -1"),
        ((-3, -4), "-3 drops an axis of length 1, not 2"),
        ((-6, 2), "-6 needs the two numbers after it"),
        ((-6, 2, 2, -4), "-6 splits an axis into 2 times 2, not 2"),
        ((-2, -2, -2, -2), "more axes than there are"),
        ((-7,), "-7 is not a code"),
        ((5, -1), "do not divide the size"),
        ((4, 4), "the sizes differ"),
    ],
)
def test_codes_that_do_not_fit_are_refused(codes, why):
    with pytest.raises(ValueError, match=why):
        npx.reshape(np.zeros((2, 3)), codes)


def test_reshape_has_a_gradient():
    a = np.array(A)
    a.attach_grad()
    with autograd.record():
        y = (npx.reshape(a, (-5,)) * np.arange(6)).sum()
    y.backward()

    same(a.grad, onp.arange(6).reshape(2, 3))


def test_functions_of_shapes_and_places():
    a = np.array([[1, 0], [2, 3]])

    same(npx.nonzero(a), onp.argwhere(onp.asarray(a)), onp.int64)
    same(npx.arange_like(np.zeros((2, 3)), start=1, step=0.5), [[1, 1.5, 2], [2.5, 3, 3.5]])
    same(npx.arange_like(np.zeros((2, 4)), axis=-1, repeat=2), [0, 0, 1, 1])
    same(npx.batch_flatten(np.ones((2, 3, 4))), onp.ones((2, 12)))
    same(npx.cast(a, dtype="int32"), onp.asarray(a), onp.int32)
    same(npx.gather_nd(a, np.array([[1, 0], [1, 0]])), [3, 1])
    same(npx.shape_array(np.ones((2, 3, 4))), [2, 3, 4], onp.int64)
    same(npx.slice(a, begin=(0, 1), end=(None, None)), [[0], [3]])
    # MXNet's example: axes 0 and 1 of the second take the place of axis 0.
    like = np.ones((15, 2, 4))
    made = npx.reshape_like(np.ones((30, 7)), like, lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2)
    same(made, onp.ones((15, 2, 7)))


def test_names_that_numpy_had_before_its_release_2():
    a = np.array(A)

    assert onp.isnan([np.NAN, np.NaN]).all()
    assert (onp.inf, -onp.inf) == (np.PINF, np.NINF)
    assert onp.signbit([np.NZERO, np.PZERO]).tolist() == [True, False]
    same(np.alltrue(a > 0, axis=1), [False, False], bool)
    same(np.sometrue(a > 3, axis=1), [False, True], bool)
    same(np.product(a, axis=0), A.prod(axis=0))
    same(np.round_(a / 4, 1), onp.round(A / 4, 1))
    same(np.trapz(a, axis=1), [0, 4])
    same(np.in1d(a, np.array([3, 4])), [False, False, True, True, False, False], bool)
    same(np.msort(a), onp.sort(A, axis=0))
