"""Every function of `nd`, and every method of NDArray, called as a user would: nothing is left out."""

from __future__ import annotations

import copy
import inspect
import operator
import pickle

import numpy as onp
import pytest

import glueball as mx
from glueball import autograd, nd, np
from nd_cases import CASES
from nd_table import ALIASES, CONSTANTS, ELSEWHERE, TABLE

CALLS = [
    pytest.param(name, *each, id=f"{name}-{i}")
    for name, calls in TABLE.items()
    for i, each in enumerate(calls)
]
METHODS = {name for name in dir(nd.NDArray) if not name.startswith("_")}


def converted(value):
    if isinstance(value, onp.ndarray):
        return nd.array(value)
    return [converted(each) for each in value] if isinstance(value, list) else value


def check(result, expected, dtype):
    if isinstance(result, list):
        assert len(result) == len(expected)
        for pair in zip(result, expected, strict=True):
            check(*pair, dtype)
        return
    wanted = onp.atleast_1d(onp.asarray(expected, onp.float64))
    assert type(result) is nd.NDArray
    assert result.shape == wanted.shape
    assert result.dtype == dtype
    onp.testing.assert_allclose(result.asnumpy(), wanted, rtol=2e-6, atol=1e-6)


def test_the_table_has_every_function():
    assert set(TABLE) | set(ALIASES) | ELSEWHERE == set(nd.__all__)


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_function_itself(alias):
    assert getattr(nd, alias) is getattr(nd, ALIASES[alias])


@pytest.mark.parametrize(("name", "args", "kwargs", "expected", "dtype"), CALLS)
def test_a_function_gives_what_its_formula_says(name, args, kwargs, expected, dtype):
    result = getattr(nd, name)(*[converted(each) for each in args], **kwargs)

    check(result, expected, dtype)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "expected", "dtype"),
    [
        each
        for each in CALLS
        if each.values[0] in METHODS and isinstance(each.values[1][0], onp.ndarray)
    ],
)
def test_a_method_gives_what_its_function_gives(name, args, kwargs, expected, dtype):
    first, *rest = (converted(each) for each in args)

    check(getattr(first, name)(*rest, **kwargs), expected, dtype)


@pytest.mark.parametrize(("name", "args", "kwargs", "expected", "dtype"), CALLS)
def test_recording_changes_no_result(name, args, kwargs, expected, dtype):
    arrays = [converted(each) for each in args]
    for each in arrays:
        if isinstance(each, nd.NDArray) and name != "array":
            each.attach_grad()
    with autograd.record(train_mode=False):
        result = getattr(nd, name)(*arrays, **kwargs)

    check(result, expected, dtype)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "expected", "dtype"),
    [each for each in CALLS if "out" in inspect.signature(getattr(nd, each.values[0])).parameters],
)
def test_a_function_fills_out_and_returns_it(name, args, kwargs, expected, dtype):
    arrays = [converted(each) for each in args]
    found = getattr(nd, name)(*arrays, **kwargs)
    out = [each.zeros_like() for each in found] if isinstance(found, list) else found.zeros_like()

    result = getattr(nd, name)(*arrays, **kwargs, out=out)

    assert all(map(operator.is_, result, out)) if isinstance(out, list) else result is out
    check(out, expected, dtype)


# No operators: they read, write and convert.
NOT_OPERATORS = {
    "from_dlpack", "from_numpy", "load", "load_frombuffer", "save", "to_dlpack_for_read",
    "to_dlpack_for_write", "waitall",
}  # fmt: skip
OPERATORS = [name for name in nd.__all__ if inspect.isfunction(getattr(nd, name))]


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - NOT_OPERATORS))
def test_every_operator_takes_a_name_and_out(name):
    assert {"name", "out"} <= set(inspect.signature(getattr(nd, name)).parameters)


@pytest.mark.parametrize(("name", "args", "kwargs", "expected", "dtype"), CALLS)
def test_a_name_changes_nothing(name, args, kwargs, expected, dtype):
    if name not in NOT_OPERATORS:
        check(getattr(nd, name)(*map(converted, args), **kwargs, name="it"), expected, dtype)


