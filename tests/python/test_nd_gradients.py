"""Derivatives of every differentiable function of `nd`, and of NumPy's on arrays, in float64.

Each is compared with central differences of a weighted sum of its result.
"""

from __future__ import annotations

import math

import numpy as onp
import pytest

from glueball import autograd, nd, np

RNG_SEED = 20170728


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


rng = onp.random.default_rng(RNG_SEED)
A = rng.normal(size=(3, 4))
B = rng.normal(size=(3, 4))
ROW = rng.normal(size=(1, 4))
POSITIVE = rng.uniform(0.5, 2.0, size=(3, 4))
UNIT = rng.uniform(-0.9, 0.9, size=(3, 4))
ABOVE_ONE = rng.uniform(1.2, 3.0, size=(3, 4))
CUBE = rng.normal(size=(2, 3, 4))
ZEROS = onp.where(rng.uniform(size=(3, 4)) < 0.4, 0.0, A)
INDEX = onp.array([2.0, 0.0, 2.0])

ONE_ARRAY = {
    "exp": (nd.exp, A),
    "expm1": (nd.expm1, A),
    "log": (nd.log, POSITIVE),
    "log2": (nd.log2, POSITIVE),
    "log10": (nd.log10, POSITIVE),
    "log1p": (nd.log1p, POSITIVE),
    "sqrt": (nd.sqrt, POSITIVE),
    "rsqrt": (nd.rsqrt, POSITIVE),
    "cbrt": (nd.cbrt, POSITIVE),
    "rcbrt": (nd.rcbrt, POSITIVE),
    "square": (nd.square, A),
    "reciprocal": (nd.reciprocal, POSITIVE),
    "negative": (nd.negative, A),
    "abs": (nd.abs, A),
    "sign": (nd.sign, A),
    "floor": (nd.floor, A),
    "ceil": (nd.ceil, A),
    "trunc": (nd.trunc, A),
    "fix": (nd.fix, A),
    "rint": (nd.rint, A),
    "round": (nd.round, A),
    "sin": (nd.sin, A),
    "cos": (nd.cos, A),
    "tan": (nd.tan, UNIT),
    "arcsin": (nd.arcsin, UNIT),
    "arccos": (nd.arccos, UNIT),
    "arctan": (nd.arctan, A),
    "sinh": (nd.sinh, A),
    "cosh": (nd.cosh, A),
    "tanh": (nd.tanh, A),
    "arcsinh": (nd.arcsinh, A),
    "arccosh": (nd.arccosh, ABOVE_ONE),
    "arctanh": (nd.arctanh, UNIT),
    "degrees": (nd.degrees, A),
    "radians": (nd.radians, A),
    "erf": (nd.erf, A),
    "erf in the tail": (nd.erf, 3 * A),
    "erfinv": (nd.erfinv, UNIT),
    "gamma": (nd.gamma, POSITIVE),
    "gammaln": (nd.gammaln, POSITIVE),
    "gammaln below 0": (nd.gammaln, -POSITIVE - 0.013),
    "smooth_l1": (lambda x: nd.smooth_l1(x, scalar=1.5), A),
    "clip": (lambda x: nd.clip(x, -0.5, 0.5), A),
    "identity": (nd.identity, A),
    "cast": (lambda x: nd.cast(x, "float64"), A),
    "relu": (nd.relu, A),
    "sigmoid": (nd.sigmoid, A),
    "log_sigmoid": (nd.log_sigmoid, A),
    "softrelu": (nd.softrelu, A),
    "softplus": (nd.softplus, A),
    "softsign": (nd.softsign, A),
    "silu": (nd.silu, A),
    "mish": (nd.mish, A),
    "gelu": (nd.gelu, A),
    "hard_sigmoid": (nd.hard_sigmoid, 3 * A),
    "hard_swish": (nd.hard_swish, 3 * A),
    "softmax": (nd.softmax, A),
    "softmax axis 0, temperature": (lambda x: nd.softmax(x, axis=0, temperature=2.5), A),
    "softmax length": (
        lambda x: nd.softmax(x, axis=1, length=nd.array([1, 3, 4]), use_length=True),
        A,
    ),
    "softmin": (nd.softmin, A),
    "log_softmax": (nd.log_softmax, A),
    "log_softmax axis 1 of 3": (lambda x: nd.log_softmax(x, axis=1, temperature=0.5), CUBE),
    "softmax_cross_entropy": (lambda x: nd.softmax_cross_entropy(x, nd.array(INDEX)), A),
    "leaky": (lambda x: nd.LeakyReLU(x, slope=0.1), A),
    "elu": (lambda x: nd.LeakyReLU(x, act_type="elu", slope=0.7), A),
    "selu": (lambda x: nd.LeakyReLU(x, act_type="selu"), A),
    "rrelu in prediction": (lambda x: nd.LeakyReLU(x, act_type="rrelu"), A),
    "L2Normalization": (nd.L2Normalization, CUBE),
    "L2Normalization channel": (lambda x: nd.L2Normalization(x, mode="channel"), CUBE),
    "L2Normalization spatial": (lambda x: nd.L2Normalization(x, mode="spatial"), CUBE),
    "sum": (nd.sum, A),
    "sum axis": (lambda x: nd.sum(x, axis=(0, 2)), CUBE),
    "sum exclude, keepdims": (lambda x: nd.sum(x, axis=1, exclude=True, keepdims=True), CUBE),
    "nansum": (nd.nansum, A),
    "mean": (nd.mean, A),
    "mean axis": (lambda x: nd.mean(x, axis=1), CUBE),
    "max": (nd.max, A),
    "max axis": (lambda x: nd.max(x, axis=1, keepdims=True), CUBE),
    "min": (lambda x: nd.min(x, axis=0), CUBE),
    "prod": (lambda x: nd.prod(x, axis=1), A),
    "prod of zeros": (lambda x: nd.prod(x, axis=(0, 2)), onp.where(CUBE > 1, 0, CUBE)),
    "prod with one axis of length 1": (lambda x: nd.prod(x, axis=0), ROW),
    "nanprod": (nd.nanprod, A),
    "norm": (nd.norm, A),
    "norm axis": (lambda x: nd.norm(x, axis=1, keepdims=True), A),
    "norm 1": (lambda x: nd.norm(x, ord=1, axis=0), A),
    "cumsum": (lambda x: nd.cumsum(x, axis=1), A),
    "cumsum of all": (nd.cumsum, A),
    "sort": (lambda x: nd.sort(x, axis=0, is_ascend=False), A),
    "sort of all": (lambda x: nd.sort(x, axis=None), A),
    "topk": (lambda x: nd.topk(x, k=2, ret_typ="value"), A),
    "reshape": (lambda x: nd.reshape(x, (0, -4, 2, -1)), A),
    "flatten": (nd.flatten, CUBE),
    "expand_dims": (lambda x: nd.expand_dims(x, axis=-1), A),
    "squeeze": (nd.squeeze, ROW),
    "transpose": (nd.transpose, CUBE),
    "transpose axes": (lambda x: nd.transpose(x, (1, 2, 0)), CUBE),
    "swapaxes": (lambda x: nd.swapaxes(x, 0, 2), CUBE),
    "moveaxis": (lambda x: nd.moveaxis(x, 0, 2), CUBE),
    "flip": (lambda x: nd.flip(x, axis=1), A),
    "tile": (lambda x: nd.tile(x, (2,)), A),
    "tile more axes": (lambda x: nd.tile(x, (2, 1, 3)), A),
    "repeat": (lambda x: nd.repeat(x, 3, axis=0), A),
    "repeat all": (lambda x: nd.repeat(x, 2), A),
    "broadcast_to": (lambda x: nd.broadcast_to(x, (3, 4)), ROW),
    "broadcast_axis": (lambda x: nd.broadcast_axis(x, axis=0, size=5), ROW),
    "slice_axis": (lambda x: nd.slice_axis(x, axis=1, begin=1, end=-1), A),
    "slice": (lambda x: nd.slice(x, begin=(0, 1), end=(None, 4), step=(2, 1)), A),
    "slice_like": (lambda x: nd.slice_like(x, nd.zeros((2, 2))), A),
    "diag": (lambda x: nd.diag(x, k=1), A),
    "diag below": (lambda x: nd.diag(x, k=-1), A),
    "diag of a vector": (lambda x: nd.diag(x, k=2), A[0]),
    "pad": (
        lambda x: nd.pad(x, pad_width=(1, 0, 2, 1), constant_value=7),
        A,
    ),
    "take": (lambda x: nd.take(x, nd.array([[2, 0], [2, 2]])), A),
    "take wrap": (lambda x: nd.take(x, nd.array([5, -1]), axis=1, mode="wrap"), A),
    "Embedding": (lambda x: nd.Embedding(nd.array(INDEX), x), A),
    "pick": (lambda x: nd.pick(x, nd.array(INDEX), axis=1), A),
    "pick keepdims": (lambda x: nd.pick(x, nd.array([1, 0, 2, 1]), axis=0, keepdims=True), A),
    "gather_nd": (lambda x: nd.gather_nd(x, nd.array([[0, 2, 0], [1, 3, 1]])), A),
    "scatter_nd": (lambda x: nd.scatter_nd(x, nd.array([[0, 2, 1, 3]]), (5,)), A[0]),
    "boolean_mask": (lambda x: nd.boolean_mask(x, nd.array([1, 0, 1])), A),
    "SequenceMask": (
        lambda x: nd.SequenceMask(x, nd.array([1, 2, 0]), True, value=3),
        CUBE,
    ),
    "SequenceLast": (lambda x: nd.SequenceLast(x, nd.array([1, 2, 2]), True), CUBE),
    "SequenceReverse": (lambda x: nd.SequenceReverse(x, nd.array([1, 2, 2]), True), CUBE),
    "getitem row": (lambda x: x[1], A),
    "getitem element": (lambda x: x[1, 2], A),
    "getitem slices": (lambda x: x[::2, 1:3], A),
    "getitem list": (lambda x: x[[0, 2, 0]], A),
    "getitem array": (lambda x: x[nd.array([0, 2, 0])], A),
    "getitem comparison": (lambda x: x[x > 0], A),
    "getitem new axis": (lambda x: x[None, ..., 1], A),
    "T": (lambda x: x.T, A),
    "copy": (lambda x: x.copy(), A),
    "ravel": (lambda x: x.ravel(), A),
    "diagonal": (lambda x: x.diagonal(), A),
    "diagonal of planes": (lambda x: x.diagonal(1, axis1=2, axis2=0), CUBE),
    "trace": (lambda x: x.trace(), A),
    "var": (lambda x: x.var(), A),
    "std": (lambda x: x.std(axis=0), A),
    "scalar arithmetic": (lambda x: 2 * x - 1 / (x + 3) + (3 - x) / 2 - (-x), POSITIVE),
    "scalar powers": (lambda x: x**3 + x**2 + 2**x + x**0.5 + x**-1, POSITIVE),
    "square of a negative": (lambda x: x**2 + x**3, A),
    "remainder": (lambda x: x % 0.7, POSITIVE),
    "iteration": (lambda x: nd.add_n(*[row * row for row in x]), A),
    "one input twice": (lambda x: x * x + x, A),
    "np.exp": (onp.exp, A),
    "np.sum": (lambda x: onp.sum(x, axis=0), A),
    "np.mean": (lambda x: onp.mean(x, axis=1, keepdims=True), A),
    "np.max": (lambda x: onp.max(x, axis=1), A),
    "np.add.reduce": (lambda x: onp.add.reduce(x, axis=1), A),
    "np.take": (lambda x: onp.take(x, [3, 3, 0]), A),
    "np.flip": (onp.flip, A),
    "np.tile": (lambda x: onp.tile(x, 2), A),
    "np.clip": (lambda x: onp.clip(x, -0.5, 0.5), A),
    "np.einsum": (lambda x: onp.einsum("ij,kj->ik", x, x), A),
    "np.cumsum": (lambda x: onp.cumsum(x, axis=0), A),
    "np.linalg.norm": (lambda x: onp.linalg.norm(x, axis=1), A),
    "np.linalg.det": (lambda x: onp.linalg.det(x), CUBE[:, :2, :2]),
    "np.linalg.inv": (lambda x: onp.linalg.inv(x), CUBE[:, :2, :2] + 3 * onp.eye(2)),
    "np.roll": (lambda x: onp.roll(x, 1, axis=1), A),
    "np.split": (lambda x: onp.split(x, 2, axis=1)[1], A),
    "np.stack": (lambda x: onp.stack([x, x * 2], axis=1), A),
    "np.where": (lambda x: onp.where(x > 0, x, 0.1 * x), A),
}  # fmt: skip

