"""Block: attributes, children, hooks, apply, cast, printing."""

from __future__ import annotations

import gc
import weakref

import numpy as onp
import pytest

from glueball import MXNetError, autograd, gluon, init, nd, np, npx
from glueball.base import OutsideScopeError
from glueball.gluon import nn


class TwoLayers(nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = nn.Dense(4, activation="relu", in_units=3)
        self.output = nn.Dense(2, in_units=4)

    def forward(self, x):
        return self.output(self.hidden(x))


class Affine(nn.Block):
    """A layer of a user's own, on array functions."""

    def __init__(self, units, in_units, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get("weight", shape=(in_units, units))
        self.bias = self.params.get("bias", shape=(units,))

    def forward(self, x):
        return nd.relu(nd.dot(x, self.weight.data()) + self.bias.data())


class Nothing(nn.Block):
    pass


# Attributes and children


def test_blocks_assigned_to_attributes_are_children_in_order():
    net = TwoLayers()

    assert list(net._children) == ["hidden", "output"]
    assert list(net._children.values()) == [net.hidden, net.output]


def test_forgetting_the_base_constructor_says_so():
    class Forgetful(nn.Block):
        def __init__(self):
            self.layer = nn.Dense(1)

    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) first in Forgetful"):
        Forgetful()


def test_forgetting_the_base_constructor_is_noticed_for_parameters_too():
    class Forgetful(nn.Block):
        def __init__(self):
            self.scale = gluon.Parameter("scale", shape=(1,))

    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) first"):
        Forgetful()


def test_replacing_a_child_by_one_of_its_class_keeps_its_place():
    net = TwoLayers()
    new = nn.Dense(4, in_units=3)

    net.hidden = new

    assert list(net._children.items()) == [("hidden", new), ("output", net.output)]


def test_replacing_a_child_by_one_of_a_subclass_is_allowed():
    class Special(nn.Dense):
        pass

    net = TwoLayers()
    net.hidden = Special(4, in_units=3)

    assert type(net._children["hidden"]) is Special


@pytest.mark.parametrize("value", [5, None, "relu"], ids=["int", "none", "str"])
def test_replacing_a_child_by_another_type_is_refused_and_changes_nothing(value):
    net = TwoLayers()
    net.initialize()
    layer = net.hidden

    with pytest.raises(TypeError) as caught:
        net.hidden = value

    assert str(caught.value) == (
        f"Changing attribute type for hidden from {nn.Dense} to {type(value)}is not allowed."
    )
    assert net.hidden is layer
    assert net(nd.ones((1, 3))).shape == (1, 2)


def test_replacing_a_layer_by_one_of_another_class_is_refused():
    net = TwoLayers()

    with pytest.raises(TypeError, match="Changing attribute type for hidden from"):
        net.hidden = nn.Flatten()


def test_plain_value_can_become_a_child():
    net = TwoLayers()
    net.extra = None

    net.extra = nn.Flatten()

    assert net._children["extra"] is net.extra


def test_parameter_attributes_cannot_be_replaced():
    layer = Affine(2, 3)

    with pytest.raises(AssertionError) as caught:
        layer.weight = gluon.Parameter("other", shape=(3, 2))

    assert str(caught.value).startswith("Overriding Parameter attribute weight is not allowed.")


def test_assigning_the_same_parameter_again_is_fine():
    layer = Affine(2, 3)
    weight = layer.weight

    layer.weight = weight

    assert layer.weight is weight


def test_deleted_child_takes_its_parameters_with_it():
    net = TwoLayers(prefix="net_")
    kept = [net.output.weight, net.output.bias]

    del net.hidden

    assert list(net.collect_params().values()) == kept
    assert "hidden" not in repr(net)


def test_missing_attribute_is_named():
    with pytest.raises(AttributeError, match="'TwoLayers' object has no attribute 'hiden'"):
        _ = TwoLayers().hiden


def test_register_child_numbers_children_without_a_name():
    net = Nothing()
    net.register_child(nn.Flatten())
    net.register_child(nn.Flatten(), "named")
    net.register_child(nn.Flatten())

    assert list(net._children) == ["0", "named", "2"]


def test_register_child_never_overwrites_one_that_is_there():
    net = nn.Sequential(nn.Flatten(), nn.Flatten(), nn.Flatten())
    del net._children["0"]

    net.add(nn.Flatten())

    assert list(net._children) == ["1", "2", "3"]


@pytest.mark.parametrize("value", [3, [nn.Flatten()], nd.relu], ids=["int", "list", "function"])
def test_register_child_refuses_what_is_not_a_block(value):
    net = Nothing(prefix="net_")

    with pytest.raises(TypeError, match="expected a Block as child of 'net', found"):
        net.register_child(value)
    assert not net._children


