"""Embedding: rows of its weight, and their gradients."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, init, nd, npx
from glueball import np as gnp
from glueball.gluon import nn


def made(rows=5, columns=3, **settings):
    layer = nn.Embedding(rows, columns, **settings)
    layer.initialize(init.Normal(1))
    return layer


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 1, 2)])
def test_output_has_the_indices_shape_and_then_the_vectors(shape, dtype):
    layer = made()
    indices = onp.arange(onp.prod(shape)).reshape(shape) % 5

    y = layer(nd.array(indices, dtype=dtype))

    assert y.shape == (*shape, 3)
    onp.testing.assert_array_equal(y.asnumpy(), layer.weight.data().asnumpy()[indices])


def test_gradients_of_a_repeated_index_add_up():
    layer = made()
    head = onp.arange(12.0).reshape(4, 3)
    indices = onp.array([1, 4, 1, 1])

    with autograd.record():
        y = layer(nd.array(indices))
    y.backward(nd.array(head))

    wanted = onp.zeros((5, 3))
    onp.add.at(wanted, indices, head)
    onp.testing.assert_array_equal(layer.weight.grad().asnumpy(), wanted)


def test_repr_and_dtype():
    layer = made(3, 4, dtype="float64")

    assert repr(nn.Embedding(3, 4)) == "Embedding(3 -> 4, float32)"
    assert repr(layer) == "Embedding(3 -> 4, float64)"
    assert layer(nd.array([0])).dtype == onp.float64
    assert layer.weight.name == "embedding0_weight"


def test_weight_initializer_fills_the_weight():
    layer = made(2, 2, weight_initializer=init.Constant(3.0))

    onp.testing.assert_array_equal(layer(nd.array([1])).asnumpy(), [[3, 3]])


def test_embedding_begins_a_net_whose_shapes_are_inferred():
    net = nn.HybridSequential()
    net.add(nn.Embedding(10, 4), nn.Dense(2))
    net.initialize()

    net.infer_shape((None, 3))

    assert net[1].weight.data().shape == (2, 12)
    assert net(nd.array([[1, 2, 3]])).shape == (1, 2)


def test_weights_can_be_tied_and_saved(tmp_path):
    first = made()
    second = nn.Embedding(5, 3, params=first.params)
    assert second.weight is first.weight
    first.save_parameters(str(tmp_path / "vectors.npz"))

    other = nn.Embedding(5, 3)
    other.load_parameters(str(tmp_path / "vectors.npz"))

    x = nd.array([0, 3])
    onp.testing.assert_array_equal(other(x).asnumpy(), second(x).asnumpy())


def test_numpy_mode():
    npx.set_np()
    try:
        y = made()(gnp.array([1, 2]))
        assert type(y) is gnp.ndarray
    finally:
        npx.reset_np()


@pytest.mark.parametrize("wrong", [5, -1, 1000])
def test_index_out_of_range_is_an_index_error_and_not_clipped(wrong):
    with pytest.raises(
        IndexError, match=rf"expected indices from 0 to 4 .*'embedding0', found {wrong}"
    ):
        made()(nd.array([0, wrong]))


@pytest.mark.parametrize("wrong", [0.5, onp.nan, onp.inf])
def test_index_that_is_not_whole_is_refused(wrong):
    with pytest.raises(TypeError, match="expected integers in the input of 'embedding0'"):
        made()(nd.array([0, wrong]))


def test_no_indices_give_no_vectors():
    assert made()(nd.array([1, 2])[0:0]).shape == (0, 3)


def test_sparse_gradients_are_refused():
    with pytest.raises(ValueError, match="expected sparse_grad=False for Embedding, found True"):
        nn.Embedding(3, 4, sparse_grad=True)


@pytest.mark.parametrize(("rows", "columns"), [(0, 4), (3, 0), (-1, 4)])
def test_dimensions_have_to_be_positive(rows, columns):
    with pytest.raises(ValueError, match="put_dim of Embedding to be 1 or more"):
        nn.Embedding(rows, columns)


def test_dimensions_have_to_be_integers():
    with pytest.raises(TypeError, match="expected an integer as input_dim of Embedding"):
        nn.Embedding("many", 4)
