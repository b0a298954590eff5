"""`test_utils`: comparisons that test suites written for MXNet make."""

from __future__ import annotations

import os

import numpy as onp
import pytest

from glueball import cpu, gpu, nd, random, test_utils
from glueball.base import OutsideScopeError


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (nd.ones(2), onp.array([1, 1.001]), True),  # float32: 1e-3 + 1e-4
        (nd.ones(2), onp.array([1, 1.002]), False),
        (onp.ones(2), onp.array([1, 1.0000099]), True),  # float64: 1e-5
        (onp.ones(2), onp.array([1, 1.000011]), False),
        (onp.array([1, 2]), onp.array([1, 2]), True),
        (onp.array([100000]), onp.array([100001]), False),  # integers: equal
        (nd.ones((2, 2)), 1, True),
        ([1.0], [[1.0], [1.0]], True),
    ],
)
def test_tolerances_go_by_dtype(a, b, equal):
    assert test_utils.almost_equal(a, b) is equal
    if equal:
        test_utils.assert_almost_equal(a, b)
    else:
        with pytest.raises(
            AssertionError, match=r"^Items are not equal: expected 'a' within rtol="
        ):
            test_utils.assert_almost_equal(a, b)


def test_tolerances_can_be_given():
    test_utils.assert_almost_equal(1.0, 1.5, rtol=0.5)
    test_utils.assert_almost_equal(1.0, 1.5, atol=0.5)
    with pytest.raises(AssertionError):
        test_utils.assert_almost_equal(1.0, 1.0001, rtol=0, atol=1e-6)


def test_a_difference_is_shown_with_its_place_and_share():
    with pytest.raises(AssertionError) as caught:
        test_utils.assert_almost_equal(
            onp.array([[1.0, 2], [3, 4]]), onp.array([[1.0, 2], [5, 4]]), names=("found", "wanted")
        )

    assert "25 % of 4 elements outside" in str(caught.value)
    assert "(1, 0): found=" in str(caught.value)
    assert "wanted=" in str(caught.value)


def test_nan_equals_nan_only_if_it_is_said():
    nan = nd.array([float("nan"), 1])

    with pytest.raises(AssertionError):
        test_utils.assert_almost_equal(nan, nan)
    test_utils.assert_almost_equal(nan, nan, equal_nan=True)
    test_utils.assert_almost_equal_ignore_nan(nan, nd.array([3, 1]))
    with pytest.raises(AssertionError):
        test_utils.assert_almost_equal_ignore_nan(nan, nd.array([3, 2]))


def test_shapes_have_to_fit():
    with pytest.raises(ValueError, match="broadcast"):
        test_utils.assert_almost_equal(onp.ones(2), onp.ones(3))
    with pytest.raises(AssertionError, match=r"of one shape, found \(2,\) and \(1, 2\)"):
        test_utils.assert_almost_equal(onp.ones(2), onp.ones((1, 2)), use_broadcast=False)
    assert not test_utils.same(onp.ones(2), onp.ones(3))
    assert test_utils.same(nd.ones(2), [1, 1])


def test_assert_exception_wants_the_exception():
    test_utils.assert_exception(int, ValueError, "a")
    with pytest.raises(AssertionError, match="expected ValueError of the call"):
        test_utils.assert_exception(int, ValueError, "3")
    with pytest.raises(TypeError):
        test_utils.assert_exception(int, ValueError, [])


def test_random_shapes_and_arrays_obey_the_seed():
    def draw():
        random.seed(5)
        return (
            test_utils.rand_shape_nd(4, 6),
            test_utils.rand_shape_2d(3, 9),
            test_utils.rand_shape_3d(2, 2, 2, allow_zero_size=True),
            test_utils.rand_ndarray((3, 2), dtype="float64").asnumpy().tolist(),
            test_utils.random_arrays((2,), (1, 3))[1].tolist(),
        )

    shape, flat, solid, values, _ = draw()

    assert draw() == draw()
    assert len(shape) == 4
    assert all(1 <= length <= 6 for length in shape)
    assert 1 <= flat[0] <= 3
    assert 1 <= flat[1] <= 9
    assert all(0 <= length <= 2 for length in solid)
    assert onp.abs(values).max() <= 1
    assert test_utils.random_arrays((2,)).dtype == "float32"


def test_largest_and_smallest_lengths_occur():
    random.seed(0)

    drawn = {test_utils.rand_shape_nd(1, 3)[0] for _ in range(200)}

    assert drawn == {1, 2, 3}


def test_the_context_of_tests_can_be_set():
    before = test_utils.default_context()
    try:
        test_utils.set_default_context(cpu(1))
        assert test_utils.default_context() == cpu(1)
        with pytest.raises(OutsideScopeError):
            test_utils.set_default_context(gpu())
    finally:
        test_utils.set_default_context(before)
    assert test_utils.default_dtype() is onp.float32
    assert test_utils.list_gpus() == []


