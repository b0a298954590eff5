"""HybridBlock: a block whose forward is written against a module of array functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import nd, npx
from glueball import np as np_mode
from glueball.base import ArgumentError, DeferredInitializationError, MXNetError
from glueball.gluon._arrays import check_input
from glueball.gluon._block import Block
from glueball.gluon._inference import InferringFunctions, Waiting

if TYPE_CHECKING:
    from glueball.gluon.parameter import Parameter

__all__ = ["HybridBlock"]


class HybridBlock(Block):
    """A block whose forward is written against `F`, the module of array functions.

    A subclass defines ``hybrid_forward(self, F, x, *args, **params)``: own parameters arrive as keyword
    arguments, named after the attributes that hold them.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        native = cls._native_class
        cls._runs_hybrid_forward = (
            native is not None
            and issubclass(native, HybridBlock)
            and cls.hybrid_forward is not native.hybrid_forward
        )

    def __setattr__(self, attribute: str, value: Any) -> None:
        super().__setattr__(attribute, value)
        if isinstance(value, HybridBlock) and self._active:
            value.hybridize(True)

    def register_child(self, block: Block, name: str | None = None) -> None:
        """Make `block`, which has to be a HybridBlock, a child.

        Raises
        ------
        ValueError
            If it is a Block of another kind.
        """
        # What is no Block at all is the base class's to refuse.
        if isinstance(block, Block) and not isinstance(block, HybridBlock):  # type: ignore[redundant-expr]
            message = (
                f"Children of HybridBlock must also be HybridBlock, but {block} has type "
                f"{type(block)}. If you are using Sequential, please try HybridSequential instead."
            )
            raise ArgumentError(message)
        super().register_child(block, name)

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """Remember the request, and pass it to children; results are the same."""
        self._active = active
        super().hybridize(active, **flags)

    def optimize_for(self, x: Any, *args: Any, backend: str | None = None, **flags: Any) -> None:
        """Accept Gluon's request to compile for a library, as `hybridize`: native chains are always used."""
        self.hybridize(True)

    def infer_type(self, x: Any, *args: Any) -> None:
        """Convert parameters to the dtype of an input.

        Raises
        ------
        TypeError
            If it is not float32 or float64.
        """
        self.cast(x.dtype)

    def forward(self, x: Any, *args: Any) -> Any:
        """Call `hybrid_forward` with the array functions and the block's own parameters.

        Those that wait for their shape get it from `infer_shape`, where the block defines it, else from the
        functions that they are given to.
        """
        check_input(x, self.name)
        functions = _NumpyFunctions if npx.is_np_array() else nd
        try:
            params = {key: value.data() for key, value in self._reg_params.items()}
        except DeferredInitializationError:
            if self._native_class is None and type(self).infer_shape is Block.infer_shape:
                return self._infer_by_running(functions, x, *args)
            self._finish_own(x, *args)
            params = {key: value.data() for key, value in self._reg_params.items()}
        return self.hybrid_forward(functions, x, *args, **params)

    def _waiting(self) -> list[Parameter]:
        return [each for _, each in self._own_parameters("") if each._state == "deferred"]

    def _finish_own(self, *inputs: Any) -> None:
        """Initialize own parameters that wait for their shape, once `infer_shape` has told it."""
        waiting = self._waiting()
        if any(-1 in (each._lengths or (-1,)) for each in waiting):
            try:
                self.infer_shape(*inputs)
            except MXNetError as error:
                raise self._cannot_be_inferred(error) from error
        for parameter in waiting:
            parameter._finish_deferred()

    def _infer_by_running(self, functions: Any, *inputs: Any) -> Any:
        """Run, while functions tell the shapes of own parameters that wait for them."""
        params = {
            key: Waiting(value) if value._state == "deferred" else value.data()
            for key, value in self._reg_params.items()
        }
        try:
            return self.hybrid_forward(InferringFunctions(functions), *inputs, **params)
        except Exception as error:
            if not self._waiting():
                raise  # of something else
            raise self._cannot_be_inferred(error) from error

    def _cannot_be_inferred(self, error: Exception) -> ArgumentError:
        return ArgumentError(
            f"Deferred initialization failed because shape cannot be inferred. {error} (Give "
            f"'{self.name}' an infer_shape(self, x) that sets its parameters' shapes, or "
            "give the shapes when they are made.)"
        )

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Compute the output; a subclass says how."""
        message = (
            f"expected class {type(self).__name__} to define hybrid_forward(self, F, x), found none; "
            "define it, or forward(self, x)"
        )
        raise NotImplementedError(message)


class _NumpyFunctions:
    """What `F` is in NumPy mode: an object with `np` and `npx`."""

    np = np_mode
    npx = npx
