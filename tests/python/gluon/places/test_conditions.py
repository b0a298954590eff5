"""Each word for parameters under each condition: it works, or its error says why and nothing has changed.

A row of WORDS is a call of a net, and the errors it gives by condition: nets without values (bare), nets that wait for
their shapes (deferred), nets with values (ready), tied parameters, a layer in two places (shared), within a recording
whose backward comes after the call (recorded), and beside a thread that runs the net (threaded).
"""

from __future__ import annotations

import threading

import numpy as onp
import pytest

from glueball import autograd, init, nd
from glueball.base import MXNetError
from glueball.gluon import nn

pytestmark = pytest.mark.filterwarnings("ignore::glueball.base.InitializerWarning")


def bare():
    return nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(4), nn.Dense(2))


def deferred():
    net = bare()
    net.initialize()
    return net


def ready():
    net = deferred()
    net.infer_shape((None, 4))
    return net


def tied():
    net = nn.Sequential(*[nn.Dense(n, in_units=4) for n in (4, 4, 2)])
    net[1].share_parameters(net[0].collect_params())
    net.initialize()
    return net


def shared():
    layer = nn.Dense(4, in_units=4)
    net = nn.Sequential(layer, layer, nn.Dense(2, in_units=4))
    net.initialize()
    return net


CONDITIONS = {"bare": bare, "deferred": deferred, "ready": ready, "tied": tied, "shared": shared}
EVERYWHERE = [*CONDITIONS, "recorded", "threaded"]
KNOWN = ["ready", "tied", "shared", "recorded", "threaded"]  # with shapes and values


def always(said):
    return dict.fromkeys(EVERYWHERE, said)


def known(said):
    return dict.fromkeys(KNOWN, said)


WAITING = {"bare": "has not been initialized", "deferred": "initialization was deferred"}
SPOILT = {
    "spoilt": "as it was in the recorded forward"
}  # what changes a weight between record and backward
ARRAYS = {
    "0.weight": nd.ones((4, 4)), "1.weight": nd.ones((4, 4)), "0.bias": nd.ones((5,)), "1.bias": nd.ones((4,)),
    "2.weight": nd.ones((2, 4)), "2.bias": nd.ones((2,)),
}  # fmt: skip


def batch(width=4):
    return nd.random.normal(shape=(64, width))


