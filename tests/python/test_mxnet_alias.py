"""install_as_mxnet, each time in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run(program):
    """Run `program` after install_as_mxnet(); return what it printed."""
    source = "import glueball\nglueball.install_as_mxnet()\n" + textwrap.dedent(program)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_statements_of_gluon_programs_give_glueball():
    out = run("""
        import mxnet
        import mxnet as mx
        from mxnet import autograd, gluon, init, nd, np, npx, optimizer
        from mxnet.gluon import Block, HybridBlock, Parameter, Trainer, loss as gloss, nn
        from mxnet.gluon.nn import Dense
        from mxnet.gluon.parameter import DeferredInitializationError
        from mxnet.base import MXNetError
        from mxnet.initializer import Xavier
        import mxnet.ndarray as F

        print(mx.gluon is glueball.gluon, nd is glueball.nd, F is nd, nn is glueball.gluon.nn)
        print(Xavier is init.Xavier, mx.init is mx.initializer, mx.cpu())
        print(issubclass(DeferredInitializationError, MXNetError), Dense is nn.Dense)
    """)

    assert out.splitlines() == ["True True True True", "True True cpu(0)", "True True"]


def test_gluon_program_runs():
    out = run("""
        import mxnet as mx
        from mxnet import autograd, gluon, init, nd
        from mxnet.gluon import nn

        mx.random.seed(3)
        net = nn.HybridSequential()
        with net.name_scope():
            net.add(nn.Dense(8, activation='relu'), nn.Dense(1))
        net.initialize(init.Normal(0.1), ctx=mx.cpu())
        net.hybridize()
        loss = gluon.loss.L2Loss()
        trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.1, 'momentum': 0.9})
        x = nd.random.normal(shape=(32, 2))
        y = 2 * x[:, 0] - x[:, 1]
        losses = []
        for epoch in range(60):
            with autograd.record():
                l = loss(net(x), y)
            l.backward()
            trainer.step(32)
            losses.append(l.mean().asscalar())
        print(net)
        print(losses[-1] < losses[0] / 20)
    """)

    assert out.splitlines() == [
        "HybridSequential(",
        "  (0): Dense(2 -> 8, Activation(relu))",
        "  (1): Dense(8 -> 1, linear)",
        ")",
        "True",
    ]


def test_classes_say_that_they_are_mxnets():
    out = run("""
        from mxnet import gluon, nd
        from mxnet.gluon import nn

        print(type(nd.ones(1)).__module__, nn.Dense, gluon.Parameter, sep='|')
    """)

    module, dense, parameter = out.strip().split("|")
    assert module == "mxnet.ndarray.ndarray"
    assert dense == "<class 'mxnet.gluon.nn.basic_layers.Dense'>"
    assert parameter == "<class 'mxnet.gluon.parameter.Parameter'>"


STATEMENTS = [
    "from mxnet.gluon import nn, loss as gloss, data as gdata, utils as gutils",
    "from mxnet import autograd, gluon, init, nd, np, npx, metric, lr_scheduler, optimizer, context",
    "from mxnet import random, initializer, io, test_utils, util, name, base, rnd",
    "import mxnet.ndarray as nd",
    "from mxnet.ndarray import NDArray, array",
    "from mxnet.ndarray.ndarray import NDArray",
    "from mxnet.gluon.block import Block, HybridBlock",
    "from mxnet.gluon.nn.basic_layers import Dense, Dropout, HybridSequential",
    "from mxnet.gluon.nn import basic_layers, activations",
    "import mxnet.gluon.nn.basic_layers as layers",
    "from mxnet.gluon.nn.activations import Activation",
    "from mxnet.gluon.contrib.nn import HybridConcurrent, Identity",
    "from mxnet.gluon.contrib.nn.basic_layers import Concurrent",
    "from mxnet.gluon.contrib.data.sampler import IntervalSampler",
    "from mxnet.gluon.contrib.estimator.event_handler import CheckpointHandler",
    "from mxnet.gluon.data.dataloader import default_batchify_fn, default_mp_batchify_fn",
    "from mxnet.gluon.parameter import Parameter, ParameterDict, Constant",
    "from mxnet.gluon.trainer import Trainer",
    "from mxnet.gluon.utils import clip_global_norm, split_and_load",
    "from mxnet.initializer import InitDesc, Initializer, register",
    "from mxnet.io import NDArrayIter, DataBatch, DataDesc",
    "from mxnet.io.io import NDArrayIter",
    "from mxnet.lr_scheduler import FactorScheduler",
    "from mxnet.metric import EvalMetric, alias, check_label_shapes",
    "from mxnet.numpy_extension import relu, set_np",
    "from mxnet.numpy import random, linalg",
    "import mxnet.numpy.random",
    "import mxnet.optimizer.optimizer as opt; opt.SGD, opt.Updater, mxnet.optimizer.optimizer.Adam",
    "from mxnet.optimizer import Optimizer, get_updater, register",
    "from mxnet.random import seed",
    "from mxnet.test_utils import assert_almost_equal, default_context, rand_ndarray, same",
    "from mxnet.util import is_np_array, np_shape, use_np",
    "from mxnet.context import Context, cpu, cpu_pinned, current_context, num_gpus",
    "from mxnet.base import MXNetError",
]


def test_modules_are_where_mxnet_has_them():
    out = run(f"""
        for statement in {STATEMENTS!r}:
            try:
                exec("import mxnet; " + statement)
            except Exception as error:
                print(statement, error)
        """)

    assert out == ""


def test_second_call_changes_nothing():
    out = run("""
        import sys
        before = {name: id(module) for name, module in sys.modules.items()}
        glueball.install_as_mxnet()
        print(before == {name: id(module) for name, module in sys.modules.items()})
    """)

    assert out == "True\n"


def test_objects_of_every_public_class_name_a_module_that_has_it():
    out = run("""
        import importlib, sys
        from glueball import gluon

        seen = set()
        for name, module in list(sys.modules.items()):
            for each in getattr(module, "__all__", ()) if name.startswith("mxnet") else ():
                value = getattr(module, each)
                if isinstance(value, type) and value.__module__.startswith("mxnet"):
                    place = importlib.import_module(value.__module__)
                    if getattr(place, value.__qualname__, None) is not value:
                        print(value)
                    seen.add(value)
        print(len(seen) > 150)
    """)

    assert out == "True\n"


def test_glueball_goes_on_under_its_own_name():
    out = run("""
        from glueball import nd
        import mxnet

        print(nd is mxnet.nd)
    """)

    assert out == "True\n"


def test_real_mxnet_that_is_there_already_is_not_replaced():
    source = textwrap.dedent("""
        import sys, types
        real = sys.modules['mxnet'] = types.ModuleType('mxnet')
        real.__file__ = 'somewhere/mxnet/__init__.py'
        import glueball
        try:
            glueball.install_as_mxnet()
        except ImportError as error:
            print(error)
        print(sys.modules['mxnet'] is real)
    """)

    out = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    ).stdout

    message, kept = out.splitlines()
    assert message == (
        "expected that mxnet has not been imported yet, found somewhere/mxnet/__init__.py; call "
        "install_as_mxnet() before any import of it"
    )
    assert kept == "True"


@pytest.mark.parametrize("name", ["recordio", "module"])
def test_parts_of_mxnet_that_are_not_there_are_import_errors(name):
    out = run(f"""
        try:
            import mxnet.{name}
        except ImportError as error:
            print(error.name)
    """)

    assert out == f"mxnet.{name}\n"


def test_without_the_call_there_is_no_mxnet():
    source = "import glueball, sys; print('mxnet' in sys.modules)"

    out = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)

    assert out.stdout == "False\n"


def test_the_version_is_that_of_mxnet_and_glueballs_stays():
    out = run("""
        import mxnet as mx
        from mxnet import libinfo

        print(mx.__version__, libinfo.__version__, glueball.__version__ == "1.9.1")
        print(tuple(map(int, mx.__version__.split("."))) >= (1, 5))
        import os
        print(os.path.exists(libinfo.find_lib_path()[0]))
    """)

    assert out.splitlines() == ["1.9.1 1.9.1 False", "True", "True"]


def test_names_that_stand_in_annotations_bases_and_tests_of_a_type_are_there():
    out = run("""
        from typing import Union
        import mxnet as mx
        from mxnet.gluon import SymbolBlock, rnn
        from mxnet.gluon.block import Symbol, _flatten, _regroup
        from mxnet.gluon.contrib.rnn import VariationalDropoutCell
        from mxnet.metric import ndarray

        Tensor = Union[mx.nd.NDArray, mx.sym.Symbol]
        x = mx.nd.ones(2)
        print(isinstance(x, mx.sym.Symbol), isinstance(x, (Symbol, mx.nd.NDArray)), mx.sym is mx.symbol)

        class Cell(rnn.HybridRecurrentCell):
            pass

        @mx.operator.register("op")
        class Op(mx.operator.CustomOpProp):
            pass

        flat, form = _flatten([x, [x, x], None], "input")
        print(len(flat), form, _regroup(flat, form)[0][1][0] is x)
        for use in (Cell, rnn.LSTM, mx.sym.Symbol, lambda: SymbolBlock([], []), lambda: mx.sym.Variable("x")):
            try:
                use()
            except mx.MXNetError as error:
                print(str(error).partition("which is for ")[2].partition(";")[0])
    """)

    assert out.splitlines() == [
        "False True True",
        "4 [0, [0, 0], -1] True",
        "recurrent nets",
        "recurrent nets",
        "symbolic graphs",
        "symbolic graphs",
        "symbolic graphs",
    ]


def test_star_imports_bring_what_mxnets_do():
    out = run("""
        from mxnet.test_utils import *
        from mxnet.autograd import *
        import numpy

        print(mx.__version__, np is numpy, nd is mx.nd, NDArray is nd.NDArray)
        assert_almost_equal(nd.ones(2), np.ones(2))
    """)

    assert out == "1.9.1 True True True\n"


def test_small_modules_do_what_costs_little(tmp_path):
    out = run(f"""
        import logging
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=__import__("sys").stdout)
        import mxnet as mx

        print(mx.runtime.Features().is_enabled("CUDA"), mx.runtime.Features().is_enabled("openmp"))
        mx.profiler.set_config(filename="x"); mx.profiler.set_state("run")
        with mx.engine.bulk(10), mx.profiler.Domain("d").new_task("t"):
            pass
        speedometer = mx.callback.Speedometer(32, frequent=2)
        metric = mx.metric.create("acc")
        for batch in range(4):
            metric.update(mx.nd.array([1]), mx.nd.array([[0, 1]]))
            speedometer(mx.model.BatchEndParam(0, batch, metric, None))
        mx.model.save_checkpoint({str(tmp_path / "net")!r}, 3, None, {{"w": mx.nd.ones(2)}}, {{"m": mx.nd.zeros(1)}})
        print(mx.model.load_checkpoint({str(tmp_path / "net")!r}, 3))
    """)

    lines = out.splitlines()
    assert lines[0] == "False True"
    assert lines[1].startswith("Epoch[0] Batch [2]\tSpeed: ")
    assert lines[1].endswith("accuracy=1.000000")
    assert lines[2].startswith("(None, {'w': ")
