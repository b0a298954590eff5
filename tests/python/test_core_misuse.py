"""The extension's private classes and functions, called wrongly: an exception, never the end of the process."""

from __future__ import annotations

import functools
import gc
import os
import pathlib
import subprocess
import sys
import tracemalloc

import numpy as onp
import pytest

from glueball import _core, autograd, init, nd
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon import nn

CLASSES = [each for each in vars(_core).values() if isinstance(each, type)]
SCRIPT = pathlib.Path(__file__).with_name("core_misuse.py")


def sequential():
    layers = _core.Sequential("s")
    layers.add(_core.Activation("a", "relu"))
    return layers


def chain():
    return _core.Chain(sequential(), "s", lambda x: None, lambda *_: None, False)


def misuse(first, last):
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(first), str(last)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("first", [0, 150])
def test_random_calls_never_end_the_process(first):
    done = misuse(first, first + 150)

    assert done.returncode == 0, f"seeds that crash:\n{done.stdout}{done.stderr[-2000:]}"


@pytest.mark.slow
def test_many_processes_of_random_calls_survive():
    # GLUEBALL_MISUSE=100000 hunts for an hour.
    done = misuse(1000, 1000 + int(os.environ.get("GLUEBALL_MISUSE", "600")))

    assert done.returncode == 0, f"seeds that crash:\n{done.stdout}{done.stderr[-2000:]}"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_only_new_has_made_answers_with_errors(kind):
    try:
        blank = kind.__new__(kind)
    except TypeError:
        return  # not to be made so, or at all
    if kind is _core.TapeNode:
        assert (blank.number, blank.parents, blank._backward) == (0, (), None)
        assert blank.is_untouched
        return
    for name, member in vars(kind).items():
        if isinstance(member, property):
            with pytest.raises(
                GlueballTypeError, match="whose __init__ has run, found one that only __new__"
            ):
                getattr(blank, name)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_no_method_takes_none_for_its_object(kind):
    for member in vars(kind).values():
        function = member.fget if isinstance(member, property) else member
        if callable(function) and not isinstance(function, type):
            with pytest.raises(Exception):  # noqa: B017 - of whichever class: no crash
                function(None)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: _core.Chain(None, "n", None, None, True), "a Sequential of the extension, found a NoneType"),
        (lambda: _core.Chain(_core.Sequential.__new__(_core.Sequential), "n", None, None, True), "a Sequential"),
        (lambda: _core.Chain(sequential(), "n", None, None), r"Chain\(\) takes exactly 5 arguments \(4 given\)"),
        (lambda: _core.Chain(sequential(), "n", None, None, trains=True), r"Chain\(\) takes no keyword arguments"),
        (lambda: chain()(), r"takes exactly 1 argument \(0 given\)"),
        (lambda: chain()(1, 2), r"takes exactly 1 argument \(2 given\)"),
        (lambda: chain()(x=1), "takes no keyword arguments"),
        (lambda: chain()(1), "expected an array as input of 's', found a int"),
        (lambda: _core.RecordingScope(True), r"takes exactly 2 arguments \(1 given\)"),
        (lambda: _core.RecordingScope(True, training=None), "takes no keyword arguments"),
        (lambda: _core.backward_from(1), r"backward_from\(\) takes exactly 3 arguments \(1 given\)"),
        (lambda: _core.softmax_cross_entropy(), "takes exactly 3 arguments"),
        (lambda: _core.update_parameters(1, 2, 3, 4, 5, 6), "takes exactly 7 arguments"),
        (lambda: _core.first_stale(), "takes exactly 1 argument"),
        (lambda: _core.first_stale(1), "a ParameterList, found a int"),
        (lambda: _core.update_parameters(1, 2, 3.0, 4.0, 5.0, 6.0, True), "an Optimizer, found a int"),
        (lambda: _core.run_backward([1], [1], False, None, None), "a node of a graph, found a int"),
        (lambda: _core.run_backward([], [], False, [1], None), "a node of a graph, found a int"),
        (lambda: _core.run_backward([], [], False, None, 1), "a BackwardPass or None, found a int"),
        (lambda: _core.ParameterList([None]), "a Parameter, found a NoneType"),
        (lambda: _core.empty((1,), "float32", int), "a class of arrays, found <class 'int'>"),
        (lambda: _core.set_default_array_type(int), "a class of arrays, found <class 'int'>"),
        (lambda: _core.register_nodes(int, int), "subclasses of TapeNode, found <class 'int'>"),
        (lambda: _core.Constant.__init__(_core.Zero.__new__(_core.Zero), 1), "__init__ of the object's own class"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_errors_of_ours_and_type_errors(call, text):
    with pytest.raises(GlueballTypeError, match=text):
        call()


def test_an_array_whose_node_is_no_node_is_refused():
    x = nd.ones((2, 3))
    x._node = 5

    with pytest.raises(GlueballTypeError, match="a node of a graph, found a int"):
        _core.backward_from(x, False, True)
    with (
        autograd.record(),
        pytest.raises(GlueballTypeError, match="a node of a graph, found a int"),
    ):
        chain()(x)


def test_a_node_is_made_once_and_of_nodes_so_that_walks_end():
    early = _core.TapeNode.__new__(_core.TapeNode)
    node = _core.TapeNode((), None, "n")

    for parents in [(1,), (early,), (None, "x")]:
        with pytest.raises(TypeError, match="parents that are nodes or None"):
            _core.TapeNode(parents, None, "n")
    with pytest.raises(TypeError, match="a new node"):
        node.__init__((), None, "again")
    with pytest.raises(TypeError, match="parent"):
        _core.TapeNode((), None, "n", parent=None)


def test_number_of_gradients_other_than_of_inputs_is_refused():
    x = nd.ones((2,))
    x.attach_grad()
    node = _core.TapeNode((x._node,), lambda grad, pass_: (grad, grad), "twice")

    with pytest.raises(ArgumentError, match="a gradient for each of 1 inputs, found 2"):
        _core.run_backward([node], [onp.ones(2)], False, None, None)


def test_axes_beyond_64_bits_are_refused():
    with pytest.raises(
        ArgumentError, match=r"fewer than 2\*\*63 elements, found 9223372036854775808"
    ):
        _core.empty((2**63,), "float32", onp.ndarray)


def failing_calls():
    x, net = nd.ones((2, 3)), nn.Dense(2, in_units=3)
    net.initialize()
    x.attach_grad()
    with autograd.record():
        y = net(x)
    wrong = nd.ones((7, 5))
    raising = _core.TapeNode((x._node,), lambda grad, pass_: 1 / 0, "raises")
    return {
        "wrong width": lambda: net(wrong),
        "wrong width, recorded": lambda: recorded(net, wrong),
        "head gradient": lambda: y._node._backward(wrong, _core.BackwardPass()),
        "derivative": lambda: _core.run_backward([raising], [onp.ones(2)], False, None, None),
        "not a node": lambda: _core.run_backward([x._node, wrong], [x, x], False, None, None),
        "too few gradients": lambda: _core.run_backward([x._node, raising], [x], False, None, None),
        "chain": lambda: _core.Chain(wrong, "n", None, None, True),
        "labels": lambda: _core.softmax_cross_entropy(wrong, x),
        "scope": lambda: _core.RecordingScope(None, onp.ones(2)),
        "parameters": lambda: _core.ParameterList([net.weight, wrong]),
        "optimizer": lambda: _core.update_parameters(wrong, wrong, 1, 1, 1, 1, True),
        "initializer": lambda: net.weight._initialize(init.One(), wrong, _core.Generator(), True),
        "hook": lambda: init.Xavier()("a_weight", wrong.astype("int32")),
        "array type": lambda: net.weight._data(5),
    }  # fmt: skip


def recorded(net, x):
    with autograd.record():
        return net(x)


@pytest.mark.parametrize("name", list(failing_calls()))
def test_a_call_that_fails_gives_back_what_it_took(name):
    call = failing_calls()[name]

    def fail(times):
        for _ in range(times):
            with pytest.raises(Exception):  # noqa: B017 - of whichever class
                call()

        gc.collect()  # tracebacks refer to the frames that caught them

    def held():
        references = [
            sys.getrefcount(each) for each in (_core.TapeNode, type(None), onp.dtype("float32"))
        ]
        return onp.array([tracemalloc.get_traced_memory()[0], *references])

    fail(50)
    tracemalloc.start()
    try:
        fail(50)  # caches fill
        counts = [held()]
        for _ in range(3):
            fail(700)
            counts.append(held())
    finally:
        tracemalloc.stop()

    # What each call leaves is left in every round; Python 3.12 keeps a thousand tuples more once.
    memory, *references = onp.diff(counts, axis=0).min(axis=0)
    assert memory < 700 * 16  # the smallest object of Python's in each call is more
    assert max(references) < 50


def test_failing_allocations_give_back_what_was_taken():
    testcapi = pytest.importorskip("_testcapi")
    x, net = nd.ones((2, 3)), nn.Dense(2, in_units=3)
    net.initialize()
    x.attach_grad()
    labels = nd.array([0, 1])
    parameters, optimizer = _core.ParameterList([net.weight]), _core.Optimizer("sgd", {}, 0)
    again = print

    def record():
        with autograd.record():
            _core.softmax_cross_entropy(net(x), labels, again)

    calls = [
        record,
        functools.partial(net, x),
        functools.partial(_core.Chain, sequential(), "n", None, None, True),
        functools.partial(_core.RecordingScope, None, True),
        functools.partial(_core.TapeNode, (x._node,), None, "n"),
        functools.partial(_core.update_parameters, optimizer, parameters, 0.1, 0.0, 1.0, 0.0, True),
    ]
    for call in calls:
        call()
        held = sys.getrefcount(x), sys.getrefcount(x._node), sys.getrefcount(again)
        for nth in range(1, 120):
            try:
                testcapi.set_nomemory(nth, nth + 1)
                call()
            except MemoryError:
                pass
            finally:
                testcapi.remove_mem_hooks()
        assert (sys.getrefcount(x), sys.getrefcount(x._node), sys.getrefcount(again)) == held
