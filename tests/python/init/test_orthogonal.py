from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from glueball import init
from glueball.base import ArgumentError, ShapeError
from init_filling import fill

KINDS = [(rand_type, method) for rand_type in ("uniform", "normal") for method in ("svd", "qr")]


@pytest.mark.parametrize(("rand_type", "method"), KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(20, 20), (7, 30), (30, 7), (1, 5), (5, 1), (6, 3, 2, 2), (4, 2, 3)]
)
def test_rows_or_columns_are_orthonormal(shape, dtype, rand_type, method):
    weight = fill(init.Orthogonal(1.5, rand_type, method), shape, dtype=dtype).astype(np.float64)

    matrix = weight.reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 1.5**2 * np.eye(len(product)), atol=1e-5)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(KINDS))
def test_any_matrix_keeps_lengths(rows, columns, kind):
    weight = fill(init.Orthogonal(1.0, *kind), (rows, columns)).astype(np.float64)

    np.testing.assert_allclose(np.linalg.svd(weight, compute_uv=False), 1, atol=1e-5)


def test_gluons_default_scale():
    weight = fill(init.Orthogonal(), (10, 10)).astype(np.float64)

    np.testing.assert_allclose(weight @ weight.T, 1.414**2 * np.eye(10), atol=1e-5)


def test_qr_of_a_normal_matrix_is_even_over_all_orthogonal_matrices():
    # Of a Haar-distributed matrix of order 4, each entry squared is Beta(1/2, 3/2), its sign even.
    haar = init.Orthogonal(1.0, "normal", "qr")
    entries = np.array([fill(haar, (4, 4), seed=seed) for seed in range(400)])

    for place in [(0, 0), (1, 2), (3, 3), (3, 0)]:
        entry = entries[(slice(None), *place)].astype(np.float64)
        assert stats.kstest(entry**2, stats.beta(0.5, 1.5).cdf).pvalue > 1e-3
        assert abs((entry > 0).mean() - 0.5) < 5 * math.sqrt(0.25 / len(entry))


def reflected(vectors):
    """Q with the signs of R's diagonal, from the vectors that the QR decomposition would reflect.

    H = I - 2 v v^T / v^T v, v = x + sign(x_0) |x| e_0, turns x to -sign(x_0) |x| e_0.
    """
    columns, rows = vectors.shape
    q = np.eye(rows, columns)
    for k in range(columns):
        q[k, k] = -np.copysign(1, vectors[k, k])
    for k in reversed(range(columns)):
        v = vectors[k].copy()
        v[:k] = 0
        v[k] += np.copysign(np.linalg.norm(v), v[k])
        q -= np.outer(v, (2 / (v @ v)) * (v @ q))
    return q


@pytest.mark.parametrize("shape", [(1, 1), (40, 40), (130, 70), (70, 130), (33, 97)])
@pytest.mark.parametrize("rand_type", ["uniform", "normal"])
def test_it_is_the_product_of_the_reflections_of_the_vectors_drawn(shape, rand_type):
    weight = fill(init.Orthogonal(1.0, rand_type), shape, dtype="float64")

    rows, columns = max(shape), min(shape)
    source = init.Uniform(1.0) if rand_type == "uniform" else init.Normal(1.0)
    expected = reflected(fill(source, (columns, rows), dtype="float64"))
    np.testing.assert_allclose(
        weight, expected if shape[0] >= shape[1] else expected.T, atol=1e-15 * 8 * rows
    )


@pytest.mark.parametrize("shape", [(), (5,)])
def test_orthogonal_refuses_a_vector(shape):
    with pytest.raises(ShapeError, match="two or more axes for Orthogonal, found 'dense0_weight'"):
        fill(init.Orthogonal(), shape)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 4, 3, 3), (5, 3, 1, 2, 3)])
def test_delta_orthogonal_is_orthogonal_at_the_centre_and_zero_elsewhere(shape):
    weight = fill(init.DeltaOrthogonal(0.5), shape).astype(np.float64)

    centre = tuple((size - 1) // 2 for size in shape[2:])
    matrix = weight[(slice(None), slice(None), *centre)].copy()
    weight[(slice(None), slice(None), *centre)] = 0
    np.testing.assert_allclose(matrix.T @ matrix, 0.25 * np.eye(shape[1]), atol=1e-5)
    assert not weight.any()


def test_delta_orthogonal_refuses_what_it_cannot_be():
    with pytest.raises(ShapeError, match="in <= out for DeltaOrthogonal, found 'dense0_weight'"):
        fill(init.DeltaOrthogonal(), (2, 4, 3))
    with pytest.raises(ShapeError, match="3 to 5 axes for DeltaOrthogonal"):
        fill(init.DeltaOrthogonal(), (2, 4))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: init.Orthogonal(math.nan), "finite scale for Orthogonal, found scale=nan"),
        (
            lambda: init.Orthogonal(rand_type="gaussian"),
            "rand_type to be one of 'uniform', 'normal'",
        ),
        (lambda: init.Orthogonal(method="lu"), "method to be one of 'svd', 'qr', found 'lu'"),
        (
            lambda: init.DeltaOrthogonal(math.inf),
            "finite scale for DeltaOrthogonal, found scale=inf",
        ),
    ],
)
def test_bad_settings_are_refused_when_it_is_built(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def test_a_scale_has_to_be_a_number():
    with pytest.raises(TypeError, match=r"scale of Orthogonal, found a ndarray of shape \(3,\)"):
        init.Orthogonal(np.ones(3))
