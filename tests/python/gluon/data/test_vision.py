"""Sets of images are read from files in their authors' formats, which are written here byte by byte."""

from __future__ import annotations

import gzip

import numpy as onp
import pytest

import glueball
from glueball import autograd, gluon, nd, test_utils
from glueball.base import FileFormatError, MXNetError
from glueball.gluon import nn
from glueball.gluon.data import DataLoader, vision
from glueball.gluon.data.vision import transforms

RNG = onp.random.default_rng(3)


def idx(array):
    """The idx format: 0, 0, 8 for unsigned bytes, the number of axes; big-endian lengths; the bytes."""
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype("u1").tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder of MNIST with few images, some of its files packed; and what is in them."""
    found = {}
    for part, count in (("train", 20), ("t10k", 6)):
        images = RNG.integers(0, 256, (count, 28, 28), onp.uint8)
        labels = RNG.integers(0, 10, count, onp.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
        found[part] = images, labels
    return tmp_path, found


@pytest.mark.parametrize("kind", [vision.MNIST, vision.FashionMNIST])
@pytest.mark.parametrize(("train", "part"), [(True, "train"), (False, "t10k")])
def test_images_and_labels_are_those_of_the_files(mnist, kind, train, part):
    folder, found = mnist
    images, labels = found[part]

    read = kind(folder, train=train)

    assert len(read) == len(images)
    image, label = read[2]
    assert type(image) is nd.NDArray
    assert (image.dtype, image.shape) == (onp.uint8, (28, 28, 1))
    assert (label, label.dtype) == (labels[2], onp.int32)
    onp.testing.assert_array_equal(onp.stack([each.asnumpy()[..., 0] for each, _ in read]), images)
    assert repr(read).startswith(f"{kind.__name__}({len(images)} images to ")


def test_a_net_trains_on_transformed_batches(mnist):
    folder, found = mnist
    prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.13, 0.31)])
    loader = DataLoader(vision.MNIST(folder).transform_first(prepare), batch_size=10)

    batches = list(loader)

    wanted = (found["train"][0][:10, None].astype("float32") / 255 - 0.13) / 0.31
    onp.testing.assert_allclose(batches[0][0].asnumpy(), wanted, rtol=1e-5, atol=1e-6)
    net = nn.Sequential(nn.Flatten(), nn.Dense(10))
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    losses = []
    for _ in range(20):
        for x, y in batches:
            with autograd.record():
                loss = gluon.loss.SoftmaxCELoss()(net(x), y)
            loss.backward()
            trainer.step(10)
        losses.append(float(loss.mean().asscalar()))
    assert losses[-1] < 0.5 * losses[0]


def test_a_transform_takes_image_and_label(mnist):
    read = vision.MNIST(
        mnist[0], transform=lambda image, label: (image.astype("float32"), label + 1)
    )
    assert read[0][0].dtype == onp.float32
    assert read[0][1] == mnist[1]["train"][1][0] + 1
    with pytest.raises(TypeError, match="as transform, found 3"):
        vision.MNIST(mnist[0], transform=3)


def test_the_default_folder_is_mxnets(mnist, tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "datasets").mkdir(parents=True)
    (home / "datasets/fashion-mnist").symlink_to(mnist[0])
    monkeypatch.setenv("MXNET_HOME", str(home))

    assert len(vision.FashionMNIST()) == 20
    with pytest.raises(FileNotFoundError, match=f"in '{home}/datasets/mnist'"):
        vision.MNIST()


def test_a_file_that_is_not_there_is_named_with_its_place(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        vision.MNIST(tmp_path)
    assert str(caught.value) == (
        "expected 'train-images-idx3-ubyte' or 'train-images.idx3-ubyte', or the same with .gz, in "
        f"'{tmp_path}', found neither; nothing is downloaded here: get the file from the data set's own page, or a "
        "mirror of it and put it there, or give its folder as root"
    )
    assert isinstance(caught.value, MXNetError)
    with pytest.raises(FileNotFoundError, match=r"'data_batch_1\.bin'.*cifar-10-batches-bin"):
        vision.CIFAR10(tmp_path)


DAMAGES = {
    "another dtype": lambda data: data[:2] + b"\x0d" + data[3:],
    "other axes": lambda data: data[:3] + b"\x01" + data[4:],
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "the header alone": lambda data: data[:9],
    "nothing": lambda data: b"",
    "huge lengths": lambda data: data[:4] + b"\xff" * 12 + data[16:],
    "a gzip that is cut": lambda data: gzip.compress(data)[:-9],
    "a gzip that is none": lambda data: b"\x1f\x8b" + data,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named(mnist, damage):
    folder, found = mnist
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(damage(idx(found["train"][0])))

    with pytest.raises(FileFormatError, match=f"as '{path}', found"):
        vision.MNIST(folder)


def test_unequal_numbers_of_images_and_labels_are_told(mnist):
    folder, found = mnist
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(found["train"][1][:-1]))
    with pytest.raises(FileFormatError, match="20 images and 19 labels"):
        vision.MNIST(folder)


def cifar(labels, images):
    return b"".join(bytes(row) + image.tobytes() for row, image in zip(labels, images, strict=True))


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_cifar10_is_read_batch_by_batch(tmp_path, below):
    images = RNG.integers(
        0, 256, (11, 3, 32, 32), onp.uint8
    )  # the files' order: red, green, blue planes
    labels = RNG.integers(0, 10, (11, 1)).tolist()
    folder = tmp_path / below
    folder.mkdir(exist_ok=True)
    for i in range(5):
        rows = slice(2 * i, 2 * i + 2)
        (folder / f"data_batch_{i + 1}.bin").write_bytes(cifar(labels[rows], images[rows]))
    (folder / "test_batch.bin").write_bytes(cifar(labels[10:], images[10:]))

    train, test = vision.CIFAR10(tmp_path), vision.CIFAR10(tmp_path, train=False)

    assert (len(train), len(test)) == (10, 1)
    onp.testing.assert_array_equal(train[7][0].asnumpy(), images[7].transpose(1, 2, 0))
    assert [int(label) for _, label in train] == [row[0] for row in labels[:10]]
    (folder / "data_batch_3.bin").write_bytes(b"\1\2")
    with pytest.raises(
        FileFormatError, match=r"data_batch_3\.bin', found 2 bytes, where an image has 3073"
    ):
        vision.CIFAR10(tmp_path)


def test_cifar100_has_groups_and_kinds(tmp_path):
    images = RNG.integers(0, 256, (4, 3, 32, 32), onp.uint8)
    labels = [[3, 71], [0, 5], [19, 99], [1, 2]]
    (tmp_path / "train.bin").write_bytes(cifar(labels, images))

    assert [int(label) for _, label in vision.CIFAR100(tmp_path)] == [3, 0, 19, 1]
    assert [int(label) for _, label in vision.CIFAR100(tmp_path, fine_label=True)] == [71, 5, 99, 2]


def test_transforms_check_what_they_get():
    image = nd.array(RNG.integers(0, 256, (5, 4, 3)), dtype="uint8")
    tensor = transforms.ToTensor()(image)
    assert (tensor.shape, tensor.dtype) == ((3, 5, 4), onp.float32)
    assert transforms.ToTensor()(nd.stack(image, image)).shape == (2, 3, 5, 4)
    means, deviations = onp.array([0.1, 0.2, 0.3]), onp.array([0.5, 1, 2])
    onp.testing.assert_allclose(
        transforms.Normalize(means, list(deviations))(tensor).asnumpy(),
        (image.asnumpy().transpose(2, 0, 1) / 255 - means[:, None, None]) / deviations[:, None, None],
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip
    assert transforms.Cast("float64")(image).dtype == onp.float64
    assert (
        transforms.Compose([transforms.Cast(), lambda x: x * 2])(image).asnumpy().max()
        == 2.0 * image.asnumpy().max()
    )
    for call, said in (
        (lambda: transforms.ToTensor()(nd.ones((3,))), r"found shape \(3,\)"),
        (lambda: transforms.Normalize(means)(image), "apply ToTensor"),
        (lambda: transforms.Normalize(0, 0), "deviations other than 0"),
        (lambda: transforms.Normalize("a"), "as mean, found 'a'"),
        (lambda: transforms.Compose(3), "expected a list of transforms"),
    ):
        with pytest.raises(MXNetError, match=said):
            call()


def test_what_changes_images_is_left_out_and_says_so():
    with pytest.raises(glueball.base.OutsideScopeError, match="changing images"):
        transforms.RandomCrop  # noqa: B018
    assert not hasattr(vision, "ImageFolderDataset")


def test_get_mnist_gives_mxnets_arrays_and_iterators(mnist):
    folder, found = mnist

    arrays = test_utils.get_mnist(folder)

    onp.testing.assert_allclose(
        arrays["train_data"], found["train"][0][:, None] / onp.float32(255), rtol=1e-6
    )
    onp.testing.assert_array_equal(arrays["test_label"], found["t10k"][1])
    train, test = test_utils.get_mnist_iterator(5, (784,), num_parts=2, part_index=1, path=folder)
    batches = list(train)
    assert [each.data[0].shape for each in batches] == [(5, 784)] * 2
    labels = onp.concatenate([each.label[0].asnumpy() for each in batches])
    assert sorted(labels) == sorted(found["train"][1][1::2])
    assert sum(len(each.label[0]) - each.pad for each in test) == 6
    for arguments in ((5, (783,)), (5, (784,), 2, 2)):
        with pytest.raises(MXNetError, match="expected"):
            test_utils.get_mnist_iterator(*arguments, path=folder)
