"""MNIST, FashionMNIST, CIFAR10 and CIFAR100, from the files that their authors publish. Nothing is downloaded."""

from __future__ import annotations

import errno
import gzip
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._disk import path_of
from glueball._scope import surface
from glueball.base import FileFormatError, GlueballTypeError, MissingFileError
from glueball.gluon._checks import array_type
from glueball.gluon.data.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.nd._record import Plain

__all__ = ["CIFAR10", "CIFAR100", "MNIST", "FashionMNIST"]

_UNSIGNED_BYTES = 0x08  # the code of the one dtype that these idx files have


class _Images(Dataset):
    """Images and labels; a sample is (image, label), or what `transform` makes of them.

    Images are uint8, (height, width, channels); labels are int32.
    """

    _folder = ""  # below the folder of data sets

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        if transform is not None and not callable(transform):
            message = (
                f"expected a function of (image, label) as transform, found {transform!r}; pass one, or call "
                "transform_first(...)"
            )
            raise GlueballTypeError(message)
        home = os.environ.get("MXNET_HOME") or os.path.join("~", ".mxnet")
        place = path_of(root) if root is not None else os.path.join(home, "datasets", self._folder)
        self._root = Path(place).expanduser()
        self._train = bool(train)
        self._transform = transform
        images, labels = self._read()
        self._data = images.view(array_type())
        self._label: Plain = labels.astype(np.int32)

    def _read(self) -> tuple[Plain, Plain]:
        """Return images (n, height, width, channels), and labels (n,)."""
        raise NotImplementedError

    def __getitem__(self, idx: Any) -> Any:
        image, label = self._data[idx], self._label[idx]
        return (image, label) if self._transform is None else self._transform(image, label)

    def __len__(self) -> int:
        return len(self._label)

    def __repr__(self) -> str:
        part = "to train on" if self._train else "to test on"
        return f"{type(self).__name__}({len(self)} images {part}, from {str(self._root)!r})"


def _contents(root: Path, names: tuple[str, ...], source: str) -> tuple[Path, bytes]:
    """Return the first of some files of a folder that is there, and what it holds, unpacked."""
    for name in names:
        for file in (root / name, root / f"{name}.gz"):
            if not file.is_file():
                continue
            data = file.read_bytes()
            if data[:2] != b"\x1f\x8b":
                return file, data
            try:
                return file, gzip.decompress(data)
            except (OSError, EOFError, zlib.error) as error:
                raise _damaged(file, f"a gzip that does not unpack ({error})") from error
    wanted = " or ".join(f"'{name}'" for name in names)
    message = (
        f"expected {wanted}, or the same with .gz, in '{root}', found neither; nothing is downloaded here: get the "
        f"file from {source} and put it there, or give its folder as root"
    )
    raise MissingFileError(errno.ENOENT, message, str(root / names[0]))


def _damaged(file: Path, found: str) -> FileFormatError:
    return FileFormatError(
        f"expected a data set's file as '{file}', found {found}; it is damaged, or another file: get it again"
    )


