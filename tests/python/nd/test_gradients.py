"""Derivatives of every differentiable function of `nd`, and of NumPy's on arrays, in float64.

Each is compared with central differences of a weighted sum of its result.
"""

from __future__ import annotations

import math

import numpy as onp
import pytest

from glueball import autograd, nd, np
from nd_cases import CASES, POSITIVE, A


def numeric_gradient(function, arrays, index, weights, step=1e-6):
    """Central differences of sum(weights * function(*arrays)) by the elements of one array."""
    base = [onp.array(a, onp.float64) for a in arrays]
    gradient = onp.zeros_like(base[index])
    for place in onp.ndindex(base[index].shape):
        values = []
        for sign in (1, -1):
            moved = [a.copy() for a in base]
            moved[index][place] += sign * step
            result = function(*[nd.array(a, dtype="float64") for a in moved]).asnumpy()
            values.append(float((result * weights).sum()))
        gradient[place] = (values[0] - values[1]) / (2 * step)
    return gradient


def check_gradient(function, *arrays, make=nd.array):
    inputs = [make(a, dtype="float64") for a in arrays]
    for x in inputs:
        x.attach_grad()
    with autograd.record(train_mode=False):
        y = function(*inputs)
    weights = onp.random.default_rng(1).normal(size=y.shape)
    y.backward(make(weights, dtype="float64"))

    for i, x in enumerate(inputs):

        def legacy(*args):
            return function(*[make(a.asnumpy(), dtype="float64") for a in args])

        expected = numeric_gradient(legacy, arrays, i, weights)
        onp.testing.assert_allclose(onp.asarray(x.grad), expected, rtol=1e-6, atol=1e-7)
        assert x.grad.dtype == onp.float64


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_central_differences(name):
    function, *arrays = CASES[name]
    check_gradient(function, *arrays)


@pytest.mark.parametrize("act_type", [
    "gelu", "hard_sigmoid", "hard_swish", "log_sigmoid", "mish", "relu", "sigmoid", "silu", "softrelu",
    "softsign", "swish", "tanh",
])  # fmt: skip
def test_gradient_of_each_activation_by_name(act_type):
    check_gradient(lambda x: nd.Activation(x, act_type), A)


NUMPY_MODE = {
    "sum": lambda x: x.sum(),
    "sum axis": lambda x: x.sum(axis=0, keepdims=True),
    "mean": lambda x: x.mean(axis=1),
    "max": lambda x: x.max(axis=0),
    "prod": lambda x: x.prod(axis=1),
    "element": lambda x: x[1, 2],
    "row": lambda x: x[-1],
    "mask": lambda x: x[x > 0],
    "reshape": lambda x: x.reshape(2, -1),
    "flatten": lambda x: x.flatten(),
    "T": lambda x: x.T,
    "dot": lambda x: np.dot(x, x.T),
    "matmul": lambda x: x @ x.T,
    "where": lambda x: np.where(x > 0, x, 0.1 * x),
    "where with a vector": lambda x: np.where(np.array([1, 0, 1, 1]), x, 2 * x),
    "clip": lambda x: x.clip(-0.5, 0.5),
    "abs": lambda x: np.abs(x),
    "concatenate": lambda x: np.concatenate([x, x], axis=1),
    "stack": lambda x: np.stack([x, x]),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: x[:1].squeeze(),
    "repeat": lambda x: x.repeat(2, axis=1),
    "take": lambda x: x.take([0, 2, 2], axis=0),
    "split": lambda x: x.split(2, axis=1)[0],
    "std": lambda x: x.std(),
    "var": lambda x: x.var(axis=0),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "cumsum": lambda x: x.cumsum(axis=0),
    "linalg": lambda x: np.linalg.norm(x),
    "astype": lambda x: x.astype("float64"),
    "item in a formula": lambda x: x * x[0, 0],
}


@pytest.mark.parametrize("name", NUMPY_MODE)
def test_gradient_in_numpy_mode(name):
    check_gradient(NUMPY_MODE[name], A, make=np.array)


def test_relu_has_derivative_zero_at_zero():
    x = nd.zeros((3,))
    x.attach_grad()

    with autograd.record():
        y = nd.relu(x) + nd.abs(x)
    y.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), 0)


def test_norm_of_zero_has_gradient_zero():
    x = nd.zeros((3,))
    x.attach_grad()

    with autograd.record():
        y = x.norm()
    y.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), 0)


def test_equal_largest_elements_share_the_gradient():
    x = nd.array([1, 3, 3])
    x.attach_grad()

    with autograd.record():
        y = x.max()
    y.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), [0, 0.5, 0.5])


