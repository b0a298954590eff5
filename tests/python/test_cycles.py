"""Python's collector frees everything that refers to itself, through whatever of the core the way goes."""

import gc
import weakref

import numpy as np
import pytest

from glueball import autograd, gluon, init, lr_scheduler, metric, nd, optimizer
from glueball.gluon import nn


class Anything:
    """Holds what it is given, and can be referred to weakly."""


class Own(init.Initializer):
    def _init_weight(self, name, data):
        data[:] = 0.5


class Decay(lr_scheduler.LRScheduler):
    def __call__(self, number):
        return 0.5


class OwnSGD(optimizer.Optimizer):
    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        weight[:] -= 0.1 * grad


def small(**settings):
    net = nn.Dense(2, in_units=3, **settings)
    net.initialize()
    return net


def trained(net, how="sgd", settings=None):
    trainer = gluon.Trainer(net.collect_params(), how, settings)
    for _ in range(2):
        with autograd.record():
            loss = net(nd.ones((4, 3))).sum()
        loss.backward()
        trainer.step(4)
    return trainer


def deferred_initializer():
    own = Own()
    own.net = nn.Dense(2, weight_initializer=own)
    own.net.initialize()
    return own


def called_initializer():
    own = Own()
    own.net = nn.Dense(2, weight_initializer=own)
    own.net.initialize()
    own.net(nd.ones((4, 3)))
    return own


def default_initializer():
    own = Own()
    own.net = nn.HybridSequential(nn.Dense(2), nn.BatchNorm())
    own.net.initialize(own)
    return own


def initializer_of_a_parameter():
    own = Own()
    own.parameter = gluon.Parameter("p", shape=(2, 0), init=own, allow_deferred_init=True)
    own.parameter.initialize()
    return own


def mixed_initializer():
    own = Own()
    own.net = nn.Dense(2)
    own.net.initialize(init.Mixed([".*"], [own]))
    return own


def initializer_by_a_function():
    holder = Anything()

    def fill(name, data):
        holder.calls = 1

    holder.net = nn.Dense(2, weight_initializer=fill)
    holder.net.initialize()
    return holder


def constant_parameter():
    constant = gluon.Constant("c", nd.ones((2,)))
    constant.initialize()
    constant._own = constant.data()
    constant._own.constant = constant
    return constant


def output_kept_by_its_net(net, *shape):
    net.initialize()
    with autograd.record():
        net.out = net(nd.ones(shape))
    return net


def input_keeps_its_output(function):
    x = nd.array([[0.5, 0.25, 0.75]])
    x.attach_grad()
    with autograd.record():
        x.out = function(x)
    return x


def array_of_a_parameter():
    net = small()
    array = net.weight.data()
    array.net = net
    return array


def gradient_of_a_parameter():
    net = small()
    net.weight.grad().net = net
    return net


def hook():
    net = small()
    holder = Anything()
    holder.net = net
    net.register_forward_hook(lambda block, x, y: holder)
    net.register_forward_pre_hook(lambda block, x: holder)
    net(nd.ones((4, 3)))
    return holder


def hook_in_a_net():
    layer = nn.Dense(2)
    net = nn.HybridSequential(layer, nn.Dense(2))
    layer.register_forward_hook(lambda block, x, y: net)
    net.initialize()
    net(nd.ones((4, 3)))
    return net


def plan_of_a_net():
    net = nn.HybridSequential(
        nn.Dense(2, activation="relu"), nn.HybridLambda("relu"), nn.Dropout(0.5)
    )
    net.initialize()
    with autograd.record():
        net(nd.ones((4, 3))).sum().backward()
    net.itself = Anything()
    net.itself.net = net
    return net


def replaced_forward():
    net = small()
    net.forward = lambda x: net
    net(nd.ones((4, 3)))
    return net


def custom_function():
    class Double(autograd.Function):
        def forward(self, x):
            self.x = x
            return x * 2

        def backward(self, grad):
            return grad * 2

    function = Double()
    x = nd.ones((2,))
    x.attach_grad()
    with autograd.record():
        function.out = function(x)
    return function


def loss_kept_by_a_loss():
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    x = nd.ones((2, 3))
    x.attach_grad()
    with autograd.record():
        loss.last = loss(x, nd.array([0, 1]))
    x.loss = loss
    loss.x = x
    return loss


def loss_of_elements(kind, *more):
    def make():
        loss = kind()
        x = nd.ones((2, 3))
        x.attach_grad()
        with autograd.record():
            loss.last = loss(x, nd.ones((2, 3)), *more)
        loss.x = x
        return loss

    return make


def trainer_of_a_net(how, settings=None):
    def make():
        net = small()
        net.trainer = trained(net, how, settings)
        return net

    return make


def optimizer_with_a_scheduler():
    net = small()
    schedule = Decay()
    schedule.trainer = trained(net, "adam", {"lr_scheduler": schedule})
    return schedule


