"""
The native core of glueball: it computes, and owns the memory of parameters.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy
import numpy.typing

__all__: list[str] = [
    "Activation",
    "AtomicFile",
    "BackwardPass",
    "BatchNorm",
    "Bilinear",
    "Chain",
    "Constant",
    "DeltaOrthogonal",
    "Dense",
    "Dirac",
    "Dropout",
    "Embedding",
    "Flatten",
    "Generator",
    "GroupNorm",
    "Identity",
    "Initializer",
    "InstanceNorm",
    "LSTMBias",
    "Layer",
    "LayerNorm",
    "MSRAPrelu",
    "Mixed",
    "ModelFile",
    "NativeBackward",
    "Normal",
    "One",
    "Optimizer",
    "Orthogonal",
    "PReLU",
    "Parameter",
    "ParameterList",
    "RecordingScope",
    "RecordingState",
    "Sequential",
    "Sparse",
    "StoredArray",
    "StoredArrays",
    "TapeNode",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "Xavier",
    "Zero",
    "activation_names",
    "assign",
    "backward_from",
    "check_file",
    "default_generator",
    "eigen_version",
    "empty",
    "fans",
    "gain",
    "instruction_set",
    "instruction_sets",
    "l2_loss",
    "next_initialize_call",
    "num_threads",
    "optimizer_rules",
    "parameter_stream",
    "read_arrays",
    "recording_state",
    "register_errors",
    "register_init",
    "register_nodes",
    "run_backward",
    "seed",
    "set_default_array_type",
    "set_num_threads",
    "softmax_cross_entropy",
    "update_parameters",
    "write_arrays",
    "write_model",
]

class Generator:
    """
    A source of random numbers whose element i depends only on (seed, stream, i): Philox4x32-10.
    """
    def __init__(
        self,
        seed: typing.SupportsInt | typing.SupportsIndex = 0,
        stream: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    def normal(
        self,
        out: typing.Any,
        mean: typing.SupportsFloat | typing.SupportsIndex,
        sigma: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None:
        """
        Fills `out` (float32 or float64) with draws from N(mean, sigma).
        """
    def truncated_normal(
        self,
        out: typing.Any,
        mean: typing.SupportsFloat | typing.SupportsIndex,
        sigma: typing.SupportsFloat | typing.SupportsIndex,
        low: typing.SupportsFloat | typing.SupportsIndex,
        high: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None:
        """
        Fills `out` with draws from N(mean, sigma) cut off at the values low and high.
        """
    def uniform(
        self,
        out: typing.Any,
        low: typing.SupportsFloat | typing.SupportsIndex,
        high: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None:
        """
        Fills `out` (float32 or float64) with draws from U(low, high), high excluded.
        """
    def words(
        self, count: typing.SupportsInt | typing.SupportsIndex
    ) -> numpy.typing.NDArray[numpy.uint32]:
        """
        The next `count` raw words, uint32, shape (count,).
        """
    @property
    def position(self) -> int:
        """
        Number of the next element to be drawn.
        """
    @position.setter
    def position(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def seed(self) -> int: ...
    @property
    def stream(self) -> int: ...

class Initializer:
    def __call__(self, desc: typing.Any, arr: typing.Any) -> None:
        """
        Fills `arr` in place for the parameter that `desc` names.
        """
    def __init__(self) -> None: ...
    def _init_beta(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _init_bias(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _init_default(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _init_gamma(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _init_one(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _init_weight(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _init_zero(self, desc: typing.Any, arr: typing.Any) -> None: ...
    def _set_announcing(self, announcing: bool) -> None:
        """
        Whether `_announce(desc, arr)` is called after each `__call__`.
        """
    def fill_shard(
        self,
        desc: typing.Any,
        shape: collections.abc.Sequence,
        offset: typing.SupportsInt | typing.SupportsIndex,
        count: typing.SupportsInt | typing.SupportsIndex,
        generator: Generator,
    ) -> typing.Any:
        """
        Elements [offset, offset + count) of a weight of `shape`: float32, shape (count,), with the bits that filling the whole from `generator` gives.
        """

class Constant(Initializer):
    def __init__(self, value: typing.Any) -> None: ...

class Zero(Constant):
    def __init__(self) -> None: ...

class One(Constant):
    def __init__(self) -> None: ...

class Identity(Initializer):
    def __init__(self, gain: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...

class Dirac(Initializer):
    def __init__(self, groups: typing.SupportsInt | typing.SupportsIndex = 1) -> None: ...

class Bilinear(Initializer):
    def __init__(self) -> None: ...

class LSTMBias(Initializer):
    def __init__(self, forget_bias: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...

class Uniform(Initializer):
    def __init__(
        self,
        scale: typing.SupportsFloat | typing.SupportsIndex = 0.07,
        low: typing.SupportsFloat | typing.SupportsIndex | None = None,
        high: typing.SupportsFloat | typing.SupportsIndex | None = None,
    ) -> None: ...

class Normal(Initializer):
    def __init__(
        self,
        sigma: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        mean: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...

class TruncatedNormal(Initializer):
    def __init__(
        self,
        sigma: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        mean: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        low: typing.SupportsFloat | typing.SupportsIndex = -2.0,
        high: typing.SupportsFloat | typing.SupportsIndex = 2.0,
        cut: str = "sigma",
        correct: bool = False,
    ) -> None: ...

class Sparse(Initializer):
    def __init__(
        self,
        sparsity: typing.SupportsFloat | typing.SupportsIndex,
        sigma: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        per: str = "column",
    ) -> None: ...

class VarianceScaling(Initializer):
    def __init__(
        self,
        scale: typing.SupportsFloat | typing.SupportsIndex = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        *,
        fan_in: typing.SupportsFloat | typing.SupportsIndex | None = None,
        fan_out: typing.SupportsFloat | typing.SupportsIndex | None = None,
        in_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
        out_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    ) -> None: ...
    def variance(self, name: str, shape: collections.abc.Sequence) -> float:
        """
        The variance that a weight of this shape gets.
        """

class Xavier(VarianceScaling):
    def __init__(
        self,
        rnd_type: str = "uniform",
        factor_type: str = "avg",
        magnitude: typing.SupportsFloat | typing.SupportsIndex = 3.0,
        *,
        fan_in: typing.SupportsFloat | typing.SupportsIndex | None = None,
        fan_out: typing.SupportsFloat | typing.SupportsIndex | None = None,
        in_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
        out_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    ) -> None: ...

class MSRAPrelu(VarianceScaling):
    def __init__(
        self,
        factor_type: str = "avg",
        slope: typing.SupportsFloat | typing.SupportsIndex = 0.25,
        *,
        fan_in: typing.SupportsFloat | typing.SupportsIndex | None = None,
        fan_out: typing.SupportsFloat | typing.SupportsIndex | None = None,
        in_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
        out_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    ) -> None: ...

class Orthogonal(Initializer):
    def __init__(
        self,
        scale: typing.SupportsFloat | typing.SupportsIndex = 1.414,
        rand_type: str = "uniform",
        method: str = "qr",
    ) -> None: ...

class DeltaOrthogonal(Initializer):
    def __init__(self, scale: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...

class Mixed(Initializer):
    def __init__(self, rules: collections.abc.Sequence[tuple[str, typing.Any]]) -> None: ...

class BackwardPass:
    """
    Identifies one run of backward: contributions of one run are summed.
    """
    @typing.overload
    def __init__(self) -> None: ...
    @typing.overload
    def __init__(self, wanted: collections.abc.Sequence[Parameter]) -> None: ...
    def collected(self, parameter: Parameter) -> typing.Any:
        """
        What has come for a parameter that the pass wants, as a plain array, or None.
        """
    @property
    def id(self) -> int: ...

class Parameter:
    """
    Storage and state of a named array: what gluon.Parameter stands on.
    """

    _grad_req: str
    def __init__(
        self,
        name: str,
        shape: typing.Any,
        dtype: str,
        grad_req: str,
        allow_deferred_init: bool,
        differentiable: bool,
        lr_mult: typing.SupportsFloat | typing.SupportsIndex,
        wd_mult: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...
    def _accumulate_grad(self, gradient: typing.Any, pass_: BackwardPass) -> None: ...
    def _cast(self, dtype: str) -> None: ...
    def _data(self, type: typing.Any) -> typing.Any: ...
    def _finish_deferred(self) -> None: ...
    def _grad(self, type: typing.Any) -> typing.Any: ...
    def _initialize(
        self, own: typing.Any, fallback: typing.Any, stream: Generator, force: bool
    ) -> bool: ...
    def _mark_stale(self) -> None: ...
    def _mark_written(self) -> None: ...
    def _set_data(self, values: typing.Any, create: bool) -> None: ...
    def _set_passes_per_step(self, passes: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def _set_rounds_inference(self, rounds: bool) -> None: ...
    def _set_shape(self, shape: typing.Any) -> None: ...
    def _zero_grad(self) -> None: ...
    @property
    def _allow_deferred_init(self) -> bool: ...
    @property
    def _dtype_name(self) -> str: ...
    @property
    def _generation(self) -> int: ...
    @property
    def _grad_is_fresh(self) -> bool: ...
    @property
    def _is_initialized(self) -> bool: ...
    @property
    def _lengths(self) -> typing.Any: ...
    @property
    def _state(self) -> str: ...
    @property
    def lr_mult(self) -> float:
        """
        What the optimizer multiplies this parameter's learning rate by.
        """
    @lr_mult.setter
    def lr_mult(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def wd_mult(self) -> float:
        """
        What the optimizer multiplies this parameter's weight decay by.
        """
    @wd_mult.setter
    def wd_mult(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Layer:
    """
    A native layer: base of the others.
    """
    def infer_shape(self, input: collections.abc.Sequence) -> tuple:
        """
        Fills in the parameters' unknown axes from an input's shape (-1: unknown), and returns the output's.
        """
    @property
    def name(self) -> str: ...

class Activation(Layer):
    def __init__(
        self,
        name: str,
        function: str,
        alpha: typing.SupportsFloat | typing.SupportsIndex | None = None,
    ) -> None: ...

class Dense(Layer):
    def __init__(
        self,
        name: str,
        weight: Parameter,
        bias: Parameter,
        activation: str | None,
        alpha: typing.SupportsFloat | typing.SupportsIndex | None,
        flatten: bool,
    ) -> None: ...

class Flatten(Layer):
    def __init__(self, name: str) -> None: ...

class Dropout(Layer):
    def __init__(
        self,
        name: str,
        rate: typing.SupportsFloat | typing.SupportsIndex,
        axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    ) -> None: ...

class Embedding(Layer):
    def __init__(self, name: str, weight: Parameter) -> None: ...

class BatchNorm(Layer):
    def __init__(
        self,
        name: str,
        gamma: Parameter,
        beta: Parameter,
        running_mean: Parameter,
        running_var: Parameter,
        axis: typing.SupportsInt | typing.SupportsIndex,
        momentum: typing.SupportsFloat | typing.SupportsIndex,
        epsilon: typing.SupportsFloat | typing.SupportsIndex,
        scale: bool,
        use_global_stats: bool,
    ) -> None: ...

class LayerNorm(Layer):
    def __init__(
        self,
        name: str,
        gamma: Parameter,
        beta: Parameter,
        axis: typing.SupportsInt | typing.SupportsIndex,
        epsilon: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...

class InstanceNorm(Layer):
    def __init__(
        self,
        name: str,
        gamma: Parameter,
        beta: Parameter,
        axis: typing.SupportsInt | typing.SupportsIndex,
        epsilon: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...

class GroupNorm(Layer):
    def __init__(
        self,
        name: str,
        gamma: Parameter,
        beta: Parameter,
        groups: typing.SupportsInt | typing.SupportsIndex,
        epsilon: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...

class PReLU(Layer):
    def __init__(self, name: str, alpha: Parameter) -> None: ...

class Sequential(Layer):
    def __init__(self, name: str) -> None: ...
    def add(self, layer: Layer) -> None: ...

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

class ModelFile:
    """
    A one-file model whose contents have been checked.
    """
    def __init__(self, path: bytes) -> None: ...
    def assign(self, parameters: collections.abc.Mapping[str, Parameter]) -> None:
        """
        Gives parameters the arrays of the names that they are under.
        """
    @property
    def aliases(self) -> dict[str, str]:
        """
        Further places of parameters, with the names of their arrays.
        """
    @property
    def architecture(self) -> str:
        """
        The layers, as JSON.
        """

class ParameterList:
    """
    Parameters that are updated together.
    """
    def __init__(self, parameters: collections.abc.Sequence[Parameter]) -> None: ...
    def __len__(self) -> int: ...
    def first_stale(self) -> int:
        """
        Position of the first one whose gradient no backward wrote since its last update, or -1.
        """

class Optimizer:
    """
    A rule of changing weights, and what it keeps for each.
    """
    def __init__(
        self,
        rule: str,
        hyperparameters: collections.abc.Mapping[str, typing.SupportsFloat | typing.SupportsIndex],
        first_count: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def get(self, name: str) -> float: ...
    def hyperparameters(self) -> dict: ...
    def make_arrays(self, weight: typing.Any) -> list:
        """
        New states for one array, as the first update finds them.
        """
    def next_count(self, parameters: ParameterList, ignore_stale: bool) -> int:
        """
        Number of the update that would come next; 0 if there is nothing to update.
        """
    def set(self, name: str, value: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    def set_state(
        self,
        parameter: Parameter,
        count: typing.SupportsInt | typing.SupportsIndex,
        carry: typing.SupportsFloat | typing.SupportsIndex,
        arrays: list,
    ) -> None: ...
    def state(self, parameter: Parameter) -> tuple[int, float, list]:
        """
        (count, carry, [array, ...]) of a parameter.
        """
    def update_array(
        self,
        weight: typing.Any,
        gradient: typing.Any,
        arrays: list,
        count: typing.SupportsInt | typing.SupportsIndex,
        carry: typing.SupportsFloat | typing.SupportsIndex,
        learning_rate: typing.SupportsFloat | typing.SupportsIndex,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex,
        rescale_grad: typing.SupportsFloat | typing.SupportsIndex,
        clip_gradient: typing.SupportsFloat | typing.SupportsIndex,
        name: str,
    ) -> float:
        """
        Update number `count` of one array, with states in `arrays`; returns what to carry.
        """
    @property
    def rule(self) -> str: ...

class StoredArray:
    """
    One array in a file, or about to be written: a view of its bytes.
    """
    def __init__(self, name: str, array: numpy.ndarray) -> None: ...
    def to_numpy(self) -> typing.Any:
        """
        A new array with the elements; bfloat16 becomes float32.
        """
    @property
    def dtype(self) -> str:
        """
        NumPy's name, 'bfloat16', or safetensors' own.
        """
    @property
    def is_convertible(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def shape(self) -> tuple: ...
    @property
    def size(self) -> int: ...

class StoredArrays:
    """
    What a file holds.
    """
    @property
    def aliases(self) -> dict[str, str]: ...
    @property
    def arrays(self) -> list[StoredArray]: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    @property
    def named(self) -> bool: ...

class AtomicFile:
    """
    A file that gets its contents and its name at once, with commit().
    """
    def __init__(self, path: bytes) -> None: ...
    def commit(self) -> None: ...
    def discard(self) -> None: ...
    @property
    def descriptor(self) -> int: ...

def activation_names() -> list[str]:
    """
    Every name of an elementwise function.
    """

def assign(
    values: collections.abc.Sequence[tuple[Parameter, StoredArray]],
    source: str,
    cast_dtype: bool,
    take_dtype: bool,
) -> None:
    """
    Gives each parameter its array; all of them or none.
    """

def backward_from(array: typing.Any, retain_graph: bool, train_mode: bool, /) -> bool | None:
    """
    Carries ones from one array's node to the leaves. True, False if they arrived only where no gradient is wanted, or None, when nothing has happened, for an array without a node that can be gone back from, or of another dtype than float32 and float64.
    """

def check_file(path: bytes) -> None:
    """
    Refuses what is not there, may not be read, or is no regular file.
    """

def default_generator() -> Generator:
    """
    What random functions draw from now: the process's generator, or the stream of the parameter that is being initialised in this thread.
    """

def eigen_version() -> str:
    """
    The version of Eigen that the core was compiled with.
    """

def empty(shape: collections.abc.Sequence, dtype: str, type: type) -> typing.Any:
    """
    A new 64-byte aligned array of class `type` whose contents are undefined.
    """

def fans(name: str, shape: collections.abc.Sequence) -> tuple[float, float]:
    """
    (fan_in, fan_out) of a weight (out, in, *kernel).
    """

def gain(
    nonlinearity: str, param: typing.SupportsFloat | typing.SupportsIndex | None = None
) -> float: ...
def instruction_set() -> str:
    """
    The instruction set whose kernels run: 'v2', 'v3', 'v4' or 'baseline'.
    """

def instruction_sets() -> list[str]:
    """
    Those that this build and this processor have, best first: what GLUEBALL_ISA may name.
    """

def l2_loss(
    prediction: typing.Any,
    label: typing.Any,
    weight: typing.SupportsFloat | typing.SupportsIndex,
    again: typing.Any,
) -> typing.Any:
    """
    weight / 2 (prediction - label)^2, the mean over each sample, recorded; None if the two differ in shape or dtype, or have no elements.
    """

def next_initialize_call() -> int:
    """
    Number of this initialize() call under the present seed, counted from 0.
    """

def num_threads() -> int:
    """
    How many threads native work may use.
    """

def optimizer_rules() -> list[str]:
    """
    Names of the rules that Optimizer knows.
    """

def parameter_stream(path: str, call: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    The stream of the parameter at a structural path in the call-th initialize().
    """

