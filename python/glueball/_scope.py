"""What MXNet has and glueball leaves out: one clear answer, where a program first names it."""

from __future__ import annotations

from glueball.base import OutsideScopeError

__all__ = ["missing"]

_CONVOLUTIONS = tuple(
    f"{kind}{rank}D{end}"
    for kind, end in (
        ("Conv", ""),
        ("Conv", "Transpose"),
        ("MaxPool", ""),
        ("AvgPool", ""),
        ("GlobalMaxPool", ""),
        ("GlobalAvgPool", ""),
    )
    for rank in (1, 2, 3)
)

# By module below the package; what is not here is a misspelling, and gets Python's own error.
_OUTSIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "": {
        "symbolic graphs": ("AttrScope", "attribute", "executor", "sym", "symbol", "viz"),
        "the Module interface": (
            "callback",
            "kv",
            "kvstore",
            "mod",
            "model",
            "module",
            "mon",
            "monitor",
        ),
        "record files and images": ("image", "img", "io", "recordio"),
        "recurrent nets": ("rnn",),
        "operators compiled at run time": ("library", "operator", "rtc"),
        "MXNet's engine and profiler": ("engine", "profiler", "runtime", "test_utils"),
    },
    "gluon": {
        "recurrent nets": ("rnn",),
        "convolutional nets": ("model_zoo",),
        "symbolic graphs": ("SymbolBlock",),
    },
    "gluon.nn": {
        "convolutional nets": (*_CONVOLUTIONS, "DeformableConvolution", "ReflectionPad2D"),
        "many devices": ("SyncBatchNorm",),
    },
    "gluon.loss": {"losses of sequences": ("CTCLoss", "SDMLLoss")},
    "gluon.data": {"record files and images": ("RecordFileDataset", "vision")},
    "nd": {
        "convolutional nets": (
            "BilinearSampler",
            "Convolution",
            "Correlation",
            "Deconvolution",
            "GridGenerator",
            "LRN",
            "Pad",
            "Pooling",
            "ROIPooling",
            "SpatialTransformer",
            "UpSampling",
        ),
        "recurrent nets": ("RNN",),
        "losses of sequences": ("CTCLoss", "ctc_loss"),
        "sparse arrays": (
            "CSRNDArray",
            "RowSparseNDArray",
            "cast_storage",
            "sparse",
            "sparse_retain",
        ),
        "operators of other fields": ("Custom", "contrib", "image"),
    },
    "npx": {
        "convolutional nets": ("convolution", "deconvolution", "pooling", "roi_pooling"),
        "recurrent nets": ("rnn",),
        "losses of sequences": ("ctc_loss",),
    },
}


def missing(module: str, name: str) -> Exception:
    """Return the error for a name that a module does not have.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    name : str
        What was asked for.

    Returns
    -------
    Exception
        An `OutsideScopeError` if MXNet has it and glueball leaves it out, else an `AttributeError`.
    """
    place = module.partition(".")[2]
    for field, names in _OUTSIDE.get(place, {}).items():
        if name in names:
            full_name = f"{place}.{name}" if place else name
            return OutsideScopeError(
                f"expected a part of MXNet that dense networks on CPUs need, found '{full_name}', which is for "
                f"{field}; glueball is Gluon for small dense nets, their parameters and their "
                "initialization: for this, use a larger framework"
            )
    return AttributeError(f"module {module!r} has no attribute {name!r}")
