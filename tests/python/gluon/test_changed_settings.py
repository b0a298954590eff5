"""A setting changed after a call: the result is that of a new layer with the setting, or an error."""

import pytest

import glueball
from glueball import autograd, init, nd
from glueball.base import MXNetError
from glueball.gluon import Parameter, loss, nn
from glueball.gluon._checks import FixedSetting
from glueball.gluon.block import Block

X = nd.random.normal(shape=(4, 6, 6))
PRED, LABEL = nd.random.uniform(0.1, 0.9, shape=(4, 4)), nd.random.uniform(0.1, 0.9, shape=(4, 4))
NUMBERS = nd.array([0, 1, 2, 3])

# A layer or loss; its settings; one of them as it is called in the constructor, and another value.
LAYERS = [
    (nn.Dense, {"units": 3}, "units", 2),
    (nn.Dense, {"units": 3, "flatten": False}, "flatten", True),
    (nn.Activation, {"activation": "relu"}, "activation", "tanh"),
    (nn.LeakyReLU, {"alpha": 0.5}, "alpha", 0.25),
    (nn.ELU, {"alpha": 0.5}, "alpha", 0.25),
    (nn.Swish, {"beta": 0.5}, "beta", 0.25),
    (nn.Dropout, {"rate": 0.0}, "rate", 1.0),
    (nn.Dropout, {"rate": 0.5}, "axes", (0, 1, 2)),
    (nn.Embedding, {"input_dim": 3, "output_dim": 2}, "input_dim", 2),
    (nn.Embedding, {"input_dim": 3, "output_dim": 2}, "output_dim", 3),
    *[
        (kind, {}, name, value)
        for kind in (nn.BatchNorm, nn.LayerNorm, nn.InstanceNorm, nn.GroupNorm)
        for name, value in (
            ("epsilon", 0.5),
            ("center", False),
            ("scale", kind is nn.InstanceNorm),
            ("axis", 2 if kind is not nn.LayerNorm else 1),
        )
        if (kind, name) != (nn.GroupNorm, "axis")
    ],
    (nn.BatchNorm, {}, "momentum", 0.5),
    (nn.BatchNorm, {}, "use_global_stats", True),
    (nn.GroupNorm, {}, "num_groups", 3),
    (nn.Concurrent, {}, "axis", 1),
    (nn.HybridConcurrent, {}, "axis", 1),
    (nn.Lambda, {"function": "relu"}, "function", "tanh"),
    (nn.HybridLambda, {"function": "relu"}, "function", "tanh"),
]
LOSSES = [
    *[(getattr(loss, name), {}, "weight", 3.0) for name in loss.__all__ if name != "Loss"],
    *[
        (kind, {}, "batch_axis", 1)
        for kind in (loss.L2Loss, loss.L1Loss, loss.HuberLoss, loss.LogisticLoss, loss.HingeLoss)
    ],
    (loss.SoftmaxCrossEntropyLoss, {}, "axis", 0),
    (loss.SoftmaxCrossEntropyLoss, {}, "from_logits", True),
    (loss.SoftmaxCrossEntropyLoss, {}, "sparse_label", False),
    (loss.SigmoidBinaryCrossEntropyLoss, {}, "from_sigmoid", True),
    (loss.KLDivLoss, {}, "from_logits", False),
    (loss.KLDivLoss, {"from_logits": False}, "axis", 0),
    (loss.PoissonNLLLoss, {}, "from_logits", False),
    (loss.PoissonNLLLoss, {}, "compute_full", True),
    (loss.LogisticLoss, {}, "label_format", "binary"),
    (loss.HingeLoss, {}, "margin", 0.25),
    (loss.SquaredHingeLoss, {}, "margin", 0.25),
    (loss.HuberLoss, {}, "rho", 0.1),
    (loss.TripletLoss, {}, "margin", 0.25),
    (loss.CosineEmbeddingLoss, {}, "margin", 0.25),
    (loss.SDMLLoss, {}, "smoothing_parameter", 0.1),
]
# What holds a setting that is not called as in the constructor.
HELD_IN = {"activation": "_act_type", "function": "_func_impl", "rho": "_parameter"}


