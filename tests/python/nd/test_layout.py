"""How an array lies in memory can be read, and not changed behind the back of who else holds it."""

import numpy as np
import pytest

from glueball import autograd, gluon, nd, npx
from glueball.base import MXNetError
from glueball.gluon import nn


def of_parameter(get):
    def make():
        net = nn.HybridSequential(nn.Dense(4, in_units=3), nn.BatchNorm(in_channels=4))
        net.initialize()
        return get(net)

    return make


def of_trainer():
    net = nn.Dense(4, in_units=3)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1.0})
    with autograd.record():
        loss = net(nd.ones((2, 3)))
    loss.backward()
    trainer.step(2)
    return net.weight.grad()


ARRAYS = {
    "data": of_parameter(lambda net: net[0].weight.data()),
    "list_data": of_parameter(lambda net: net[0].weight.list_data()[0]),
    "grad": of_parameter(lambda net: net[0].weight.grad()),
    "list_grad": of_parameter(lambda net: net[0].weight.list_grad()[0]),
    "running values": of_parameter(lambda net: net[1].running_mean.data()),
    "output": of_parameter(lambda net: net(nd.ones((2, 3)))),
    "gradient after a step": of_trainer,
    "new": lambda: nd.ones((4, 3)),
    "view": lambda: nd.ones((4, 3))[1:],
    "NumPy mode": lambda: nd.ones((4, 3)).as_np_ndarray(),
}


@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("shape", (12,)),
        ("shape", (3, 4)),
        ("dtype", "int32"),
        ("strides", (0, 0)),
        ("data", b"1234" * 12),
        ("flags", None),
    ],
)
def test_layout_of_an_array_is_read_only(make, attribute, value):
    array = make()
    before = (array.shape, array.dtype, array.strides, array.asnumpy().tolist())

    with pytest.raises(AttributeError):
        setattr(array, attribute, value)
    if attribute != "flags":
        with pytest.raises(MXNetError, match=f"expected '{attribute}' of an array to be read only"):
            setattr(array, attribute, value)
        with pytest.raises(MXNetError, match="to be read only"):
            delattr(array, attribute)

    assert (array.shape, array.dtype, array.strides, array.asnumpy().tolist()) == before


@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize(
    "change",
    [
        lambda x: setattr(x.flags, "writeable", False),
        lambda x: x.flags.__setitem__("WRITEABLE", False),
        lambda x: x.setflags(write=False),
        lambda x: x.setflags(False),
    ],
)
def test_flags_of_an_array_are_read_only(make, change):
    array = make()

    with pytest.raises(MXNetError, match="expected the flags of an array to be read only"):
        change(array)

    assert array.flags.writeable
    assert array.flags["C_CONTIGUOUS"]
    assert array.flags == np.asarray(array).flags
    assert "WRITEABLE : True" in repr(array.flags)
    array[:] = 1
    plain = np.asarray(array)
    plain.flags.writeable = False
    assert array.flags.writeable


def test_what_the_same_parameter_hands_out_again_is_as_before():
    net = nn.Dense(4, in_units=3)
    net.initialize()
    for array in (net.weight.data(), net.weight.grad()):
        with pytest.raises(MXNetError):
            array.shape = (12,)
        with pytest.raises(MXNetError):
            array.dtype = "int32"

    assert net.weight.grad().shape == net.weight.data().shape == (4, 3)
    assert net.weight.grad().dtype == net.weight.data().dtype == np.float32
    assert npx.is_np_array() is False
