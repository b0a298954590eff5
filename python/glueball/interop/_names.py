"""What the parameters of each layer are called elsewhere, and which of them others store transposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueball.gluon import nn

if TYPE_CHECKING:
    from glueball.gluon import Block, Parameter

__all__ = ["COUNTERS", "Entry", "entries_of"]

# Counts of batches, which only training elsewhere reads.
COUNTERS = frozenset({"num_batches_tracked"})


@dataclass(frozen=True)
class Entry:
    """One parameter of a layer.

    Attributes
    ----------
    name : str
        What it is called here.
    torch, keras : str
        What PyTorch and Keras call it.
    others : tuple of str
        Further names: Paddle's, and those of Flax and Haiku.
    is_matrix : bool
        Whether it is stored as (units, in_units) by some and as (in_units, units) by others.
    unlearned : float or None
        What stands for it elsewhere when the layer is made not to learn it; such layers store none.
    """

    name: str
    torch: str
    keras: str
    others: tuple[str, ...] = ()
    is_matrix: bool = False
    unlearned: float | None = None

    def accepts(self) -> tuple[str, ...]:
        """Return every name that the parameter may have in what is loaded."""
        return (self.name, self.torch, self.keras, *self.others)

    def is_left_out(self, parameter: Parameter) -> bool:
        """Whether layers like this one store no array for the parameter elsewhere."""
        return self.unlearned is not None and not parameter._differentiable


_GAMMA = Entry("gamma", "weight", "gamma", ("scale",), unlearned=1.0)
_BETA = Entry("beta", "bias", "beta", ("offset",), unlearned=0.0)
_BIAS = Entry("bias", "bias", "bias", ("b",))
_AFFINE = (_GAMMA, _BETA)

# In the order in which Keras lists a layer's weights.
_ENTRIES: dict[type[Block], tuple[Entry, ...]] = {
    nn.Dense: (Entry("weight", "weight", "kernel", ("w",), is_matrix=True), _BIAS),
    nn.Embedding: (Entry("weight", "weight", "embeddings", ("embedding",)),),
    nn.PReLU: (Entry("alpha", "weight", "alpha", ("negative_slope",)),),
    nn.BatchNorm: (
        *_AFFINE,
        Entry("running_mean", "running_mean", "moving_mean", ("_mean", "mean")),
        Entry("running_var", "running_var", "moving_variance", ("_variance", "var")),
    ),
    nn.LayerNorm: _AFFINE,
    nn.InstanceNorm: _AFFINE,
    nn.GroupNorm: _AFFINE,
}


def entries_of(block: Block, names: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the entries of a block's own parameters, which are called `names` here.

    What no table knows, as a user's own block, has one name everywhere and is never transposed.
    """
    known: tuple[Entry, ...] = next(
        (_ENTRIES[kind] for kind in type(block).__mro__ if kind in _ENTRIES), ()
    )
    present = tuple(entry for entry in known if entry.name in names)
    others = tuple(
        Entry(name, name, name) for name in names if all(name != entry.name for entry in known)
    )
    return present + others