WORDS = {
    # Reading
    "get": (lambda n: n.get("0.weight"), {}),
    "get, misspelt": (lambda n: n.get("1.bais"), always(r"found '1\.bais'; did you mean '1\.bias'")),
    "[]": (lambda n: n["1.bias"], {}),
    "[], misspelt": (lambda n: n["1.bais"], always(r"found '1\.bais'; did you mean '1\.bias'")),
    "named_parameters": (lambda n: list(n.named_parameters(unique=False)), {}),
    "named_modules": (lambda n: list(n.named_modules()), {}),
    "collect_params by path": (lambda n: n.collect_params(r"0\..*", by="path"), {}),
    "a selection of nothing, used": (
        lambda n: n.collect_params(r"9\..*", by="path").setattr("lr_mult", 0), always("found none; there are"),
    ),
    "state_dict": (lambda n: n.state_dict(), WAITING),
    "get_weights": (lambda n: n.get_weights(), WAITING),
    "weights": (lambda n: n.weights, {}),
    "numpy": (lambda n: n["0.weight"].numpy(), WAITING),
    "asarray": (lambda n: onp.asarray(n["0.weight"].data()), WAITING),
    "size": (lambda n: n["0.weight"].size, {"bare": "to know its shape", "deferred": "to know its shape"}),
    "has_grad": (lambda n: n["0.weight"].has_grad, {}),
    "describe": (lambda n: n["0.weight"].describe(), {}),
    "tied": (lambda n: n.tied(), {}),
    "explain": (lambda n: str(n.explain()), {}),
    "explain, a forecast": (lambda n: n.explain("xavier", shape=(None, 4)), {}),
    "explain, misspelt": (lambda n: n.explain("xaviar"), always("near it are 'xavier'")),
    "explain, another width": (lambda n: n.explain(shape=(None, 5)), known(r"expected input of shape \(batch, 4\)")),
    "summary": (lambda n: n.summary(shape=(None, 4), print=False), {}),
    # Values
    "load_state_dict": (lambda n: n.load_state_dict(n.state_dict(copy=True)), {**WAITING, **SPOILT}),
    "load_state_dict, misspelt": (
        lambda n: n.load_state_dict({"0.wieght": nd.ones((4, 4))}), always("and no others, found missing '0.weight'"),
    ),
    "load_state_dict, another shape": (lambda n: n.load_state_dict(ARRAYS), always(r"expected \(4,\) vs saved \(5,\)")),
    "load_state_dict, not strict": (lambda n: n.load_state_dict({"x": nd.ones((4, 4))}, strict=False), {}),
    "set_weights": (lambda n: n.set_weights(n.get_weights()), {**WAITING, **SPOILT}),
    "set_weights, too few": (lambda n: n.set_weights([onp.ones((4, 4))]), always("expected [46] arrays for")),
    "data =": (lambda n: setattr(n["1.weight"], "data", onp.ones((4, 4))), SPOILT),
    "data =, another shape": (
        lambda n: setattr(n["0.weight"], "data", onp.ones((4, 5))), known("is incompatible with given shape"),
    ),
    "set_data": (lambda n: n["1.weight"].set_data(nd.ones((4, 4))), SPOILT),
    "grad = None": (lambda n: setattr(n["0.weight"], "grad", None), {}),
    "initialize(missing_only=True)": (lambda n: n.initialize(missing_only=True), {}),
    # Learning
    "freeze": (lambda n: n.freeze("0.*"), {}),
    "freeze, a class": (lambda n: n.freeze(nn.Dense), {}),
    "freeze, misspelt": (lambda n: n.freeze("0.wieght"), always(r"found none; near it are '0\.weight'")),
    "freeze, no such class": (lambda n: n.freeze(nn.BatchNorm), always("parameters are of Dense")),
    "freeze, not strict": (lambda n: n.freeze("9.*", strict=False), {}),
    "freeze, a number": (lambda n: n.freeze(0), always("expected paths or layer classes to freeze, found 0")),
    "unfreeze": (lambda n: n.unfreeze("0.*"), {}),
    "trainable": (lambda n: setattr(n, "trainable", False), {}),
    "trainable, a str": (lambda n: setattr(n, "trainable", "no"), always("expected True or False")),
    "trainable, misspelt": (lambda n: setattr(n, "trainble", False), always("nearly 'trainable'")),
    "requires_grad": (lambda n: setattr(n["0.weight"], "requires_grad", False), {}),
    "requires_grad, misspelt": (
        lambda n: setattr(n["0.weight"], "requires_gard", False), always("did you mean 'requires_grad'"),
    ),
    "stop_gradient": (lambda n: setattr(n["0.weight"], "stop_gradient", True), {}),
    # Other layers
    "insert": (lambda n: n.insert(1, nn.Dense(4)), {}),
    "insert, no block": (lambda n: n.insert(0, "a"), always("expected a Block as child")),
    "pop": (lambda n: n.pop(), {}),
    "del": (lambda n: n.__delitem__(1), {}),
    "[] =": (lambda n: n.__setitem__(-1, nn.Dense(3)), {}),
    "replace": (lambda n: n.replace("1", nn.Dense(4)), {}),
    "replace, misspelt": (lambda n: n.replace("x.1", nn.Dense(4)), always(r"found 'x\.1'; it has '0'")),
    "replace, a parameter": (lambda n: n.replace("1.weight", nn.Dense(4)), always("which is a Parameter")),
    "replace, by the net itself": (lambda n: n.replace("1", n), always("does not contain its parent")),
    "add_module": (lambda n: n.add_module("new", nn.Identity()), {}),
    "add_module, twice": (lambda n: n.add_module("0", nn.Dense(2)), always("does not have yet")),
    "share_parameters": (lambda n: n[1].share_parameters({"bias": n[0].bias}), {}),
    "share_parameters, misspelt": (
        lambda n: n[1].share_parameters({"wieght": n[0].weight}), always("did you mean 'weight'"),
    ),
    "untie": (lambda n: n[1].untie(), {"shared": "expected a block in one place to untie"}),
    # Initialization
    "Rules": (
        lambda n: n.initialize(init.Rules({"0.weight": "ones"}, default="xavier"), force_reinit=True), SPOILT,
    ),
    "Rules, misspelt": (
        lambda n: n.initialize(init.Rules({"0.wieght": "ones"}), force_reinit=True),
        always(r"expected rule '0\.wieght' to match a parameter, found none; near it are '0\.weight'"),
    ),
    "Load": (
        lambda n: n.initialize(init.Load({"0.weight": nd.ones((4, 4))}, "zeros", by="path"), force_reinit=True),
        SPOILT,
    ),
    "Load, misspelt": (
        lambda n: n.initialize(init.Load({"0.wieght": nd.ones((4, 4))}, by="path"), force_reinit=True),
        always(r"found none for '0\.wieght'; the net has '0\.weight'"),
    ),
    "normal_": (lambda n: init.normal_(n["1.weight"]), SPOILT),
    "normal_, a net": (lambda n: init.normal_(n), always("expected a Parameter or an array of floats")),
    "kaiming_normal_": (lambda n: init.kaiming_normal_(n["1.weight"], nonlinearity="relu"), SPOILT),
    "kaiming_normal_, misspelt": (
        lambda n: init.kaiming_normal_(n["0.weight"], nonlinearity="rleu"), always("expected a nonlinearity"),
    ),
    "lsuv_": (lambda n: init.lsuv_(n, batch()), SPOILT),
    "lsuv_, another width": (lambda n: init.lsuv_(n, batch(5)), known(r"expected input of shape \(batch, 4\)")),
    "lsuv_, tol": (lambda n: init.lsuv_(n, batch(), tol=-1), always("expected tol of lsuv_")),
    "mup_": (
        lambda n: init.mup_(n, base=type(n)(*[nn.Dense(k, in_units=4) for k in (4, 4, 2)])),
        always("expected values in|expected a base of the same parameters"),
    ),
    "infer_shape": (lambda n: n.infer_shape((None, 4)), {}),
    "infer_shape, another width": (
        lambda n: n.infer_shape((None, 7)), known(r"expected input of shape \(batch, 4\)"),
    ),
}  # fmt: skip