def attribute_of(layer, name):
    candidates = (f"_{name}", name, HELD_IN.get(name), "_parameter")
    return next(each for each in candidates if each in layer.__dict__)


def identify(case):
    return f"{case[0].__name__}-{case[2]}" if isinstance(case, tuple) else None


def filled(layer):
    """Return the layer with children if it needs some, and values that are the same for all of its shape."""
    if isinstance(layer, nn.Concurrent | nn.HybridConcurrent) and not len(layer):
        layer.add(nn.Identity(), nn.Identity())
    glueball.random.seed(0)
    layer.initialize(init.Normal(1), force_reinit=True)
    return layer


def results(run, arrays):
    """Return what is computed in inference, and in training with the same random numbers."""
    glueball.random.seed(1)
    first = run(*arrays).asnumpy().tolist()
    with autograd.record():
        trained = run(*arrays).asnumpy().tolist()
    return [first, trained, run(*arrays).asnumpy().tolist()]


def check(case, wrap, arrays):
    kind, settings, name, value = case
    layer = filled(kind(**settings))
    run = wrap(layer)
    before = results(run, arrays)
    attribute = attribute_of(layer, name)
    if isinstance(getattr(kind, attribute, None), FixedSetting):
        with pytest.raises(
            AttributeError, match=rf"expected '{attribute}' of '{layer.name}' to stay"
        ):
            setattr(layer, attribute, value)
        filled(layer)
        assert results(run, arrays) == before
        return
    setattr(layer, attribute, value)
    filled(layer)
    other = filled(kind(**settings | {name: value}))
    try:
        wanted = results(wrap(other), arrays)
    except MXNetError as error:
        with pytest.raises(type(error)):
            results(run, arrays)
        return
    assert wanted != before
    try:
        found = results(run, arrays)
    except MXNetError:
        assert name in ("axis", "flatten")  # which its parameters do not fit any more
        return
    assert found == wanted


@pytest.mark.parametrize("case", LAYERS, ids=identify)
@pytest.mark.parametrize(
    "wrap",
    [lambda layer: layer, lambda layer: nn.Sequential(nn.Sequential(layer))],
    ids=["alone", "in a net"],
)
def test_changed_setting_of_a_layer_holds_from_the_next_call_on(case, wrap):
    arrays = (nd.array([0, 1, 1]),) if case[0] is nn.Embedding else (X,)
    check(case, wrap, arrays)


@pytest.mark.parametrize("case", LOSSES, ids=identify)
def test_changed_setting_of_a_loss_holds_from_the_next_call_on(case):
    kind = case[0]
    arrays = [PRED, LABEL]
    if kind is loss.SoftmaxCrossEntropyLoss:
        arrays = [PRED, NUMBERS]
    elif kind is loss.PoissonNLLLoss:
        arrays = [PRED, LABEL * 4]  # counts above 1 have a term of their own
    elif kind is loss.TripletLoss:
        arrays = [PRED, LABEL, X[:, 0, :1] + PRED]
    elif kind is loss.CosineEmbeddingLoss:
        arrays = [PRED, LABEL, nd.array([1, -1, 1, -1])]
    check(case, lambda layer: layer, arrays)


def test_every_setting_that_a_layer_keeps_is_tested():
    plain = set(Block().__dict__)
    seen = {}
    for kind, settings, name, _ in LAYERS + LOSSES:
        layer = kind(**settings)
        seen.setdefault(kind, (layer, set()))[1].add(attribute_of(layer, name))
    for kind in [*vars(nn).values(), *vars(loss).values()]:
        if isinstance(kind, type) and issubclass(kind, Block) and kind in seen:
            layer, tested = seen[kind]
            kept = {
                key
                for key, value in layer.__dict__.items()
                if key not in plain and not isinstance(value, Parameter)
            }
            follows = {"act", "_func_name", "_is_named", "_batch_axis", "_takes_class_numbers"}
            assert kept - follows <= tested, kind
