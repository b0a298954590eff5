"""nd.linalg: values, beside NumPy's; derivatives, beside central differences."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import MXNetError, autograd, nd
from glueball.base import OutsideScopeError

RNG = onp.random.default_rng(11)


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*batch):
    a = normal(*batch, 4, 4)
    return a @ a.swapaxes(-1, -2) + 2 * onp.eye(4)


def turned(a, is_turned=True):
    return a.swapaxes(-1, -2) if is_turned else a


def triangle(*batch):
    return normal(*batch, 4, 4) + 3 * onp.eye(4)


CASES = {}
for BATCH in [(), (3,), (2, 3)]:
    A, B, C = normal(*BATCH, 2, 4), normal(*BATCH, 4, 3), normal(*BATCH, 2, 3)
    L, R = triangle(*BATCH), normal(*BATCH, 4, 4)
    for TA in (False, True):
        for TB in (False, True):
            KW = {"transpose_a": TA, "transpose_b": TB, "alpha": 0.5}
            ARGS = [turned(A, TA), turned(B, TB)]
            CASES["gemm2", BATCH, TA, TB] = ("gemm2", ARGS, KW, 0.5 * A @ B)
            KW = {**KW, "beta": 2.0}
            CASES["gemm", BATCH, TA, TB] = ("gemm", [*ARGS, C], KW, 0.5 * A @ B + 2 * C)
        CASES["syrk", BATCH, TA] = (
            "syrk", [A], {"transpose": TA, "alpha": 2.0}, 2 * turned(A, TA) @ turned(A, not TA),
        )  # fmt: skip
        for RIGHT in (False, True):
            for LOWER in (False, True):
                KEPT = turned(onp.tril(L) if LOWER else onp.triu(L), TA)
                KW = {"transpose": TA, "rightside": RIGHT, "lower": LOWER, "alpha": 2.0}
                INVERSE = onp.linalg.inv(KEPT)
                CASES["trmm", BATCH, TA, RIGHT, LOWER] = (
                    "trmm", [L, R], KW, 2 * (R @ KEPT if RIGHT else KEPT @ R),
                )  # fmt: skip
                CASES["trsm", BATCH, TA, RIGHT, LOWER] = (
                    "trsm", [L, R], KW, 2 * (R @ INVERSE if RIGHT else INVERSE @ R),
                )  # fmt: skip
    P, LOW = positive(*BATCH), onp.tril(triangle(*BATCH))
    DIAGONAL = onp.diagonal(P, axis1=-2, axis2=-1)
    CASES["potrf", BATCH] = ("potrf", [P], {}, onp.linalg.cholesky(P))
    CASES["potri", BATCH] = ("potri", [LOW], {}, onp.linalg.inv(LOW @ turned(LOW)))
    CASES["sumlogdiag", BATCH] = ("sumlogdiag", [P], {}, onp.log(DIAGONAL).sum(-1))
    for OFFSET in (-2, 0, 1):
        FOUND = onp.diagonal(P, OFFSET, -2, -1)
        CASES["extractdiag", BATCH, OFFSET] = ("extractdiag", [P], {"offset": OFFSET}, FOUND)
        MADE = onp.zeros((*BATCH, 4 + abs(OFFSET), 4 + abs(OFFSET)))
        for PLACE in onp.ndindex(*BATCH, 4):
            ROW, COLUMN = PLACE[-1] - min(OFFSET, 0), PLACE[-1] + max(OFFSET, 0)
            MADE[(*PLACE[:-1], ROW, COLUMN)] = DIAGONAL[PLACE]
        CASES["makediag", BATCH, OFFSET] = ("makediag", [DIAGONAL], {"offset": OFFSET}, MADE)
    CASES["inverse", BATCH] = ("inverse", [P], {}, onp.linalg.inv(P))
    CASES["det", BATCH] = ("det", [P], {}, onp.linalg.det(P))


def arrays(values, dtype="float64"):
    return [nd.array(each, dtype=dtype) for each in values]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_numpys(case, dtype):
    name, values, settings, expected = CASES[case]

    found = getattr(nd.linalg, name)(*arrays(values, dtype), **settings)

    tolerance = {"float32": 2e-4, "float64": 1e-10}[dtype]
    assert found.dtype == onp.dtype(dtype)
    assert found.shape == (expected.shape or (1,))
    onp.testing.assert_allclose(
        found.asnumpy().reshape(expected.shape), expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_those_of_central_differences(case):
    name, values, settings, _ = CASES[case]
    function = getattr(nd.linalg, name)
    given = arrays(values)
    for each in given:
        each.attach_grad()
    with autograd.record():
        y = function(*given, **settings)
    head = normal(*y.shape)
    y.backward(nd.array(head, dtype="float64"))

    for place, value in enumerate(values):
        # Along a direction in which a symmetric matrix stays symmetric.
        step = normal(*value.shape)
        if name == "potrf":
            step = step + turned(step)
        if name == "potri":
            step = onp.tril(step)
        moved = []
        for sign in (1e-6, -1e-6):
            others = [each + sign * step if i == place else each for i, each in enumerate(values)]
            moved.append(float((function(*arrays(others), **settings).asnumpy() * head).sum()))
        expected = (moved[0] - moved[1]) / 2e-6
        found = float((given[place].grad.asnumpy() * step).sum())
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_slogdet_gives_sign_and_size_and_the_gradient_of_that(batch):
    values = positive(*batch)
    a = nd.array(values, dtype="float64")
    a.attach_grad()
    with autograd.record():
        sign, size = nd.linalg.slogdet(a)
    size.backward()

    expected = onp.linalg.slogdet(values)
    onp.testing.assert_allclose(sign.asnumpy().reshape(batch), expected[0])
    onp.testing.assert_allclose(size.asnumpy().reshape(batch), expected[1])
    onp.testing.assert_allclose(a.grad.asnumpy(), turned(onp.linalg.inv(values)), rtol=1e-8)


def test_rows_may_be_on_another_axis():
    a, b = normal(2, 5, 4), normal(4, 5, 3)

    found = nd.linalg.gemm2(*arrays((a, b)), axis=0).asnumpy()

    for i in range(5):
        onp.testing.assert_allclose(found[:, i], a[:, i] @ b[:, i])


def test_long_names_are_the_same_functions():
    for name in nd.linalg.__all__:
        assert getattr(nd, f"linalg_{name}") is getattr(nd.linalg, name)


def test_out_gets_the_result():
    a = nd.array(positive())
    out = nd.zeros((4, 4))

    assert nd.linalg.potrf(a, out=out, name="it") is out
    onp.testing.assert_allclose(out.asnumpy(), onp.linalg.cholesky(a.asnumpy()), rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: nd.linalg.potrf(nd.ones((2, 3))), "square matrices"),
        (lambda: nd.linalg.potrf(-nd.ones((2, 2))), "is defined for"),
        (lambda: nd.linalg.inverse(nd.ones((2, 2))), "is defined for"),
        (lambda: nd.linalg.gemm2(nd.ones((2, 3)), nd.ones((2, 3))), "fit each other"),
        (lambda: nd.linalg.gemm2(nd.ones(3), nd.ones(3)), "equal batch axes"),
        (lambda: nd.linalg.gemm(nd.ones((2, 2)), nd.ones((2, 2)), nd.ones(2)), "product's shape"),
        (lambda: nd.linalg.extractdiag(nd.ones((2, 2)), 3), "offset within 2"),
    ],
)
def test_what_is_not_defined_says_so(wrong, message):
    with pytest.raises(MXNetError, match=message):
        wrong()


def test_others_are_outside_the_scope():
    with pytest.raises(OutsideScopeError, match="linear algebra"):
        nd.linalg_gelqf  # noqa: B018


@pytest.mark.parametrize("name", ["isfinite", "isinf", "isnan"])
def test_tests_of_numbers_are_numpys(name):
    values = onp.array([1, onp.inf, -onp.inf, onp.nan], onp.float32)

    found = getattr(nd.contrib, name)(nd.array(values))

    assert found.dtype == onp.float32
    assert found.asnumpy().tolist() == getattr(onp, name)(values).tolist()
