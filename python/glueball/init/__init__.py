"""Initializers: what gives parameters their first values.

`mx.init` and `mx.initializer` of Gluon are this module. `docs/initializers.md` tables what each one
computes, and what other systems call it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball._scope import surface
from glueball.base import InitializerWarning, OutsideScopeAttributeError
from glueball.init._base import Choice as Choice
from glueball.init._base import InitDesc, Initializer
from glueball.init._constant import *
from glueball.init._defaults import default_bias, default_weight, set_default
from glueball.init._function import Function
from glueball.init._hooks import warn_about_ignored_hooks
from glueball.init._random import Normal, Sparse, TruncatedNormal, Uniform
from glueball.init._registry import InitializerLike, alias, create, register

if TYPE_CHECKING:
    from glueball.init._combine import Load, Mixed
    from glueball.init._compare import compare
    from glueball.init._fans import fans, gain
    from glueball.init._functional import *
    from glueball.init._keras import *
    from glueball.init._lsuv import lsuv_
    from glueball.init._mup import mup_
    from glueball.init._orthogonal import DeltaOrthogonal, Orthogonal
    from glueball.init._rules import Rules
    from glueball.init._scaling import MSRAPrelu, VarianceScaling, Xavier
    from glueball.init._scaling_rules import *
    from glueball.init._widths import check_widths

__all__ = [
    "Assign", "Bilinear", "Constant", "DeltaOrthogonal", "Dirac", "Function", "GlorotNormal",
    "GlorotUniform", "HeNormal", "HeUniform", "Identity", "InitDesc", "Initializer",
    "InitializerLike", "InitializerWarning", "KaimingNormal", "KaimingUniform", "LSTMBias",
    "LeCunNormal", "LeCunUniform", "LecunNormal", "LecunUniform", "Load", "MSRAPrelu", "Mixed",
    "Normal", "One", "Ones", "Orthogonal", "RandomNormal", "RandomUniform", "Rules", "Sparse",
    "TruncatedNormal", "Uniform", "VarianceScaling", "Xavier", "XavierNormal", "XavierUniform",
    "Zero", "Zeros", "alias", "calculate_gain", "check_widths", "compare", "constant_", "create", "default_bias",
    "default_weight", "dirac_", "eye_", "fans", "gain", "kaiming_normal_", "kaiming_uniform_",
    "lsuv_", "mup_", "normal_", "ones_", "orthogonal_", "register", "set_default", "set_global_initializer",
    "sparse_", "trunc_normal_", "uniform_", "warn_about_ignored_hooks", "xavier_normal_",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

_core.register_init(InitDesc, create)
# What few programs name is imported when it is.
_look_up, __dir__ = surface(
    __name__,
    names={
        "_combine": "Load Mixed",
        "_compare": "compare",
        "_fans": "fans gain",
        "_functional": (
            "calculate_gain constant_ dirac_ eye_ kaiming_normal_ kaiming_uniform_ normal_ ones_ orthogonal_ "
            "set_global_initializer sparse_ trunc_normal_ uniform_ xavier_normal_ xavier_uniform_ zeros_"
        ),
        "_keras": (
            "GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Ones RandomNormal "
            "RandomUniform Zeros"
        ),
        "_lsuv": "lsuv_",
        "_mup": "mup_",
        "_orthogonal": "DeltaOrthogonal Orthogonal",
        "_rules": "Rules",
        "_scaling": "MSRAPrelu VarianceScaling Xavier",
        "_scaling_rules": (
            "KaimingNormal KaimingUniform LeCunNormal LeCunUniform XavierNormal XavierUniform"
        ),
        "_widths": "check_widths",
    },
)


def __getattr__(name: str) -> Any:
    if name == "STFT":
        message = (
            "expected an initializer for dense layers, found Keras's STFT, which fills convolutions over "
            "audio with a Fourier basis; give the layer a function f(shape) that returns the array"
        )
        raise OutsideScopeAttributeError(message)
    return _look_up(name)
