"""Native chains: whatever changes a net after its first call is noticed at the next.

Layers whose results tell which of them ran: `layer(k)` multiplies a single feature by k.
"""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd
from glueball._core import Chain
from glueball.base import MXNetError
from glueball.gluon import nn
from glueball.gluon.block import _plan
from glueball.gluon.block._plan import current_plan

X = nd.array([[1.0]])


def layer(factor, **settings):
    return nn.Dense(
        1, in_units=1, use_bias=False, weight_initializer=init.Constant(factor), **settings
    )


def chain(*factors):
    net = nn.Sequential(*(layer(factor) for factor in factors))
    net.initialize()
    return net


def result(net, x=X):
    return net(x).asnumpy().item()


def test_net_of_native_layers_is_one_chain():
    net = nn.Sequential(
        nn.Sequential(nn.Dense(3), nn.Dropout(0.1)), nn.Flatten(), nn.LeakyReLU(0.1)
    )
    net.initialize()
    net(nd.ones((2, 2)))

    assert isinstance(current_plan(net).chain, Chain)
    assert current_plan(net) is current_plan(net)


def test_python_block_in_the_middle_splits_the_chain():
    class AddOne(nn.Block):
        def forward(self, x):
            return x + 1

    net = chain(2)
    net.add(AddOne(), layer(5), layer(7))
    net[2:].initialize()

    assert result(net) == (1 * 2 + 1) * 5 * 7
    assert [type(step) for step in current_plan(net).steps] == [_plan.Chain, AddOne, _plan.Chain]


def test_added_child_runs():
    net = chain(2)
    assert result(net) == 2

    net.add(layer(3))
    net[1].initialize()

    assert result(net) == 6


def test_child_added_to_an_inner_net_runs():
    inner = chain(2)
    net = nn.Sequential(inner, chain(3))
    assert result(net) == 6

    inner.add(layer(5))
    inner[1].initialize()

    assert result(net) == 30


def test_inner_net_that_was_empty_may_be_filled_later():
    net = nn.Sequential(chain(2), nn.Sequential())
    assert result(net) == 2

    net[1].add(layer(3))
    net[1].initialize()

    assert result(net) == 6


def test_replaced_child_runs():
    class Net(nn.HybridSequential):
        def __init__(self):
            super().__init__()
            self.first = layer(2)
            self.second = layer(3)

    net = Net()
    net.initialize()
    assert result(net) == 6

    net.second = layer(5)
    net.second.initialize()

    assert result(net) == 10


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda children, new: children.__setitem__("1", new), 2 * 7 * 5),
        (lambda children, new: children.update({"1": new}), 2 * 7 * 5),
        (lambda children, new: children.setdefault("3", new), 2 * 3 * 5 * 7),
        (lambda children, new: children.__ior__({"3": new}), 2 * 3 * 5 * 7),
        (lambda children, new: children.__delitem__("1"), 2 * 5),
        (lambda children, new: children.pop("1"), 2 * 5),
        (lambda children, new: children.pop("nosuch", None), 2 * 3 * 5),
        (lambda children, new: children.popitem(), 2 * 3),
        (lambda children, new: children.popitem(last=False), 3 * 5),
        (lambda children, new: children.clear(), 1),
    ],
    ids=[
        "set",
        "update",
        "setdefault",
        "ior",
        "del",
        "pop",
        "pop-none",
        "popitem",
        "popfirst",
        "clear",
    ],
)
def test_direct_writes_to_children_are_noticed(change, expected):
    net = chain(2, 3, 5)
    assert result(net) == 30
    new = layer(7)
    new.initialize()

    change(net._children, new)

    assert result(net) == expected


def test_reordered_children_run_in_the_new_order():
    net = nn.Sequential(layer(-2), nn.Activation("relu"))
    net.initialize()
    assert result(net) == 0

    net._children.move_to_end("0")

    assert result(net) == -2


