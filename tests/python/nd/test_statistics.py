"""Histograms, moments' refusals, indices of flattened arrays, densities' shapes, and files in memory."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd

X = onp.array([[1, 2, 3], [4, 5, 6]], onp.float32)


@pytest.mark.parametrize(
    "settings", [{}, {"bins": 3}, {"bins": 3, "range": (0, 6)}, {"bins": onp.array([0.0, 2, 4, 6])}]
)
def test_histogram_is_numpys(settings):
    arguments = {
        k: nd.array(v) if k == "bins" and k != "range" and not isinstance(v, int) else v
        for k, v in settings.items()
    }

    counts, bounds = nd.histogram(nd.array(X), **arguments)

    expected = onp.histogram(X, **settings)
    assert counts.dtype == onp.int64
    assert bounds.dtype == onp.float32
    onp.testing.assert_array_equal(counts.asnumpy(), expected[0])
    onp.testing.assert_allclose(bounds.asnumpy(), expected[1], rtol=1e-6)


def test_histogram_needs_ascending_bounds():
    with pytest.raises(ValueError, match="ascending bounds for histogram"):
        nd.histogram(nd.array(X), nd.array([2, 1]))


def test_onehot_encode_fills_and_returns_out():
    out = nd.full((2, 4), 7)

    assert nd.onehot_encode(nd.array([1, 3]), out) is out

    assert out.asnumpy().tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


def test_op_is_the_module():
    assert nd.op is nd


@pytest.mark.parametrize("name", ["a.params", "a.safetensors", "a.npz"])
def test_contents_of_a_file_are_loaded_as_the_file_is(tmp_path, name):
    nd.save(tmp_path / name, {"x": nd.array(X), "y": nd.ones(2)})

    found = nd.load_frombuffer((tmp_path / name).read_bytes())

    assert list(found) == ["x", "y"]
    onp.testing.assert_array_equal(found["x"].asnumpy(), X)


def test_damaged_contents_are_refused(tmp_path):
    nd.save(tmp_path / "a", [nd.array(X)])

    with pytest.raises(ValueError, match="buffer"):
        nd.load_frombuffer((tmp_path / "a").read_bytes()[:-3])
    with pytest.raises(TypeError, match="found str; pass bytes"):
        nd.load_frombuffer("a")


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda: nd.moments(nd.array(X), axes=()), ValueError, "at least one axis for moments"),
        (lambda: nd.ravel_multi_index(nd.array([[0], [6]]), (7, 6)), IndexError, r"out of bounds for shape \(7, 6\)"),
        (lambda: nd.ravel_multi_index(nd.array([[0]]), (7, 6)), ValueError, "2 rows of coordinates"),
        (lambda: nd.ravel_multi_index(nd.array([[0], [1]]), (7, -1)), ValueError, "of which the first may be -1"),
        (lambda: nd.unravel_index(nd.array([42]), (7, 6)), IndexError, r"places within \(7, 6\)"),
        (lambda: nd.fill_element_0index(nd.array(X), nd.ones(2), nd.array([0, 3])), IndexError, "index 3 is out of bounds"),
        (lambda: nd.fill_element_0index(nd.array(X), nd.ones(3), nd.ones(2)), ValueError, r"found \(2, 3\), \(3,\)"),
        (lambda: nd.SoftmaxActivation(nd.array(X), mode="x"), ValueError, "'instance' or 'channel'"),
        (lambda: nd.reshape_like(nd.array(X), nd.ones((2, 2)), lhs_end=1), ValueError, r"the shape \(2, 2, 3\)"),
        (lambda: nd.random_pdf_normal(nd.array(X), nd.ones(3), nd.ones(3)), ValueError, "the first axes of the sample"),
        (lambda: nd.random_pdf_dirichlet(nd.array(X), nd.ones(2)), ValueError, r"found \(2,\) for a sample of shape \(2, 3\)"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_with_what_was_found(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong()


def test_a_density_is_0_outside_the_bounds():
    x = nd.array([[-1, 0, 2, 3]])

    density = nd.random_pdf_uniform(x, nd.zeros(1), nd.full(1, 2))
    logarithm = nd.random_pdf_uniform(x, nd.zeros(1), nd.full(1, 2), is_log=True)

    assert density.asnumpy().tolist() == [[0, 0.5, 0.5, 0]]
    assert logarithm.asnumpy()[0, ::3].tolist() == [-onp.inf, -onp.inf]
