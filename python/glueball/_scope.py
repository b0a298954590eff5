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

_LINALG = (
    "det", "extractdiag", "extracttrian", "gelqf", "gemm", "gemm2", "inverse", "makediag", "maketrian", "potrf",
    "potri", "slogdet", "sumlogdiag", "syevd", "syrk", "trmm", "trsm",
)  # fmt: skip
_UPDATES = (
    "adam_update", "ftml_update", "ftrl_update", "lamb_update_phase1", "lamb_update_phase2", "mp_nag_mom_update",
    "mp_sgd_mom_update", "mp_sgd_update", "multi_lars", "multi_mp_sgd_mom_update", "multi_mp_sgd_update",
    "multi_sgd_mom_update", "multi_sgd_update", "multi_sum_sq", "nag_mom_update", "reset_arrays", "rmsprop_update",
    "rmspropalex_update", "sgd_mom_update", "sgd_update", "signsgd_update", "signum_update",
)  # fmt: skip

# By module below the package; what is not here is a misspelling, and gets Python's own error.
_OUTSIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "": {
        "symbolic graphs": (
            "AttrScope",
            "attribute",
            "executor",
            "subgraph",
            "sym",
            "symbol",
            "symbol_doc",
            "visualization",
            "viz",
        ),
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
        "MXNet's engine and profiler": (
            "engine",
            "libinfo",
            "profiler",
            "registry",
            "runtime",
            "test_utils",
        ),
        "half precision, quantization, texts and other contributions": ("amp", "contrib"),
        "other libraries' layers": ("th", "tvmop"),
    },
    "gluon": {
        "recurrent nets": ("rnn",),
        "convolutional nets": ("model_zoo",),
        "symbolic graphs": ("SymbolBlock",),
    },
    "gluon.nn": {
        "convolutional nets": (
            *_CONVOLUTIONS,
            *(f"PixelShuffle{rank}D" for rank in (1, 2, 3)),
            "BatchNormReLU",
            "DeformableConvolution",
            "ModulatedDeformableConvolution",
            "ReflectionPad2D",
        ),
        "many devices": ("SyncBatchNorm",),
        "symbolic graphs": ("SymbolBlock",),
    },
    "gluon.contrib": {
        "convolutional nets": ("cnn",),
        "recurrent nets": ("rnn",),
        "texts": ("data",),
    },
    "gluon.utils": {"downloads": ("check_sha1", "download")},
    "init": {"recurrent nets": ("FusedRNN",)},
    "metric": {"other libraries' metrics": ("Caffe", "Torch")},
    "optimizer": {"tests of MXNet": ("Test",)},
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
            "Pooling",
            "ROIPooling",
            "SpatialTransformer",
            "UpSampling",
            "col2im",
            "depth_to_space",
            "im2col",
            "imdecode",
            "space_to_depth",
            "Crop",
        ),
        "symbolic graphs": (
            "IdentityAttachKLSparseReg",
            "LinearRegressionOutput",
            "LogisticRegressionOutput",
            "MAERegressionOutput",
            "MakeLoss",
            "SVMOutput",
            "SoftmaxOutput",
            "make_loss",
        ),
        "linear algebra (numpy.linalg works on arrays, and is differentiable)": (
            "khatri_rao",
            "linalg",
            *(f"linalg_{name}" for name in _LINALG),
        ),
        "MXNet's own optimizers (use glueball.optimizer)": _UPDATES,
        "half precision": ("all_finite", "amp_cast", "amp_multicast", "multi_all_finite"),
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
