"""The part of `Block` that names what is in it, by paths, and takes and gives its arrays by them.

Its words are PyTorch's, Keras's and Paddle's for one tree: a block's children, theirs, and the parameters of each.
What they do stands in `glueball.gluon._places`; nothing else in the library calls these methods, so that a user's own
attributes may have their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.gluon import _places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from glueball.gluon.block._block import Block
    from glueball.gluon.parameter import LoadReport, Parameter
    from glueball.nd import NDArray

__all__ = ["OwnWord", "TreeBlock"]


class OwnWord:
    """A property that is read only, and that an attribute of a user's own replaces."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self._get = get
        self.__doc__ = get.__doc__

    def __get__(self, block: Any, owner: type | None = None) -> Any:
        return self if block is None else self._get(block)


class TreeBlock:
    """The part of `Block` that deals with paths."""

    if TYPE_CHECKING:
        _children: Any

        @property
        def name(self) -> str: ...
        def _walk_blocks(self) -> Iterator[tuple[str, Block]]: ...
        def _walk_parameters(self) -> Iterator[tuple[str, Parameter]]: ...
        def _check_containers(self) -> None: ...

    def children(self) -> Iterator[Block]:
        """Return the blocks right below this one, each once."""
        return (child for _, child in _once(tuple(self._children.items())))

    def named_children(self, unique: bool = True) -> Iterator[tuple[str, Block]]:
        """Return (name, block) of what is right below this block.

        Parameters
        ----------
        unique : bool, default True
            Whether a block with several names is there under its first one only.
        """
        items = tuple(self._children.items())
        return _once(items) if unique else iter(items)

    def modules(self) -> Iterator[Block]:
        """Return this block and all below it, each once, parents first."""
        return (block for _, block in _once(self._walk_blocks()))

    def named_modules(self, unique: bool = True) -> Iterator[tuple[str, Block]]:
        """Return (path, block) of this block, whose path is ``''``, and all below it, parents first.

        Parameters
        ----------
        unique : bool, default True
            Whether a block that stands in several places is there under its first path only.
        """
        found = ((prefix[:-1], block) for prefix, block in self._walk_blocks())
        return _once(found) if unique else found

    def parameters(self) -> Iterator[Parameter]:
        """Return the parameters of this block and all below it, each once."""
        self._check_containers()
        return (parameter for _, parameter in _each(self))

    def named_parameters(self, unique: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Return (path, parameter) of this block and all below it: ``'0.weight'``, ``'encoder.1.bias'``.

        Parameters
        ----------
        unique : bool, default True
            Whether a parameter that stands in several places is there under its first path only.

        Examples
        --------
        >>> from glueball.gluon import nn
        >>> net = nn.Sequential(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
        >>> [(path, parameter.shape) for path, parameter in net.named_parameters()]
        [('0.weight', (2, 3)), ('0.bias', (2,)), ('1.weight', (1, 2)), ('1.bias', (1,))]
        """
        self._check_containers()
        return _each(self) if unique else _noted(self._walk_parameters())

    def get(self, path: str) -> Any:
        """Return the block or parameter at a path, ``'encoder.1'`` or ``'0.weight'``; ``net[path]`` does too.

        Raises
        ------
        KeyError
            If there is nothing; the message has paths near it.
        TypeError
            If it is not a str.
        """
        return _places.paths.find(self, path)  # type: ignore[arg-type]

    def __getitem__(self, path: str) -> Any:
        """Return the block or parameter at a path, as `get`."""
        return _places.paths.find(self, path)  # type: ignore[arg-type]

    def state_dict(self, copy: bool = False) -> dict[str, NDArray]:
        """Return the arrays of all parameters by path: PyTorch's and Paddle's word.

        Parameters
        ----------
        copy : bool, default False
            Whether they are copies. If not, they are the parameters' own: writing them writes the net. Then nets
            that run pack their weights in each call, as long as the dict is kept.

        Raises
        ------
        RuntimeError
            If a parameter has no values yet.
        """
        return _places.state.state_of(self, copy)  # type: ignore[arg-type]

    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True) -> LoadReport:
        """Take values by path: all of them or, in an error, none. Dtypes become the net's.

        Nothing needs to be initialized; unknown shapes become known.

        Parameters
        ----------
        state_dict : dict of str to array_like
            As `state_dict` returns it.
        strict : bool, default True
            Whether every parameter needs an array, and every array a parameter. If not, what fits is taken, and
            the report says what did not.

        Returns
        -------
        LoadReport
            What was loaded, and what was not.

        Raises
        ------
        AssertionError
            If something is missing or unexpected, or a shape does not fit.
        TypeError
            If `state_dict` is not a dict, or a value is not an array of numbers.
        """
        return _places.state.load_state(self, state_dict, strict)  # type: ignore[arg-type]

    set_state_dict = load_state_dict

    @OwnWord
    def weights(self) -> list[Parameter]:
        """Keras's word: all parameters, each once, in the order of paths, BatchNorm's running values too."""
        return [parameter for _, parameter in _each(self)]

    @OwnWord
    def trainable_weights(self) -> list[Parameter]:
        """Keras's word: those of `weights` that learn."""
        found = _each(self)
        return [parameter for _, parameter in found if parameter.grad_req != "null"]

    @OwnWord
    def non_trainable_weights(self) -> list[Parameter]:
        """Keras's word: those of `weights` that do not learn."""
        found = _each(self)
        return [parameter for _, parameter in found if parameter.grad_req == "null"]

    def get_weights(self) -> list[Any]:
        """Return copies of all values as NumPy arrays, in the order of `weights`: Keras's word.

        Weights of dense layers are (units, in_units), as everywhere here. `interop.to_keras` gives Keras's
        own order and shapes, in which they are transposed.
        """
        return [parameter.data().asnumpy() for _, parameter in _each(self)]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Take values in the order of `weights`, of the shapes that `get_weights` gives: Keras's word.

        `interop.load_keras` takes those of a Keras model, and transposes.

        Raises
        ------
        ValueError
            If there are more or fewer, or a shape does not fit; nothing changes then.
        TypeError
            If they are not arrays of numbers, or come in a dict.
        """
        parameters = [parameter for _, parameter in _each(self)]
        _places.state.set_arrays(self, parameters, weights)  # type: ignore[arg-type]


def _once(items: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    for path, each in items:
        if id(each) not in seen:
            seen.add(id(each))
            yield path, each


def _noted(items: Iterable[tuple[str, Parameter]]) -> Iterator[tuple[str, Parameter]]:
    """Pass on (path, parameter); each parameter notes the path that it is handed out by."""
    for path, parameter in items:
        parameter.__dict__["_path"] = path
        yield path, parameter


def _each(root: TreeBlock) -> Iterator[tuple[str, Parameter]]:
    """Yield (path, parameter) of each parameter once."""
    return _noted(_once(root._walk_parameters()))
