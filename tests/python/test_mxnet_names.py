"""Every public name of MXNet 1.9.1's modules is there, or says that it is for another field."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# What MXNet's modules import, generate or register for themselves, and do not document.
IMPLEMENTATION = {
    "callback": ("math",),
    "nd": (
        "gen__internal", "gen_contrib", "gen_image", "gen_linalg", "gen_op", "gen_sparse",
        "get_indexing_dispatch_code", "get_oshape_of_gather_nd_op", "indexing_key_expand_implicit_axes", "np", "npx",
        "numpy", "numpy_extension", "register", "utils",
    ),
    "np": (
        "arrayprint", "fallback", "fallback_linalg", "function_base", "io", "multiarray", "stride_tricks", "utils",
    ),
    "npx": (
        "check_call", "classproperty", "constraint_check", "ctypes", "utils", "warnings", "with_metaclass",
    ),
    "nd.random": (
        "current_context", "numeric_types",
    ),
    "autograd": (
        "CFUNCTYPE", "Lock", "MXCallbackList", "NDArrayHandle", "POINTER", "SymbolHandle",
        "array", "c_array", "c_array_buf", "c_handle_array", "c_int", "c_void_p", "cast", "check_call", "ctypes",
        "mx_uint", "string_types", "traceback",
    ),
    "gluon.loss": (
        "is_np_array", "np", "numeric_types",
    ),
    "gluon.utils": (
        "collections", "hashlib", "is_np_array", "is_np_shape", "os", "replace_file", "requests", "sys",
        "uuid", "weakref",
    ),
    "init": (
        "is_np_array", "json", "load", "logging", "np", "random", "re", "registry", "sqrt",
        "string_types", "warnings",
    ),
    "metric": (
        "OrderedDict", "math", "numeric_types", "numpy", "registry", "string_types",
    ),
    "optimizer": (
        "NDabs",
    ),
    "lr_scheduler": (
        "cos", "logging", "pi",
    ),
    "random": (
        "Context", "check_call", "ctypes", "integer_types",
    ),
    "io": (
        "utils",
    ),
    "context": (
        "check_call", "classproperty", "ctypes", "warnings", "with_metaclass",
    ),
    "util": (
        "c_str", "check_call", "ctypes", "inspect", "np_ufunc_legal_option", "py_str", "set_module", "threading",
        "wrap_np_binary_func", "wrap_np_unary_func",
    ),
    "test_utils": (
        "OrderedDict", "Symbol", "array", "assert_allclose", "bz2", "errno", "getenv",
        "gzip", "json", "logging", "npt", "numbers", "platform", "requests", "rnd", "setenv", "ss", "struct",
        "time", "traceback", "zipfile",
    ),
    "np.linalg": (
        "fallback_linalg",
    ),
    "gluon.block": (
        "DeferredInitializationError", "HookHandle", "MXNetError", "OrderedDict",
        "copy", "defaultdict", "initializer", "is_np_array", "json", "load_json",
        "mx_real_t", "np", "np_array", "np_shape", "np_symbol", "re", "threading", "warnings",
    ),
    "gluon.parameter": (
        "MXNetError", "OrderedDict", "autograd", "context", "cpu", "defaultdict", "initializer",
        "is_np_array", "is_np_shape", "mx_real_t", "np", "shape_is_known", "warnings",
    ),
    "gluon.trainer": (
        "KVStore", "opt",
    ),
    "gluon.contrib.estimator": (
        "utils",
    ),
    "name": (
        "classproperty", "warnings", "with_metaclass",
    ),
    "optimizer.contrib": (
        "NDArray", "Optimizer", "clip", "contrib", "mean", "register", "sqrt", "square", "zeros",
    ),
}  # fmt: skip


def names_of_mxnet():
    """Return the names by module, as mxnet_names.txt lists them."""
    found = {}
    text = Path(__file__).with_name("mxnet_names.txt").read_text(encoding="utf8")
    for line in text.splitlines():
        if line.startswith("["):
            names = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            names.extend(line.split())
    return found


NAMES = names_of_mxnet()
# In a process of its own, since standing in for MXNet renames classes.
PROGRAM = """
import sys
import glueball

glueball.install_as_mxnet()
import mxnet
from glueball.base import OutsideScopeError


def answer(found, name):
    try:
        return getattr(found, name), "there"
    except OutsideScopeError:
        return None, "outside"
    except AttributeError:
        return None, "unknown"


for line in sys.stdin:
    module, *names = line.rstrip().split(" ")
    found, said = mxnet, "there"
    for part in filter(None, module.split(".")):
        if said == "there":
            found, said = answer(found, part)
    for name in names:
        print(module, name, answer(found, name)[1] if said == "there" else said)
"""


@pytest.fixture(scope="module")
def answers():
    """Return what glueball says of each (module, name)."""
    asked = "".join(f"{module} {' '.join(names)}\n" for module, names in NAMES.items())
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        input=asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.split(" ") for line in run.stdout.splitlines()]
    return {(module, name): said for module, name, said in lines}


@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_there_or_outside_the_scope(module, answers):
    unknown = {name for name in NAMES[module] if answers[module, name] == "unknown"}

    assert unknown == set(IMPLEMENTATION.get(module, ()))


def test_the_parts_that_dense_nets_need_are_there(answers):
    for module, least in {"nd": 230, "np": 250, "npx": 40, "gluon.nn": 15, "init": 16}.items():
        there = [name for name in NAMES[module] if answers[module, name] == "there"]
        assert len(there) >= least, module


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("nd.onehot_encod", "onehot_encode"), ("npx.reshap", "reshape"), ("np.multipy", "multiply"), ("init.Xavie", "Xavier")],
)  # fmt: skip
def test_a_misspelt_name_is_an_attribute_error_with_a_suggestion(wrong, right):
    run = subprocess.run(
        [sys.executable, "-c", f"import glueball\nglueball.{wrong}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith(
        "glueball.base.GlueballAttributeError: module 'glueball."
    )
    assert f"; did you mean '{right}'?" in run.stderr