class MNIST(_Images):
    """LeCun's handwritten digits: 60,000 images of 28 x 28 to train on, 10,000 to test on.

    Parameters
    ----------
    root : str or path, optional
        The folder of the four files, ``train-images-idx3-ubyte`` and so on, packed (``.gz``) or not. By default
        ``datasets/mnist`` below the environment variable ``MXNET_HOME``, or below ``~/.mxnet``.
    train : bool, default True
        Whether to read the images to train on.
    transform : callable, optional
        ``transform(image, label)`` of each sample; `Dataset.transform_first` takes a function of the image alone.

    Raises
    ------
    FileNotFoundError
        If a file is not there; it says which, and where it belongs.
    ValueError
        If a file is damaged.

    Notes
    -----
    A sample's image is an NDArray, uint8, (28, 28, 1), its label an int32.
    """

    _folder = "mnist"
    _source = "the data set's own page, or a mirror of it"

    def _read(self) -> tuple[Plain, Plain]:
        part = "train" if self._train else "t10k"
        images = self._idx(f"{part}-images-idx3-ubyte", f"{part}-images.idx3-ubyte", axes=3)
        labels = self._idx(f"{part}-labels-idx1-ubyte", f"{part}-labels.idx1-ubyte", axes=1)
        if len(images) != len(labels):
            raise _damaged(self._root, f"{len(images)} images and {len(labels)} labels")
        return images[..., None], labels

    def _idx(self, *names: str, axes: int) -> Plain:
        """Return the array of an idx file: 0, 0, dtype, axes; the axes' lengths, four bytes each; the numbers."""
        file, data = _contents(self._root, names, self._source)
        if data[:4] != bytes([0, 0, _UNSIGNED_BYTES, axes]):
            raise _damaged(file, f"the first bytes {data[:4].hex(' ')}")
        start = 4 + 4 * axes
        if len(data) < start:
            raise _damaged(file, f"{len(data)} bytes, where the lengths of axes take {start}")
        lengths = [int(each) for each in np.frombuffer(data[4:start], ">u4")]
        held = len(data) - start
        if int(np.prod(lengths, dtype=object)) != held:
            raise _damaged(file, f"{held} bytes of data for the shape {tuple(lengths)}")
        return np.frombuffer(data, np.uint8, offset=start).reshape(lengths).copy()


class FashionMNIST(MNIST):
    """Zalando's articles of clothing, in MNIST's format: 60,000 images to train on, 10,000 to test on.

    As `MNIST`; by default from ``datasets/fashion-mnist``.
    """

    _folder = "fashion-mnist"


class CIFAR10(_Images):
    """Krizhevsky's small colour images of ten kinds: 50,000 of 32 x 32 to train on, 10,000 to test on.

    Parameters
    ----------
    root : str or path, optional
        The folder of the binary version's files, ``data_batch_1.bin`` to ``data_batch_5.bin`` and
        ``test_batch.bin``, packed (``.gz``) or not, in it or in its ``cifar-10-batches-bin``. By default
        ``datasets/cifar10``, as for `MNIST`.
    train, transform
        As for `MNIST`.

    Raises
    ------
    FileNotFoundError
        If a file is not there; it says which, and where it belongs.
    ValueError
        If a file is damaged.

    Notes
    -----
    A sample's image is an NDArray, uint8, (32, 32, 3), its label an int32.
    """

    _folder = "cifar10"
    _archive = "cifar-10-batches-bin"
    _files = (tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",))
    _labels = 1  # bytes before each image
    _label_at = 0

    def _read(self) -> tuple[Plain, Plain]:
        folder = self._root / self._archive
        if not folder.is_dir():
            folder = self._root
        bytes_each = self._labels + 3 * 32 * 32
        rows = []
        for name in self._files[0 if self._train else 1]:
            source = f"the data set's own page ({self._archive}, the binary version)"
            file, data = _contents(folder, (name,), source)
            if not data or len(data) % bytes_each:
                raise _damaged(file, f"{len(data)} bytes, where an image has {bytes_each}")
            rows.append(np.frombuffer(data, np.uint8).reshape(-1, bytes_each))
        table = np.concatenate(rows)
        images = table[:, self._labels :].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), table[:, self._label_at].copy()


class CIFAR100(CIFAR10):
    """As `CIFAR10`, of 100 kinds in 20 groups; files ``train.bin`` and ``test.bin``, by default in ``datasets/cifar100``.

    Parameters
    ----------
    root, train, transform
        As for `CIFAR10`.
    fine_label : bool, default False
        Whether labels are the kinds, not the groups.
    """

    _folder = "cifar100"
    _archive = "cifar-100-binary"
    _files = (("train.bin",), ("test.bin",))
    _labels = 2  # the group, and the kind

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        fine_label: bool = False,
        train: bool = True,
        transform: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        self._label_at = int(bool(fine_label))
        super().__init__(root, train, transform)


__getattr__, __dir__ = surface(__name__)
