"""Methods that are replaced after a net has run: on a block, on its class, on any class above."""

import abc
from typing import Protocol
from unittest import mock

import pytest

from glueball import init, nd
from glueball.gluon import nn
from glueball.gluon.block._plan import Plan
from glueball.gluon.nn._native import NativeLayer


class Mixin:
    """A class that blocks know nothing of."""


class Mixed(Mixin, nn.Dense):
    pass


class MixedChain(Mixin, nn.HybridSequential):
    pass


class Derived(nn.Dense):
    pass


def layer(factory=nn.Dense):
    dense = factory(1, use_bias=False, in_units=1, weight_initializer=init.Constant(2))
    dense.initialize()
    return dense


# The layer alone, and at several depths; a chain of a class that others know nothing of.
NETS = {
    "alone": lambda dense: dense,
    "in a net": lambda dense: nn.Sequential(dense),
    "in a hybrid net": lambda dense: nn.HybridSequential(nn.HybridSequential(dense)),
    "in a mixed net": lambda dense: MixedChain(dense),
    "side by side": lambda dense: side_by_side(dense),
}


def side_by_side(dense):
    net = nn.Concurrent()
    net.add(dense)
    return net


def run(net):
    return net(nd.ones((1, 1))).item()


def forward(self, x):
    return x * 5


def hybrid_forward(self, F, x, **params):
    return x * 5


# The class of a layer, and the class in which a method is replaced.
PLACES = [
    (nn.Dense, nn.Dense, "forward"),
    (nn.Dense, nn.Dense, "hybrid_forward"),
    (nn.Dense, nn.Dense, "__call__"),
    (nn.Dense, NativeLayer, "forward"),
    (nn.Dense, nn.HybridBlock, "__call__"),
    (nn.Dense, nn.Block, "__call__"),
    (Derived, nn.Dense, "forward"),
    (Derived, nn.Dense, "hybrid_forward"),
    (Derived, Derived, "forward"),
    (Derived, Derived, "hybrid_forward"),
    (Derived, Derived, "__call__"),
    (Mixed, Mixin, "forward"),
    (Mixed, Mixin, "hybrid_forward"),
    (Mixed, Mixin, "__call__"),
]


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
@pytest.mark.parametrize(("kind", "place", "name"), PLACES)
def test_method_of_a_class_replaced_after_a_call_is_what_runs(make, kind, place, name):
    replaced = hybrid_forward if name == "hybrid_forward" else forward
    net = make(layer(kind))
    assert run(net) == 2

    with mock.patch.object(place, name, replaced, create=True):
        assert run(net) == 5
        assert run(make(layer(kind))) == 5
    assert run(net) == 2


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
@pytest.mark.parametrize("method", [forward, hybrid_forward])
def test_method_of_one_block_replaced_after_a_call_is_what_runs(make, method):
    dense, other = layer(), layer()
    net, untouched = make(dense), make(other)
    for each in (net, untouched):
        assert run(each) == 2

    setattr(dense, method.__name__, method.__get__(dense))
    assert (run(net), run(untouched)) == (5, 2)

    delattr(dense, method.__name__)
    assert run(net) == 2


def test_chain_that_was_patched_runs_what_it_was_given():
    net = nn.HybridSequential(nn.HybridSequential(layer()))
    assert run(net) == 2

    with mock.patch.object(nn.HybridSequential, "forward", forward):
        assert run(net) == 5
    with mock.patch.object(nn.Block, "__call__", lambda self, x: x * 7):
        assert run(net) == 7  # chains call in a way of their own, and Dense in this one
        assert run(nn.Flatten()) == 7
    assert run(net) == 2


def test_block_given_another_class_runs_as_that():
    dense = layer()
    net = nn.Sequential(dense)
    assert run(net) == 2

    class Fivefold(nn.Dense):
        forward = forward

    dense.__class__ = Fivefold
    assert run(net) == 5
    dense.__class__ = nn.Dense
    assert run(net) == 2


def test_base_put_above_a_class_after_a_call_is_seen():
    class Fivefold(nn.Dense):
        forward = forward

    class Ours(Derived):
        pass

    net = nn.Sequential(layer(Ours))
    assert run(net) == 2

    Ours.__bases__ = (Fivefold,)
    assert run(net) == 5


def test_class_that_counts_its_calls_makes_no_new_plans(monkeypatch):
    made = []
    make = Plan.__init__
    monkeypatch.setattr(Plan, "__init__", lambda plan, block: made.append(make(plan, block)))

    class Counting(nn.HybridSequential):
        calls = 0

        def forward(self, x):
            type(self).calls += 1
            return super().forward(x)

    net = Counting(layer())

    assert [run(net) for _ in range(3)] == [2, 2, 2]
    assert (Counting.calls, len(made)) == (3, 1)


def test_block_may_be_an_abstract_class_or_a_protocol_too():
    class Runs(Protocol):
        def forward(self, x): ...

    class Abstract(nn.Block, abc.ABC):
        @abc.abstractmethod
        def forward(self, x): ...

    class Net(Abstract, Runs):
        def forward(self, x):
            return x * 5

    assert run(Net()) == 5
    assert isinstance(Net(), Abstract)
    assert not isinstance(nn.Dense(1), Abstract)
    with pytest.raises(TypeError, match="abstract"):
        Abstract()
