"""Gradients of what a net computes inside: by `autograd.grad`, and by `attach_grad` in a hook."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd
from glueball.gluon import nn


class Residual(nn.Block):
    """Adds what its layer computes to its input."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Dense(3, activation="tanh", in_units=3)

    def forward(self, x):
        return x + self.inner(x)


NETS = {
    "dense": lambda: nn.Sequential(
        nn.Dense(5, activation="tanh", in_units=3), nn.Dense(2, in_units=5)
    ),
    "normalised": lambda: nn.Sequential(
        nn.Dense(5, in_units=3), nn.LayerNorm(in_channels=5), nn.Dense(2, in_units=5)
    ),
    "residual": lambda: nn.Sequential(Residual(), nn.Dense(2, in_units=3)),
}


@pytest.fixture(params=NETS)
def net(request):
    made = NETS[request.param]()
    made.initialize(init.Normal(0.5))
    made.cast("float64")
    return made


def dense():
    net = NETS["dense"]()
    net.initialize(init.Normal(0.5))
    net.cast("float64")
    return net


def data():
    return nd.array(onp.linspace(-1, 1, 12).reshape(4, 3), dtype="float64")


def outputs_of(net, run=lambda block, inputs, output: output):
    """Run the net while recording; return what `run` gives for each child, and a loss."""
    seen = []
    handles = [child.register_forward_hook(lambda *call: seen.append(run(*call))) for child in net]
    with autograd.record():
        loss = (net(data()) ** 2).sum()
    for handle in handles:
        handle.detach()
    return seen, loss


def rest_of(net, first, value):
    for child in list(net)[first:]:
        value = child(value)
    return float((value**2).sum().asscalar())


def differences(net, first, at, step=1e-6):
    """The loss's slope by what child `first` gets, by central differences."""
    slope = onp.empty(at.shape)
    for index in onp.ndindex(*at.shape):
        ends = []
        for sign in (1, -1):
            moved = at.asnumpy()
            moved[index] += sign * step
            ends.append(rest_of(net, first, nd.array(moved, dtype="float64")))
        slope[index] = (ends[0] - ends[1]) / (2 * step)
    return slope


def test_grad_by_a_hooked_output_is_the_slope_of_what_follows(net):
    seen, loss = outputs_of(net)
    for p in net.collect_params().values():
        p.grad()[:] = 7

    found = autograd.grad(loss, seen)

    for i, (output, gradient) in enumerate(zip(seen, found, strict=True)):
        expected = differences(net, i + 1, output)
        onp.testing.assert_allclose(gradient.asnumpy(), expected, rtol=1e-6, atol=1e-7)
    assert all((p.grad().asnumpy() == 7).all() for p in net.collect_params().values())


def test_attach_grad_in_a_hook_gives_the_same_and_leaves_the_parameters_theirs(net):
    _, loss = outputs_of(net)
    loss.backward()
    expected = {k: p.grad().asnumpy() for k, p in net.collect_params().items()}
    seen, loss = outputs_of(net)
    slopes = [each.asnumpy() for each in autograd.grad(loss, seen)]

    seen, loss = outputs_of(net, lambda block, inputs, out: (out.attach_grad(), out)[1])
    loss.backward()

    for array, slope in zip(seen, slopes, strict=True):
        onp.testing.assert_array_equal(array.grad.asnumpy(), slope)
    for key, p in net.collect_params().items():
        onp.testing.assert_array_equal(p.grad().asnumpy(), expected[key])


def test_attach_grad_in_a_pre_hook_keeps_the_gradient_of_the_input(net):
    seen = []
    last = list(net)[-1]

    def watch(block, inputs):
        inputs[0].attach_grad()
        seen.append(inputs[0])

    with last.register_forward_pre_hook(watch), autograd.record():
        loss = (net(data()) ** 2).sum()
    loss.backward()

    first_weight = next(iter(net.collect_params().values()))
    assert onp.abs(first_weight.grad().asnumpy()).max() > 0
    onp.testing.assert_allclose(
        seen[0].grad.asnumpy(), differences(net, len(net) - 1, seen[0]), rtol=1e-6, atol=1e-7
    )


def test_an_array_watched_in_a_hook_adds_up_or_stays_as_grad_req_says():
    net = dense()

    seen, loss = outputs_of(net, lambda block, inputs, out: (out.attach_grad("add"), out)[1])
    loss.backward(retain_graph=True)
    once = seen[0].grad.asnumpy()
    loss.backward()
    onp.testing.assert_allclose(seen[0].grad.asnumpy(), 2 * once)

    seen, loss = outputs_of(net, lambda block, inputs, out: (out.attach_grad("null"), out)[1])
    loss.backward()
    assert seen[0].grad is None
    assert onp.abs(net[0].weight.grad().asnumpy()).max() > 0


def test_grad_leaves_arrays_alone_that_are_watched_in_a_hook():
    net = dense()

    seen, loss = outputs_of(net, lambda block, inputs, out: (out.attach_grad(), out)[1])
    (slope,) = autograd.grad(loss, seen[0])

    assert onp.abs(slope.asnumpy()).max() > 0
    assert (seen[0].grad.asnumpy() == 0).all()


def test_second_derivatives_pass_watched_arrays():
    x = nd.array([1.0, 2.0])
    net = nn.Lambda(lambda x: x**3)
    x.attach_grad()

    with net.register_forward_hook(lambda b, i, out: out.attach_grad()), autograd.record():
        slope = autograd.grad(net(x) * 2, x, create_graph=True)[0]
    slope.backward()

    onp.testing.assert_allclose(slope.asnumpy(), 6 * x.asnumpy() ** 2)
    onp.testing.assert_allclose(x.grad.asnumpy(), 12 * x.asnumpy())


def test_grad_by_a_computed_array_can_be_recorded():
    x = nd.array([1.0, 2.0])
    x.attach_grad()

    with autograd.record():
        y = x * x
        slope = autograd.grad(y**3, y, create_graph=True)[0]
    slope.backward()

    onp.testing.assert_allclose(slope.asnumpy(), 3 * x.asnumpy() ** 4)
    onp.testing.assert_allclose(x.grad.asnumpy(), 12 * x.asnumpy() ** 3)


def test_a_hook_that_raises_leaves_attach_grad_cutting_outside():
    net = nn.Identity()

    def refuse(block, inputs, output):
        raise ValueError

    with net.register_forward_hook(refuse), pytest.raises(ValueError, match="^$"):
        net(nd.ones(2))
    x = nd.ones(2)
    x.attach_grad()
    with autograd.record():
        y = x * 2
        y.attach_grad()
        z = y * 3
    z.backward()

    assert (x.grad.asnumpy() == 0).all()
    assert (y.grad.asnumpy() == 3).all()


def test_training_is_the_same_bit_by_bit_under_a_watching_hook():
    ends = []
    for watched in (False, True):
        net = dense()
        for p in net.collect_params().values():
            p.set_data(onp.linspace(-1, 1, p.data().size).reshape(p.shape))
        trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
        if watched:
            net[0].register_forward_hook(lambda b, i, out: out.attach_grad())
        for _ in range(5):
            with autograd.record():
                loss = net(data()) ** 2
            loss.backward()
            trainer.step(4)
        ends.append([p.data().asnumpy() for p in net.collect_params().values()])

    for plain, seen in zip(*ends, strict=True):
        onp.testing.assert_array_equal(plain, seen)