def read_arrays(path: bytes) -> StoredArrays:
    """
    Maps and checks a .safetensors or .params file.
    """

def register_errors(**kwargs) -> None:
    """
    Tells the extension which Python class stands for each of its own errors.
    """

def register_init(InitDesc: type, create: typing.Any) -> None:
    """
    Tells the extension the class of descriptors, and the function that makes an initializer of a name.
    """

def register_nodes(node: type, leaf: type) -> None:
    """
    Tells the extension Python's classes of nodes, subclasses of TapeNode.
    """

def run_backward(
    nodes: collections.abc.Sequence,
    grads: collections.abc.Sequence,
    retain_graph: bool,
    variables: typing.Any,
    pass_: typing.Any,
) -> tuple:
    """
    Carries gradients from `nodes` to the leaves: (gradients of `variables`, whether they arrived only where none is wanted).
    """

def seed(seed: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Restarts the default generator and the count of initialize() calls.
    """

def set_default_array_type(type: type) -> None:
    """
    The class of the arrays that the extension makes when nothing else decides.
    """

def set_num_threads(count: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Sets how many threads native work may use; OpenMP's settings are left alone.
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

def write_arrays(
    path: bytes,
    arrays: collections.abc.Sequence[StoredArray],
    named: bool,
    aliases: collections.abc.Mapping[str, str],
    metadata: collections.abc.Mapping[str, str],
) -> None:
    """
    Writes a file of the kind that its name says, at once or not at all.
    """

def write_model(
    path: bytes,
    arrays: collections.abc.Mapping[str, typing.Any],
    aliases: collections.abc.Mapping[str, str],
    architecture: str,
) -> None:
    """
    Writes a file of arrays and the text that says what they belong to.
    """

__version__: str = "0.1.0"
recording_state: RecordingState