def test_variables_of_the_environment_are_put_back():
    os.environ.pop("GLUEBALL_TEST_VARIABLE", None)

    with test_utils.environment("GLUEBALL_TEST_VARIABLE", "1"):
        assert os.environ["GLUEBALL_TEST_VARIABLE"] == "1"
        with test_utils.environment({"GLUEBALL_TEST_VARIABLE": None}):
            assert "GLUEBALL_TEST_VARIABLE" not in os.environ
        assert os.environ["GLUEBALL_TEST_VARIABLE"] == "1"

    assert "GLUEBALL_TEST_VARIABLE" not in os.environ
    with (
        pytest.raises(ValueError, match="expected a name and a value, or a dict"),
        test_utils.environment("A"),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("get_mnist_pkl", "downloads"),
        ("check_numeric_gradient", "symbolic graphs"),
        ("rand_sparse_ndarray", "sparse arrays"),
    ],
)
def test_what_is_left_out_says_so(name, field):
    with pytest.raises(OutsideScopeError, match=f"'test_utils.{name}', which is for {field}"):
        getattr(test_utils, name)


def test_sparse_arrays_are_left_out():
    with pytest.raises(OutsideScopeError, match="sparse arrays"):
        test_utils.rand_ndarray((2, 2), stype="csr")


def test_tolerances_by_dtype_and_by_the_larger_of_two():
    a, b = onp.zeros(2, onp.float32), onp.zeros(2, onp.float16)

    assert test_utils.default_rtols()[onp.dtype("float32")] == 1e-4
    assert test_utils.default_atols()[onp.dtype("int64")] == 0
    assert test_utils.default_numeric_eps()[onp.dtype("float32")] == 1 / 512
    assert test_utils.get_tols(a, b, None, None) == (1e-2, 1e-1)
    assert test_utils.get_tols(a, 1.0, 0.5, {onp.dtype("float32"): 0.25}) == (0.5, 0.25)
    assert test_utils.effective_dtype(nd.ones(1)) == onp.float32
    assert test_utils.get_etol() == 0


def test_a_share_of_elements_may_differ():
    a, b = onp.zeros(10), onp.array([1.0] + [0.0] * 9)

    test_utils.assert_almost_equal_with_err(a, b, etol=0.1)
    with pytest.raises(AssertionError, match="found 10 % of 10 elements outside"):
        test_utils.assert_almost_equal_with_err(a, b, etol=0.05)
    with pytest.raises(AssertionError, match="found 10 %"):
        test_utils.compare_ndarray_tuple((a, (a, a)), (a, (a, b)))
    test_utils.compare_ndarray_tuple((a, None), (a, b))


def test_same_array_is_of_memory():
    a = nd.ones((2, 2))

    assert test_utils.same_array(a, a.reshape((2, 2)))
    assert not test_utils.same_array(a, a.copy())
    assert not test_utils.same_array(a, a[:1])


def test_arrays_points_and_samples():
    first, second = test_utils.random_uniform_arrays((2, 3), (4,), low=1, high=2, dtype=onp.float64)
    assert (first.shape, second.shape, first.dtype) == ((2, 3), (4,), onp.float64)
    assert 1 <= min(first.min(), second.min()) < max(first.max(), second.max()) < 2
    x, y = test_utils.rand_coord_2d(1, 3, 5, 6)
    assert x in (1, 2)
    assert y == 5
    assert sorted(test_utils.random_sample([3, 1, 2], 3)) == [1, 2, 3]
    with pytest.raises(ValueError, match="expected k from 0 to 3, found 4"):
        test_utils.random_sample([3, 1, 2], 4)
    assert test_utils.create_vector(3).asnumpy().tolist() == [0, 1, 2]
    assert test_utils.create_2d_tensor(2, 3).asnumpy().tolist() == [[0, 0, 0], [1, 1, 1]]


def test_functions_of_elements_and_axes():
    x = onp.arange(6.0).reshape(2, 3)

    onp.testing.assert_array_equal(test_utils.assign_each(x, lambda v: v + 1), x + 1)
    onp.testing.assert_array_equal(test_utils.assign_each2(x, x, lambda v, w: v * w), x * x)
    assert test_utils.assign_each(x, None) is not x
    onp.testing.assert_array_equal(test_utils.np_reduce(x, None, True, onp.sum), [[15]])
    onp.testing.assert_array_equal(test_utils.np_reduce(x, -1, False, onp.max), [2, 5])
    onp.testing.assert_array_equal(test_utils.collapse_sum_like(x, (1, 3)), [[3, 5, 7]])
    onp.testing.assert_array_equal(test_utils.collapse_sum_like(x, (3,)), [3, 5, 7])


def test_generators_are_checked_by_mean_and_variance():
    random.seed(3)

    def normal(n):
        return nd.random.normal(1, 2, shape=n)

    assert test_utils.mean_check(normal, 1, 2, 10000)
    assert not test_utils.mean_check(normal, 1.2, 2, 10000)
    assert test_utils.var_check(normal, 2, 10000)
    assert not test_utils.var_check(normal, 1.9, 10000)


def test_retry_runs_until_a_run_passes():
    runs = []

    def fails_below(n):
        runs.append(n)
        assert len(runs) >= n

    test_utils.retry(3)(fails_below)(3)
    assert len(runs) == 3
    runs.clear()
    with pytest.raises(AssertionError):
        test_utils.retry(2)(fails_below)(3)
    assert len(runs) == 2
    with pytest.raises(ValueError, match="found n=0"):
        test_utils.retry(0)


def test_standard_error_is_thrown_away(capfd):
    with test_utils.discard_stderr():
        os.write(2, b"gone")
    os.write(2, b"kept")

    assert capfd.readouterr().err == "kept"