def state_of(net):
    """Return what an error may not change: paths, values, and what learns."""
    return {
        path: (
            parameter.requires_grad,
            parameter.shape,
            parameter._state == "initialized" and parameter.numpy().tolist(),
        )
        for path, parameter in net.named_parameters(unique=False)
    }


def fails(call, net, said):
    before = state_of(net)
    with pytest.raises(MXNetError, match=said):
        call(net)
    assert state_of(net) == before


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("word", WORDS)
def test_a_word_works_or_says_why_and_changes_nothing(word, condition):
    call, errors = WORDS[word]
    net = CONDITIONS[condition]()
    if condition in errors:
        fails(call, net, errors[condition])
    else:
        call(net)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_within_a_recording_keeps_the_gradient_or_says_that_it_is_spoilt(word):
    call, errors = WORDS[word]
    net = ready()
    with autograd.record():
        loss = net(nd.ones((3, 4))).sum()
        if "recorded" in errors:
            fails(call, net, errors["recorded"])
        else:
            call(net)
    if "spoilt" in errors:
        with pytest.raises(MXNetError, match=errors["spoilt"]):
            loss.backward()
    else:
        loss.backward()


@pytest.mark.parametrize("word", WORDS)
def test_a_word_beside_a_thread_that_runs_the_net(word):
    call, errors = WORDS[word]
    net, stop, raised = ready(), threading.Event(), []

    def run():
        x = nd.ones((3, 4))
        while not stop.is_set():
            try:
                net(x)
            except MXNetError:
                pass  # layers of other widths, or without values, may have come
            except BaseException as error:  # noqa: BLE001 - whatever it is
                raised.append(error)
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        if "threaded" in errors:
            fails(call, net, errors["threaded"])
        else:
            call(net)
    finally:
        stop.set()
        thread.join()
    assert raised == []
