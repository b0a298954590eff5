"""docs/differentiable.md says what the code does."""

from __future__ import annotations

import importlib.metadata
import runpy
from pathlib import Path

import numpy as onp
import pytest

from glueball import autograd, nd
from glueball.nd import _derivatives

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "differentiable.py"))
PAGE = (ROOT / "docs" / "differentiable.md").read_text(encoding="utf8")


def listed(title):
    section = PAGE.partition(f"### {title}\n")[2].partition("\n#")[0]
    return [name.strip("`,") for name in section.split()]


def numpy_function(name):
    found = onp
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def test_page_is_current():
    versions = f"NumPy {onp.__version__}, autograd {importlib.metadata.version('autograd')}."
    if versions in PAGE:
        assert SCRIPT["page"]() == PAGE
    else:  # another release may have more functions; what is listed still has to hold
        for kind, title in _derivatives.KINDS.items():
            for name in listed(title):
                function = numpy_function(name)
                assert function is None or _derivatives.kind_of(function) == kind


@pytest.mark.parametrize("name", ["nextafter", "i0", "heaviside"])
def test_what_is_listed_as_refused_is_refused(name):
    assert name in listed(_derivatives.KINDS["unknown"])
    x = nd.array([0.5, 1.5])
    x.attach_grad()
    arguments = (x, 1.0) if name != "i0" else (x,)
    with (
        autograd.record(),
        pytest.raises(RuntimeError, match=rf"known derivative, found numpy\.{name}"),
    ):
        numpy_function(name)(*arguments)


@pytest.mark.parametrize("kind", ["smooth", "step"])
def test_elementwise_functions_that_are_listed_as_differentiable_are(kind):
    names = [
        name
        for name in listed(_derivatives.KINDS[kind])
        if isinstance(numpy_function(name), onp.ufunc) and numpy_function(name).nin == 1
    ]
    assert len(names) > 3
    for name in names:
        x = nd.array([0.3, 0.6], dtype="float64")
        x.attach_grad()
        function = numpy_function(name)
        with autograd.record():
            y = function(1 + x if name == "arccosh" else x)
        y.backward()
        start = x.asnumpy() + (1 if name == "arccosh" else 0)
        slope = (function(start + 1e-6) - function(start - 1e-6)) / 2e-6
        onp.testing.assert_allclose(x.grad.asnumpy(), slope, rtol=1e-6, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("name", ["argmax", "isnan", "greater"])
def test_what_is_listed_as_constant_needs_no_gradient(name):
    assert name in listed(_derivatives.KINDS["constant"])
    x = nd.array([0.5, 1.5])
    x.attach_grad()
    with autograd.record():
        y = numpy_function(name)(x, *([1.0] if name == "greater" else []))
    assert getattr(y, "_node", None) is None
