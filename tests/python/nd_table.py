"""Every function of `nd` with arguments, and what NumPy's plain functions say of the result.

Arrays among the arguments become NDArrays. An entry has one call or several: arguments, keywords, the expected
values, and the dtype where it is not float32.
"""

from __future__ import annotations

import math

import numpy as onp
from scipy import special, stats

rng = onp.random.default_rng(7)
X = rng.normal(size=(2, 3))
Y = rng.normal(size=(2, 3))
POSITIVE = rng.uniform(0.5, 2.0, size=(2, 3))
UNIT = rng.uniform(-0.9, 0.9, size=(2, 3))
ABOVE_ONE = rng.uniform(1.2, 3.0, size=(2, 3))
CUBE = rng.normal(size=(2, 3, 4))
WITH_NAN = onp.where(X > 0.3, onp.nan, X)
HALVES = onp.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -1.9, 1.9, 2.1])
TRUTHS = onp.array([[0.0, 1.0, 2.0], [0.0, 0.0, -1.0]])
OTHERS = onp.array([[0.0, 0.0, 1.0], [3.0, 0.0, 0.0]])
INDEX = onp.array([2.0, 0.0])
LENGTHS = onp.array([1.0, 2.0, 2.0])


def call(*args, expected, result="float32", **kwargs):
    return args, kwargs, expected, result


def each(x, expected):
    return [call(x, expected=expected)]


def pair(formula, x=X, y=Y):
    """Two arrays, one that broadcasts, and a number on either side."""
    return [
        call(x, y, expected=formula(x, y)),
        call(x, y[:1], expected=formula(x, y[:1])),
        call(x, 0.5, expected=formula(x, 0.5)),
        call(0.5, y, expected=formula(0.5, y)),
    ]


def reduction(formula, x=CUBE):
    return [
        call(x, expected=formula(x)),
        call(x, axis=1, expected=formula(x, axis=1)),
        call(x, axis=(0, -1), expected=formula(x, axis=(0, -1))),
        call(x, axis=1, keepdims=True, expected=formula(x, axis=1, keepdims=True)),
        call(x, axis=1, exclude=True, expected=formula(x, axis=(0, 2))),
        call(
            x, axis=(0, 2), exclude=True, keepdims=True, expected=formula(x, axis=1, keepdims=True)
        ),
    ]


def sigmoid(x):
    return 1 / (1 + onp.exp(-x))


def softmax(x, axis=-1):
    e = onp.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def normalised(x, axes, epsilon):
    return (x - x.mean(axis=axes, keepdims=True)) / onp.sqrt(
        x.var(axis=axes, keepdims=True) + epsilon
    )


def norm2(x, axis=None, keepdims=False):
    return onp.sqrt(onp.sum(x * x, axis=axis, keepdims=keepdims))


def row(v):
    return onp.asarray(v, float)


