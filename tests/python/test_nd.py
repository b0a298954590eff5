"""NDArray and the functions of `nd`: values, shapes, dtypes, printing, errors."""

from __future__ import annotations

import copy
import itertools
import math
import pickle

import hypothesis.extra.numpy as hnp
import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import MXNetError, autograd, cpu, gpu, nd

A = onp.array([[1, -2, 3], [4, 5, -6]], onp.float32)


def same(actual, expected, dtype=onp.float32):
    assert isinstance(actual, nd.NDArray)
    assert actual.dtype == dtype
    assert actual.shape == onp.shape(expected)
    onp.testing.assert_array_equal(onp.asarray(actual), expected)


def close(actual, expected, rtol=1e-6):
    assert actual.shape == onp.shape(expected)
    onp.testing.assert_allclose(onp.asarray(actual), expected, rtol=rtol, atol=1e-7)


# Printing


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


# Making


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


# Attributes


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
    with pytest.raises(ValueError, match=r"shape \(2, 3\) for 'copyto', found \(3,\)"):
        a.copyto(nd.zeros(3))


# Indexing


def test_reductions_and_elements_have_shape_1():
    a = nd.array(A)

    for value, expected in (
        (a.sum(), 5),
        (a[0, 1], -2),
        (a[1][2], -6),
        (a.max(), 5),
        (a.argmax(), 4),
    ):
        assert value.shape == (1,)
        assert value.asscalar() == expected


def test_first_axis_and_reshape_are_views_other_pieces_are_copies():
    source = onp.arange(24, dtype=onp.float32).reshape(4, 3, 2)
    for key, shares in [
        (1, True),
        (-1, True),
        (slice(1, 3), True),
        ((1, 2), True),
        ((1, slice(0, 2)), True),
        ((0, 1, 1), True),
        ((slice(None), 0), False),
        ((slice(None), slice(None), 1), False),
        (slice(None, None, 2), False),
        ([0, 1], False),
        (nd.array([0, 1]), False),
    ]:  # fmt: skip
        a = nd.array(source)
        piece = a[key]
        piece[:] = -1

        assert (onp.asarray(a) == -1).any() == shares, key

    a = nd.array(source)
    a.reshape((6, 4))[:] = -1
    assert (onp.asarray(a) == -1).all()


def test_assignment_takes_numbers_lists_and_arrays():
    a = nd.zeros((3, 2))
    a[:] = 1
    a[0] = [2, 3]
    a[1, 0] = 4
    a[1:2, 1] = onp.array([5])
    a[2] = nd.array([6, 7])

    same(a, [[2, 3], [4, 5], [6, 7]])


def test_in_place_operators_change_the_array_itself():
    a = nd.ones((2, 2))
    b = a
    b += 1
    b *= nd.array([1, 3])
    a[:] += 1
    a -= 1
    a /= 2

    assert a is b
    same(a, [[1, 3], [1, 3]])


def test_index_errors():
    a = nd.ones((2, 3))

    for key in (5, (0, 3), (-3, 0)):
        with pytest.raises(IndexError, match="out of bounds"):
            a[key]
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 2"):
        a[5]
    with pytest.raises(ValueError, match="could not broadcast"):
        a[:] = nd.ones((2, 2))


def test_index_arrays_of_floats_take_rows_and_must_be_whole():
    a = nd.array(A)

    same(a[nd.array([1, 1, 0])], A[[1, 1, 0]])
    same(a[nd.array([0, 1]), nd.array([2, 0])], A[[0, 1], [2, 0]])
    with pytest.raises(TypeError, match="expected whole numbers in an index"):
        a[nd.array([0.5])]


# Arithmetic


def test_comparisons_are_numbers_of_the_dtype():
    a = nd.array(A)

    same(a >= 3, A >= 3)
    same(nd.array([1, 2], dtype="float64") == 2, [0, 1], onp.float64)
    same(a < 3, A < 3)
    same(nd.logical_not(a > 0), A <= 0)


