"""What prepares images for a net: blocks that take an image, or a batch of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball._scope import surface
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon.block import Block
from glueball.gluon.nn import Lambda, Sequential
from glueball.nd._creation import resolve_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cast", "Compose", "Normalize", "ToTensor"]


class Compose(Sequential):
    """Transforms, one after the other.

    Parameters
    ----------
    transforms : sequence of Block or callable
        Functions are wrapped in `nn.Lambda`.

    Raises
    ------
    TypeError
        If one is neither.
    """

    def __init__(self, transforms: Sequence[Any]) -> None:
        if not isinstance(transforms, list | tuple):
            message = f"expected a list of transforms, found {transforms!r}; put them in a list"
            raise GlueballTypeError(message)
        super().__init__()
        self.add(*(each if isinstance(each, Block) else Lambda(each) for each in transforms))


class Cast(Block):
    """Change the dtype: ``Cast("float32")``."""

    def __init__(self, dtype: Any = "float32") -> None:
        super().__init__()
        self._dtype = resolve_dtype(dtype)

    def forward(self, x: Any) -> Any:
        """Return the image in that dtype; of any shape."""
        return x.astype(self._dtype)


class ToTensor(Block):
    """Turn images of numbers from 0 to 255 into float32 from 0 to 1, channels first.

    (height, width, channels) becomes (channels, height, width); a batch keeps its first axis.
    """

    def forward(self, x: Any) -> Any:
        """Return the image, or the batch of images.

        Raises
        ------
        ValueError
            If it has neither 3 axes nor 4.
        """
        if x.ndim not in (3, 4):
            message = f"expected an image (height, width, channels), or a batch of them, found shape {x.shape}; reshape it"
            raise ShapeError(message)
        axes = (2, 0, 1) if x.ndim == 3 else (0, 3, 1, 2)
        return nd.transpose(x.astype("float32"), axes=axes) / 255.0


class Normalize(Block):
    """Subtract a mean from each channel, and divide by a standard deviation: what `ToTensor` gives, channels first.

    Parameters
    ----------
    mean, std : float or sequence of float
        One for all channels, or one for each.

    Raises
    ------
    ValueError
        If a deviation is 0, or something is not a number.
    """

    def __init__(
        self, mean: float | Sequence[float] = 0.0, std: float | Sequence[float] = 1.0
    ) -> None:
        super().__init__()
        self._mean = self._column("mean", mean)
        self._std = self._column("std", std)
        if not np.all(self._std):
            message = f"expected standard deviations other than 0, found {std!r}; correct them"
            raise ArgumentError(message)

    @staticmethod
    def _column(what: str, given: Any) -> Any:
        try:
            numbers = np.asarray(given, np.float32).reshape(-1, 1, 1)
        except (TypeError, ValueError) as error:
            message = f"expected a number, or one for each channel, as {what}, found {given!r}; correct it"
            raise ArgumentError(message) from error
        return numbers

    def forward(self, x: Any) -> Any:
        """Return the image (channels, height, width), or the batch of images.

        Raises
        ------
        ValueError
            If it has another number of channels.
        """
        for numbers in (self._mean, self._std):
            if x.ndim not in (3, 4) or len(numbers) not in (1, x.shape[-3]):
                message = (
                    f"expected an image of {len(numbers)} channels, (channels, height, width), found shape {x.shape}; "
                    "apply ToTensor() before"
                )
                raise ShapeError(message)
        return (x - self._mean.view(type(x))) / self._std.view(type(x))


__getattr__, __dir__ = surface(__name__)