MEANS = onp.array([-0.5, 1.5])
SPREADS = onp.array([0.5, 2.0])
COUNTS = onp.array([[0.0, 3.0, 1.0], [2.0, 0.0, 7.0]])
SHARES = onp.array([[[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]])


def density(sample, *parameters, of, classes=0):
    """Return density and log-density of a frozen SciPy distribution, with an axis for the draws."""
    distribution = of(*[p if classes else p[:, None] for p in parameters])
    if classes:
        wanted = onp.array([[distribution.logpdf(each) for each in row] for row in sample])
    else:
        wanted = getattr(distribution, "logpdf", None) or distribution.logpmf
        wanted = wanted(sample)
    return [
        call(sample, *(p[None] if classes else p for p in parameters), expected=onp.exp(wanted)),
        call(
            sample, *(p[None] if classes else p for p in parameters), is_log=True, expected=wanted
        ),
    ]


DESCENDING = onp.argsort(-X, axis=-1)

TABLE = {
    # Each element by itself.
    "abs": each(X, onp.abs(X)),
    "arccos": each(UNIT, onp.arccos(UNIT)),
    "arccosh": each(ABOVE_ONE, onp.arccosh(ABOVE_ONE)),
    "arcsin": each(UNIT, onp.arcsin(UNIT)),
    "arcsinh": each(X, onp.arcsinh(X)),
    "arctan": each(X, onp.arctan(X)),
    "arctanh": each(UNIT, onp.arctanh(UNIT)),
    "cbrt": each(X, onp.cbrt(X)),
    "ceil": each(X, onp.ceil(X)),
    "clip": [
        call(X, -0.5, 0.5, expected=onp.clip(X, -0.5, 0.5)),
        call(X, a_min=-0.5, a_max=0.5, expected=onp.clip(X, -0.5, 0.5)),
    ],
    "cos": each(X, onp.cos(X)),
    "cosh": each(X, onp.cosh(X)),
    "degrees": each(X, onp.degrees(X)),
    "erf": each(X, special.erf(X)),
    "erfinv": each(UNIT, special.erfinv(UNIT)),
    "exp": each(X, onp.exp(X)),
    "expm1": each(X, onp.expm1(X)),
    "fix": each(HALVES, onp.trunc(HALVES)),
    "floor": each(X, onp.floor(X)),
    "gamma": each(POSITIVE, special.gamma(POSITIVE)),
    "gammaln": each(POSITIVE, special.gammaln(POSITIVE)),
    "gelu": each(X, X * special.ndtr(X)),
    "hard_sigmoid": each(3 * X, onp.clip(0.6 * X + 0.5, 0, 1)),
    "hard_swish": each(3 * X, 3 * X * onp.clip(3 * X + 3, 0, 6) / 6),
    "identity": each(X, X),
    "log": each(POSITIVE, onp.log(POSITIVE)),
    "log10": each(POSITIVE, onp.log10(POSITIVE)),
    "log1p": each(POSITIVE, onp.log1p(POSITIVE)),
    "log2": each(POSITIVE, onp.log2(POSITIVE)),
    "log_sigmoid": each(X, onp.log(sigmoid(X))),
    "logical_not": each(TRUTHS, TRUTHS == 0),
    "mish": each(X, X * onp.tanh(onp.log1p(onp.exp(X)))),
    "negative": each(X, -X),
    "radians": each(X, onp.radians(X)),
    "rcbrt": each(POSITIVE, 1 / onp.cbrt(POSITIVE)),
    "reciprocal": each(POSITIVE, 1 / POSITIVE),
    "relu": each(X, onp.maximum(X, 0)),
    # MXNet documents: for n.5 rint gives n and round n + 1, for -n.5 both give -n - 1.
    "rint": each(HALVES, [-3, -2, -1, 0, 1, 2, -2, 2, 2]),
    "round": each(HALVES, [-3, -2, -1, 1, 2, 3, -2, 2, 2]),
    "rsqrt": each(POSITIVE, 1 / onp.sqrt(POSITIVE)),
    "sigmoid": each(X, sigmoid(X)),
    "sign": each(TRUTHS, onp.sign(TRUTHS)),
    "silu": each(X, X * sigmoid(X)),
    "sin": each(X, onp.sin(X)),
    "sinh": each(X, onp.sinh(X)),
    "smooth_l1": [
        call(X, expected=onp.where(abs(X) < 1, X * X / 2, abs(X) - 0.5)),
        call(X, scalar=2.0, expected=onp.where(abs(X) < 0.25, 2 * X * X, abs(X) - 0.125)),
    ],
    "softplus": each(X, onp.log1p(onp.exp(X))),
    "softrelu": each(X, onp.log1p(onp.exp(X))),
    "softsign": each(X, X / (1 + abs(X))),
    "sqrt": each(POSITIVE, onp.sqrt(POSITIVE)),
    "square": each(X, X * X),
    "stop_gradient": each(X, X),
    "tan": each(UNIT, onp.tan(UNIT)),
    "tanh": each(X, onp.tanh(X)),
    "trunc": each(X, onp.trunc(X)),
    "cast": [
        call(X, "float64", expected=X.astype("float32"), result="float64"),
        call(HALVES, dtype="int32", expected=HALVES.astype("int32"), result="int32"),
    ],
    # Pairs of elements.
    "add": pair(onp.add),
    "divide": pair(onp.divide, X, POSITIVE),
    "equal": pair(onp.equal, TRUTHS, OTHERS),
    "greater": pair(onp.greater, TRUTHS, OTHERS),
    "greater_equal": pair(onp.greater_equal, TRUTHS, OTHERS),
    "hypot": pair(onp.hypot),
    "lesser": pair(onp.less, TRUTHS, OTHERS),
    "lesser_equal": pair(onp.less_equal, TRUTHS, OTHERS),
    "logical_and": pair(onp.logical_and, TRUTHS, OTHERS),
    "logical_or": pair(onp.logical_or, TRUTHS, OTHERS),
    "logical_xor": pair(onp.logical_xor, TRUTHS, OTHERS),
    "maximum": pair(onp.maximum),
    "minimum": pair(onp.minimum),
    "modulo": pair(onp.mod, X, POSITIVE),
    "multiply": pair(onp.multiply),
    "not_equal": pair(onp.not_equal, TRUTHS, OTHERS),
    "power": pair(onp.power, POSITIVE, X),
    "subtract": pair(onp.subtract),
    "add_n": [call(X, Y, X, expected=2 * X + Y), call(X, expected=X)],
    "where": [
        call(TRUTHS, X, Y, expected=onp.where(TRUTHS != 0, X, Y)),
        call(onp.array([0.0, 1.0]), X, Y, expected=onp.array([Y[0], X[1]])),
        call(TRUTHS, X, 0.5, expected=onp.where(TRUTHS != 0, X, 0.5)),
    ],
    # Reductions.
    "sum": reduction(onp.sum),
    "mean": reduction(onp.mean),
    "max": reduction(onp.max),
    "min": reduction(onp.min),
    "prod": reduction(onp.prod),
    "nansum": reduction(onp.nansum, onp.where(CUBE > 1, onp.nan, CUBE)),
    "nanprod": reduction(onp.nanprod, onp.where(CUBE > 1, onp.nan, CUBE)),
    "norm": [
        call(X, expected=norm2(X)),
        call(X, axis=1, expected=norm2(X, 1)),
        call(CUBE, ord=2, axis=(0, 2), keepdims=True, expected=norm2(CUBE, (0, 2), True)),
        call(X, ord=1, axis=0, expected=abs(X).sum(axis=0)),
    ],
    "argmax": [
        call(X, expected=X.argmax()),
        call(X, axis=1, expected=X.argmax(axis=1)),
        call(X, axis=0, keepdims=True, expected=X.argmax(axis=0, keepdims=True)),
    ],
    "argmin": [call(X, expected=X.argmin()), call(X, axis=-1, expected=X.argmin(axis=-1))],
    "argmax_channel": each(X, X.argmax(axis=1)),
    "cumsum": [
        call(X, expected=X.cumsum()),
        call(X, axis=1, expected=X.cumsum(axis=1)),
    ],
    "sort": [
        call(X, expected=onp.sort(X)),
        call(X, axis=0, is_ascend=False, expected=-onp.sort(-X, axis=0)),
        call(X, axis=None, expected=onp.sort(X, axis=None)),
    ],
    "argsort": [
        call(X, expected=onp.argsort(X)),
        call(X, axis=0, is_ascend=False, expected=onp.argsort(-X, axis=0)),
        call(X, dtype="int32", expected=onp.argsort(X), result="int32"),
    ],
    "topk": [
        call(X, expected=DESCENDING[:, :1]),
        call(X, k=2, ret_typ="value", expected=-onp.sort(-X)[:, :2]),
        call(X, k=2, ret_typ="value", is_ascend=True, expected=onp.sort(X)[:, :2]),
        call(X, k=1, axis=0, ret_typ="indices", expected=X.argmax(axis=0, keepdims=True)),
        call(X, k=1, ret_typ="mask", expected=X.max(axis=1, keepdims=True) == X),
        call(X, k=2, ret_typ="both", expected=[-onp.sort(-X)[:, :2], DESCENDING[:, :2]]),
        call(X, k=2, axis=None, ret_typ="value", expected=-onp.sort(-X.ravel())[:2]),
    ],
    # Shapes.
    "reshape": [
        call(X, (3, 2), expected=X.reshape(3, 2)),
        call(X, shape=(0, -1, 1), expected=X.reshape(2, 3, 1)),
        call(CUBE, (-3, 0), expected=CUBE.reshape(6, 4)),
        call(CUBE, (0, -4, 1, -1, -2), expected=CUBE.reshape(2, 1, 3, 4)),
        call(CUBE, (-1, 0), reverse=True, expected=CUBE.reshape(6, 4)),
    ],
    "reshape_like": [
        call(X, onp.ones((3, 2)), expected=X.reshape(3, 2)),
        call(CUBE.reshape(6, 4), CUBE, lhs_end=1, rhs_begin=0, rhs_end=2, expected=CUBE),
        call(CUBE.reshape(2, 12), onp.ones((5, 3, 4)), lhs_begin=-1, rhs_begin=1, expected=CUBE),
    ],
    "flatten": [call(CUBE, expected=CUBE.reshape(2, 12)), call(CUBE[0, 0], expected=CUBE[0, 0][:, None])],
    "expand_dims": [call(X, 1, expected=X[:, None]), call(X, axis=-1, expected=X[..., None])],
    "squeeze": [
        call(X[None, :, None], expected=X),
        call(X[None, :, None], axis=2, expected=X[None]),
        call(X[None, :, None], axis=(0, 2), expected=X),
    ],
    "transpose": [
        call(CUBE, expected=CUBE.transpose()),
        call(CUBE, axes=(1, 0, 2), expected=CUBE.transpose(1, 0, 2)),
    ],
    "swapaxes": [call(CUBE, 0, 2, expected=CUBE.swapaxes(0, 2)), call(CUBE, dim1=1, dim2=2, expected=CUBE.swapaxes(1, 2))],
    "moveaxis": [call(CUBE, 0, 2, expected=onp.moveaxis(CUBE, 0, 2))],
    "flip": [call(X, axis=1, expected=X[:, ::-1]), call(X, axis=(0, 1), expected=X[::-1, ::-1])],
    "tile": [call(X, (2,), expected=onp.tile(X, 2)), call(X, reps=(2, 1, 2), expected=onp.tile(X, (2, 1, 2)))],
    "repeat": [call(X, 2, expected=onp.repeat(X, 2)), call(X, repeats=2, axis=1, expected=onp.repeat(X, 2, axis=1))],
    "broadcast_to": [
        call(X[:1], (4, 3), expected=onp.broadcast_to(X[:1], (4, 3))),
        call(X[:1], shape=(4, 0), expected=onp.broadcast_to(X[:1], (4, 3))),
    ],
    "broadcast_like": [call(X[:1], X, expected=onp.broadcast_to(X[:1], (2, 3)))],
    "broadcast_axes": [
        call(X[:1], axis=0, size=4, expected=onp.broadcast_to(X[:1], (4, 3))),
        call(X[:1, :, None], axis=(0, 2), size=(4, 2), expected=onp.broadcast_to(X[:1, :, None], (4, 3, 2))),
    ],
    "concat": [
        call(X, Y, expected=onp.concatenate([X, Y], axis=1)),
        call(X, Y[:1], dim=0, expected=onp.concatenate([X, Y[:1]])),
    ],
    "concatenate": [
        call([X, Y], expected=onp.concatenate([X, Y])),
        call([X, Y], axis=1, expected=onp.concatenate([X, Y], axis=1)),
        call([X], axis=1, always_copy=False, expected=X),
    ],
    "stack": [call(X, Y, expected=onp.stack([X, Y])), call(X, Y, axis=-1, expected=onp.stack([X, Y], axis=-1))],
    "split": [
        call(CUBE, 3, expected=onp.split(CUBE, 3, axis=1)),
        call(CUBE, num_outputs=2, axis=0, squeeze_axis=True, expected=list(CUBE)),
        call(CUBE, num_outputs=1, expected=CUBE),
    ],
    "split_v2": [
        call(CUBE, 2, expected=onp.split(CUBE, 2)),
        call(CUBE, (1, 3), axis=2, expected=onp.split(CUBE, (1, 3), axis=2)),
        call(CUBE, (1,), squeeze_axis=True, expected=list(CUBE)),
    ],
    "slice": [
        call(CUBE, (0, 1), (1, 3), expected=CUBE[0:1, 1:3]),
        call(CUBE, begin=(None, 2), end=(None, None), step=(1, -1), expected=CUBE[:, 2::-1]),
    ],
    "slice_axis": [
        call(CUBE, 2, 1, 3, expected=CUBE[..., 1:3]),
        call(CUBE, axis=-1, begin=-2, end=None, expected=CUBE[..., -2:]),
    ],
    "slice_like": [
        call(CUBE, onp.zeros((1, 2, 3)), expected=CUBE[:1, :2, :3]),
        call(CUBE, onp.zeros((9, 2)), axes=(1,), expected=CUBE[:, :2]),
    ],
    "diag": [call(X, expected=onp.diag(X)), call(X, k=1, expected=onp.diag(X, 1)), call(X[0], expected=onp.diag(X[0]))],
    "pad": [
        call(X, mode="constant", pad_width=(1, 0, 0, 2), constant_value=5,
             expected=onp.pad(X, ((1, 0), (0, 2)), constant_values=5)),
        call(X, mode="edge", pad_width=(1, 0, 0, 2), expected=onp.pad(X, ((1, 0), (0, 2)), mode="edge")),
        call(X, mode="reflect", pad_width=(1, 0, 0, 2), expected=onp.pad(X, ((1, 0), (0, 2)), mode="reflect")),
    ],
    "zeros_like": each(X, onp.zeros((2, 3))),
    "ones_like": each(X, onp.ones((2, 3))),
    "shape_array": [call(CUBE, expected=[2, 3, 4], result="int64")],
    "size_array": [call(CUBE, expected=[24], result="int64")],
    # Selecting.
    "take": [
        call(X, onp.array([[1.0, 0.0]]), expected=X[[[1, 0]]]),
        call(X, INDEX, axis=1, expected=X[:, [2, 0]]),
        call(X, onp.array([5.0, -3.0]), expected=X[[1, 0]]),
        call(X, onp.array([4.0, -1.0]), axis=1, mode="wrap", expected=X[:, [1, 2]]),
    ],
    "batch_take": [call(X, INDEX, expected=[X[0, 2], X[1, 0]])],
    "pick": [
        call(X, INDEX, expected=[X[0, 2], X[1, 0]]),
        call(X, INDEX, axis=1, keepdims=True, expected=[[X[0, 2]], [X[1, 0]]]),
        call(X, onp.array([1.0, 0.0, 7.0]), axis=0, expected=[X[1, 0], X[0, 1], X[1, 2]]),
    ],
    "one_hot": [
        call(INDEX, 3, expected=[[0, 0, 1], [1, 0, 0]]),
        call(INDEX, depth=2, on_value=5, off_value=-1, expected=[[-1, -1], [5, -1]]),
        call(INDEX, 3, dtype="int32", expected=[[0, 0, 1], [1, 0, 0]], result="int32"),
    ],
    "Embedding": [call(INDEX, CUBE[0], input_dim=3, output_dim=4, expected=CUBE[0][[2, 0]])],
    "gather_nd": [call(X, onp.array([[1.0, 0.0], [2.0, 1.0]]), expected=[X[1, 2], X[0, 1]])],
    "scatter_nd": [call(X[0], onp.array([[3.0, 0.0, 1.0]]), (4,), expected=[X[0, 1], X[0, 2], 0, X[0, 0]])],
    "fill_element_0index": [
        call(X, onp.array([9.0, 8.0]), INDEX, expected=[[X[0, 0], X[0, 1], 9], [8, X[1, 1], X[1, 2]]]),
    ],
    "ravel_multi_index": [
        call(onp.array([[3.0, 6.0, 6.0], [4.0, 5.0, 1.0]]), (7, 6),
             expected=onp.ravel_multi_index(([3, 6, 6], [4, 5, 1]), (7, 6))),
        call(onp.array([[9.0], [1.0], [2.0]]), shape=(-1, 3, 4), expected=[9 * 12 + 4 + 2]),
    ],
    "unravel_index": [
        call(onp.array([22.0, 41.0, 37.0]), (7, 6), expected=onp.unravel_index([22, 41, 37], (7, 6))),
        call(onp.array([[22.0, 99.0]]), shape=(-1, 6), expected=[[[3, 16]], [[4, 3]]]),
    ],
    "boolean_mask": [call(X, onp.array([0.0, 1.0]), expected=X[1:])],
    "SequenceMask": [
        call(CUBE, LENGTHS, use_sequence_length=True, value=9,
             expected=onp.where(onp.arange(2)[:, None, None] < LENGTHS[:, None], CUBE, 9)),
        call(CUBE, expected=CUBE),
    ],
    "SequenceLast": [
        call(CUBE, LENGTHS, use_sequence_length=True, expected=[CUBE[0, 0], CUBE[1, 1], CUBE[1, 2]]),
        call(CUBE, expected=CUBE[1]),
    ],
    "SequenceReverse": [
        call(CUBE, expected=CUBE[::-1]),
        call(CUBE, LENGTHS, use_sequence_length=True,
             expected=onp.stack([CUBE[:, 0], CUBE[::-1, 1], CUBE[::-1, 2]], axis=1)),
    ],
    # Products and what networks are made of.
    "dot": [
        call(X, Y.T, expected=X @ Y.T),
        call(X, Y, transpose_a=True, expected=X.T @ Y),
        call(X, Y, transpose_b=True, expected=X @ Y.T),
        call(X[0], Y[0], expected=X[0] @ Y[0]),
        call(CUBE, Y.T[:, :1].repeat(4, 1).T, expected=CUBE @ Y.T[:, :1].repeat(4, 1).T),
    ],
    "batch_dot": [
        call(CUBE, CUBE, transpose_b=True, expected=CUBE @ CUBE.swapaxes(1, 2)),
        call(CUBE, CUBE, transpose_a=True, expected=CUBE.swapaxes(1, 2) @ CUBE),
    ],
    "FullyConnected": [
        call(X, Y, X[0, :2], num_hidden=2, expected=X @ Y.T + X[0, :2]),
        call(X, Y, no_bias=True, num_hidden=2, expected=X @ Y.T),
        call(CUBE, CUBE[0], no_bias=True, flatten=False, num_hidden=3, expected=CUBE @ CUBE[0].T),
    ],
    "softmax": [
        call(X, expected=softmax(X)),
        call(X, axis=0, expected=softmax(X, 0)),
        call(X, temperature=2.0, expected=softmax(X / 2)),
    ],
    "softmin": each(X, softmax(-X)),
    "log_softmax": [call(X, expected=onp.log(softmax(X))), call(X, axis=0, expected=onp.log(softmax(X, 0)))],
    "softmax_cross_entropy": [
        call(X, INDEX, expected=-math.log(softmax(X)[0, 2]) - math.log(softmax(X)[1, 0]))
    ],
    "Activation": [
        call(X, "tanh", expected=onp.tanh(X)),
        call(X, act_type="softrelu", expected=onp.log1p(onp.exp(X))),
    ],
    "LeakyReLU": [
        call(X, expected=onp.where(X > 0, X, 0.25 * X)),
        call(X, act_type="elu", slope=0.5, expected=onp.where(X > 0, X, 0.5 * onp.expm1(X))),
        call(X, onp.array([0.1]), act_type="prelu", expected=onp.where(X > 0, X, 0.1 * X)),
    ],
    "Dropout": [call(X, p=0.5, expected=X), call(X, p=1.0, mode="always", expected=0 * X)],
    "BatchNorm": [
        call(X, row([1, 2, 3]), row([0, 1, 0]), row([1, 0, 2]), row([4, 1, 9]), eps=0.0, fix_gamma=False,
             expected=(X - [1, 0, 2]) / [2, 1, 3] * [1, 2, 3] + [0, 1, 0]),
    ],
    "LayerNorm": [
        call(X, row([1, 2, 3]), row([0, 1, 0]), expected=normalised(X, 1, 1e-5) * [1, 2, 3] + [0, 1, 0]),
    ],
    "InstanceNorm": [
        call(CUBE, onp.ones(3), onp.zeros(3), expected=normalised(CUBE, 2, 1e-3)),
    ],
    "GroupNorm": [
        call(CUBE, onp.ones(3), onp.zeros(3), num_groups=1, expected=normalised(CUBE, (1, 2), 1e-5)),
    ],
    "L2Normalization": [
        call(X, expected=X / norm2(X, 1, True)),
    ],
    "SoftmaxActivation": [
        call(CUBE, expected=softmax(CUBE)),
        call(CUBE, mode="channel", expected=softmax(CUBE, 1)),
    ],
    # Statistics.
    "moments": [
        call(CUBE, axes=(0, 2), expected=[CUBE.mean((0, 2)), CUBE.var((0, 2))]),
        call(CUBE, 1, keepdims=True, expected=[CUBE.mean(1, keepdims=True), CUBE.var(1, keepdims=True)]),
    ],
    "random_pdf_uniform": density(X, -SPREADS, SPREADS, of=lambda a, b: stats.uniform(a, b - a)),
    "random_pdf_normal": density(X, MEANS, SPREADS, of=stats.norm),
    "random_pdf_gamma": density(POSITIVE, SPREADS, SPREADS + 1, of=lambda a, b: stats.gamma(a, scale=1 / b)),
    "random_pdf_exponential": density(POSITIVE, SPREADS, of=lambda rate: stats.expon(scale=1 / rate)),
    "random_pdf_poisson": density(COUNTS, SPREADS, of=stats.poisson),
    "random_pdf_negative_binomial": density(COUNTS, SPREADS, SPREADS / 4, of=stats.nbinom),
    "random_pdf_generalized_negative_binomial": density(
        COUNTS, SPREADS + 1, SPREADS, of=lambda mu, alpha: stats.nbinom(1 / alpha, 1 / (1 + mu * alpha))
    ),
    "random_pdf_dirichlet": density(SHARES, onp.array([1.0, 2.0, 3.0]), of=stats.dirichlet, classes=3),
    # Making arrays.
    "array": [call(X, expected=X), call([[1, 2]], dtype="int32", expected=[[1, 2]], result="int32")],
    "zeros": [call((2, 3), expected=onp.zeros((2, 3))), call(3, dtype="float64", expected=onp.zeros(3), result="float64")],
    "ones": [call((2, 3), expected=onp.ones((2, 3)))],
    "full": [call((2,), 7, expected=[7, 7])],
    "eye": [call(2, expected=onp.eye(2)), call(2, 3, 1, expected=onp.eye(2, 3, 1))],
    "arange": [
        call(4, expected=onp.arange(4)),
        call(1, 7, 2, expected=onp.arange(1, 7, 2)),
        call(2, repeat=2, expected=[0, 0, 1, 1]),
    ],
    "linspace": [call(0, 1, 5, expected=onp.linspace(0, 1, 5))],
}  # fmt: skip


# Names that MXNet has for the same function.
ALIASES = {
    "BlockGrad": "stop_gradient", "Cast": "cast", "Concat": "concat", "ElementWiseSum": "add_n", "Flatten": "flatten",
    "Pad": "pad", "Reshape": "reshape", "SliceChannel": "split", "SwapAxis": "swapaxes", "broadcast_add": "add",
    "broadcast_axis": "broadcast_axes", "broadcast_div": "divide", "broadcast_equal": "equal",
    "broadcast_greater": "greater", "broadcast_greater_equal": "greater_equal", "broadcast_hypot": "hypot",
    "broadcast_lesser": "lesser", "broadcast_lesser_equal": "lesser_equal", "broadcast_logical_and": "logical_and",
    "broadcast_logical_or": "logical_or", "broadcast_logical_xor": "logical_xor", "broadcast_maximum": "maximum",
    "broadcast_minimum": "minimum", "broadcast_minus": "subtract", "broadcast_mod": "modulo",
    "broadcast_mul": "multiply", "broadcast_not_equal": "not_equal", "broadcast_plus": "add",
    "broadcast_power": "power", "broadcast_sub": "subtract", "choose_element_0index": "pick", "crop": "slice", "elemwise_add": "add",
    "elemwise_div": "divide", "elemwise_mul": "multiply", "elemwise_sub": "subtract", "max_axis": "max",
    "min_axis": "min", "reverse": "flip", "sum_axis": "sum", "true_divide": "divide",
}  # fmt: skip
# What draws, files and other libraries are for, and what has no values of its own.
ELSEWHERE = {
    "NDArray", "contrib", "empty", "from_dlpack", "from_numpy", "histogram", "linalg", "load", "load_frombuffer", "normal",
    "onehot_encode", "op", "random", "random_exponential", "random_gamma", "random_generalized_negative_binomial",
    "random_negative_binomial", "random_normal", "random_poisson", "random_randint", "random_uniform",
    "sample_exponential", "sample_gamma", "sample_generalized_negative_binomial", "sample_multinomial",
    "sample_negative_binomial", "sample_normal", "sample_poisson", "sample_uniform", "save", "shuffle",
    "to_dlpack_for_read", "to_dlpack_for_write",
    "uniform", "waitall",
}  # fmt: skip
# Functions whose results are constants to a gradient, or whose derivative is 0 wherever there is one.
CONSTANTS = {
    "BatchNorm", "Dropout", "GroupNorm", "InstanceNorm",  # in tests of layers
    "arange", "argmax", "argmax_channel", "argmin", "argsort", "array", "equal", "eye", "full", "greater",
    "greater_equal", "lesser", "lesser_equal", "linspace", "logical_and", "logical_not", "logical_or", "logical_xor",
    "not_equal", "one_hot", "ones", "ones_like", "ravel_multi_index", "shape_array", "size_array", "stop_gradient", "unravel_index", "zeros", "zeros_like",
}  # fmt: skip
