"""The part of `Block` that changes a net by its paths: which blocks it has, and which parameters learn or are shared.

What it does stands in `glueball.gluon._places`; nothing else in the library calls these methods, so that a user's own
attributes may have their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from glueball.gluon import _places

if TYPE_CHECKING:
    from glueball.gluon.block._block import Block

__all__ = ["ChangeableBlock"]


class ChangeableBlock:
    """The part of `Block` that deals with changes."""

    def freeze(self, *which: str | type, strict: bool = True) -> Self:
        """Let parameters keep their values: backward computes no gradient of them, and a Trainer passes them over.

        Parameters
        ----------
        *which : str or type
            Paths of parameters, with ``*``, ``?`` and ``[...]`` as in file names (``*`` goes over dots too):
            ``"encoder.*"``, ``"*.bias"``; or classes of layers, whose own parameters are meant. All of the block if
            there are none.
        strict : bool, default True
            Whether one that matches nothing is an error; nothing is changed then.

        Returns
        -------
        Block
            This block.

        Raises
        ------
        KeyError
            If one matches no parameter; the message has paths near it.
        TypeError
            If one is neither a str nor a class.

        Notes
        -----
        Running values of BatchNorm never learn: they go on moving in training, as in PyTorch.
        A shared parameter is frozen wherever it stands.

        Examples
        --------
        >>> from glueball.gluon import nn
        >>> net = nn.Sequential(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
        >>> [parameter.path for parameter in net.freeze("0.*").trainable_weights]
        ['1.weight', '1.bias']
        """
        _places.freezing.set_learning(self, which, False, strict)  # type: ignore[arg-type]
        return self

    def unfreeze(self, *which: str | type, strict: bool = True) -> Self:
        """Let parameters learn again, by the `grad_req` that they had before `freeze`; ``'write'`` if none was noted.

        Those made with ``differentiable=False``, as BatchNorm's running values, never learn.

        Parameters
        ----------
        *which, strict
            As for `freeze`.

        Returns
        -------
        Block
            This block.

        Raises
        ------
        KeyError, TypeError
            As `freeze`.
        ValueError
            If one matches only parameters that cannot learn.
        """
        _places.freezing.set_learning(self, which, True, strict)  # type: ignore[arg-type]
        return self

    @property
    def trainable(self) -> bool:
        """Keras's word: whether any parameter learns. Setting it freezes all, or lets all learn.

        A block that was set to False freezes what is added to it too.
        """
        return _places.freezing.is_trainable(self)  # type: ignore[arg-type]

    @trainable.setter
    def trainable(self, value: bool) -> None:
        _places.freezing.set_trainable(self, value)  # type: ignore[arg-type]

    @property
    def requires_grad(self) -> bool:
        """PyTorch's word: as `trainable`."""
        return _places.freezing.is_trainable(self)  # type: ignore[arg-type]

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        _places.freezing.set_trainable(self, value)  # type: ignore[arg-type]

    @property
    def stop_gradient(self) -> bool:
        """Paddle's word: the contrary of `trainable`."""
        return not _places.freezing.is_trainable(self)  # type: ignore[arg-type]

    @stop_gradient.setter
    def stop_gradient(self, value: bool) -> None:
        _places.freezing.set_trainable(self, value, False)  # type: ignore[arg-type]

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad`, and return the block: PyTorch's word."""
        _places.freezing.set_trainable(self, requires_grad)  # type: ignore[arg-type]
        return self

    def replace(self, path: str, block: Block) -> Block:
        """Put a block in place of the one at a path: ``net.replace("encoder.1", nn.Dense(3))``.

        The attribute of that name changes too. A Trainer that was made before goes on with the old parameters: make
        it after.

        Returns
        -------
        Block
            The one that stood there.

        Raises
        ------
        KeyError
            If there is none.
        TypeError
            If `block` is not a Block, or a parameter is at the path.
        """
        return _places.surgery.replace(self, path, block)  # type: ignore[arg-type]

    def add_module(self, name: str, block: Block) -> None:
        """Make `block` a child of a name: PyTorch's word for an attribute, or for ``register_child(block, name)``.

        Raises
        ------
        ValueError
            If the name is taken, or has a dot.
        TypeError
            If `block` is not a Block, or the name not a str.
        """
        _places.surgery.add_named(self, name, block)  # type: ignore[arg-type]

    def add_sublayer(self, name: str, block: Block) -> Block:
        """Make `block` a child of a name, and return it: Paddle's word, as `add_module`."""
        _places.surgery.add_named(self, name, block)  # type: ignore[arg-type]
        return block

    def share_parameters(self, shared: Any, strict: bool = True) -> Self:
        """Use another block's parameters in place of this one's: MXNet 2's word.

        Parameters
        ----------
        shared : ParameterDict, Block or dict of str to Parameter
            Another block's parameters, which are taken by their paths in it, or parameters by paths in this block:
            ``{"1.weight": other.weight}``. Those that it does not have stay.
        strict : bool, default True
            Whether a path that this block does not have is an error; if not, it is a warning.

        Returns
        -------
        Block
            This block.

        Raises
        ------
        KeyError
            If a path is not one of a parameter here; the message has paths near it.
        ValueError
            If a shape or dtype differs. Nothing is changed in any error.
        TypeError
            If `shared` is something else.

        Notes
        -----
        A Trainer that was made before goes on with the old parameters: make it after.

        Examples
        --------
        >>> from glueball.gluon import nn
        >>> net = nn.Sequential(nn.Dense(4), nn.Dense(4, in_units=4), nn.Dense(4, in_units=4))
        >>> _ = net[2].share_parameters({"weight": net[1].weight})
        >>> net.tied()
        [['1.weight', '2.weight']]
        """
        _places.sharing.share(self, shared, strict)  # type: ignore[arg-type]
        return self

    def tied(self) -> list[list[str]]:
        """Return the paths of each parameter that stands in several places."""
        return _places.sharing.tied(self)  # type: ignore[arg-type]

    def untie(self, *paths: str) -> Self:
        """Give places copies of their own of parameters that they share: of the values, gradient and settings.

        Parameters
        ----------
        *paths : str
            Which places, of parameters or of blocks. If there are none and places below this block share, the first
            of each keeps the parameter, and the others get copies; if they do not, all parameters of the block become
            copies, so that ``net[2].untie()`` ends what it shares with others.

        Returns
        -------
        Block
            This block.

        Raises
        ------
        KeyError
            If there is nothing at a path.
        ValueError
            If nothing is shared at a path, or the block itself stands in several places: then its net unties it,
            ``net.untie("4")``, which puts a copy of the block there.

        Notes
        -----
        A Trainer that was made before does not train the copies: make it after.
        """
        _places.sharing.untie(self, paths)  # type: ignore[arg-type]
        return self