def test_children_written_directly_are_initialized_collected_and_saved(tmp_path):
    class Own(nn.Block):
        def add(self, block):
            self._children[block.name] = block

        def forward(self, x):
            for block in self._children.values():
                x = block(x)
            return x

    net = Own()
    net.add(nn.Dense(2, in_units=3, prefix="first_"))
    net.add(nn.Dense(1, in_units=2, prefix="second_"))
    net.initialize()
    net.save_parameters(tmp_path / "net.npz")

    assert net(nd.ones((1, 3))).shape == (1, 1)
    assert [*nd.load(tmp_path / "net.npz")] == [
        "first.weight",
        "first.bias",
        "second.weight",
        "second.bias",
    ]
    assert repr(net) == "Own(\n\n)"


# Calling


def test_forward_that_is_missing_is_named():
    with pytest.raises(NotImplementedError, match=r"expected class Nothing to define forward"):
        Nothing()(nd.ones(1))


def test_blocks_take_no_keyword_arguments():
    with pytest.raises(TypeError, match="unexpected keyword argument 'scale'"):
        TwoLayers()(nd.ones((1, 3)), scale=2)


def test_forward_may_take_and_return_anything():
    class Split(nn.Block):
        def forward(self, x, how):
            return {"low": x[:how], "high": x[how:]}

    parts = Split()(nd.array([1, 2, 3]), 1)

    onp.testing.assert_array_equal(parts["low"].asnumpy(), [1])
    onp.testing.assert_array_equal(parts["high"].asnumpy(), [2, 3])


def test_hooks_see_inputs_and_output_in_order():
    seen = []
    net = TwoLayers()
    net.initialize()
    net.register_forward_pre_hook(lambda block, inputs: seen.append(("before", block, inputs)))
    net.register_forward_hook(lambda block, inputs, output: seen.append(("after", block, output)))
    x = nd.ones((1, 3))

    y = net(x)

    assert [each[0] for each in seen] == ["before", "after"]
    assert all(each[1] is net for each in seen)
    assert seen[0][2] == (x,)
    assert seen[1][2] is y


def test_results_of_hooks_are_ignored():
    net = TwoLayers()
    net.initialize()
    plain = net(nd.ones((1, 3))).asnumpy()
    net.register_forward_pre_hook(lambda *_: "other input")
    net.register_forward_hook(lambda *_: "other output")

    onp.testing.assert_array_equal(net(nd.ones((1, 3))).asnumpy(), plain)


def test_hook_handles_detach_once_or_at_the_end_of_a_with_block():
    calls = []
    block = nn.Lambda("relu")
    handle = block.register_forward_hook(lambda *_: calls.append("first"))
    with block.register_forward_hook(lambda *_: calls.append("second")):
        block(nd.ones(1))
    block(nd.ones(1))
    handle.detach()
    handle.detach()
    block(nd.ones(1))

    assert calls == ["first", "second", "first"]


def test_hook_may_detach_itself():
    calls = []
    block = nn.Lambda("relu")

    def once(*_):
        calls.append(1)
        handle.detach()

    handle = block.register_forward_hook(once)
    block(nd.ones(1))
    block(nd.ones(1))

    assert calls == [1]


def test_hook_that_is_not_a_function_is_refused():
    with pytest.raises(TypeError, match="expected a function as hook, found int"):
        TwoLayers().register_forward_hook(3)


def test_apply_visits_children_first_and_returns_the_block():
    net = nn.Sequential()
    net.add(TwoLayers(), nn.Flatten())
    visited = []

    returned = net.apply(visited.append)

    inner = net[0]
    assert visited == [inner.hidden.act, inner.hidden, inner.output, inner, net[1], net]
    assert returned is net


def test_net_made_in_one_mode_computes_in_the_other():
    made, initialized = (nn.Dense(2, in_units=3, weight_initializer="ones") for _ in range(2))
    initialized.initialize()
    held = initialized.weight.data()
    npx.set_np()
    try:
        made.initialize()
        for net in (made, initialized):
            y = net(np.ones((1, 3)))
            assert type(y) is np.ndarray
            onp.testing.assert_array_equal(y.asnumpy(), [[3, 3]])
        assert type(made.weight.data()) is np.ndarray
        assert initialized.weight.data() is held
        with pytest.raises(TypeError, match="expected a NumPy-mode array as input of"):
            made(nd.ones((1, 3)))
    finally:
        npx.reset_np()


# Parameters


def test_initialize_returns_none_and_fills_every_parameter():
    net = TwoLayers()

    assert net.initialize(init.Constant(3)) is None
    onp.testing.assert_array_equal(net.hidden.weight.data().asnumpy(), onp.full((4, 3), 3))
    onp.testing.assert_array_equal(net.output.bias.data().asnumpy(), onp.zeros(2))


def test_cast_converts_the_whole_net():
    net = TwoLayers()
    net.initialize()
    before = net(nd.ones((2, 3))).asnumpy()

    net.cast("float64")

    assert {p.dtype for p in net.collect_params().values()} == {onp.dtype("float64")}
    after = net(nd.ones((2, 3), dtype="float64"))
    assert after.dtype == onp.float64
    onp.testing.assert_allclose(after.asnumpy(), before, rtol=1e-6)


