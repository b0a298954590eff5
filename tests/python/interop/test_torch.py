"""Weights from PyTorch and to it, on PyTorch itself: where it is installed.

`tests/python/interop/test_arrays.py` shows the same conversions without it.
"""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, init, interop, nd, onnx
from glueball.gluon import nn

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch")


def modules():
    """Return (module, net): the same net, there and here."""
    linear, norm = torch.nn.Linear, torch.nn.BatchNorm1d
    return [
        (
            torch.nn.Sequential(linear(5, 4), torch.nn.ReLU(), linear(4, 4), torch.nn.Tanh()),
            nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(4, activation="tanh")),
        ),
        (
            torch.nn.Sequential(linear(5, 5), norm(5), torch.nn.GELU(), linear(5, 2, bias=False)),
            nn.Sequential(nn.Dense(5), nn.BatchNorm(), nn.GELU(), nn.Dense(2, use_bias=False)),
        ),
        (
            torch.nn.Sequential(torch.nn.LayerNorm(5), linear(5, 3), torch.nn.PReLU(3)),
            nn.Sequential(nn.LayerNorm(), nn.Dense(3), nn.PReLU(in_channels=3)),
        ),
        (
            torch.nn.Sequential(norm(5, affine=False), torch.nn.Sequential(linear(5, 2))),
            nn.Sequential(nn.BatchNorm(scale=False, center=False), nn.Sequential(nn.Dense(2))),
        ),
    ]


def randomise(module):
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            if name.endswith("running_var"):
                tensor.abs_().add_(0.1)
    return module.eval()


@pytest.mark.parametrize("case", range(4))
def test_a_net_computes_what_its_module_does_and_gives_its_weights_back(case):
    module, net = modules()[case]
    randomise(module)
    x = onp.random.default_rng(1).normal(size=(6, 5)).astype("float32")

    interop.load_torch(net, module.state_dict())
    ours = net(nd.array(x)).asnumpy()

    with torch.no_grad():
        theirs = module(torch.from_numpy(x)).numpy()
    onp.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    state = interop.to_torch(net, like=module.state_dict())
    other = modules()[case][0]
    other.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    for name, tensor in module.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_a_module_of_the_same_structure_takes_the_names_as_they_are():
    net = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(2))
    net.initialize(init.Xavier())
    x = onp.random.default_rng(1).normal(size=(6, 5)).astype("float32")
    with autograd.record():
        net(nd.array(x))
    module = torch.nn.Sequential(
        torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
    ).eval()

    state = {name: torch.from_numpy(array) for name, array in interop.to_torch(net).items()}
    module.load_state_dict(state, strict=True)

    with torch.no_grad():
        theirs = module(torch.from_numpy(x)).numpy()
    onp.testing.assert_allclose(net(nd.array(x)).asnumpy(), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_other_dtypes_and_with_gradients_are_taken(dtype):
    weight = torch.tensor([[1.5, -2.0]], dtype=dtype, requires_grad=True)
    net = nn.Dense(1, use_bias=False)

    interop.load_torch(net, {"weight": weight})

    assert net.weight.data().asnumpy().tolist() == [[1.5, -2.0]]


def test_the_net_does_not_share_memory_with_the_module():
    module, net = torch.nn.Linear(3, 2), nn.Dense(2)
    interop.load_torch(net, module.state_dict())
    before = net.weight.data().asnumpy().copy()

    with torch.no_grad():
        module.weight.zero_()

    onp.testing.assert_array_equal(net.weight.data().asnumpy(), before)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("opset", [13, 17, 20])
def test_an_onnx_file_that_pytorch_writes_is_read(opset, tmp_path):
    norm = torch.nn.LayerNorm(4) if opset >= 17 else torch.nn.ELU()
    module = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.GELU(), torch.nn.BatchNorm1d(5),
        torch.nn.Linear(5, 4), torch.nn.SiLU(), torch.nn.Dropout(), torch.nn.Linear(4, 4),
        torch.nn.PReLU(), norm, torch.nn.Linear(4, 3), torch.nn.LeakyReLU(), torch.nn.Softmax(-1),
    ).eval()  # fmt: skip
    x = torch.from_numpy(onp.random.default_rng(1).normal(size=(6, 2, 3)).astype("float32"))
    path = str(tmp_path / "module.onnx")
    torch.onnx.export(
        module, x, path, dynamo=False, opset_version=opset, input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    )  # fmt: skip

    net = onnx.load(path)

    with torch.no_grad():
        theirs = module(x).numpy()
    onp.testing.assert_allclose(net(nd.array(x.numpy())).asnumpy(), theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::torch.jit.TracerWarning"
)
@pytest.mark.parametrize("opset", [11, 17, 20])
@pytest.mark.parametrize("affine", [True, False])
def test_an_embedding_and_a_group_norm_that_pytorch_writes_are_read(affine, opset, tmp_path):
    module = torch.nn.Sequential(
        torch.nn.Embedding(9, 4), torch.nn.GroupNorm(3, 6, affine=affine), torch.nn.Linear(4, 2)
    ).eval()
    x = torch.tensor([[0, 8, 3, 3, 1, 7], [5, 5, 2, 0, 4, 6]])
    path = str(tmp_path / "module.onnx")
    torch.onnx.export(
        module, x, path, dynamo=False, opset_version=opset, input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    )  # fmt: skip

    net = onnx.load(path)

    assert [type(layer) for layer in net] == [nn.Embedding, nn.GroupNorm, nn.Dense]
    with torch.no_grad():
        theirs = module(x).numpy()
    onp.testing.assert_allclose(net(nd.array(x.numpy())).asnumpy(), theirs, rtol=1e-4, atol=1e-6)