def test_comparison_selects_when_used_as_an_index():
    a = nd.array(A)

    same(a[a > 2], [3, 4, 5])
    a[a < 0] = 0
    same(a, onp.maximum(A, 0))
    rows = nd.array([1, 2, 3])
    same(rows[rows != 2], [1, 3])
    same(rows[(rows > 1) * (rows < 3)], [2])
    same(rows[nd.logical_or(rows < 2, rows > 2)], [1, 3])


def test_comparison_multiplies_as_a_number():
    data = nd.array([-7, 3, 9, -4])

    data *= data.abs() >= 5

    same(data, [-7, 0, 9, 0])
    assert math.copysign(1, data[3].asscalar()) == -1  # zeroed negatives are -0


def test_comparison_that_was_overwritten_is_no_mask_any_more():
    index = nd.array([5, 6]) > 5
    index[:] = [1, 0]

    same(nd.array([[1], [2]])[index], [[2], [1]])


def test_arithmetic_broadcasts_and_keeps_float32():
    a, row = nd.array(A), nd.array([1, 2, 3])
    r = onp.array([1, 2, 3], onp.float32)

    same(a + row, A + r)
    same(a * 2, A * 2)
    same(2 - a, 2 - A)
    same(a / row, A / r)
    same(a % 2, A % 2)
    same(-a, -A)
    same(abs(a), onp.abs(A))
    same(a**2, A**2)
    same(2**row, 2**r)
    same(a * onp.float64(2.5), A * onp.float32(2.5))
    same(onp.float64(2.5) * a, A * onp.float32(2.5))
    close(nd.dot(a, a.T), A @ A.T)
    close(a @ a.T, A @ A.T)


def test_plain_arrays_mix_in_and_take_the_dtype():
    a = nd.array(A)

    same(a + onp.ones(3), A + 1)
    same(onp.ones(3) + a, A + 1)
    same(a * onp.array([1, 2, 3]), A * onp.array([1, 2, 3], onp.float32))
    same(onp.exp(a), onp.exp(A))
    a += onp.ones(3)
    same(a, A + 1)


def test_two_dtypes_are_refused():
    with pytest.raises(
        MXNetError, match=r"same dtype for 'add', found float32 and float64.*astype"
    ):
        nd.ones(2) + nd.ones(2, dtype="float64")
    with pytest.raises(TypeError, match="dot"):
        nd.dot(nd.ones((2, 2)), nd.ones((2, 2), dtype="float64"))


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(
        MXNetError,
        match=r"operands could not be broadcast together with shapes \[2\] \[3\]: expected.*reshape one",
    ):
        nd.ones(2) + nd.ones(3)
    a = nd.ones(2)
    with pytest.raises(MXNetError, match="could not be broadcast"):
        a += nd.ones(3)
    same(a, [1, 1])


def test_numpy_functions_give_ndarrays():
    a = nd.array(A)

    same(onp.concatenate([a, a]), onp.concatenate([A, A]))
    same(onp.where(a > 0, a, 0), onp.where(A > 0, A, 0))
    same(onp.sum(a), [5])
    same(onp.mean(nd.array([1, 2], dtype="int32")), [1.5])
    assert onp.allclose(a, A)
    onp.testing.assert_allclose(a, A)
    assert onp.shape(a) == (2, 3)
    assert onp.array_equal(a, a)


# Functions: each against NumPy or a formula

