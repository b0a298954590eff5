"""Examples in docstrings do what they show, and every module says what is public."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import numpy as np
import pytest

import glueball


def module_names() -> Iterator[str]:
    yield "glueball"
    for module in pkgutil.walk_packages(glueball.__path__, "glueball."):
        if module.name not in ("glueball._core", "glueball.__main__"):
            yield module.name


@pytest.mark.parametrize("name", list(module_names()))
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(name)

    with np.printoptions(precision=8, suppress=False):
        result = doctest.testmod(
            module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, report=True
        )

    assert result.failed == 0


@pytest.mark.parametrize("name", list(module_names()))
def test_modules_list_their_public_names(name):
    module = importlib.import_module(name)

    assert hasattr(module, "__all__"), f"{name} has no __all__"
    missing = [public for public in module.__all__ if not hasattr(module, public)]
    assert missing == []
