"""Parameters in several places: shared, found, and made separate again."""

from __future__ import annotations

import threading

import numpy as onp
import pytest

from glueball import autograd, nd
from glueball.gluon import Trainer, nn


def dense():
    layer = nn.Dense(3, in_units=3)
    layer.initialize()
    return layer


def tied_net():
    first = dense()
    return nn.Sequential(dense(), first, nn.Dense(3, in_units=3, params=first.params))


def shared_net():
    shared = dense()
    return nn.Sequential(dense(), shared, nn.Flatten(), shared)


def as_dict(net):
    return {"weight": net[1].weight}


def test_share_parameters_by_path():
    net = nn.Sequential(dense(), dense(), dense())

    assert net[2].share_parameters(as_dict(net)) is net[2]

    assert net[2].weight is net[1].weight
    assert net[2].bias is not net[1].bias
    assert net.tied() == [["1.weight", "2.weight"]]


@pytest.mark.parametrize(
    "given", [lambda net: net[1].collect_params(), lambda net: net[1].params, lambda net: net[1]]
)
def test_share_parameters_of_a_block(given):
    net = nn.Sequential(dense(), dense(), dense())

    net[2].share_parameters(given(net))

    assert net.tied() == [["1.weight", "2.weight"], ["1.bias", "2.bias"]]
    x = nd.ones((2, 3))
    onp.testing.assert_array_equal(net[2](x).asnumpy(), net[1](x).asnumpy())


def test_a_net_that_has_run_computes_with_what_it_shares_now():
    net, other = nn.Sequential(dense(), dense()), nn.Sequential(dense(), dense())
    x = nd.ones((2, 3))
    net(x)

    net.share_parameters(other.collect_params())

    onp.testing.assert_array_equal(net(x).asnumpy(), other(x).asnumpy())


def test_both_train_what_they_share():
    net, other = dense(), dense()
    net.share_parameters(other)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    before = other.bias.data().asnumpy().copy()
    with autograd.record():
        loss = net(nd.ones((1, 3))).sum()
    loss.backward()
    trainer.step(1)

    onp.testing.assert_array_equal(other.bias.data().asnumpy(), before - 1)


def test_sharing_before_shapes_are_known():
    net = nn.Sequential(nn.Dense(3), nn.Dense(3))

    net[1].share_parameters(net[0].collect_params())
    net.initialize()
    net(nd.ones((1, 3)))

    assert net.tied() == [["0.weight", "1.weight"], ["0.bias", "1.bias"]]
    assert net[1].weight.shape == (3, 3)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        (lambda: {"1.wieght": dense().weight}, KeyError, "did you mean '1.weight'"),
        (lambda: {"0.bias": dense().weight}, ValueError, r"of shape \(3,\) to share at '0.bias'"),
        (lambda: {"0.bias": nd.ones(3)}, TypeError, "expected a Parameter to share at '0.bias'"),
        (dict, ValueError, "found none"),
        (lambda: nn.Flatten(), ValueError, "found none"),
        (lambda: [dense().weight], TypeError, "expected parameters to share, found list"),
    ],
)
def test_share_parameters_changes_all_or_nothing(given, error, match):
    net = nn.Sequential(dense(), dense())
    before = list(net.parameters())
    wrong = given()
    if isinstance(wrong, dict) and wrong:
        wrong = {"0.weight": dense().weight, **wrong}

    with pytest.raises(error, match=match):
        net.share_parameters(wrong)

    assert list(net.parameters()) == before


def test_another_dtype_is_not_shared():
    other = dense()
    other.cast("float64")

    with pytest.raises(ValueError, match="cast one of them"):
        dense().share_parameters(other)


def test_unknown_paths_are_a_warning_where_that_is_asked_for():
    net, other = dense(), dense()

    with pytest.warns(UserWarning, match="found 'wieght'"):
        net.share_parameters({"wieght": other.bias, "weight": other.weight}, strict=False)

    assert net.weight is other.weight