@pytest.mark.parametrize(
    "function",
    [nd.relu, nd.sigmoid, nd.softrelu, nd.tanh, nd.gelu, nd.silu, nd.mish, nd.softsign, nd.log_sigmoid,
     nd.softmax, nd.log_softmax, nd.erf, nd.hard_swish],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_large_numbers_give_no_nan_and_no_warning(function):
    x = nd.array([[-1e4, -100, 0, 100, 1e4]])
    x.attach_grad()

    with autograd.record():
        y = function(x)
    y.backward()

    assert onp.isfinite(y.asnumpy()).all()
    assert onp.isfinite(x.grad.asnumpy()).all()


def test_nan_passes_through_relu():
    assert math.isnan(nd.relu(nd.array([float("nan")])).asscalar())


def test_dropout_scales_what_it_keeps_and_its_gradient_likewise():
    x = nd.ones((200, 50))
    x.attach_grad()

    with autograd.record():
        y = nd.Dropout(x, p=0.25)
    y.backward()

    values = y.asnumpy()
    assert set(onp.unique(values)) == {0.0, onp.float32(1 / 0.75)}
    # 10,000 draws: five standard errors of the share of zeros.
    assert abs((values == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / values.size)
    onp.testing.assert_array_equal(x.grad.asnumpy(), values)


def test_dropout_changes_nothing_in_prediction():
    x = nd.ones((4, 5))

    onp.testing.assert_array_equal(nd.Dropout(x, p=0.9).asnumpy(), x.asnumpy())
    assert (nd.Dropout(x, p=1.0, mode="always").asnumpy() == 0).all()


def test_float32_gradients_stay_float32():
    x = nd.array(A)
    x.attach_grad()

    with autograd.record():
        y = onp.sinc(x) + onp.einsum("ij->ij", x) * onp.float64(2)
    y.backward()

    assert y.dtype == onp.float32
    assert x.grad.dtype == onp.float32


def test_function_without_derivative_is_refused_when_it_is_recorded():
    x = nd.array(POSITIVE)
    x.attach_grad()

    with autograd.record():
        with pytest.raises(RuntimeError, match=r"known derivative, found numpy\.nextafter.*detach"):
            onp.nextafter(x, 2)
        with pytest.raises(RuntimeError, match=r"numpy\.i0.*autograd\.Function"):
            onp.i0(x)
        onp.nextafter(x.detach(), 2)  # a constant

    onp.nextafter(x, 2)  # not recording


def test_reduction_method_of_a_ufunc_without_derivative_is_refused():
    x = nd.array(A)
    x.attach_grad()

    with autograd.record(), pytest.raises(RuntimeError, match=r"add\.accumulate"):
        onp.add.accumulate(x)


def test_view_leaves_the_graph_and_backward_says_so():
    x = nd.array(A)
    x.attach_grad()

    with autograd.record():
        y = (x * 2).view() * 3

    with pytest.raises(RuntimeError, match=r"'ndarray\.view' applied to a recorded array.*detach"):
        y.backward()


# Arguments for NumPy's methods of a vector of two elements.
METHOD_ARGUMENTS = {
    "astype": ("float32",), "clip": (0, 1), "compress": ([1, 0],), "choose": ([0.0, 0.0],), "dot": ([1.0, 1.0],),
    "fill": (1.0,), "getfield": ("float32",), "partition": (0,), "put": ([0], [1.0]), "repeat": (2,),
    "reshape": (2, 1), "resize": ((2,),), "setfield": (1.0, "float32"), "swapaxes": (0, 0), "take": ([0],),
}  # fmt: skip
METHODS = [
    name
    for name in dir(onp.ndarray)
    if not name.startswith("_") and name not in ("newbyteorder", "tostring")  # gone in NumPy 2
]
# What is a constant, and what leaves the graph as its name says.
CONSTANT = {"argmax", "argmin", "argsort", "imag", "base", "detach", "asnumpy", "grad", "zeros_like", "ones_like",
            "one_hot", "argmax_channel", "topk", "flat", "as_np_ndarray"}  # fmt: skip


@pytest.mark.parametrize("make", [nd.array, np.array], ids=["nd", "np"])
@pytest.mark.parametrize("name", METHODS)
def test_no_method_leaves_the_graph_in_silence(make, name):
    x = make([1.0, 2.0])
    x.attach_grad()

    with autograd.record():
        y = x * 2
        before = y.asnumpy()
        try:
            result = getattr(y, name)
            if callable(result):
                result = result(*METHOD_ARGUMENTS.get(name, ()))
        except (RuntimeError, TypeError, ValueError, AttributeError):
            result = None  # refused

    onp.testing.assert_array_equal(y.asnumpy(), before)
    if isinstance(result, onp.ndarray) and result.dtype.kind == "f" and name not in CONSTANT:
        assert result._node is not None


def test_random_draw_with_log_probability_has_its_gradient():
    p = nd.array([0.2, 0.5, 0.3])
    p.attach_grad()

    with autograd.record():
        sample, log_p = nd.random.multinomial(p, shape=40, get_prob=True)
    log_p.backward()

    counts = onp.bincount(sample.asnumpy(), minlength=3)
    onp.testing.assert_allclose(log_p.asnumpy(), onp.log(p.asnumpy())[sample.asnumpy()], rtol=1e-6)
    onp.testing.assert_allclose(p.grad.asnumpy(), counts / p.asnumpy(), rtol=1e-5)
