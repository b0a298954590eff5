"""Parts of MXNet outside dense networks get one clear answer; misspellings get Python's own."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import glueball
from glueball import gluon, nd
from glueball.base import MXNetError, OutsideScopeError


@pytest.mark.parametrize(
    ("module", "name", "field"),
    [
        ("glueball", "sym", "symbolic graphs"),
        ("glueball", "mod", "the Module interface"),
        ("glueball.gluon", "rnn", "recurrent nets"),
        ("glueball.gluon", "model_zoo", "convolutional nets"),
        ("glueball.gluon.nn", "Conv2D", "convolutional nets"),
        ("glueball.gluon.nn", "GlobalAvgPool1D", "convolutional nets"),
        ("glueball.gluon.loss", "CTCLoss", "losses of sequences"),
        ("glueball.gluon.data", "vision", "record files and images"),
        ("glueball.nd", "Convolution", "convolutional nets"),
        ("glueball.nd", "sparse", "sparse arrays"),
        ("glueball.npx", "convolution", "convolutional nets"),
    ],
)
def test_what_is_outside_says_what_it_is_for(module, name, field):
    with pytest.raises(OutsideScopeError, match=rf"found '.*{name}', which is for {field}"):
        getattr(importlib.import_module(module), name)


def test_the_error_is_of_the_classes_that_programs_catch():
    for kind in (MXNetError, NotImplementedError, ImportError):
        with pytest.raises(kind, match="glueball is Gluon for small dense nets"):
            _ = nd.Convolution


def test_a_misspelling_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'glueball\.nd' has no attribute 'onse'"):
        _ = nd.onse
    with pytest.raises(AttributeError, match="has no attribute 'gloun'"):
        _ = glueball.gloun
    assert not hasattr(gluon.nn, "Dence")


def test_from_mxnet_import_gives_the_same_answer():
    program = "import glueball; glueball.install_as_mxnet(); from mxnet.gluon import rnn"

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert "OutsideScopeError: expected a part of MXNet that dense networks" in run.stderr