def test_hook_registered_after_the_first_call_is_called():
    net = chain(2, 3)
    result(net)
    outputs = []

    handle = net[0].register_forward_hook(
        lambda _, inputs, output: outputs.append(output.asscalar())
    )
    assert result(net) == 6
    handle.detach()
    assert result(net) == 6

    assert outputs == [2]
    assert isinstance(current_plan(net).chain, Chain)


def test_pre_hook_on_the_net_itself_is_called():
    net = chain(2)
    result(net)
    inputs = []

    with net.register_forward_pre_hook(lambda _, given: inputs.append(given)):
        assert result(net) == 2
    assert result(net) == 2

    assert inputs == [(X,)]


def test_hook_on_an_inner_net_is_called_with_its_own_output():
    net = nn.Sequential(chain(2), chain(3, 5), chain(7))
    result(net)
    seen = []

    net[1].register_forward_hook(
        lambda _, inputs, y: seen.append((inputs[0].asscalar(), y.asscalar()))
    )

    assert result(net) == 210
    assert seen == [(2, 30)]


def test_hook_on_the_activation_of_a_dense_layer_is_called():
    net = nn.Sequential(nn.Dense(2, activation="relu", in_units=1))
    net.initialize(init.Constant(-1))
    net(X)
    seen = []

    net[0].act.register_forward_hook(
        lambda _, inputs, y: seen.append((inputs[0].asnumpy(), y.asnumpy()))
    )
    net(X)

    onp.testing.assert_array_equal(seen[0][0], [[-1, -1]])
    onp.testing.assert_array_equal(seen[0][1], [[0, 0]])


def test_exchanged_activation_of_a_dense_layer_is_used():
    dense = layer(-1, activation="relu")
    net = nn.Sequential(dense)
    net.initialize()
    assert result(net) == 0

    dense.act = nn.Activation("softsign")

    assert result(net) == -0.5


@pytest.mark.parametrize(
    ("act", "expected"),
    [(lambda: nn.LeakyReLU(0.25), -0.25), (lambda: nn.Lambda("abs"), 1)],
    ids=["native", "python"],
)
def test_activation_of_another_kind_can_be_given_to_a_linear_layer(act, expected):
    class Open(nn.Dense):
        def register_child(self, block, name=None):
            self._children[name] = block

    dense = Open(1, in_units=1, weight_initializer=init.Constant(-1))
    dense.initialize()
    assert result(dense) == -1

    dense.act = act()

    assert result(dense) == expected
    assert result(nn.Sequential(dense)) == expected


class DoubledDense(nn.Dense):
    def forward(self, x):
        return super().forward(x) * 2


class DoubledHybridDense(nn.Dense):
    def hybrid_forward(self, F, x, weight, bias=None):
        return super().hybrid_forward(F, x, weight * 2, bias)


class DoubledCallDense(nn.Dense):
    def __call__(self, x):
        return super().__call__(x) * 2


class DoubledActivation(nn.Activation):
    def forward(self, x):
        return super().forward(x) * 2


class DoubledHybridActivation(nn.Activation):
    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x) * 2


class DoubledFlatten(nn.Flatten):
    def hybrid_forward(self, F, x):
        return F.flatten(x) * 2


class DoubledSequential(nn.Sequential):
    def forward(self, x):
        return super().forward(x) * 2


class DoubledHybridSequential(nn.HybridSequential):
    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x) * 2


class DoubledHybridSequentialForward(nn.HybridSequential):
    def forward(self, x):
        return super().forward(x) * 2


class DoubledCallSequential(nn.Sequential):
    def __call__(self, x):
        return super().__call__(x) * 2


@pytest.mark.parametrize(
    "make",
    [
        *(
            lambda cls=cls: cls(1, in_units=1, weight_initializer="ones")
            for cls in (DoubledDense, DoubledHybridDense, DoubledCallDense)
        ),
        lambda: DoubledActivation("relu"),
        lambda: DoubledHybridActivation("relu"),
        lambda: DoubledFlatten(),
        *(
            lambda cls=cls: cls(layer(1))
            for cls in (
                DoubledSequential,
                DoubledHybridSequential,
                DoubledHybridSequentialForward,
                DoubledCallSequential,
            )
        ),
    ],
    ids=lambda make: type(make()).__name__,
)
def test_method_that_a_subclass_replaced_runs_alone_and_among_others(make):
    alone = make()
    alone.initialize()
    among = nn.Sequential(layer(3), make(), layer(5))
    among.initialize()

    for _ in range(2):
        assert result(alone) == 2
        assert result(among) == 3 * 2 * 5


