"""NDArray itself: printing, attributes, conversions, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as onp
import pytest

from glueball import autograd, cpu, nd
from nd_values import A, same


def test_repr_and_str_are_the_values_then_shape_and_context():
    a = nd.array([[1, 2, 3], [4, 5, 6]])

    assert repr(a) == "\n[[1. 2. 3.]\n [4. 5. 6.]]\n<NDArray 2x3 @cpu(0)>"
    assert str(a) == repr(a)
    assert f"{a}" == repr(a)


def test_repr_of_a_context_and_of_a_number():
    assert repr(nd.zeros(1, ctx=cpu(1))).endswith("<NDArray 1 @cpu(1)>")
    assert repr(nd.array(5)) == "\n[5.]\n<NDArray 1 @cpu(0)>"
    assert repr(onp.array(5.0, onp.float32).view(nd.NDArray)) == "\n5.0\n<NDArray  @cpu(0)>"


def test_long_arrays_are_shortened():
    assert "..." in repr(nd.arange(1001))
    assert "..." not in repr(nd.arange(1000))


def test_format_of_one_number_takes_a_format_spec():
    assert f"{nd.array([3.14159]):.2f}" == "3.14"


def test_attributes():
    a = nd.array(A)

    assert (a.shape, a.size, a.ndim, a.stype, a.grad) == ((2, 3), 6, 2, "default", None)
    assert a.dtype == onp.float32
    assert a.context == a.ctx == cpu()
    same(a.T, A.T)
    assert a.as_in_context(cpu()) is a
    a.wait_to_read()
    nd.waitall()


def test_asnumpy_is_a_plain_copy():
    a = nd.array(A)
    b = a.asnumpy()
    b[:] = 0

    assert type(b) is onp.ndarray
    same(a, A)


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 1, 1)])
def test_one_element_converts_to_numbers(shape):
    a = nd.full(shape, 3.5)

    assert a.asscalar() == 3.5
    assert onp.ndim(a.asscalar()) == 0
    assert float(a) == 3.5
    assert int(a) == 3
    assert a.item() == 3.5
    assert bool(a)


def test_several_elements_do_not_convert():
    a = nd.ones(2)

    for convert in (nd.NDArray.asscalar, float, int):
        with pytest.raises(ValueError, match="The current array is not a scalar"):
            convert(a)
    with pytest.raises(
        ValueError, match="The truth value of an NDArray with multiple elements is ambiguous"
    ):
        bool(a)


def test_length_and_iteration():
    assert len(nd.ones((3, 2))) == 3
    assert [row.shape for row in nd.ones((3, 2))] == [(2,)] * 3
    assert [x.shape for x in nd.ones(3)] == [(1,)] * 3
    assert nd.ones((2, 2)).tolist() == [[1, 1], [1, 1]]


def test_arrays_are_hashable_by_identity_and_compare_with_none():
    a, b = nd.ones(2), nd.ones(2)

    assert len({a, b, a}) == 2
    assert (a == None) is False
    assert (a != None) is True


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, copy.copy, lambda a: pickle.loads(pickle.dumps(a))]
)
def test_copies_and_pickles_have_the_numbers_and_no_graph(clone):
    a = nd.array(A)
    a.attach_grad()
    with autograd.record():
        b = a * 2

    c = clone(b)

    same(c, 2 * A)
    assert type(c) is nd.NDArray
    assert c._node is None
    c[:] = 0
    same(b, 2 * A)


def test_copyto():
    a, b = nd.array(A), nd.zeros((2, 3))

    assert a.copyto(b) is b
    same(b, A)
    same(a.copyto(cpu()), A)
    with pytest.raises(
        ValueError, match=r"shape \(2, 3\) to copy to, found NDArray of shape \(3,\)"
    ):
        a.copyto(nd.zeros(3))
