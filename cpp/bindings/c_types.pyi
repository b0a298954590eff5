# Stubs of the classes that are written on Python's own C interface, where the generator of
# _core.pyi sees no signatures. scripts/stub puts them in the generated ones' place.

class RecordingState:
    """
    What a thread is doing: writing a graph, and running layers as in training.
    """

    recording: bool
    training: bool

class RecordingScope:
    """
    RecordingScope(recording, training): sets what this thread does within a with block, and restores it. None leaves a flag alone.
    """
    def __new__(cls, recording: bool | None, training: bool | None, /) -> RecordingScope: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...

class TapeNode:
    """
    TapeNode(parents, backward, name, holds_parameters=False, again=None): storage of one recorded operation.
    """

    version: int
    def __init__(
        self,
        parents: tuple[typing.Any, ...],
        backward: typing.Any,
        name: str,
        holds_parameters: bool = False,
        again: tuple[typing.Any, ...] | None = None,
    ) -> None: ...
    @property
    def number(self) -> int: ...
    @property
    def parents(self) -> tuple[typing.Any, ...]: ...
    @property
    def _backward(self) -> typing.Any: ...
    @property
    def name(self) -> str: ...
    @property
    def again(self) -> tuple[typing.Any, ...] | None: ...
    @property
    def holds_parameters(self) -> bool: ...
    @property
    def is_untouched(self) -> bool: ...
    @property
    def inputs_written(self) -> bool: ...
    def free(self) -> None: ...

class NativeBackward:
    """
    The derivative of a native operation: backward(head_grad, pass_) returns a tuple of its input's gradient, or of None.
    """
    def __call__(self, head_grad: typing.Any, pass_: BackwardPass, /) -> tuple[typing.Any]: ...
    @property
    def masks(self) -> list[typing.Any] | None: ...

class Chain:
    """
    Chain(layers, name, check, again, trains): calls a native Sequential.

    check(x) is called for an array of another class than the usual one; again(x, training, masks) computes the same from array functions.
    """
    def __new__(
        cls,
        layers: Sequential,
        name: str,
        check: collections.abc.Callable[[typing.Any], None],
        again: collections.abc.Callable[[typing.Any, bool, list[typing.Any]], typing.Any],
        trains: bool,
        /,
    ) -> Chain: ...
    def __call__(self, x: typing.Any, /) -> typing.Any: ...
