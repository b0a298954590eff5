"""Densities and probabilities: where they are 0, and shapes that do not fit."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd


def test_a_density_is_0_outside_the_bounds():
    x = nd.array([[-1, 0, 2, 3]])

    density = nd.random_pdf_uniform(x, nd.zeros(1), nd.full(1, 2))
    logarithm = nd.random_pdf_uniform(x, nd.zeros(1), nd.full(1, 2), is_log=True)

    assert density.asnumpy().tolist() == [[0, 0.5, 0.5, 0]]
    assert logarithm.asnumpy()[0, ::3].tolist() == [-onp.inf, -onp.inf]


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda: nd.random_pdf_normal(nd.ones((2, 3)), nd.ones(3), nd.ones(3)), ValueError, "the first axes of the sample"),
        (lambda: nd.random_pdf_dirichlet(nd.ones((2, 3)), nd.ones(2)), ValueError, r"found \(2,\) for a sample of shape \(2, 3\)"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong()
