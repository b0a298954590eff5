# Stubs of the classes and functions that are written on Python's own C interface, where the generator of
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

def backward_from(array: typing.Any, retain_graph: bool, train_mode: bool, /) -> bool | None:
    """
    Carries ones from one array's node to the leaves. True, False if they arrived only where no gradient is wanted, or None, when nothing has happened, for an array without a node that can be gone back from, or of another dtype than float32 and float64.
    """

def softmax_cross_entropy(
    logits: typing.Any, labels: typing.Any, again: typing.Any, /
) -> typing.Any:
    """
    -log softmax(logits)[label], recorded: logits (batch, classes), labels (batch,) or (batch, 1) class numbers of float32, float64, int32 or int64. None if they are not so, or a label is no class: who calls then knows more, and says what is wrong.
    """

def update_parameters(
    optimizer: Optimizer,
    parameters: ParameterList,
    learning_rate: float,
    weight_decay: float,
    rescale_grad: float,
    clip_gradient: float,
    ignore_stale: bool,
    /,
) -> int:
    """
    One update of every parameter, whose number it returns; clip_gradient 0: none.
    """
