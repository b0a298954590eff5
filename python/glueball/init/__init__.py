"""Initializers: what gives parameters their first values.

`mx.init` and `mx.initializer` of Gluon are this module. `docs/initializers.md` tables what each one
computes, and what other systems call it.
"""

from __future__ import annotations

from typing import Any

from glueball import _core
from glueball._scope import missing
from glueball.base import InitializerWarning
from glueball.init._base import InitDesc, Initializer
from glueball.init._combine import Load, Mixed
from glueball.init._constant import (
    Assign,
    Bilinear,
    Constant,
    Dirac,
    Identity,
    LSTMBias,
    One,
    Zero,
)
from glueball.init._defaults import default_bias, default_weight, set_default
from glueball.init._fans import fans, gain
from glueball.init._function import Function
from glueball.init._hooks import warn_about_ignored_hooks
from glueball.init._orthogonal import DeltaOrthogonal, Orthogonal
from glueball.init._random import Normal, Sparse, TruncatedNormal, Uniform
from glueball.init._registry import InitializerLike, alias, create, register
from glueball.init._scaling import MSRAPrelu, VarianceScaling, Xavier
from glueball.init._scaling_rules import (
    KaimingNormal,
    KaimingUniform,
    LeCunNormal,
    LeCunUniform,
    XavierNormal,
    XavierUniform,
)

__all__ = [
    "Assign",
    "Bilinear",
    "Constant",
    "DeltaOrthogonal",
    "Dirac",
    "Function",
    "Identity",
    "InitDesc",
    "Initializer",
    "InitializerLike",
    "InitializerWarning",
    "KaimingNormal",
    "KaimingUniform",
    "LSTMBias",
    "LeCunNormal",
    "LeCunUniform",
    "Load",
    "MSRAPrelu",
    "Mixed",
    "Normal",
    "One",
    "Orthogonal",
    "Sparse",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "Xavier",
    "XavierNormal",
    "XavierUniform",
    "Zero",
    "alias",
    "create",
    "default_bias",
    "default_weight",
    "fans",
    "gain",
    "register",
    "set_default",
    "warn_about_ignored_hooks",
]

_core.register_init(InitDesc, create)


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
