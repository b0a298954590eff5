"""What networks are made of as functions: products, softmax, activations, normalisations."""

from __future__ import annotations

import math

import numpy as onp
import pytest

from glueball import autograd, gluon, nd, npx
from nd_values import close


def test_products():
    rng = onp.random.default_rng(5)
    a, b, c = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(5, 2, 3))
    na, nb, nc = (nd.array(x, dtype="float64") for x in (a, b, c))

    close(nd.dot(na, nb), a @ b, 1e-12)
    close(na.dot(nb), a @ b, 1e-12)
    close(nd.dot(na, na, transpose_b=True), a @ a.T, 1e-12)
    close(nd.dot(na, na, transpose_a=True), a.T @ a, 1e-12)
    close(nd.dot(nd.array([1, 2]), nd.array([3, 4])), [11])
    close(nd.dot(nc, nb), onp.tensordot(c, b, 1), 1e-12)
    close(nd.dot(nb.T, nc.transpose((2, 0, 1))), onp.tensordot(b.T, c.transpose(2, 0, 1), 1), 1e-12)
    close(nd.batch_dot(nc, nc, transpose_b=True), c @ c.transpose(0, 2, 1), 1e-12)
    with pytest.raises(
        ValueError, match=r"as long as the first of rhs for dot, found \(2, 3\) and \(2, 3\)"
    ):
        nd.dot(na, na)
    with pytest.raises(ValueError, match=r"for batch_dot, found \(2, 3\) and \(3, 4\)"):
        nd.batch_dot(na, nb)


def test_fully_connected():
    rng = onp.random.default_rng(5)
    x, w, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 12)), rng.normal(size=5)
    nx, nw, nb = (nd.array(v, dtype="float64") for v in (x, w, b))

    close(nd.FullyConnected(nx, nw, nb, num_hidden=5), x.reshape(2, 12) @ w.T + b, 1e-12)
    close(nd.FullyConnected(nx, nw, no_bias=True), x.reshape(2, 12) @ w.T, 1e-12)
    close(nd.FullyConnected(nx, nw[:, :4].copy(), nb, flatten=False), x @ w[:, :4].T + b, 1e-12)
    assert nd.FullyConnected(nx[:0], nw, nb).shape == (0, 5)
    with pytest.raises(ValueError, match=r"weight of shape \(6, 12\).*found \(5, 12\)"):
        nd.FullyConnected(nx, nw, nb, num_hidden=6)
    with pytest.raises(ValueError, match=r"bias of shape \(5,\).*found \(4,\)"):
        nd.FullyConnected(nx, nw, nb[:4])


def test_softmax():
    x = onp.random.default_rng(5).normal(size=(2, 3, 4))
    nx = nd.array(x, dtype="float64")

    for axis in (-1, 0, 1):
        e = onp.exp(x)
        expected = e / e.sum(axis=axis, keepdims=True)
        close(nd.softmax(nx, axis=axis), expected, 1e-12)
        close(nd.log_softmax(nx, axis=axis), onp.log(expected), 1e-12)
    e = onp.exp(x / 2)
    close(nd.softmax(nx, temperature=2), e / e.sum(axis=-1, keepdims=True), 1e-12)
    masked = nd.softmax(nx[0], length=nd.array([2, 4, 0]), use_length=True).asnumpy()
    onp.testing.assert_allclose(masked.sum(axis=1), [1, 1, 0])
    assert (masked[0, 2:] == 0).all()


def test_softmax_cross_entropy():
    x, label = onp.random.default_rng(5).normal(size=(3, 4)), [1, 3, 0]
    p = onp.exp(x) / onp.exp(x).sum(axis=1, keepdims=True)

    loss = nd.softmax_cross_entropy(nd.array(x, dtype="float64"), nd.array(label))

    close(loss, [-onp.log(p[range(3), label]).sum()], 1e-12)
    with pytest.raises(IndexError, match=r"labels in 0\.\.3, found 4 at position 1"):
        nd.softmax_cross_entropy(nd.array(x), nd.array([1, 4, 0]))


