"""What `mx.runtime` has: which of MXNet's features there are."""

from __future__ import annotations

from typing import NamedTuple

from glueball import _core

__all__ = ["Feature", "Features", "feature_list"]


class Feature(NamedTuple):
    """A feature, and whether it is there."""

    name: str
    enabled: bool

    def __repr__(self) -> str:
        return f"{'✔' if self.enabled else '✖'} {self.name}"


_ABSENT = (
    "CUDA CUDNN NCCL CUDA_RTC TENSORRT BLAS_ATLAS BLAS_MKL BLAS_APPLE BLAS_OPEN LAPACK MKLDNN OPENCV "
    "CAFFE PROFILER DIST_KVSTORE CXX14 INT64_TENSOR_SIZE SIGNAL_HANDLER DEBUG TVM_OP SSE"
)


def feature_list() -> list[Feature]:
    """Return all features."""
    vectors = {"v2": 0, "v3": 1, "v4": 2}.get(_core.instruction_set(), 0)
    present = {"OPENMP": True, "F16C": vectors > 0, "CPU_AVX": vectors > 0, "CPU_AVX2": vectors > 0}
    present |= dict.fromkeys(_ABSENT.split(), False)
    return [Feature(name, enabled) for name, enabled in present.items()]


class Features(dict[str, Feature]):
    """All features by name."""

    def __init__(self) -> None:
        super().__init__({each.name: each for each in feature_list()})

    def is_enabled(self, feature_name: str) -> bool:
        """Whether a feature is there; of an unknown one, no."""
        found = self.get(feature_name.upper())
        return found is not None and found.enabled

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self.values()))}]"
