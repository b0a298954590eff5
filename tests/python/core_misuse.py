"""Calls everything in the extension at random: ``core_misuse.py first last`` prints the seeds that crash.

Each seed is a process of its own, forked from one that has imported glueball. Whatever a call raises is right;
what ends the process is not.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import signal
import sys
import tempfile
from typing import Any

import numpy as np

import glueball as mx
from glueball import _core, autograd, gluon, init
from glueball.gluon import nn

CALLS = 60  # in one process
NAMES = [
    "",
    "a",
    "sgd",
    "adam",
    "float32",
    "float64",
    "write",
    "null",
    "relu",
    "uniform",
    "avg",
    "weight",
]
CLASSES = [each for each in vars(_core).values() if isinstance(each, type)]
FUNCTIONS = [each for each in vars(_core).values() if callable(each) and not isinstance(each, type)]


class Odd:
    """Answers to everything, with something else each time."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._rng.choice([None, 1, "a", (), self, lambda *_: self])

    def __bool__(self) -> bool:
        if self._rng.random() < 0.3:
            raise ZeroDivisionError
        return True

    def __iter__(self) -> Any:
        return iter([self, None, 1])

    def __call__(self, *arguments: Any) -> Any:
        return self._rng.choice([None, self, arguments])


def numbers(rng: random.Random) -> Any:
    return rng.choice([0, 1, -1, 2, 3, 7, 100, 2**31, -(2**63), 2**62, 2**63, 2**64, 10**30, True])


def arrays(rng: random.Random) -> Any:
    shape = rng.choice([(), (0,), (1,), (3,), (2, 3), (4, 4), (2, 3, 4), (0, 3)])
    dtype = rng.choice(
        ["float32", "float64", "int32", "int64", "bool", "float16", "complex64", "O", ">f4"]
    )
    array = np.ones(shape, dtype)
    if rng.random() < 0.3:
        array = array.T[::-1] if array.ndim else array
    if rng.random() < 0.2:
        array.flags.writeable = False
    return array if rng.random() < 0.6 else mx.nd.NDArray.__array_wrap__(mx.nd.zeros(1), array)


def recorded(rng: random.Random) -> Any:
    x = mx.nd.ones((2, 3))
    x.attach_grad()
    net = nn.Dense(rng.choice([1, 3]), activation=rng.choice([None, "relu"]))
    net.initialize()
    with autograd.record():
        y = net(x)
        if rng.random() < 0.5:
            y = y * 2
    return rng.choice([y, y._node, y._node._backward, y._node.parents[0], net._plan.chain, x])


def blank(rng: random.Random) -> Any:
    """Return an object that only `__new__` has made."""
    kind = rng.choice(CLASSES)
    return kind.__new__(kind)


def proper(rng: random.Random) -> Any:
    """Return an object as the package makes it."""

    def parameter() -> Any:
        made = gluon.Parameter(
            "p", shape=rng.choice([None, (2, 3), (0, 3)]), allow_deferred_init=True
        )
        if rng.random() < 0.7:
            made.initialize(rng.choice([None, init.Xavier(), init.One()]))
        return made

    def sequential() -> Any:
        made = _core.Sequential("s")
        made.add(_core.Dense("d", parameter(), None, "relu", None, True))
        return made

    return rng.choice(
        [
            parameter,
            sequential,
            lambda: _core.Generator(1, 2),
            lambda: _core.Optimizer(rng.choice(["sgd", "adam"]), {}, 0),
            lambda: _core.ParameterList([parameter()]),
            lambda: _core.BackwardPass(),
            lambda: _core.BackwardPass([parameter()]),
            lambda: _core.TapeNode((), None, "n"),
            lambda: _core.Chain(sequential(), "n", print, print, True),
            lambda: _core.RecordingScope(None, True),
            lambda: rng.choice([init.Xavier, init.Zero, init.Orthogonal, init.Uniform])(),
            lambda: init.InitDesc("a_weight", {"__init__": init.One()}),
            lambda: _core.StoredArray("a", np.ones(3, "float32")),
            lambda: _core.recording_state,
        ]
    )()