def test_subclass_that_replaces_nothing_stays_in_the_chain():
    class Renamed(nn.Dense):
        pass

    net = nn.Sequential(Renamed(1, in_units=1, weight_initializer="ones"), layer(3))
    net.initialize()

    assert result(net) == 3
    assert isinstance(current_plan(net).chain, Chain)


def test_forward_replaced_on_one_object_runs_until_it_is_deleted():
    net = chain(2, 3)
    assert result(net) == 6

    net[1].forward = lambda x: x + 100
    assert result(net) == 102
    del net[1].forward
    assert result(net) == 6
    net.forward = lambda x: x
    assert result(net) == 1


def test_deferred_subclass_with_its_own_hybrid_forward_learns_its_shape():
    net = nn.Sequential(DoubledHybridDense(2, weight_initializer="ones"), nn.Dense(1))
    net.initialize()

    assert net(nd.ones((1, 3))).shape == (1, 1)
    assert net[0].weight.shape == (2, 3)


def test_gradients_pass_through_replaced_methods():
    net = nn.Sequential(
        layer(3), DoubledHybridDense(1, in_units=1, weight_initializer="ones"), layer(5)
    )
    net.initialize()

    with autograd.record():
        y = net(X)
    y.backward()

    # y = 5 (2 w) 3 x, so each gradient is the product of the other factors.
    assert [net[i].weight.grad().asscalar() for i in range(3)] == [10, 30, 6]
    assert net[1].bias.grad().asscalar() == 5


def test_layer_of_two_nets_belongs_to_both_chains():
    shared = layer(2)
    one, other = nn.Sequential(shared, layer(3)), nn.Sequential(layer(5), shared)
    one.initialize()
    other[0].initialize()
    assert (result(one), result(other)) == (6, 10)
    calls = []

    shared.register_forward_hook(lambda *_: calls.append(1))
    result(one), result(other)

    assert calls == [1, 1]


def test_layer_used_twice_in_one_chain_runs_twice():
    shared = layer(3)
    net = nn.Sequential(shared, shared)
    net.initialize()

    with autograd.record():
        y = net(X)
    y.backward()

    assert y.asscalar() == 9
    assert shared.weight.grad().asscalar() == 6  # d(w w x)/dw


def test_new_values_are_used_by_the_next_call():
    net = chain(2, 3)
    assert result(net) == 6

    net[0].weight.set_data(nd.array([[10]]))
    assert result(net) == 30
    net[1].weight.data()[:] = 1
    assert result(net) == 10
    net.initialize(force_reinit=True)
    assert result(net) == 6
    net.cast("float64")
    assert net(X.astype("float64")).asscalar() == 6


def test_building_nets_does_not_disturb_the_plans_of_others():
    net = chain(2)
    result(net)
    plan = current_plan(net)

    chain(2, 3)
    nn.Sequential(nn.Dense(1), nn.Dropout(0.5))

    assert current_plan(net) is plan


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [nn.Dense(7, activation="relu"), nn.Dense(5, activation="gelu"), nn.Dense(3)],
        lambda: [nn.Flatten(), nn.Dense(4), nn.LeakyReLU(0.2), nn.Dense(2, use_bias=False)],
        lambda: [nn.Dense(4, flatten=False), nn.Activation("tanh"), nn.Flatten(), nn.Dense(1)],
        lambda: [nn.Activation("softsign"), nn.Activation("sigmoid")],
        lambda: [nn.Flatten()],
    ],
    ids=["dense", "leaky", "last-axis", "activations", "flatten"],
)
def test_chain_equals_its_layers_one_by_one_forward_and_backward(layers):
    net = nn.Sequential(*layers())
    net.initialize(init.Normal(0.5))
    net.cast("float64")
    x = nd.random.normal(shape=(6, 3, 4)).astype("float64")
    x.attach_grad()

    def run(forward):
        with autograd.record():
            y = forward(x)
            loss = (y * y).sum()
        loss.backward()
        grads = [p.grad().asnumpy() for p in net.collect_params().values()]
        return [y.asnumpy(), x.grad.asnumpy(), *grads]

    def one_by_one(value):
        for child in net:
            value = child(value)
        return value

    for together, apart in zip(run(net), run(one_by_one), strict=True):
        onp.testing.assert_allclose(together, apart, rtol=1e-12, atol=1e-14)