@pytest.mark.parametrize(("name", "args", "kwargs", "expected", "dtype"), CALLS)
def test_numbers_of_numpy_go_where_pythons_do(name, args, kwargs, expected, dtype):
    def numpys(value):
        if isinstance(value, tuple):
            return tuple(map(numpys, value))
        if isinstance(value, bool):
            return onp.bool_(value)
        if isinstance(value, int):
            return onp.int64(value)
        return onp.float64(value) if isinstance(value, float) else value

    keywords = {key: numpys(value) for key, value in kwargs.items()}
    check(
        getattr(nd, name)(*(numpys(converted(each)) for each in args), **keywords), expected, dtype
    )


def test_every_function_has_a_gradient_that_is_checked_or_is_a_constant():
    checked = {title.split(" ")[0].rstrip(",") for title in CASES}

    assert set(TABLE) - checked - CONSTANTS == set()
    assert checked & CONSTANTS == set()


# Methods of NDArray that are not functions of nd: what each does.

X = onp.array([[1, -2, 3], [4, 5, -6]], onp.float32)


def recorded(function, x=X):
    """Return the gradient of the sum of a function."""
    a = nd.array(x)
    a.attach_grad()
    with autograd.record():
        y = function(a)
    y.backward()
    return a.grad.asnumpy()


def attach_grad(a):
    a.attach_grad("add")
    return a.grad.asnumpy().tolist() == onp.zeros((2, 3)).tolist() and a.grad.dtype == onp.float32


def changed(a, method, *args):
    getattr(a, method)(*args)
    return a.asnumpy()


OWN = {
    "T": lambda a: same(a.T, X.T),
    "as_in_context": lambda a: a.as_in_context(mx.cpu(1)) is a,
    "as_in_ctx": lambda a: a.as_in_ctx(mx.cpu()) is a,
    "as_nd_ndarray": lambda a: a.as_nd_ndarray() is a,
    "as_np_ndarray": lambda a: type(a.as_np_ndarray()) is np.ndarray and onp.shares_memory(onp.asarray(a.as_np_ndarray()), onp.asarray(a)),
    "asnumpy": lambda a: type(a.asnumpy()) is onp.ndarray and not onp.shares_memory(a.asnumpy(), a),
    "asscalar": lambda a: a[0, 1].asscalar() == -2 and isinstance(a[0, 1].asscalar(), onp.float32),
    "astype": lambda a: same(a.astype("int32"), X, "int32") and a.astype("float32", copy=False) is a,
    "attach_grad": attach_grad,
    "backward": lambda a: (recorded(lambda x: x * x) == 2 * X).all(),
    "context": lambda a: a.context == mx.cpu() and repr(a.context) == "cpu(0)",
    "ctx": lambda a: a.ctx == a.context,
    "copy": lambda a: same(a.copy(), X) and not onp.shares_memory(a.copy(), a),
    "copyto": lambda a: same(a.copyto(nd.zeros((2, 3))), X) and same(a.copyto(mx.cpu()), X),
    "detach": lambda a: same(a.detach(), X) and (recorded(lambda x: x * x.detach()) == X).all(),
    "dtype": lambda a: a.dtype == onp.float32 and a.astype("int8").dtype == onp.int8,
    "flatten": lambda a: same(nd.ones((2, 3, 4)).flatten(), onp.ones((2, 12))),
    "grad": lambda a: a.grad is None,
    "ndim": lambda a: a.ndim == 2,
    "reshape": lambda a: same(a.reshape(3, 2), X.reshape(3, 2)) and same(a.reshape(shape=(-1,)), X.ravel()),
    "shape": lambda a: a.shape == (2, 3),
    "size": lambda a: a.size == 6,
    "stype": lambda a: a.stype == "default",
    "to_dlpack_for_read": lambda a: same(nd.from_dlpack(a.to_dlpack_for_read()), X),
    "to_dlpack_for_write": lambda a: same(nd.from_dlpack(a.to_dlpack_for_write()), X),
    "tostype": lambda a: a.tostype("default") is a,
    "transpose": lambda a: same(a.transpose(), X.T) and same(a.transpose(1, 0), X.T) and same(a.transpose((1, 0)), X.T),
    "wait_to_read": lambda a: a.wait_to_read() is None,
    "wait_to_write": lambda a: a.wait_to_write() is None,
    # NumPy's own
    "all": lambda a: a.all() and not nd.array([0, 1]).all(),
    "any": lambda a: a.any() and not nd.zeros(2).any(),
    "compress": lambda a: same(a.compress([True, False], axis=0), X[:1]),
    "cumprod": lambda a: same(a.cumprod(axis=1), X.cumprod(axis=1)),
    "diagonal": lambda a: same(a.diagonal(), X.diagonal()),
    "fill": lambda a: (changed(a, "fill", 7) == 7).all(),
    "item": lambda a: a[1, 1].item() == 5 and a.item(3) == 4,
    "nbytes": lambda a: a.nbytes == 24,
    "nonzero": lambda a: [part.tolist() for part in nd.array([0, 2, 3]).nonzero()] == [[1, 2]],
    "partition": lambda a: changed(a, "partition", 0)[0].tolist() == [-2, 1, 3],
    "put": lambda a: changed(a, "put", [0], [9])[0].tolist() == [9, -2, 3],
    "ravel": lambda a: same(a.ravel(), X.ravel()),
    "std": lambda a: onp.allclose(a.std().asnumpy(), [X.std()]),
    "tobytes": lambda a: a.tobytes() == X.tobytes(),
    "tolist": lambda a: a.tolist() == X.tolist(),
    "trace": lambda a: same(a.trace(), [6]),
    "var": lambda a: onp.allclose(a.var().asnumpy(), [X.var()]),
    "view": lambda a: a.view(onp.int32).dtype == onp.int32,
}  # fmt: skip
# NumPy's methods that say of memory what is not Gluon's, and work as NumPy documents.
NUMPYS = {
    "argpartition", "base", "byteswap", "choose", "conj", "conjugate", "ctypes", "data", "device", "dump", "dumps",
    "flags", "flat", "getfield", "imag", "itemsize", "mT", "real", "resize", "searchsorted", "setfield", "setflags",
    "strides", "to_device", "tofile",
}  # fmt: skip