def test_leaky_activations():
    x = nd.array([-2, 3])

    close(nd.LeakyReLU(x, slope=0.1), [-0.2, 3])
    close(nd.LeakyReLU(x, act_type="elu", slope=0.5), [0.5 * math.expm1(-2), 3])
    # lambda = 1.0507..., alpha = 1.67326... (Klambauer et al. 2017)
    close(
        nd.LeakyReLU(x, act_type="selu"),
        [1.0507009873554805 * 1.6732632423543772 * math.expm1(-2), 1.0507009873554805 * 3],
    )
    close(nd.LeakyReLU(x, nd.array([0.3]), act_type="prelu"), [-0.6, 3])
    close(nd.LeakyReLU(x, act_type="rrelu", lower_bound=0.1, upper_bound=0.3), [-0.4, 3])
    with autograd.train_mode():
        drawn = nd.LeakyReLU(nd.full((1000,), -1), act_type="rrelu").asnumpy()
    assert -0.334 <= drawn.min() < drawn.max() <= -0.125
    with pytest.raises(ValueError, match="expected gamma"):
        nd.LeakyReLU(x, act_type="prelu")
    with pytest.raises(ValueError, match="found 'what'"):
        nd.LeakyReLU(x, act_type="what")
    with pytest.raises(ValueError, match=r"expected an activation among gelu.*found 'rleu'"):
        nd.Activation(x, "rleu")


def test_normalisations():
    x = onp.random.default_rng(5).normal(size=(2, 3, 4))
    nx = nd.array(x, dtype="float64")

    close(
        nd.L2Normalization(nx, eps=0), x / onp.sqrt((x**2).sum(axis=(1, 2), keepdims=True)), 1e-12
    )
    close(
        nd.L2Normalization(nx, eps=0, mode="channel"),
        x / onp.sqrt((x**2).sum(axis=1, keepdims=True)),
        1e-12,
    )
    expected = (x - x.mean(axis=-1, keepdims=True)) / onp.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    one, two = nd.ones(4, dtype="float64"), nd.full(4, 2, dtype="float64")
    close(nd.LayerNorm(nx, two, one), 2 * expected + 1, 1e-12)


ROWS = {
    "nothing finite": [-math.inf, -math.inf, -math.inf],
    "one infinite": [0.0, math.inf, 1.0],
    "one not a number": [0.0, math.nan, 1.0],
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_softmax_of_a_row_without_a_largest_finite_number_is_nan(row, dtype):
    sound = [0.5, 0.25, 1.0]
    x = nd.array([row, sound], dtype=dtype)
    both, one = nd.array([0, 1]), nd.array([0])
    cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss
    dense = nd.one_hot(both, 3).astype(dtype)
    for results in (
        nd.softmax(x),
        nd.softmax(x, temperature=2),
        nd.softmax(x.T, axis=0).T,
        nd.softmax(x, length=nd.array([3, 3]), use_length=True),
        nd.log_softmax(x),
        nd.log_softmax(x, temperature=2),
        nd.log_softmax(x.T, axis=0).T,
        nd.softmin(-x),
        nd.SoftmaxActivation(x),
        nd.SoftmaxActivation(x.reshape((2, 3, 1)), mode="channel"),
        npx.softmax(x.as_np_ndarray()).as_nd_ndarray(),
        npx.log_softmax(x.as_np_ndarray()).as_nd_ndarray(),
        gluon.nn.Lambda("softmax")(x),
        gluon.nn.HybridSequential(gluon.nn.HybridLambda("log_softmax"))(x),
        cross_entropy()(x, both),
        cross_entropy()(x, both, nd.ones((2,), dtype=dtype)),
        cross_entropy(sparse_label=False)(x, dense),
        gluon.loss.KLDivLoss(from_logits=False)(x, nd.softmax(nd.ones_like(x))),
    ):
        assert onp.isnan(results[0].asnumpy()).all()
        assert onp.isfinite(results[1].asnumpy()).all()
    assert onp.isnan(nd.softmax_cross_entropy(x[:1], one).asnumpy()).all()


def test_softmax_gives_nothing_to_what_does_not_count():
    x = nd.array([[1.0, -math.inf, 1.0], [-math.inf, -math.inf, 1.0], [1.0, 2.0, 3.0]])

    found = nd.softmax(x, length=nd.array([2, 2, 0]), use_length=True)

    onp.testing.assert_array_equal(found, [[1, 0, 0], [math.nan, math.nan, 0], [0, 0, 0]])
    onp.testing.assert_array_equal(nd.softmax(x[0]), [0.5, 0, 0.5])
