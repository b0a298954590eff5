"""Making arrays: values, shapes, dtypes, contexts."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import MXNetError, gluon, gpu, init, nd
from nd_values import A, same


@pytest.mark.parametrize(
    "source",
    [
        [1, 2],
        (1, 2),
        onp.array([1, 2]),
        onp.array([1.0, 2.0]),
        [True, False],
        onp.array([True, False]),
    ],
)
def test_array_is_float32_whatever_it_is_made_of(source):
    same(nd.array(source), onp.asarray(source, onp.float32))


def test_array_takes_a_dtype_and_keeps_that_of_an_ndarray():
    same(nd.array([1, 2], dtype="int32"), [1, 2], onp.int32)
    same(nd.array(nd.array([1, 2], dtype="float64")), [1, 2], onp.float64)


def test_array_is_a_copy():
    source = onp.ones(2, onp.float32)
    a = nd.array(source)
    a[:] = 5

    assert source.tolist() == [1, 1]


def test_ragged_list_is_a_type_error():
    with pytest.raises(TypeError, match=r"source_array must be array like object.*pad the shorter"):
        nd.array([[1, 2], [3]])
    with pytest.raises(TypeError, match="source_array must be array like object"):
        nd.array(["a"])


def test_makers():
    same(nd.zeros((2, 3)), onp.zeros((2, 3)))
    same(nd.zeros(3), onp.zeros(3))
    same(nd.ones((2,), dtype="int32"), onp.ones(2), onp.int32)
    same(nd.full((2, 2), 7), onp.full((2, 2), 7))
    same(nd.arange(5), onp.arange(5))
    same(nd.arange(1, 4, 0.5), onp.arange(1, 4, 0.5))
    same(nd.arange(2, repeat=2), [0, 0, 1, 1])
    same(nd.linspace(0, 1, 5), onp.linspace(0, 1, 5))
    same(nd.eye(3), onp.eye(3))
    same(nd.eye(2, 3, 1), onp.eye(2, 3, 1))
    same(nd.zeros_like(nd.array(A)), onp.zeros((2, 3)))
    same(nd.ones_like(nd.array(A, dtype="float64")), onp.ones((2, 3)), onp.float64)
    assert nd.empty((2, 3)).shape == (2, 3)
    assert nd.zeros((0, 3)).shape == (0, 3)


def test_float_arrays_from_empty_are_aligned():
    assert nd.empty((3,)).ctypes.data % 64 == 0


@pytest.mark.parametrize("shape", [-1, (2, -1), (2.5,), "ab"])
def test_shapes_that_are_none_are_refused(shape):
    with pytest.raises(ValueError, match="for 'zeros', found"):
        nd.zeros(shape)


def test_unknown_dtype_is_refused():
    with pytest.raises(TypeError, match=r"expected a dtype such as 'float32', found 'float31'"):
        nd.zeros(2, dtype="float31")


def test_gpu_context_is_refused_with_the_way_out():
    for make in (lambda: nd.zeros(2, ctx=gpu()), lambda: nd.ones(2).as_in_context(gpu(1))):
        with pytest.raises(MXNetError, match=r"found gpu\([01]\).*use cpu\(\)"):
            make()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nd.linspace(0, 1, -1), "for linspace, found num=-1"),
        (lambda: nd.eye(-1), "0 or more for 'eye'"),
        (lambda: nd.eye(2, -3), "0 or more for 'eye'"),
        (lambda: nd.arange(0, 1, 0), "for arange, found step=0 and repeat=1"),
        (lambda: nd.arange(3, repeat=-1), "repeat=-1"),
    ],
)
def test_arrays_of_no_possible_length_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^expected .*{message}.*; "):
        call()


@pytest.mark.parametrize("shape", [(0, 2**62), (2**62, 0), (2**31, 2**31, 0), (0, 2**61)], ids=str)
@pytest.mark.parametrize(
    "make",
    [
        nd.zeros, nd.ones, nd.empty, lambda shape: nd.full(shape, 3.0), nd.ones((0, 1)).reshape,
        lambda shape: nd.random.normal(shape=shape), lambda shape: nd.random.uniform(shape=shape),
        lambda shape: nd.broadcast_to(nd.ones((1,) * len(shape)), shape),
        lambda shape: gluon.Parameter("w", shape=shape).initialize(),
        lambda shape: gluon.Parameter("w", shape=shape, allow_deferred_init=True).set_data(nd.ones((0, 1))),
        lambda shape: init.create("zeros")(shape),
    ],
)  # fmt: skip
def test_an_empty_shape_whose_strides_overflow_is_refused(make, shape):
    with pytest.raises((ValueError, RuntimeError), match="[Ee]xpected") as caught:
        make(shape)
    assert isinstance(caught.value, MXNetError)