def same(a, expected, dtype="float32"):
    check(a, expected, dtype)
    return True


def test_the_tables_have_every_method():
    functions = {name for name in TABLE if name in METHODS}
    functions |= {alias for alias in ALIASES if alias in METHODS}

    assert functions | set(OWN) | NUMPYS >= METHODS
    assert set(OWN) | functions <= METHODS


@pytest.mark.parametrize("name", OWN)
def test_a_method_of_its_own_does_what_gluon_says(name):
    assert OWN[name](nd.array(X))


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "int64", "bool"])
def test_copies_and_pickles_are_independent(clone, dtype):
    a = nd.array(X, dtype=dtype)
    b = clone(a)
    b[0] = 0
    onp.testing.assert_array_equal(a.asnumpy(), X.astype(dtype))
    assert type(b) is nd.NDArray
    assert b.dtype == dtype


# Wrong arguments: a class that Gluon's users catch, and what to do.

A = nd.array(X)
WRONG = {
    "an axis that is not there": (lambda: A.sum(axis=2), ValueError, r"axis in \[-2, 2\) for 'sum', found 2"),
    "an axis that is not a number": (lambda: A.sum(axis="a"), TypeError, "an integer as axis of 'sum', found 'a'"),
    "an axis that is a fraction": (lambda: nd.softmax(A, axis=1.5), TypeError, "as axis of 'softmax', found 1.5"),
    "a shape of another size": (lambda: A.reshape((7,)), ValueError, r"as many elements as \(2, 3\), found \(7,\)"),
    "two unknown axes": (lambda: A.reshape((-1, -1)), ValueError, "only one axis can be -1"),
    "a slice beyond the axis": (lambda: A.slice_axis(1, 0, 9), ValueError, r"within axis 1 of shape \(2, 3\) for slice_axis"),
    "a slice before the axis": (lambda: A.slice_axis(1, -9, 2), ValueError, "found begin=-9"),
    "slice_like of a longer one": (lambda: A.slice_like(nd.ones((3, 3))), ValueError, r"found \(3, 3\); name the axes"),
    "slice of unequal lengths": (lambda: A.slice((0,), (1, 2)), ValueError, "begin, end and step of one length"),
    "squeeze of a long axis": (lambda: A.squeeze(axis=0), ValueError, "axes of length 1 for squeeze"),
    "broadcast_to what does not fit": (lambda: A.broadcast_to((2, 4)), ValueError, r"broadcasts to \(2, 4\)"),
    "take beyond the axis": (lambda: A.take(nd.array([5]), mode="raise"), IndexError, "index 5 is out of bounds"),
    "take in an unknown mode": (lambda: A.take(nd.array([5]), mode="x"), ValueError, "mode 'clip', 'wrap' or 'raise'"),
    "take of NaN": (lambda: A.take(nd.array([float("nan")])), TypeError, "expected integers in indices"),
    "pick of another shape": (lambda: A.pick(nd.array([0, 1, 2])), ValueError, r"index of shape \(2,\) for pick"),
    "reshape_like of another size": (lambda: nd.reshape_like(A, nd.ones((2, 2)), lhs_end=1), ValueError, r"the shape \(2, 2, 3\)"),
    "softmax in an unknown mode": (lambda: nd.SoftmaxActivation(A, mode="x"), ValueError, "'instance' or 'channel'"),
    "topk of too many": (lambda: A.topk(k=4), ValueError, r"k in 1\.\.3 for topk, found 4"),
    "topk of an unknown kind": (lambda: A.topk(ret_typ="x"), ValueError, "ret_typ 'indices'"),
    "clip without bounds": (lambda: A.clip(2), TypeError, "a_max"),
    "clip upside down": (lambda: A.clip(2, 1), ValueError, "a_min=2 and a_max=1"),
    "norm of order 3": (lambda: A.norm(ord=3), ValueError, "ord 1 or 2 for norm"),
    "transpose to no order": (lambda: A.transpose((0, 0)), ValueError, "an order of the 2 axes"),
    "split that does not divide": (lambda: A.split(2), ValueError, "splits into 2 equal parts"),
    "split_v2 backwards": (lambda: A.split_v2((2, 1), axis=1), ValueError, "ascending places within axis 1"),
    "concat of unequal rows": (lambda: nd.concat(A, nd.ones((3, 3))), ValueError, "equal in shape but for axis 1"),
    "stack of unequal shapes": (lambda: nd.stack(A, nd.ones((3, 3))), ValueError, "arrays of one shape for stack"),
    "add_n of nothing": (lambda: nd.add_n(), ValueError, "at least one array for add_n"),
    "concat of nothing": (lambda: nd.concat(), ValueError, "at least one array for 'concat'"),
    "dot that does not fit": (lambda: nd.dot(A, A), ValueError, "last axis of lhs as long as the first of rhs"),
    "dot of two dtypes": (lambda: nd.dot(A, A.T.astype("float64")), TypeError, "two arrays of the same dtype for 'dot'"),
    "batch_dot of matrices": (lambda: nd.batch_dot(A, A), ValueError, r"shapes \(batch, m, k\) and \(batch, k, n\)"),
    "sums of two dtypes": (lambda: A + A.astype("float64"), RuntimeError, "two arrays of the same dtype for 'add'"),
    "shapes that do not broadcast": (lambda: A + nd.ones((2, 2)), RuntimeError, r"shapes \[2, 3\] \[2, 2\]"),
    "pad of an unknown mode": (lambda: A.pad(mode="wrap", pad_width=(0, 0, 0, 0)), ValueError, "mode 'constant', 'edge'"),
    "pad of too few numbers": (lambda: A.pad(pad_width=(1, 1)), ValueError, "and 4 numbers of 0 or more in pad_width"),
    "one number of several": (lambda: A.asscalar(), ValueError, "not a scalar"),
    "the truth of several": (lambda: bool(A), ValueError, "truth value of an NDArray with multiple elements"),
    "copyto another shape": (lambda: A.copyto(nd.zeros(3)), ValueError, r"of shape \(2, 3\) to copy to, found NDArray"),
    "out= of another shape": (lambda: nd.exp(A, out=nd.zeros(3)), ValueError, r"shape|broadcast"),
    "a gpu": (lambda: A.as_in_context(mx.gpu()), RuntimeError, "has no code for GPUs"),
    "sparse storage": (lambda: A.tostype("csr"), ValueError, "dense arrays only"),
    "a row that is not there": (lambda: A[2], IndexError, "index 2 is out of bounds for axis 0 with size 2"),
    "too many indices": (lambda: A[0, 0, 0], IndexError, "too many indices"),
    "an index of fractions": (lambda: A[nd.array([0.5])], TypeError, "integers in an index"),
    "rows of another length": (lambda: A.__setitem__(0, [1, 2]), ValueError, "broadcast"),
    "ragged lists": (lambda: nd.array([[1, 2], [3]]), TypeError, "source_array must be array like"),
    "max of nothing": (lambda: nd.zeros((0, 2)).max(axis=0), ValueError, "at least one element for 'max'"),
    "grad of integers": (lambda: nd.array([1], dtype="int32").attach_grad(), TypeError, "array of floats for attach_grad"),
    "an unknown activation": (lambda: nd.Activation(A, "x"), ValueError, "expected an activation among"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused_with_what_was_found(name):
    wrong, error, text = WRONG[name]
    with pytest.raises(error, match=text):
        wrong()
    onp.testing.assert_array_equal(A.asnumpy(), X)


# Operators, in both modes.

Y = onp.array([[2, 2, 2], [0.5, 5, -1]], onp.float32)
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: abs(a) ** b,
    "@": lambda a, b: a @ b.T,
    "neg": lambda a, b: -a,
    "pos": lambda a, b: +a,
    "abs": lambda a, b: abs(a),
    "number on the left": lambda a, b: (2 + a) - (1 - a) * (3 * b) / (2 / b) + (7 // b) + (7 % b) + 2**b,
    "broadcast": lambda a, b: a * b[:1] + b[:, :1],
}  # fmt: skip
COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("make", [nd.array, np.array], ids=["nd", "np"])
def test_operators_are_numpys(name, make):
    result = OPERATORS[name](make(X), make(Y))

    assert type(result) is type(make(X))
    assert result.dtype == onp.float32
    onp.testing.assert_allclose(onp.asarray(result), OPERATORS[name](X, Y), rtol=1e-6)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_are_numbers_in_one_mode_and_bools_in_the_other(name):
    expected = COMPARISONS[name](X, Y)

    numbers, bools = (
        COMPARISONS[name](nd.array(X), nd.array(Y)),
        COMPARISONS[name](np.array(X), np.array(Y)),
    )

    check(numbers, expected, "float32")
    assert bools.dtype == bool
    onp.testing.assert_array_equal(onp.asarray(bools), expected)
    onp.testing.assert_array_equal(nd.array(X)[numbers].asnumpy(), X[expected])
    onp.testing.assert_array_equal(onp.asarray(np.array(X)[bools]), X[expected])


IN_PLACE = {
    "+=": "__iadd__", "-=": "__isub__", "*=": "__imul__", "/=": "__itruediv__", "//=": "__ifloordiv__", "%=": "__imod__",
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_operators_keep_the_array(name):
    a, expected = nd.array(X), X.copy()
    alias = a[0]
    assert getattr(a, IN_PLACE[name])(nd.array(Y)) is a
    getattr(expected, IN_PLACE[name])(Y)
    onp.testing.assert_array_equal(a.asnumpy(), expected)
    onp.testing.assert_array_equal(alias.asnumpy(), expected[0])


ASSIGNMENTS = {
    "all by a number": (slice(None), 7),
    "a row by a list": (1, [7, 8, 9]),
    "a row by an array": (0, onp.array([7, 8, 9])),
    "an element": ((0, 1), 7),
    "a column": ((slice(None), 1), [7, 8]),
    "a box by one row": ((slice(None), slice(1, 3)), [[7, 8]]),
    "every other": ((slice(None), slice(None, None, 2)), 7),
    "rows of a list": ([1, 0], [[1, 2, 3], [4, 5, 6]]),
    "the last, by ellipsis": ((..., -1), [7, 8]),
    "a mask": (X > 0, 0),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
@pytest.mark.parametrize("as_array", [False, True])
def test_assignment_is_numpys(name, as_array):
    key, value = ASSIGNMENTS[name]
    a, expected = nd.array(X), X.copy()
    expected[key] = value

    a[key] = nd.array(value) if as_array else value

    onp.testing.assert_array_equal(a.asnumpy(), expected)


def test_printed_forms_of_both_modes():
    assert repr(nd.array([[1, 2.5]])) == "\n[[1.  2.5]]\n<NDArray 1x2 @cpu(0)>"
    assert repr(nd.array([1], dtype="int32")) == "\n[1]\n<NDArray 1 @cpu(0)>"
    assert repr(np.array([[1, 2.5]])) == "array([[1. , 2.5]])"
    assert repr(np.array([1], dtype="int32")) == "array([1], dtype=int32)"
    assert str(np.array([1, 2])) == "[1. 2.]"


def test_op_is_the_module():
    assert nd.op is nd


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_a_quotient_of_integers_is_of_their_dtype_and_cut_off(dtype):
    a = nd.array([7, 9, -7 if dtype != "uint8" else 7, 0], dtype=dtype)
    b = nd.array([2, 3, 2, 5], dtype=dtype)

    for found in (a / b, nd.broadcast_div(a, b), nd.elemwise_div(a, b)):
        assert found.dtype == onp.dtype(dtype)
        assert found.asnumpy().tolist() == [3, 3, -3 if dtype != "uint8" else 3, 0]
    assert (a / 2).dtype == onp.float32


@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "sin", "tanh"])
def test_functions_of_bytes_are_of_float32(name):
    found = getattr(nd, name)(nd.array([7, 9], dtype="uint8"))

    assert found.dtype == onp.float32
    onp.testing.assert_allclose(found.asnumpy(), getattr(onp, name)(onp.float32([7, 9])), rtol=1e-6)


@pytest.mark.parametrize("name", ["argmax", "argmin", "argsort"])
def test_positions_that_numpys_functions_find_compare_with_labels(name):
    a = nd.array([[1, 3, 2], [5, 1, 0]])
    found, expected = getattr(onp, name)(a, axis=1), getattr(nd, name)(a, axis=1)

    assert found.dtype == expected.dtype == onp.float32
    assert (found == expected).asnumpy().all()
    assert getattr(onp, name)(a.as_np_ndarray(), axis=1).dtype == onp.int64


RESHAPES = {
    "reshape": ((3, 2),), "flatten": (), "expand_dims": (1,), "squeeze": (),
}  # fmt: skip


@pytest.mark.parametrize("name", RESHAPES)
def test_reshaping_in_place_shares_memory_or_is_refused(name):
    a = nd.ones((1, 2, 3)) if name == "squeeze" else nd.ones((2, 3))
    b = getattr(a, name)(*RESHAPES[name], inplace=True)
    b[:] = 5

    assert (a.asnumpy() == 5).all()
    if name in ("reshape", "flatten"):
        turned = np.ones((2, 3, 2)).T.as_nd_ndarray()
        with pytest.raises(ValueError, match="follow each other in memory"):
            getattr(nd, name)(turned, *((((3, 4),)) if name == "reshape" else ()), inplace=True)


def test_axes_of_another_array_are_taken_one_by_one():
    a, b = nd.array([[[1], [2]]]), nd.ones((5, 3))

    assert nd.broadcast_like(a, b, lhs_axes=(0, 2), rhs_axes=(0, -1)).shape == (5, 2, 3)
    assert nd.broadcast_like(a, b, lhs_axes=-1, rhs_axes=1).shape == (1, 2, 3)
    with pytest.raises(ValueError, match="as many lhs_axes as rhs_axes"):
        nd.broadcast_like(a, b, lhs_axes=(0, 2), rhs_axes=(0,))


@pytest.mark.parametrize(
    "name", ["broadcast_add", "broadcast_mul", "broadcast_maximum", "broadcast_equal"]
)
def test_a_stray_axis_is_ignored(name):
    a = nd.ones((2, 3))

    assert getattr(nd, name)(a, nd.ones((1, 3)), axis=0).shape == (2, 3)