FUNCTIONS = {
    "exp": onp.exp, "expm1": onp.expm1, "log1p": onp.log1p, "sqrt": onp.sqrt, "cbrt": onp.cbrt, "square": onp.square,
    "log": onp.log, "log2": onp.log2, "log10": onp.log10, "negative": onp.negative, "abs": onp.abs,
    "sign": onp.sign, "floor": onp.floor, "ceil": onp.ceil, "trunc": onp.trunc, "fix": onp.trunc,
    "rint": onp.rint, "sin": onp.sin, "cos": onp.cos, "tan": onp.tan, "arctan": onp.arctan, "sinh": onp.sinh,
    "cosh": onp.cosh, "tanh": onp.tanh, "arcsinh": onp.arcsinh, "degrees": onp.degrees, "radians": onp.radians,
    "reciprocal": onp.reciprocal, "rsqrt": lambda x: 1 / onp.sqrt(x), "rcbrt": lambda x: 1 / onp.cbrt(x),
    "relu": lambda x: onp.maximum(x, 0), "sigmoid": lambda x: 1 / (1 + onp.exp(-x)),
    "softsign": lambda x: x / (1 + onp.abs(x)), "softrelu": lambda x: onp.log(1 + onp.exp(x)),
    "erf": onp.vectorize(math.erf), "gamma": onp.vectorize(math.gamma), "gammaln": onp.vectorize(math.lgamma),
    "silu": lambda x: x / (1 + onp.exp(-x)), "gelu": lambda x: x * onp.vectorize(math.erfc)(-x / 2**0.5) / 2,
    "mish": lambda x: x * onp.tanh(onp.log1p(onp.exp(x))),
    "log_sigmoid": lambda x: -onp.log1p(onp.exp(-x)),
    "hard_sigmoid": lambda x: onp.clip(0.2 * x + 0.5, 0, 1),
    "hard_swish": lambda x: x * onp.clip(x + 3, 0, 6) / 6,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementwise_function_equals_its_formula(name):
    x = onp.array([[0.1, 0.5, 1.0], [1.7, 2.5, 3.9]])

    close(getattr(nd, name)(nd.array(x, dtype="float64")), FUNCTIONS[name](x), rtol=1e-13)
    result = getattr(nd, name)(nd.array(x))
    close(result, FUNCTIONS[name](x), rtol=1e-5)
    assert result.dtype == onp.float32


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementwise_function_fills_out_and_returns_it(name):
    x = nd.array([0.5, 1.0])
    out = nd.zeros(2)

    assert getattr(nd, name)(x, out=out) is out
    same(out, onp.asarray(getattr(nd, name)(x)))


def test_out_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"out= of shape \(2,\) for 'relu', found \(3,\)"):
        nd.relu(nd.ones(2), out=nd.zeros(3))


@given(st.floats(-7, 7))
def test_erf_is_exact_to_the_last_digits(x):
    assert nd.erf(nd.array([x], dtype="float64")).item() == pytest.approx(math.erf(x), rel=4e-16)


@given(st.floats(-0.999, 0.999))
def test_erfinv_inverts_erf(y):
    x = nd.erfinv(nd.array([y], dtype="float64")).item()

    assert math.erf(x) == pytest.approx(y, rel=1e-14)


def test_erfinv_at_and_beyond_the_ends():
    values = nd.erfinv(nd.array([-1, 1, 2])).asnumpy()

    assert values[:2].tolist() == [-math.inf, math.inf]
    assert math.isnan(values[2])


def test_round_takes_halves_away_from_zero_and_rint_to_even():
    halves = nd.array([-2.5, -0.5, 0.5, 1.5, 2.5])

    same(nd.round(halves), [-3, -1, 1, 2, 3])
    same(nd.rint(halves), [-2, 0, 0, 2, 2])


def test_pairs_of_elements():
    a, b = nd.array([1, 5, 3]), nd.array([4, 2, 3])

    same(nd.maximum(a, b), [4, 5, 3])
    same(nd.minimum(a, 2), [1, 2, 2])
    same(nd.broadcast_add(a, b), [5, 7, 6])
    same(nd.elemwise_sub(a, b), [-3, 3, 0])
    same(nd.broadcast_mul(a.reshape((3, 1)), b), onp.outer([1, 5, 3], [4, 2, 3]))
    same(nd.broadcast_div(a, b), onp.float32([1, 5, 3]) / onp.float32([4, 2, 3]))
    same(nd.power(a, 2), [1, 25, 9])
    same(nd.modulo(a, b), [1, 1, 0])
    close(nd.hypot(a, b), onp.hypot([1, 5, 3], [4, 2, 3]))
    same(nd.equal(a, b), [0, 0, 1])
    same(nd.lesser(a, b), [1, 0, 0])
    same(nd.greater_equal(a, b), [0, 1, 1])
    same(nd.logical_and(a, nd.array([0, 1, 2])), [0, 1, 1])
    same(nd.where(a > b, a, b), [4, 5, 3])
    same(nd.where(nd.array([1, 0]), nd.ones((2, 2)), nd.zeros((2, 2))), [[1, 1], [0, 0]])
    same(nd.clip(a, 2, 4), [2, 4, 3])
    same(nd.add_n(a, b, a), [6, 12, 9])
    same(a.clip(2, 4), [2, 4, 3])
    with pytest.raises(ValueError, match="a_min=4 and a_max=2"):
        nd.clip(a, 4, 2)


