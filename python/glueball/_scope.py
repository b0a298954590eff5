"""What MXNet has and glueball leaves out: one clear answer, where a program first names it."""

from __future__ import annotations

from glueball.base import OutsideScopeError

__all__ = ["missing", "outside"]

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
    "mp_lamb_update_phase1", "mp_lamb_update_phase2", "multi_sgd_mom_update", "multi_sgd_update", "multi_sum_sq",
    "nag_mom_update", "preloaded_multi_mp_sgd_mom_update", "preloaded_multi_mp_sgd_update",
    "preloaded_multi_sgd_mom_update", "preloaded_multi_sgd_update", "reset_arrays", "rmsprop_update",
    "rmspropalex_update", "sgd_mom_update", "sgd_update", "signsgd_update", "signum_update",
)  # fmt: skip

# By module below the package; what is not here is a misspelling, and gets Python's own error.
_OUTSIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "": {
        "symbolic graphs": (
            "AttrScope",
            "attribute",
            "np_symbol",
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
            "executor_manager",
            "mod",
            "model",
            "module",
            "mon",
            "monitor",
        ),
        "training on several machines": ("kv", "kvstore", "kvstore_server"),
        "record files and images": ("image", "img", "recordio"),
        "recurrent nets": ("rnn",),
        "operators compiled at run time": ("library", "operator", "rtc"),
        "MXNet's engine and profiler": (
            "engine",
            "api",
            "error",
            "libinfo",
            "log",
            "ndarray_doc",
            "notebook",
            "numpy_dispatch_protocol",
            "numpy_op_fallback",
            "numpy_op_signature",
            "profiler",
            "registry",
            "runtime",
        ),
        "half precision, quantization, texts and other contributions": ("amp", "contrib"),
        "other libraries' layers": ("th", "torch", "tvmop"),
    },
    "gluon": {
        "recurrent nets": ("rnn",),
        "convolutional nets": ("model_zoo",),
        "symbolic graphs": ("SymbolBlock",),
    },
    "gluon.block": {"symbolic graphs": ("SymbolBlock",)},
    "gluon.nn": {
        "convolutional nets": (
            *_CONVOLUTIONS,
            *(f"PixelShuffle{rank}D" for rank in (1, 2, 3)),
            "BatchNormReLU",
            "DeformableConvolution",
            "ModulatedDeformableConvolution",
            "ReflectionPad2D",
            "conv_layers",
        ),
        "many devices": ("SyncBatchNorm",),
        "symbolic graphs": ("SymbolBlock",),
    },
    "gluon.contrib.nn": {
        "convolutional nets": tuple(f"PixelShuffle{rank}D" for rank in (1, 2, 3)),
        "many devices": ("SyncBatchNorm",),
        "sparse arrays": ("SparseEmbedding",),
    },
    "gluon.contrib.data": {"texts": ("text",), "record files and images": ("audio", "vision")},
    "gluon.contrib": {
        "convolutional nets": ("cnn",),
        "recurrent nets": ("rnn",),
    },
    "gluon.utils": {"downloads": ("check_sha1", "download")},
    "init": {"recurrent nets": ("FusedRNN",)},
    "io": {
        "record files and images (read files of numbers with NumPy, and pass the arrays to NDArrayIter)": (
            "CSVIter",
            "ImageDetRecordIter",
            "ImageRecordInt8Iter",
            "ImageRecordIter",
            "ImageRecordIter_v1",
            "ImageRecordUInt8Iter",
            "ImageRecordUInt8Iter_v1",
            "LibSVMIter",
            "MNISTIter",
            "MXDataIter",
        ),
        "the Module interface (gluon.data.DataLoader makes batches ahead)": (
            "PrefetchingIter",
            "ResizeIter",
        ),
    },
    "util": {"many devices": ("get_cuda_compute_capability", "get_gpu_memory")},
    "context": {"many devices": ("gpu_memory_info",)},
    "autograd": {"symbolic graphs": ("get_symbol",)},
    "test_utils": {
        "downloads": (
            "download",
            "download_model",
            "get_bz2_data",
            "get_cifar10",
            "get_mnist",
            "get_mnist_iterator",
            "get_mnist_pkl",
            "get_mnist_ubyte",
            "get_zip_data",
        ),
        "many devices": ("get_cuda_compute_capability",),
        "symbolic graphs": (
            "np_symbol",
            "check_consistency",
            "check_gluon_hybridize_consistency",
            "check_numeric_gradient",
            "check_speed",
            "check_symbolic_backward",
            "check_symbolic_forward",
            "numeric_grad",
            "same_symbol_structure",
            "simple_forward",
        ),
        "sparse arrays": (
            "create_sparse_array",
            "create_sparse_array_zd",
            "rand_sparse_ndarray",
            "shuffle_csr_column_indices",
        ),
        "tests of MXNet": (
            "DummyIter",
            "Features",
            "checkShapes",
            "chi_square_check",
            "compare_optimizer",
            "gen_buckets_probs_with_ppf",
            "get_identity_mat",
            "get_identity_mat_batch",
            "get_im2rec_path",
            "has_tvm_ops",
            "is_aarch64_run",
            "is_cd_run",
            "is_op_runnable",
            "locationError",
            "new_matrix_with_real_eigvals_2d",
            "new_matrix_with_real_eigvals_nd",
            "new_orthonormal_matrix_2d",
            "new_sym_matrix_with_real_eigvals_2d",
            "new_sym_matrix_with_real_eigvals_nd",
            "verify_generator",
        ),
    },
    "metric": {"other libraries' metrics": ("Caffe", "Torch")},
    "optimizer": {"tests of MXNet": ("Test",)},
    "gluon.loss": {"losses of sequences": ("CTCLoss",)},
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
            "Convolution_v1",
            "Pooling_v1",
        ),
        "symbolic graphs": (
            "IdentityAttachKLSparseReg",
            "LinearRegressionOutput",
            "LogisticRegressionOutput",
            "MAERegressionOutput",
            "MakeLoss",
            "SVMOutput",
            "Softmax",
            "SoftmaxOutput",
            "CachedOp",
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
        "versions of operators that MXNet had replaced": ("BatchNorm_v1",),
    },
    "np": {"finance": ("mirr", "npv", "ppmt", "pv", "rate")},
    "npx": {
        "convolutional nets": (
            "convolution",
            "deconvolution",
            "multibox_detection",
            "multibox_prior",
            "multibox_target",
            "pooling",
            "roi_pooling",
        ),
        "record files and images": ("image",),
        "many devices": ("get_cuda_compute_capability", "gpu_memory_info"),
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
            return outside(full_name, field)
    return AttributeError(f"module {module!r} has no attribute {name!r}")


def outside(full_name: str, field: str) -> OutsideScopeError:
    """Return the error for a part of MXNet that glueball leaves out.

    Parameters
    ----------
    full_name : str
        The part, as programs name it below the package.
    field : str
        What it is for.
    """
    return OutsideScopeError(
        f"expected a part of MXNet that dense networks on CPUs need, found '{full_name}', which is for "
        f"{field}; glueball is Gluon for small dense nets, their parameters and their "
        "initialization: for this, use a larger framework"
    )
