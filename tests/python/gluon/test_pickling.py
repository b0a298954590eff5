"""Copies of nets and parameters, by pickle and by deepcopy, are whole and independent."""

from __future__ import annotations

import copy
import pickle

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, random
from glueball.gluon import nn

X = nd.array([[1, 2, 3], [4, 5, 6]])

COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "deepcopy": copy.deepcopy,
}


@pytest.fixture(params=COPIES)
def duplicate(request):
    return COPIES[request.param]


class Net(nn.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.body = nn.HybridSequential()
            self.body.add(nn.Dense(4, activation="tanh"), nn.Dropout(0.5), nn.LeakyReLU(0.1))
            self.out = nn.Dense(2)
        self.scale = self.params.get("scale", shape=(2,), init="ones")
        self.offset = self.params.get_constant("offset", nd.array([1, 2]))

    def hybrid_forward(self, F, x, scale, offset):
        return self.out(self.body(x)) * scale + offset


class Reversed(init.Initializer):
    def _init_weight(self, name, data):
        data[:] = onp.arange(data.size)[::-1].reshape(data.shape)


def note_output(block, inputs, output):
    block.seen = output.shape


def ready():
    net = Net()
    net.initialize(init.Xavier())
    net(X)
    return net


def test_copy_of_a_net_computes_the_same(duplicate):
    net = ready()

    twin = duplicate(net)

    assert repr(twin) == repr(net)
    assert str(twin.collect_params()) == str(net.collect_params())
    onp.testing.assert_array_equal(twin(X).asnumpy(), net(X).asnumpy())


def test_copy_of_a_net_is_independent(duplicate):
    net = ready()
    before = net(X).asnumpy()

    twin = duplicate(net)
    for parameter in twin.collect_params(".*weight|.*bias").values():
        parameter.set_data(nd.zeros(parameter.shape))
    twin.body.add(nn.Dense(3))
    twin.cast("float64")

    onp.testing.assert_array_equal(net(X).asnumpy(), before)
    assert len(net.body) == 3
    assert net.out.weight.dtype == onp.float32


def test_copy_keeps_what_holds_a_net_together(duplicate):
    twin = duplicate(ready())

    assert twin._children["body"] is twin.body
    assert twin._reg_params["scale"] is twin.scale
    assert twin.params[twin.scale.name] is twin.scale
    assert twin.collect_params()[twin.out.weight.name] is twin.out.weight


def test_copy_learns_by_itself(duplicate):
    net = ready()
    before = net.out.weight.data().asnumpy().copy()
    twin = duplicate(net)
    trainer = gluon.Trainer(twin.collect_params(), "sgd", {"learning_rate": 1})

    with autograd.record():
        y = (twin(X) ** 2).sum()
    y.backward()
    trainer.step(1)

    assert onp.abs(twin.out.weight.data().asnumpy() - before).max() > 1e-3
    onp.testing.assert_array_equal(net.out.weight.data().asnumpy(), before)


def test_copy_goes_on_naming_children_where_the_net_was(duplicate):
    net = Net(prefix="net_")

    twin = duplicate(net)
    with twin.name_scope():
        twin.more = nn.Dense(1)

    assert twin.more.name == "net_dense2"


def test_copied_hooks_belong_to_the_copy(duplicate):
    net = nn.Sequential(nn.Dense(2, in_units=3))
    net.initialize()
    net(X)
    net.register_forward_hook(note_output)

    twin = duplicate(net)
    twin(X)

    assert twin.seen == (2, 2)
    assert not hasattr(net, "seen")


def test_net_with_a_plan_is_copied_without_it(duplicate):
    net = nn.Sequential(nn.Dense(1, in_units=3, weight_initializer="ones"))
    net.initialize()
    net(X)

    twin = duplicate(net)
    twin.add(nn.Lambda("negative"))

    onp.testing.assert_array_equal(twin(X).asnumpy(), [[-6], [-15]])
    onp.testing.assert_array_equal(net(X).asnumpy(), [[6], [15]])


def test_deferred_copy_gets_the_values_that_the_net_would_have_got(duplicate):
    random.seed(5)
    net = nn.Sequential(nn.Dense(4, weight_initializer=Reversed()), nn.Dense(2))
    net.initialize(init.Normal(1))

    twin = duplicate(net)
    onp.testing.assert_array_equal(twin(X).asnumpy(), net(X).asnumpy())

    onp.testing.assert_array_equal(
        twin[0].weight.data().asnumpy(), onp.arange(12)[::-1].reshape(4, 3)
    )
    assert twin[1].weight.data() is not net[1].weight.data()


def test_uninitialized_copy_is_uninitialized(duplicate):
    twin = duplicate(nn.Dense(2, prefix="fc_"))

    with pytest.raises(RuntimeError, match="Parameter 'fc_weight' has not been initialized"):
        twin(X)
    twin.initialize()
    assert twin(X).shape == (2, 2)


def test_shared_parameters_stay_shared(duplicate):
    net = nn.Sequential(nn.Dense(3, in_units=3))
    net.add(nn.Dense(3, in_units=3, params=net[0].params), net[0])
    net.initialize()

    twin = duplicate(net)

    assert twin[1].weight is twin[0].weight
    assert twin[2] is twin[0]
    assert len(twin.collect_params()) == 2
    twin[0].weight.set_data(nd.ones((3, 3)))
    onp.testing.assert_array_equal(twin[1].weight.data().asnumpy(), onp.ones((3, 3)))


def test_shared_and_deferred_parameters_stay_shared(duplicate):
    first = nn.Dense(3)
    net = nn.Sequential(first, nn.Dense(3, params=first.params))
    net.initialize()

    twin = duplicate(net)
    twin(X)

    assert twin[0].weight is twin[1].weight


def test_parameter_keeps_values_gradient_and_settings(duplicate):
    parameter = gluon.Parameter(
        "w", grad_req="add", shape=(2,), dtype="float64", lr_mult=2, wd_mult=3
    )
    parameter.initialize(init.One())
    with autograd.record():
        y = (parameter.data() * 5).sum()
    y.backward()

    twin = duplicate(parameter)

    assert repr(twin) == "Parameter w (shape=(2,), dtype=float64)"
    assert (twin.grad_req, twin.lr_mult, twin.wd_mult) == ("add", 2, 3)
    onp.testing.assert_array_equal(twin.data().asnumpy(), [1, 1])
    onp.testing.assert_array_equal(twin.grad().asnumpy(), [5, 5])
    with autograd.record():
        y = twin.data().sum()
    y.backward()
    onp.testing.assert_array_equal(twin.grad().asnumpy(), [6, 6])
    onp.testing.assert_array_equal(parameter.grad().asnumpy(), [5, 5])


def test_parameter_that_learns_nothing_stays_so(duplicate):
    parameter = gluon.Parameter("w", shape=(2,), differentiable=False)
    parameter.initialize()

    twin = duplicate(parameter)
    twin.grad_req = "write"

    assert twin.grad_req == "null"


def test_constants_keep_their_value(duplicate):
    constant = gluon.Constant("c", [[1, 2]])
    constant.initialize()

    twin = duplicate(constant)

    assert type(twin) is gluon.Constant
    onp.testing.assert_array_equal(twin.data().asnumpy(), [[1, 2]])
    assert twin.grad_req == "null"


def test_collected_dicts_are_copied_with_their_parameters(duplicate):
    params = ready().collect_params()

    twin = duplicate(params)

    assert list(twin) == list(params)
    assert all(twin[name] is not params[name] for name in params)


@pytest.mark.parametrize(
    "loss", [gluon.loss.L2Loss(), gluon.loss.SoftmaxCrossEntropyLoss(weight=2)], ids=repr
)
def test_losses_are_copied(duplicate, loss):
    twin = duplicate(loss)
    pred, label = nd.array([[1], [2]]), nd.zeros((2,))

    onp.testing.assert_array_equal(twin(pred, label).asnumpy(), loss(pred, label).asnumpy())


@pytest.mark.parametrize("block", [nn.Lambda("tanh"), nn.HybridLambda("relu")], ids=repr)
def test_blocks_of_named_functions_are_copied(duplicate, block):
    onp.testing.assert_array_equal(duplicate(block)(X).asnumpy(), block(X).asnumpy())


@pytest.mark.parametrize("deferred", [False, True])
def test_copy_of_a_net_that_rounds_its_weights_rounds_them_too(duplicate, deferred):
    net = nn.Dense(5) if deferred else nn.Dense(5, in_units=3)
    net.initialize(init.Normal(1))
    net.cast("bfloat16")

    copied = duplicate(net)

    onp.testing.assert_array_equal(copied(X), net(X))
    before = copied(X)
    copied.cast("float32")  # or else nothing was rounded here
    assert (copied(X) != before).asnumpy().any()


class Sized(gluon.Parameter):
    """A parameter of a user's own, whose constructor takes something else."""

    def __init__(self, size):
        super().__init__("sized", shape=(size,), init="ones")
        self.note = ["kept"]


def test_parameters_of_a_users_own_class_keep_what_they_were_given(duplicate):
    parameter = Sized(3)
    parameter.initialize()

    copied = duplicate(parameter)

    assert type(copied) is Sized
    assert copied.note == ["kept"]
    assert copied.note is not parameter.note
    onp.testing.assert_array_equal(copied.data(), [1, 1, 1])


def backward(net):
    with autograd.record():
        loss = (net(X) ** 2).mean()
    loss.backward()


@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "lamb"])
def test_net_and_trainer_copied_between_backward_and_step_go_on_alike(duplicate, name):
    net = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(2))
    net.initialize(init.Xavier())
    settings = {"learning_rate": 0.1, "wd": 0.01}
    trainer = gluon.Trainer(net.collect_params(), name, settings)
    for _ in range(2):
        backward(net)
        trainer.step(1)
    backward(net)
    net[0].weight.lr_mult = 0.5

    copied, its_trainer = duplicate((net, trainer))
    trainer.step(1)
    its_trainer.step(1)
    for one, its in ((net, trainer), (copied, its_trainer)):
        backward(one)
        its.step(1)

    assert copied[0].weight.data() is not net[0].weight.data()
    assert its_trainer.optimizer.num_update == trainer.optimizer.num_update == 4
    onp.testing.assert_array_equal(copied(X), net(X))


def test_trainer_copied_before_shapes_are_known_trains_the_copy(duplicate):
    net = nn.Dense(2)
    net.initialize()
    copied, its_trainer = duplicate((net, gluon.Trainer(net.collect_params(), "adam")))

    backward(copied)
    before = copied.weight.data().copy()
    its_trainer.step(1)

    assert (copied.weight.data() != before).asnumpy().any()
    assert net.weight.shape == (2, 0)


def test_optimizer_is_copied_without_the_parameters_it_updates(duplicate):
    net = nn.Dense(2, in_units=3)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3, "momentum": 0.9})

    copied = duplicate(trainer.optimizer)

    assert (copied.learning_rate, copied.momentum) == (0.3, 0.9)
    assert copied.param_dict == {}
    assert len(trainer.optimizer.param_dict) == 2