def test_cast_before_shapes_are_known_counts_later():
    net = nn.Sequential(nn.Dense(2))
    net.initialize()

    net.cast("float64")

    assert net(nd.ones((1, 3), dtype="float64")).dtype == onp.float64
    assert net[0].weight.dtype == onp.float64


def test_layers_of_a_users_own_work_like_others():
    layer = Affine(2, 3, prefix="own_")
    layer.initialize(init.One())

    assert repr(layer) == "Affine(\n\n)"
    assert str(layer.params) == (
        "own_ (\n"
        "  Parameter own_weight (shape=(3, 2), dtype=float32)\n"
        "  Parameter own_bias (shape=(2,), dtype=float32)\n"
        ")"
    )
    onp.testing.assert_array_equal(layer(nd.ones((1, 3))).asnumpy(), [[3, 3]])


def test_bias_of_a_users_own_layer_is_asked_of_the_initializers_bias_hook():
    # MXNet draws it at random.
    layer = Affine(2, 3)
    layer.initialize(init.Uniform(1))

    onp.testing.assert_array_equal(layer.bias.data().asnumpy(), [0, 0])
    assert onp.abs(layer.weight.data().asnumpy()).max() > 0


def test_gradients_flow_through_a_users_own_layer():
    layer = Affine(2, 3)
    layer.initialize(init.One())
    x = nd.array([[1, 2, 3], [-9, 1, 1]])

    with autograd.record():
        y = layer(x).sum()
    y.backward()

    # relu lets only the first sample through: (1 + 2 + 3) > 0 > (-9 + 1 + 1).
    onp.testing.assert_array_equal(layer.weight.grad().asnumpy(), [[1, 1], [2, 2], [3, 3]])
    onp.testing.assert_array_equal(layer.bias.grad().asnumpy(), [1, 1])


# Printing


def test_repr_shows_attributes_that_are_blocks_indented():
    net = nn.Sequential()
    net.add(TwoLayers(), nn.Sequential())

    assert repr(net) == (
        "Sequential(\n"
        "  (0): TwoLayers(\n"
        "    (hidden): Dense(3 -> 4, Activation(relu))\n"
        "    (output): Dense(4 -> 2, linear)\n"
        "  )\n"
        "  (1): Sequential(\n"
        "  \n"
        "  )\n"
        ")"
    )


def test_repr_of_a_block_without_children_has_an_empty_line():
    assert repr(Nothing()) == "Nothing(\n\n)"


@pytest.mark.parametrize("value", [3, None, nn.Dense(1)], ids=["number", "none", "block"])
def test_parameter_attributes_keep_their_type(value):
    layer = Affine(2, 3)
    weight = layer.weight

    with pytest.raises(TypeError, match="Changing attribute type for weight from .*Parameter"):
        layer.weight = value

    assert layer.weight is weight


def test_a_prefix_has_to_be_a_str():
    with pytest.raises(TypeError, match="expected a str as prefix of a block, found 3 of type int"):
        nn.Dense(2, prefix=3)


def test_operators_cannot_be_watched():
    with pytest.raises(OutsideScopeError, match=r"'gluon\.Block\.register_op_hook'.*forward_hook"):
        TwoLayers().register_op_hook(print)


# Shapes without data


def test_infer_shape_runs_a_copy_of_what_only_running_can_tell():
    net = nn.Sequential(nn.Dense(3), TwoLayers(prefix="own_"), nn.Dense(1))
    net.initialize()

    net.infer_shape((None, 7))

    assert net[0].weight.data().shape == (3, 7)
    assert net[2].weight.data().shape == (1, 2)


@pytest.mark.parametrize("shapes", [(3,), ("ab",), ((1.5, 2),)], ids=["int", "str", "float"])
def test_infer_shape_refuses_what_is_not_a_shape(shapes):
    net = nn.Sequential(nn.Dense(2))

    with pytest.raises(TypeError, match="expected the shape of the input of"):
        net.infer_shape(*shapes)


def test_infer_shape_takes_one_input():
    with pytest.raises(ValueError, match="expected one input of 'net', found 2"):
        nn.Dense(2, prefix="net_").infer_shape((1, 2), (3, 4))


# Memory


def test_net_that_has_run_and_learned_is_freed():
    net = TwoLayers()
    net.initialize()
    x = nd.ones((1, 3))
    with autograd.record():
        loss = net(x).sum()
    loss.backward()
    parameter = weakref.ref(net.output.weight)
    array = weakref.ref(net.output.weight.data())

    del net, loss
    gc.collect()

    assert parameter() is None
    assert array() is None


def test_error_of_the_core_is_an_mxnet_error():
    net = TwoLayers()
    net.initialize()

    with pytest.raises(MXNetError, match="expected input of shape"):
        net(nd.ones((1, 5)))