TWO_ARRAYS = {
    "add": (nd.add, A, ROW),
    "subtract": (nd.subtract, ROW, A),
    "multiply": (nd.multiply, A, ROW),
    "divide": (nd.divide, ROW, POSITIVE),
    "modulo": (nd.modulo, POSITIVE, ABOVE_ONE / 4),
    "power": (nd.power, POSITIVE, A),
    "maximum": (nd.maximum, A, B),
    "minimum": (nd.minimum, A, ROW),
    "hypot": (nd.hypot, A, B),
    "operators": (lambda a, b: (a + b) * (a - b) / (b * b + 1) - a, A, ROW),
    "where": (lambda a, b: nd.where(nd.array(A > 0), a, b), A, B),
    "where rows": (lambda a, b: nd.where(nd.array([1, 0, 1]), a, b), A, B),
    "add_n": (lambda a, b: nd.add_n(a, b, a), A, B),
    "concat": (lambda a, b: nd.concat(a, b, a, dim=1), A, A[:, :1]),
    "concat of rows": (lambda a, b: nd.concat(a, b, dim=0), A, ROW),
    "stack": (lambda a, b: nd.stack(a, b, axis=1), A, B),
    "dot": (nd.dot, A, B.T),
    "dot of vectors": (nd.dot, A[0], B[0]),
    "dot of matrix and vector": (nd.dot, A, B[0]),
    "dot transposed": (lambda a, b: nd.dot(a, b, transpose_a=True), A, B),
    "dot both transposed": (lambda a, b: nd.dot(a, b, True, True), A, B[:, :3]),
    "dot of three axes": (nd.dot, CUBE, rng.normal(size=(4, 2, 3))),
    "batch_dot": (nd.batch_dot, CUBE, rng.normal(size=(2, 4, 2))),
    "batch_dot transposed": (lambda a, b: nd.batch_dot(a, b, False, True), CUBE, CUBE[:, :2]),
    "matmul": (lambda a, b: a @ b, A, B.T),
    "prelu": (lambda a, b: nd.LeakyReLU(a, b, act_type="prelu"), CUBE, onp.array([0.1, 0.2, 0.3])),
    "prelu of one slope": (lambda a, b: nd.LeakyReLU(a, b, act_type="prelu"), A, onp.array([0.3])),
    "FullyConnected without bias": (lambda a, b: nd.FullyConnected(a, b, no_bias=True), A, B),
    "arctan2": (onp.arctan2, A, B),
    "logaddexp": (onp.logaddexp, A, B),
    "np.concatenate": (lambda a, b: onp.concatenate([a, b], axis=0), A, B),
    "np.dot": (onp.dot, A, B.T),
    "np.tensordot": (lambda a, b: onp.tensordot(a, b, axes=2), A, B),
    "np.outer": (onp.outer, A[0], B[0]),
}  # fmt: skip

THREE_ARRAYS = {
    "FullyConnected": (lambda a, b, c: nd.FullyConnected(a, b, c, num_hidden=2), A, B[:2], ROW[0, :2]),
    "FullyConnected flattening": (
        nd.FullyConnected, CUBE, rng.normal(size=(2, 12)), rng.normal(size=2),
    ),
    "FullyConnected on the last axis": (
        lambda a, b, c: nd.FullyConnected(a, b, c, flatten=False),
        CUBE, rng.normal(size=(2, 4)), rng.normal(size=2),
    ),
    "LayerNorm": (nd.LayerNorm, A, ROW[0], B[0]),
    "LayerNorm axis": (
        lambda a, b, c: nd.LayerNorm(a, b, c, axis=1), CUBE, rng.normal(size=3), rng.normal(size=3),
    ),
}  # fmt: skip

CASES = {**ONE_ARRAY, **TWO_ARRAYS, **THREE_ARRAYS}


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
