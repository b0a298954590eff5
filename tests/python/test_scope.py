"""Parts of MXNet outside dense networks get one clear answer; misspellings get Python's own."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import glueball
from glueball import gluon, nd
from glueball.base import MXNetError, OutsideScopeError, OutsideScopeImportError


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
        ("glueball.gluon.data", "RecordFileDataset", "record files and images"),
        ("glueball.nd", "Convolution", "convolutional nets"),
        ("glueball.nd", "sparse", "sparse arrays"),
        ("glueball.npx", "convolution", "convolutional nets"),
        ("glueball", "visualization", "symbolic graphs"),
        ("glueball", "contrib", "half precision, quantization"),
        ("glueball", "kvstore_server", "servers of parameters"),
        ("glueball", "log", "MXNet's engine and profiler"),
        ("glueball", "image", "record files and images"),
        ("glueball.gluon.contrib", "rnn", "recurrent nets"),
        ("glueball.gluon.utils", "download", "downloads"),
        ("glueball.gluon.nn", "PixelShuffle2D", "convolutional nets"),
        ("glueball.nd", "SoftmaxOutput", "symbolic graphs"),
        ("glueball.nd", "linalg_gelqf", "linear algebra"),
        ("glueball.nd", "sgd_update", "MXNet's own optimizers"),
        ("glueball.init", "FusedRNN", "recurrent nets"),
        ("glueball.metric", "Torch", "other libraries' metrics"),
        ("glueball.optimizer", "Test", "tests of MXNet"),
        ("glueball.autograd", "get_symbol", "symbolic graphs"),
        ("glueball.gluon.block", "SymbolBlock", "symbolic graphs"),
        ("glueball.gluon.contrib.nn", "SparseEmbedding", "sparse arrays"),
        ("glueball.gluon.contrib.data", "text", "texts"),
        ("glueball.nd", "Softmax", "symbolic graphs"),
        ("glueball.np", "npv", "finance"),
        ("glueball.npx", "multibox_prior", "convolutional nets"),
        ("glueball.gluon.nn", "conv_layers", "convolutional nets"),
        ("glueball.test_utils", "chi_square_check", "tests of MXNet"),
        ("glueball.io", "CSVIter", "record files and images"),
        ("glueball.util", "get_gpu_memory", "many devices"),
        ("glueball.context", "gpu_memory_info", "many devices"),
    ],
)
def test_what_is_outside_says_what_it_is_for(module, name, field):
    with pytest.raises(OutsideScopeError, match=rf"found '.*{name}', which is for {field}"):
        getattr(importlib.import_module(module), name)


def test_the_error_of_a_look_up_is_of_the_classes_that_programs_catch():
    for kind in (AttributeError, MXNetError, NotImplementedError, OutsideScopeError):
        with pytest.raises(kind, match="glueball is Gluon for small dense nets"):
            _ = nd.Convolution


@pytest.mark.parametrize(
    "statement",
    [
        "from glueball import sym",
        "import glueball.sym",
        "from glueball.gluon import rnn",
        "from glueball.nd import Convolution",
        # not packages, of which importlib would not ask more
        "from glueball.util import get_gpu_memory",
        "from glueball.gluon.utils import download",
    ],
)
def test_the_error_of_an_import_says_the_same_and_is_an_import_error(statement):
    name = statement.split()[-1]

    for kind in (ImportError, MXNetError, NotImplementedError, OutsideScopeError):
        with pytest.raises(kind, match=f"found '.*{name.removeprefix('glueball.')}', which is for"):
            exec(statement)  # noqa: S102
    with pytest.raises(OutsideScopeImportError) as caught:
        exec(statement)  # noqa: S102
    assert caught.value.name.endswith(f".{name.removeprefix('glueball.')}")


def test_programs_can_ask_whether_a_part_is_there():
    default = object()

    assert not hasattr(glueball, "sym")
    assert not hasattr(nd, "sparse")
    assert getattr(nd, "Convolution", default) is default
    assert getattr(glueball.np, "npv", default) is default
    assert hasattr(glueball, "nd")


def test_a_misspelling_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'glueball\.nd' has no attribute 'onse'"):
        _ = nd.onse
    with pytest.raises(AttributeError, match="has no attribute 'gloun'"):
        _ = glueball.gloun
    assert not hasattr(gluon.nn, "Dence")
    with pytest.raises(ImportError, match=r"cannot import name 'nosuch' from 'glueball\.util'"):
        from glueball.util import nosuch  # noqa: F401
    with pytest.raises(
        ModuleNotFoundError, match=r"found 'gloun'; did you mean 'gluon'\?"
    ) as caught:
        from glueball import gloun  # noqa: F401
    assert isinstance(caught.value, MXNetError)


def test_from_mxnet_import_gives_the_same_answer():
    program = "import glueball; glueball.install_as_mxnet(); from mxnet.gluon import model_zoo"

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert "OutsideScopeImportError: expected a part of MXNet that dense networks" in run.stderr


def test_every_form_of_import_gives_the_same_answer():
    # In a process of its own, since standing in for MXNet renames classes.
    program = """
import glueball

glueball.install_as_mxnet()
for statement in (
    "from mxnet.io import MNISTIter",
    "from mxnet.gluon.model_zoo import vision",
    "from mxnet.gluon.data.vision import ImageRecordDataset",
    "from mxnet.contrib import onnx",
    "from mxnet.ndarray import sparse",
    "import mxnet.ndarray.sparse",
    "from mxnet.initializer import FusedRNN",
    "from mxnet.module import Module",
    "import mxnet.nosuch",
    "from mxnet.util import use_np",
):
    try:
        exec(statement)
    except ImportError as error:
        print(type(error).__name__, statement, error)
    else:
        print("imported", statement)
"""

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    *outside, unknown, switches = run.stdout.splitlines()
    assert len(outside) == 8
    for line in outside:
        assert line.startswith("OutsideScopeImportError")
        assert "expected a part of MXNet that dense networks on CPUs need" in line
    assert unknown.startswith(
        "NoSuchNameError import mxnet.nosuch cannot import name 'nosuch' from 'mxnet': expected one it has"
    )
    assert switches == "imported from mxnet.util import use_np"


@pytest.mark.parametrize(
    "use",
    [
        lambda: nd.ones(2, ctx=glueball.gpu()),
        lambda: nd.array([1]).as_in_context(glueball.gpu(0)),
        lambda: nd.ones(1).copyto(glueball.gpu(1)),
        lambda: gluon.nn.Dense(1, in_units=1).initialize(ctx=glueball.gpu()),
        lambda: gluon.utils.split_and_load(nd.ones((2, 1)), [glueball.gpu(0), glueball.gpu(1)]),
        lambda: nd.random.normal(shape=2, ctx=glueball.gpu()),
    ],
)
def test_gpus_can_be_named_and_using_one_says_what_glueball_is_for(use):
    with pytest.raises(
        OutsideScopeError, match=r"found gpu\(\d\); glueball runs dense nets on CPUs"
    ):
        use()
