"""The build backend: scikit-build-core, with Eigen's headers put in place first.

Frontends call the hooks below (PEP 517). Everything that they do is scikit-build-core's work; what
is added is that a checkout without ``third_party/eigen`` fetches it before the metadata, whose
licence files lie there, is read. An sdist has the headers, so building from one fetches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scikit_build_core import build as _backend
from vendor_eigen import is_vendored, vendor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def _with_eigen(hook: Callable[..., str]) -> Callable[..., str]:
    def wrapper(*args: Any, **kwargs: Any) -> str:
        vendor()
        return hook(*args, **kwargs)

    return wrapper


def _with_pip(hook: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def wrapper(config_settings: dict[str, Any] | None = None) -> list[str]:
        # Only the download needs pip, which an isolated build environment does not hold by itself.
        return [*hook(config_settings), *([] if is_vendored() else ["pip>=23"])]

    return wrapper


build_sdist = _with_eigen(_backend.build_sdist)
build_wheel = _with_eigen(_backend.build_wheel)
build_editable = _with_eigen(_backend.build_editable)
prepare_metadata_for_build_wheel = _with_eigen(_backend.prepare_metadata_for_build_wheel)
prepare_metadata_for_build_editable = _with_eigen(_backend.prepare_metadata_for_build_editable)
get_requires_for_build_sdist = _with_pip(_backend.get_requires_for_build_sdist)
get_requires_for_build_wheel = _with_pip(_backend.get_requires_for_build_wheel)
get_requires_for_build_editable = _with_pip(_backend.get_requires_for_build_editable)