def test_changes_of_batch_size_give_the_same_rows():
    net = nn.Sequential(nn.Dense(16, activation="relu"), nn.Dense(4))
    net.initialize(init.Xavier())
    x = nd.random.normal(shape=(33, 8))
    whole = net(x).asnumpy()

    for batch in (1, 7, 33, 2):
        onp.testing.assert_allclose(net(x[:batch]).asnumpy(), whole[:batch], rtol=1e-5, atol=1e-6)


def test_outputs_kept_by_the_caller_are_not_overwritten_by_later_calls():
    net = chain(2, 3)
    first = net(X)
    second = net(X * 10)

    assert (first.asscalar(), second.asscalar()) == (6, 60)


def test_one_net_may_be_called_from_several_threads_at_once():
    net = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(3))
    net.initialize(init.Xavier())
    inputs = [nd.random.normal(shape=(n + 1, 8)) for n in range(4)]
    expected = [net(x).asnumpy() for x in inputs]
    wrong = []

    def work(x, wanted):
        for _ in range(100):
            if not onp.array_equal(net(x).asnumpy(), wanted):
                wrong.append(x.shape)

    threads = [
        threading.Thread(target=work, args=each) for each in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


@pytest.fixture
def plans_made(monkeypatch):
    """Yield the blocks that plans were made for, in order."""
    made = []
    make = _plan.Plan.__init__

    def counted(plan, block):
        made.append(block)
        make(plan, block)

    monkeypatch.setattr(_plan.Plan, "__init__", counted)
    return made


CHANGES = {
    "hook": lambda net: net[0].register_forward_hook(lambda *_: None),
    "hook taken off": lambda net: net[0].register_forward_hook(lambda *_: None).detach(),
    "child": lambda net: net.add(nn.Activation("relu")),
    "child deleted": lambda net: net._children.popitem(),
    "parameter": lambda net: setattr(
        net[0], "extra", gluon.Parameter("extra", shape=(1,), init="zeros")
    ),
    "forward": lambda net: setattr(net[0], "forward", lambda x: x),
    "activation": lambda net: net[0].act.register_forward_hook(lambda *_: None),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_of_another_net_makes_no_new_plan_of_this_one(change, plans_made):
    net = chain(2, 3)
    other = nn.Sequential(layer(5, activation="relu"), layer(7))
    other.initialize()
    result(net), result(other)
    assert plans_made == [net, other]

    change(other)
    result(net), result(other)

    assert plans_made.count(net) == 1
    assert plans_made.count(other) == 2


def test_change_reaches_every_net_around_it_and_its_own_plan_but_no_neighbour(plans_made):
    inner = chain(2, 3)
    outer = nn.Sequential(inner, layer(5))
    neighbour = nn.Sequential(outer[1])
    outer[1].initialize()
    for net in (inner, outer, neighbour):
        result(net)
    plans_made.clear()

    inner.add(nn.Identity())
    for net in (inner, outer, neighbour):
        result(net)

    assert plans_made == [inner, outer]


def test_nets_made_around_a_shared_layer_leave_nothing_with_it():
    shared = layer(2)
    shared.initialize()
    for _ in range(1000):
        assert result(nn.Sequential(shared)) == 2

    assert len(shared._watch.plans) <= 8


def test_shallow_copy_shares_its_children_and_sees_what_is_added_to_either():
    net = chain(2)
    copied = copy.copy(net)
    new = layer(3)
    new.initialize()
    assert (result(net), result(copied)) == (2, 2)

    copied.add(new)

    assert (result(net), result(copied)) == (6, 6)


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["deep", "pickle"],
)
def test_deep_copy_notices_its_own_changes_and_disturbs_no_original(duplicate, plans_made):
    net = chain(2, 3)
    result(net)
    copied = duplicate(net)
    result(copied)
    plans_made.clear()

    copied[0].weight.set_data(nd.array([[7.0]]))
    copied._children.popitem()

    assert (result(net), result(copied)) == (6, 7)
    assert plans_made == [copied]


def test_block_without_its_plan_dies_at_once():
    net = nn.HybridSequential(nn.Flatten(), nn.Flatten())
    ref = weakref.ref(net)
    gc.disable()
    try:
        del net
        assert ref() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "tie",
    [
        lambda net: net.add(net),
        lambda net: net[0].add(net),
        lambda net: net[0][0].add(net),
        lambda net: net[0].register_child(nn.Sequential(net)),
        lambda net: setattr(net[0], "parent", net),
        lambda net: net[0]._children.__setitem__("x", net),
        lambda net: net[0]._children.update(x=net),
        lambda net: net[0]._children.setdefault("x", net),
        lambda net: copy.copy(net).add(net),
        lambda net: net[0].add(copy.copy(net)),
        lambda net: (again := pickle.loads(pickle.dumps(net)))[0].add(again),
        lambda net: (again := copy.deepcopy(net))[0][0].add(again),
    ],
    ids=[
        "itself",
        "child",
        "grandchild",
        "through another",
        "attribute",
        "directly",
        "update",
        "setdefault",
        "copy",
        "copy within",
        "pickled",
        "deep copy",
    ],
)
def test_net_that_would_contain_itself_is_refused(tie):
    net = nn.Sequential(nn.Sequential(nn.Sequential(layer(2))))
    net.initialize()

    with pytest.raises(MXNetError, match=r"expected a child that does not contain its parent"):
        tie(net)

    assert result(net) == 2
    assert [len(each) for each in (net, net[0], net[0][0])] == [1, 1, 1]