REDUCTIONS = {
    "sum": onp.sum, "mean": onp.mean, "max": onp.max, "min": onp.min, "prod": onp.prod, "nansum": onp.nansum,
    "nanprod": onp.nanprod, "norm": lambda x, axis=None, keepdims=False: onp.sqrt(
        onp.sum(x * x, axis=axis, keepdims=keepdims)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (1, -1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_equal_numpys(name, axis, keepdims):
    x = onp.random.default_rng(3).normal(size=(2, 3, 4))
    expected = REDUCTIONS[name](x, axis=axis, keepdims=keepdims)

    function = getattr(nd, name)(nd.array(x, dtype="float64"), axis=axis, keepdims=keepdims)
    method = getattr(nd.array(x, dtype="float64"), name)(axis=axis, keepdims=keepdims)

    for result in (function, method):
        close(result, onp.atleast_1d(expected), rtol=1e-12)


def test_exclude_reduces_the_other_axes():
    x = onp.random.default_rng(3).normal(size=(2, 3, 4)).astype(onp.float32)

    close(nd.sum(nd.array(x), axis=1, exclude=True), x.sum(axis=(0, 2)), rtol=1e-5)
    close(nd.max(nd.array(x), axis=(0, 2), exclude=True), x.max(axis=1))


def test_axis_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"axis in \[-2, 2\) for 'sum', found 2"):
        nd.sum(nd.array(A), axis=2)


def test_extremes_of_nothing_are_refused():
    for function in (nd.max, nd.argmax):
        with pytest.raises(ValueError, match="at least one element"):
            function(nd.zeros((0, 2)))
    same(nd.sum(nd.zeros((0, 2))), [0])


def test_norm_of_large_and_small_numbers_does_not_overflow():
    close(nd.norm(nd.array([3e30, 4e30])), [5e30])
    close(nd.norm(nd.array([3e-30, 4e-30])) * 1e30, [5])
    close(nd.norm(nd.array(A), ord=1), [21])
    assert nd.norm(nd.array([math.inf, 1])).item() == math.inf
    with pytest.raises(ValueError, match="ord 1 or 2 for norm, found 3"):
        nd.norm(nd.array(A), ord=3)


def test_positions_are_float32():
    a = nd.array(A)

    same(a.argmax(axis=1), [2, 1])
    same(nd.argmin(a, axis=0), [0, 0, 1])
    same(nd.argmax(a, axis=1, keepdims=True), [[2], [1]])
    same(nd.argmax_channel(a), [2, 1])


def test_sorting():
    a = nd.array([[3, 1, 2], [1, 3, 1]])

    same(nd.sort(a), [[1, 2, 3], [1, 1, 3]])
    same(nd.sort(a, axis=0, is_ascend=False), [[3, 3, 2], [1, 1, 1]])
    same(nd.argsort(a), [[1, 2, 0], [0, 2, 1]])
    same(nd.argsort(a, is_ascend=False), [[0, 2, 1], [1, 0, 2]])
    same(nd.topk(a, k=2), [[0, 2], [1, 0]])
    same(nd.topk(a, k=2, ret_typ="value"), [[3, 2], [3, 1]])
    same(nd.topk(a, k=1, is_ascend=True, ret_typ="value"), [[1], [1]])
    same(nd.topk(a, k=1, ret_typ="mask"), [[1, 0, 0], [0, 1, 0]])
    values, positions = nd.topk(a, k=1, axis=0, ret_typ="both")
    same(values, [[3, 3, 2]])
    same(positions, [[0, 1, 0]])
    with pytest.raises(ValueError, match=r"k in 1\.\.3 for topk, found 4"):
        nd.topk(a, k=4)


@pytest.mark.parametrize(
    ("source", "codes", "expected"),
    [
        ((2, 3, 4), (4, 0, 2), (4, 3, 2)),
        ((2, 3, 4), (6, 1, -1), (6, 1, 4)),
        ((2, 3, 4), (-2,), (2, 3, 4)),
        ((2, 3, 4), (2, -2), (2, 3, 4)),
        ((2, 3, 4), (-2, 1, 1), (2, 3, 4, 1, 1)),
        ((2, 3, 4), (-3, 4), (6, 4)),
        ((2, 3, 4, 5), (-3, -3), (6, 20)),
        ((2, 3, 4), (0, -3), (2, 12)),
        ((2, 3, 4), (-4, 1, 2, -2), (1, 2, 3, 4)),
        ((2, 3, 4), (2, -4, -1, 3, -2), (2, 1, 3, 4)),
        ((2, 3, 4), (-1,), (24,)),
        ((2, 3, 4), (0, 0, -1), (2, 3, 4)),
        ((6,), (2, 3), (2, 3)),
        ((0, 3), (0, 3), (0, 3)),
    ],
)
def test_codes_of_reshape(source, codes, expected):
    a = nd.zeros(source)

    assert nd.reshape(a, codes).shape == expected
    assert a.reshape(codes).shape == expected
    assert a.reshape(*codes).shape == expected
    assert a.reshape(shape=codes).shape == expected


def test_reverse_reshape_reads_from_the_end():
    a = nd.zeros((10, 5, 4))

    assert a.reshape((-1, 0)).shape == (40, 5)
    assert a.reshape((-1, 0), reverse=True).shape == (50, 4)


@pytest.mark.parametrize(
    "codes", [(5, 5), (-1, -1), (7, -1), (0, 0, 0, 0), (-4, 5, 2), (-5,), (-4, 2)]
)
def test_shapes_that_do_not_fit_are_refused(codes):
    with pytest.raises(ValueError, match=r"as many elements as \(2, 12\)"):
        nd.zeros((2, 12)).reshape(codes)


@given(hnp.array_shapes(max_dims=4, max_side=4), st.data())
def test_reshape_to_any_shape_and_back_keeps_the_elements(shape, data):
    size = math.prod(shape)
    divisors = [n for n in range(1, size + 1) if size % n == 0]
    first = data.draw(st.sampled_from(divisors))
    x = nd.arange(size).reshape(shape)

    y = x.reshape((first, -1))

    assert y.shape == (first, size // first)
    same(y.reshape(shape), onp.arange(size).reshape(shape))


def test_moving_elements():
    a = nd.array(A)

    same(nd.transpose(a), A.T)
    same(a.transpose(1, 0), A.T)
    same(a.transpose((1, 0)), A.T)
    same(nd.swapaxes(a, 0, 1), A.T)
    same(nd.flip(a, axis=1), A[:, ::-1])
    same(nd.reverse(a, axis=0), A[::-1])
    same(nd.tile(a, (2, 1)), onp.tile(A, (2, 1)))
    same(a.tile(2), onp.tile(A, 2))
    same(nd.repeat(a, 2, axis=1), onp.repeat(A, 2, axis=1))
    same(nd.expand_dims(a, 1), A[:, None])
    same(nd.squeeze(nd.ones((1, 2, 1))), onp.ones(2))
    same(nd.squeeze(nd.ones((1, 2, 1)), axis=2), onp.ones((1, 2)))
    same(nd.broadcast_to(nd.array([[1, 2]]), (3, 2)), [[1, 2]] * 3)
    same(nd.broadcast_to(nd.array([[1], [2]]), (0, 3)), [[1] * 3, [2] * 3])
    same(nd.broadcast_axis(nd.array([[1, 2]]), axis=0, size=2), [[1, 2]] * 2)
    same(nd.flatten(nd.zeros((2, 3, 4))), onp.zeros((2, 12)))
    same(nd.Flatten(nd.zeros(3)), onp.zeros((3, 1)))
    same(nd.slice_axis(a, axis=1, begin=0, end=2), A[:, :2])
    same(nd.slice(a, begin=(0, 1), end=(2, 3)), A[0:2, 1:3])
    same(nd.slice_like(a, nd.zeros((1, 2))), A[:1, :2])
    same(nd.diag(nd.array([1, 2]), 1), onp.diag([1, 2], 1))
    same(nd.shape_array(a), [2, 3], onp.int64)
    same(nd.cumsum(a, axis=1), onp.cumsum(A, axis=1))


def test_errors_of_moving_elements():
    a = nd.array(A)

    with pytest.raises(ValueError, match=r"order of the 2 axes for transpose, found axes=\(0, 0\)"):
        a.transpose((0, 0))
    with pytest.raises(
        ValueError, match=r"axes of length 1 for squeeze, found axis 0 of shape \(2, 3\)"
    ):
        a.squeeze(axis=0)
    with pytest.raises(ValueError, match=r"broadcasts to \(2, 4\), found \(2, 3\)"):
        a.broadcast_to((2, 4))
    with pytest.raises(
        ValueError, match=r"splits into 2 equal parts, found axis 1 of shape \(2, 3\)"
    ):
        nd.split(a, 2)


def test_joining_and_splitting():
    a = nd.array(A)

    same(nd.concat(a, a), onp.concatenate([A, A], axis=1))
    same(nd.concat(a, a, dim=0), onp.concatenate([A, A], axis=0))
    same(nd.concat([a, a], dim=0), onp.concatenate([A, A], axis=0))
    same(nd.stack(a, a, axis=-1), onp.stack([A, A], axis=-1))
    parts = nd.split(a, 3)
    assert [p.shape for p in parts] == [(2, 1)] * 3
    same(parts[2], A[:, 2:])
    assert [p.shape for p in nd.split(a, 3, squeeze_axis=True)] == [(2,)] * 3
    same(nd.split(a, 1), A)
    with pytest.raises(
        ValueError, match=r"equal in shape but for axis 1, found \(2, 3\), \(1, 3\)"
    ):
        nd.concat(a, nd.ones((1, 3)))
    with pytest.raises(ValueError, match=r"one shape for stack, found \(2, 3\), \(1, 3\)"):
        nd.stack(a, nd.ones((1, 3)))
    with pytest.raises(ValueError, match="at least one array for 'concat'"):
        nd.concat()


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


def test_selecting():
    a = nd.array(A)

    same(nd.take(a, nd.array([[1], [0]])), A[[[1], [0]]])
    same(nd.take(a, nd.array([7, -7])), A[[1, 0]])  # clipped
    same(nd.take(a, nd.array([2, -1]), mode="wrap"), A[[0, 1]])
    same(a.take(nd.array([0, 2]), axis=1), A[:, [0, 2]])
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis with size 2"):
        nd.take(a, nd.array([0, 7]), mode="raise")
    same(nd.pick(a, nd.array([0, 2])), [1, -6])
    same(nd.pick(a, nd.array([[0, 1, 0]]), axis=0, keepdims=True), [[1, 5, 3]])
    same(nd.pick(a, nd.array([5, -5])), [3, 4])
    with pytest.raises(ValueError, match=r"index of shape \(2,\) for pick, found \(3,\)"):
        nd.pick(a, nd.array([0, 1, 2]))
    same(nd.one_hot(nd.array([1, 0, 5]), 3), [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    same(
        nd.one_hot(nd.array([[1]]), 2, on_value=8, off_value=-1, dtype="int32"),
        [[[-1, 8]]],
        onp.int32,
    )
    same(nd.Embedding(nd.array([1, 0]), a, 2, 3), A[[1, 0]])
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        nd.Embedding(nd.array([2]), a)
    same(nd.gather_nd(a, nd.array([[0, 1], [2, 0]])), [3, 4])
    same(
        nd.scatter_nd(nd.array([5, 6]), nd.array([[0, 1], [2, 0]]), (2, 3)), [[0, 0, 5], [6, 0, 0]]
    )
    same(nd.boolean_mask(a, nd.array([0, 1])), A[1:])
    with pytest.raises(TypeError, match="whole numbers in indices"):
        nd.take(a, nd.array([0.5]))


def test_sequences():
    x = onp.arange(12, dtype=onp.float32).reshape(3, 2, 2)
    lengths = nd.array([1, 3])

    masked = nd.SequenceMask(nd.array(x), lengths, use_sequence_length=True, value=-1).asnumpy()
    expected = x.copy()
    expected[1:, 0] = -1
    onp.testing.assert_array_equal(masked, expected)
    same(nd.SequenceLast(nd.array(x), lengths, True), onp.stack([x[0, 0], x[2, 1]]))
    reverse = x.copy()
    reverse[:, 1] = x[::-1, 1]
    same(nd.SequenceReverse(nd.array(x), lengths, True), reverse)
    same(
        nd.SequenceReverse(nd.array(x.swapaxes(0, 1)), lengths, True, axis=1),
        reverse.swapaxes(0, 1),
    )
    same(nd.SequenceMask(nd.array(x)), x)


def test_casting():
    a = nd.array([1.7, -1.7])

    same(a.astype("int32"), [1, -1], onp.int32)
    same(nd.cast(a, "float64"), onp.float32([1.7, -1.7]).astype(onp.float64), onp.float64)
    assert a.astype("float32", copy=False) is a
    assert a.astype("float32") is not a


@given(
    hnp.arrays(onp.float32, hnp.array_shapes(max_dims=3), elements=st.floats(-100, 100, width=32)),
    st.booleans(),
)
def test_sum_of_any_array_equals_numpys(values, keepdims):
    a = nd.array(values)
    for axis in range(values.ndim):
        onp.testing.assert_array_equal(
            onp.asarray(nd.sum(a, axis=axis, keepdims=keepdims)).reshape(-1),
            values.sum(axis=axis, keepdims=keepdims).reshape(-1),
        )


@given(
    st.lists(
        st.one_of(
            st.integers(-3, 2),
            st.builds(slice, *itertools.repeat(st.one_of(st.none(), st.integers(-4, 4)), 2)),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_basic_indexing_equals_numpys_but_for_scalars(key):
    values = onp.arange(27, dtype=onp.float32).reshape(3, 3, 3)

    result = nd.array(values)[tuple(key)]

    onp.testing.assert_array_equal(onp.asarray(result), onp.atleast_1d(values[tuple(key)]))


# Files


def test_save_and_load_a_dict_a_list_and_one_array(tmp_path):
    path = tmp_path / "a.npz"
    named = {"0.weight": nd.array(A), "file": nd.array([1, 2], dtype="int64")}

    nd.save(path, named)
    loaded = nd.load(path)
    assert list(loaded) == list(named)
    same(loaded["0.weight"], A)
    same(loaded["file"], [1, 2], onp.int64)

    nd.save(str(path), [nd.array(A), nd.ones(2)])
    loaded = nd.load(str(path))
    assert isinstance(loaded, list)
    same(loaded[1], [1, 1])

    nd.save(path, nd.array(A))
    same(nd.load(path)[0], A)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_saved_file_is_numpys(tmp_path):
    path = tmp_path / "a.npz"
    nd.save(path, {"w": nd.array(A)})

    with onp.load(path) as archive:
        onp.testing.assert_array_equal(archive["w"], A)

    onp.savez(path, w=A, b=A[0])
    assert set(nd.load(path)) == {"w", "b"}


def test_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.npz"
    nd.save(path, [nd.array(A)])

    with pytest.raises(TypeError, match="found 'x': str"):
        nd.save(path, {"x": "no array"})
    with pytest.raises(TypeError, match="found 'x' of dtype object"):
        nd.save(path, {"x": onp.array([None])})

    same(nd.load(path)[0], A)
    assert len(list(tmp_path.iterdir())) == 1


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        nd.load(tmp_path / "nothing.npz")
    broken = tmp_path / "broken.npz"
    nd.save(broken, [nd.array(A)])
    content = broken.read_bytes()
    for damaged in (b"", b"PK", content[: len(content) // 2], onp.random.default_rng(1).bytes(300)):
        broken.write_bytes(damaged)
        with pytest.raises(MXNetError, match=r"expected an? \..* file .*broken\.npz"):
            nd.load(broken)
    onp.savez(broken, x=onp.array([None], dtype=object))
    with pytest.raises(MXNetError, match=r"expected an \.npz file of arrays"):
        nd.load(broken)


def test_single_elements_can_be_changed_in_place():
    a = nd.array([[1, 2], [3, 4]])
    a[0, 1] += 5
    a[1, 0] = a[0, 0] * 7
    a[1][1] -= 1
    same(a, [[1, 7], [7, 3]])