def optimizer_of_ones_own():
    net = small()
    rule = OwnSGD()
    rule.trainer = trained(net, rule)
    return rule


def native_optimizer():
    net = small()
    rule = optimizer.Adam()
    rule.trainer = trained(net, rule)
    return rule


def parameter_dict():
    net = small()
    rule = optimizer.SGD(param_dict=dict(enumerate(net.collect_params().values())))
    net.rule = rule
    return net


def own_metric():
    holder = Anything()
    holder.metric = metric.CustomMetric(lambda label, pred: holder and 1.0)
    holder.metric.update([nd.ones((2,))], [nd.ones((2,))])
    return holder


def second_derivative():
    x = nd.array([0.5])
    x.attach_grad()
    with autograd.record():
        (x.slope,) = autograd.grad(nd.tanh(x), [x], create_graph=True)
    return x


def data_loader():
    data = gluon.data.ArrayDataset(np.ones((4, 2), "float32"))
    loader = gluon.data.DataLoader(data, batch_size=2)
    data.loader = loader
    list(loader)
    return data


def shared_parameters():
    first = small()
    first.second = nn.Dense(2, in_units=3, params=first.params)
    first.second(nd.ones((4, 3)))
    return first


def failed_call():
    net = nn.HybridSequential(nn.Dense(2, in_units=3))
    net.initialize()
    try:
        net(nd.ones((4, 5)))
    except ValueError as error:
        net.error = error
    except RuntimeError as error:
        net.error = error
    return net


CYCLES = {
    "initializer of a deferred layer": deferred_initializer,
    "initializer of a layer": called_initializer,
    "default initializer": default_initializer,
    "initializer of a parameter": initializer_of_a_parameter,
    "mixed initializer": mixed_initializer,
    "initializer that is a function": initializer_by_a_function,
    "constant": constant_parameter,
    "array of a parameter": array_of_a_parameter,
    "gradient of a parameter": gradient_of_a_parameter,
    "dense output": lambda: output_kept_by_its_net(nn.Dense(2), 4, 3),
    "flatten output": lambda: output_kept_by_its_net(nn.Flatten(), 4, 3),
    "chain output": lambda: output_kept_by_its_net(
        nn.HybridSequential(nn.Dense(2), nn.Dropout(0.5), nn.BatchNorm()), 4, 3
    ),
    "chain of flatten output": lambda: output_kept_by_its_net(
        nn.HybridSequential(nn.Flatten(), nn.Flatten()), 4, 3
    ),
    "input and dense": lambda: input_keeps_its_output(small()),
    "input and flatten": lambda: input_keeps_its_output(nn.Flatten()),
    "input and net that flattens": lambda: input_keeps_its_output(nn.Sequential(nn.Flatten())),
    "input and identity": lambda: input_keeps_its_output(nn.Sequential(nn.Identity())),
    "input and dropout": lambda: input_keeps_its_output(nn.Dropout(0.5)),
    "input and no dropout": lambda: input_keeps_its_output(nn.Dropout(0)),
    "input and activation": lambda: input_keeps_its_output(nn.Activation("tanh")),
    "input and product": lambda: input_keeps_its_output(lambda x: x * x),
    "input and reshape": lambda: input_keeps_its_output(lambda x: x.reshape((3, 1))),
    "input and slice": lambda: input_keeps_its_output(lambda x: x[0]),
    "input and NumPy's function": lambda: input_keeps_its_output(np.sinh),
    "input and itself": lambda: input_keeps_its_output(lambda x: x),
    "hook": hook,
    "hook in a net": hook_in_a_net,
    "plan": plan_of_a_net,
    "replaced forward": replaced_forward,
    "autograd.Function": custom_function,
    "loss": loss_kept_by_a_loss,
    "L2 loss": loss_of_elements(gluon.loss.L2Loss),
    "Huber loss, weighted": loss_of_elements(gluon.loss.HuberLoss, nd.ones((2, 1))),
    "triplet loss": loss_of_elements(gluon.loss.TripletLoss, nd.zeros((2, 3))),
    **{
        f"Trainer with {how}": trainer_of_a_net(how)
        for how in ("sgd", "adam", "rmsprop", "sgld", "groupadagrad")
    },
    "scheduler": optimizer_with_a_scheduler,
    "optimizer of your own": optimizer_of_ones_own,
    "native optimizer": native_optimizer,
    "optimizer's parameters": parameter_dict,
    "metric": own_metric,
    "second derivative": second_derivative,
    "data loader": data_loader,
    "shared parameters": shared_parameters,
    "error of a call": failed_call,
}


@pytest.mark.parametrize("make", CYCLES.values(), ids=CYCLES)
def test_cycle_is_collected(make):
    refs = []
    for _ in range(3):
        thing = make()
        thing.__dict__["cycle"] = thing
        refs.append(weakref.ref(thing))
        del thing

    gc.collect()

    assert [ref() for ref in refs] == [None, None, None]