def fitting(rng: random.Random, made: list[Any], kind: str) -> Any:
    """Return what a parameter annotated as `kind` in a docstring may get."""
    if rng.random() < 0.2:
        return value(rng, made)
    named = [each for each in CLASSES if f"_core.{each.__name__}" in kind]
    if kind.startswith(("list", "collections.abc.Sequence", "collections.abc.Iterable")) and named:
        return [fitting(rng, made, named[0].__name__) for _ in range(rng.randrange(3))]
    for each in named:
        candidates = [*made, *(proper(rng) for _ in range(12))]
        found = [one for one in candidates if isinstance(one, each)]
        return rng.choice(found) if found and rng.random() < 0.85 else each.__new__(each)
    for word, make in {
        "Int": numbers, "int": numbers, "str": lambda r: r.choice(NAMES), "bytes": lambda _: b"x.params",
        "bool": lambda r: r.random() < 0.5, "Float": lambda r: r.choice([0.0, 0.5, 1.0, -1.0, float("nan")]),
        "type": lambda r: r.choice([np.ndarray, mx.nd.NDArray, int]),
    }.items():  # fmt: skip
        if word in kind:
            return make(rng)
    return rng.choice([value, lambda r, _: arrays(r), lambda _r, _m: (2, 3)])(rng, made)


def arguments_of(rng: random.Random, made: list[Any], function: Any, skip: int = 0) -> list[Any]:
    """Return arguments that often fit what the function's docstring asks for."""
    head = (getattr(function, "__doc__", None) or "").partition("->")[0]
    kinds = re.findall(r"\w+: (.+?)(?=, \w+: |, \*|\) *$| = )", head)
    if kinds and rng.random() < 0.8:
        return [fitting(rng, made, kind) for kind in kinds[skip:]]
    return [value(rng, made) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10]))]


def value(rng: random.Random, made: list[Any], depth: int = 0) -> Any:
    kind = rng.randrange(14)
    if kind == 0:
        return None
    if kind == 1:
        return numbers(rng)
    if kind == 2:
        return rng.choice([0.5, float("nan"), float("inf"), -1e300])
    if kind == 3:
        return rng.choice(NAMES)
    if kind == 4:
        return arrays(rng)
    if kind in (5, 6, 7) and depth < 2:
        items = [value(rng, made, depth + 1) for _ in range(rng.randrange(4))]
        return rng.choice([tuple, list])(items)
    if kind == 8 and depth < 2:
        return {
            rng.choice([*NAMES, 1]): value(rng, made, depth + 1) for _ in range(rng.randrange(3))
        }
    if kind == 9:
        return rng.choice(
            [int, np.ndarray, mx.nd.NDArray, object, Odd(rng), print, b"x", rng.choice(CLASSES)]
        )
    if kind == 10:
        return recorded(rng)
    if kind == 11:
        return blank(rng)
    if kind == 12 and made:
        return rng.choice(made)
    return proper(rng)


def call(rng: random.Random, made: list[Any]) -> Any:
    keywords = {rng.choice(["name", "x", "shape"]): None} if rng.random() < 0.05 else {}
    what = rng.random()
    if what < 0.25:
        function = rng.choice(FUNCTIONS)
        return function(*arguments_of(rng, made, function), **keywords)
    if what < 0.4:
        kind = rng.choice(CLASSES)
        return kind(*arguments_of(rng, made, vars(kind).get("__init__"), 1), **keywords)
    if what < 0.7:  # a class's own function, of any object
        kind = rng.choice(CLASSES)
        own = vars(kind)[rng.choice(list(vars(kind)))]
        if isinstance(own, property):
            own = rng.choice([own.fget, own.fset])
        if hasattr(own, "__get__") and not callable(own):
            return own.__get__(rng.choice([blank(rng), proper(rng), kind.__new__(kind)]))
        return own(*arguments_of(rng, made, own), **keywords)
    target = rng.choice([blank, proper, proper, recorded])(rng)
    name = rng.choice([each for each in dir(target) if each not in ("__class__", "__dict__")])
    if what < 0.75:
        return setattr(target, name, value(rng, made))
    attribute = getattr(target, name)
    if not callable(attribute):
        return attribute
    return attribute(*arguments_of(rng, made, attribute, 1), **keywords)


def run(seed: int) -> None:
    rng = random.Random(seed)
    made: list[Any] = []
    for _ in range(CALLS):
        with contextlib.suppress(Exception):  # that it raises is right
            made.append(call(rng, made))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    crashed = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for seed in range(int(sys.argv[1]), int(sys.argv[2])):
            child = os.fork()
            if child == 0:
                nothing = os.open(os.devnull, os.O_WRONLY)
                if len(sys.argv) == 3:
                    os.dup2(nothing, 1)
                    os.dup2(nothing, 2)
                resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
                signal.alarm(20)  # slow is not wrong here
                run(seed)
                os._exit(0)
            status = os.waitpid(child, 0)[1]
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGALRM:
                crashed.append(seed)
                sys.stdout.write(f"{seed} {signal.Signals(os.WTERMSIG(status)).name}\n")
    sys.exit(1 if crashed else 0)


if __name__ == "__main__":
    main()
