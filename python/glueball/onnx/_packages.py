"""The package that reads and writes the format, imported when it is first needed."""

from __future__ import annotations

import importlib
from typing import Any

from glueball.base import PackageError

__all__ = ["import_onnx"]


def import_onnx() -> Any:
    """Return the `onnx` package, or say how to install it."""
    try:
        for module in ("onnx.inliner", "onnx.shape_inference"):
            importlib.import_module(module)
        return importlib.import_module("onnx")
    except ImportError as error:
        message = (
            f"expected the onnx package for glueball.onnx, found none ({error}); "
            "pip install 'glueball[onnx]'"
        )
        raise PackageError(message) from error
