"""Functions that join arrays, and take parts of them."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd
from nd_values import A, same


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


def test_parts_of_arrays():
    a = nd.array(A)

    same(nd.slice_axis(a, axis=1, begin=0, end=2), A[:, :2])
    same(nd.slice(a, begin=(0, 1), end=(2, 3)), A[0:2, 1:3])
    same(nd.slice_like(a, nd.zeros((1, 2))), A[:1, :2])
    same(nd.diag(nd.array([1, 2]), 1), onp.diag([1, 2], 1))


def test_what_cannot_be_joined_or_split_is_refused():
    a = nd.array(A)

    with pytest.raises(
        ValueError, match=r"splits into 2 equal parts, found axis 1 of shape \(2, 3\)"
    ):
        nd.split(a, 2)
    with pytest.raises(
        ValueError, match=r"equal in shape but for axis 1, found \(2, 3\), \(1, 3\)"
    ):
        nd.concat(a, nd.ones((1, 3)))
    with pytest.raises(ValueError, match=r"one shape for stack, found \(2, 3\), \(1, 3\)"):
        nd.stack(a, nd.ones((1, 3)))
    with pytest.raises(ValueError, match="at least one array for 'concat'"):
        nd.concat()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: nd.slice(a, (0, 0, 0), (1, 1, 1)), r"axes of \(2, 3\) at most for slice"),
        (lambda a: nd.diag(a.reshape((1, 2, 3))), r"a matrix for diag, found shape \(1, 2, 3\)"),
        (
            lambda a: nd.pad(a, "constant", (-1, 1, 0, 0)),
            r"0 or more in pad_width.*\(-1, 1, 0, 0\)",
        ),
        (lambda a: nd.pad(a[:0], "reflect", (1, 1, 0, 0)), r"'reflect', found shape \(0, 3\)"),
    ],
)
def test_parts_that_are_not_there_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^expected .*{message}.*; "):
        call(nd.array(A))
