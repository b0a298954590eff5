"""HybridBlock: a block whose forward is written against a module of array functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import nd
from glueball._numpy_mode import Mode
from glueball._scope import later
from glueball.base import (
    ArgumentError,
    DeferredInitializationError,
    MXNetError,
    UnsupportedError,
)
from glueball.gluon import _plain
from glueball.gluon._checks import check_input
from glueball.gluon.block._block import Block

if TYPE_CHECKING:
    from glueball.gluon.parameter import Parameter

__all__ = ["HybridBlock"]

_InferringFunctions = later("gluon.block._inference:InferringFunctions")
_Waiting = later("gluon.block._inference:Waiting")


class HybridBlock(Block):
    """A block whose forward is written against `F`, the module of array functions.

    A subclass defines ``hybrid_forward(self, F, x, *args, **params)``: own parameters arrive as keyword
    arguments, named after the attributes that hold them.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        cls._read_methods()

    @classmethod
    def _read_methods(cls) -> None:
        if cls._native_class is None:
            return
        own = cls._native_methods.get("hybrid_forward", cls.hybrid_forward)
        runs: Any = cls.hybrid_forward is not own
        if not cls._sees_changes():  # then it is looked at in each call
            runs = property(lambda self: type(self).hybrid_forward is not own)
        cls._runs_hybrid_forward = runs

    def _note_change(self, attribute: str) -> None:
        if attribute == "hybrid_forward":
            if attribute in self.__dict__:
                self.__dict__["_runs_hybrid_forward"] = True
            else:
                self.__dict__.pop("_runs_hybrid_forward", None)
        super()._note_change(attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        super().__setattr__(attribute, value)
        if isinstance(value, HybridBlock) and self._active:
            value.hybridize(True)

    def _accept(self, block: Any) -> None:
        if isinstance(block, Block) and not isinstance(block, HybridBlock):
            message = (
                f"Children of HybridBlock must also be HybridBlock, but {block} has type "
                f"{type(block)}. If you are using Sequential, please try HybridSequential instead."
            )
            raise ArgumentError(message)
        super()._accept(block)

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """Remember the request, and pass it to children; results are the same."""
        self.__dict__["_active"] = active  # which no plan is made of
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
        if not isinstance(x, nd.NDArray) and _plain.calls.is_plain(x):
            return _plain.calls.call_plain(self, x, *args)
        check_input(x, self.name)
        functions = Mode.functions if Mode.array else nd
        try:
            params = {key: value.data() for key, value in self._reg_params.items()}
        except DeferredInitializationError:
            tells = self._native_class is not None and not self._is_chain
            if not tells and type(self).infer_shape is Block.infer_shape:
                return self._infer_by_running(functions, x, *args)
            self._finish_own(x, *args)
            params = {key: value.data() for key, value in self._reg_params.items()}
        return self.hybrid_forward(functions, x, *args, **params)

    def _waiting(self) -> list[Parameter]:
        return [each for _, each in self._own_parameters("") if each._state == "deferred"]

    def _finish_own(self, *inputs: Any) -> None:
        """Initialize own parameters that wait for their shape, once `infer_shape` has set it."""
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
            key: _Waiting(value) if value._state == "deferred" else value.data()
            for key, value in self._reg_params.items()
        }
        try:
            return self.hybrid_forward(_InferringFunctions(functions), *inputs, **params)
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
        raise UnsupportedError(message)