def test_tied_lists_shared_layers_and_shared_parameters():
    assert tied_net().tied() == [["1.weight", "2.weight"], ["1.bias", "2.bias"]]
    assert shared_net().tied() == [["1.weight", "3.weight"], ["1.bias", "3.bias"]]
    assert nn.Sequential(dense(), dense()).tied() == []


@pytest.mark.parametrize("net", [tied_net, shared_net])
def test_untie_gives_later_places_copies_of_the_same_values(net):
    net = net()
    x = nd.ones((2, 3))
    expected = net(x).asnumpy()
    first = net[1].weight

    assert net.untie() is net

    assert net.tied() == []
    assert net[1].weight is first
    onp.testing.assert_array_equal(net(x).asnumpy(), expected)
    names = [each.name for each in net.parameters()]
    assert len(set(names)) == len(names) == 6
    net[1].weight.data()[:] = 9
    assert (net[-1].weight.data().asnumpy() != 9).all()


def test_untie_of_a_layer_gives_it_parameters_of_its_own():
    net = tied_net()

    net[2].untie()

    assert net.tied() == []
    net.collect_params()  # whose names differ
    with pytest.raises(ValueError, match="nothing|shares none"):
        net.untie("2.weight")


def test_untie_of_one_path():
    net = tied_net()

    net.untie("2.weight")

    assert net.tied() == [["1.bias", "2.bias"]]


def test_a_layer_that_stands_in_several_places_is_untied_from_its_net():
    net = shared_net()

    with pytest.raises(ValueError, match="untie it from its net"):
        net[1].untie()
    with pytest.raises(ValueError, match="untie the block there"):
        net.untie("3.weight")
    net.untie("3")

    assert net[1] is not net[3]
    assert net.tied() == []


def test_untie_keeps_gradients_and_settings():
    net = tied_net()
    net[1].weight.lr_mult = 0.5
    with autograd.record():
        loss = net(nd.ones((1, 3))).sum()
    loss.backward()
    gradient = net[1].weight.grad().asnumpy()

    net.untie("2.weight")

    assert net[2].weight.lr_mult == 0.5
    assert net[2].weight.has_grad
    onp.testing.assert_array_equal(net[2].weight.grad().asnumpy(), gradient)


@pytest.mark.parametrize("path", ["7", "1.wieght"])
def test_untie_at_a_path_that_is_not_there(path):
    with pytest.raises(KeyError, match=f"found '{path}'"):
        tied_net().untie(path)


def test_untied_parameters_train_apart():
    net = tied_net().untie()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    with autograd.record():
        loss = net[2](nd.ones((1, 3))).sum()
    loss.backward()
    before = [net[n].weight.data().asnumpy().copy() for n in (1, 2)]
    trainer.step(1, ignore_stale_grad=True)

    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), before[0])
    onp.testing.assert_array_equal(net[2].weight.data().asnumpy(), before[1] - 1)


def test_untying_before_shapes_are_known():
    first = nn.Dense(3)
    net = nn.Sequential(first, nn.Dense(3, params=first.params))

    net.untie()
    net.initialize()
    net(nd.ones((1, 5)))

    assert net.tied() == []
    assert [each.shape for each in net.parameters()][::2] == [(3, 5), (3, 3)]


def test_sharing_inside_record_leaves_what_was_recorded():
    net = nn.Sequential(dense(), dense())
    old = net[1].weight
    with autograd.record():
        loss = net(nd.ones((1, 3))).sum()
        net[1].share_parameters(net[0])
    loss.backward()

    assert old.has_grad
    assert net[1].weight is net[0].weight


def test_other_threads_run_the_net_while_it_is_tied_and_untied():
    net = nn.Sequential(dense(), dense())
    net[1].load_state_dict(net[0].state_dict())
    x = nd.ones((1, 3))
    expected = net(x).asnumpy()
    wrong = []
    done = threading.Event()

    def run():
        while not done.is_set():
            if (net(x).asnumpy() != expected).any():
                wrong.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(100):
        net[1].share_parameters(net[0])
        net.untie()
    done.set()
    thread.join()

    assert wrong == []