def test_block_that_knows_its_parent_without_containing_it_is_printed():
    net = nn.Block()
    net.child = nn.Block()
    net.child.__dict__["parent"] = net  # past what would make it a child

    assert repr(net) == "Block(\n  (child): Block(\n  \n  )\n)"


def test_block_may_stand_in_several_places_of_a_net():
    shared = nn.Sequential(layer(2))
    net = nn.Sequential(shared, nn.Sequential(shared))
    net[1].add(shared)
    net.initialize()

    assert result(net) == 8


@pytest.mark.parametrize(
    ("make", "attribute", "value", "expected"),
    [
        (lambda: nn.LeakyReLU(0.5), "_alpha", 0.25, -0.25),
        (lambda: nn.Swish(), "_beta", 0.0, -0.5),
        (lambda: nn.Activation("relu"), "_act_type", "softsign", -0.5),
    ],
    ids=["slope", "beta", "function"],
)
def test_settings_changed_after_a_call_are_used_by_the_next(make, attribute, value, expected):
    act = make()
    net = nn.Sequential(nn.Sequential(act))
    result(net, -X), result(act, -X)

    setattr(act, attribute, value)

    assert result(act, -X) == expected
    assert result(net, -X) == expected


def test_attributes_that_a_block_of_ones_own_counts_in_make_no_new_plan(plans_made):
    class Counting(nn.HybridSequential):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return super().forward(x)

    net = Counting(layer(2), layer(3))
    net.initialize()

    assert [result(net) for _ in range(3)] == [6, 6, 6]
    net.hybridize()
    assert result(net) == 6
    assert (net.calls, len(plans_made)) == (4, 1)
