"""The package that reads and writes the format, imported when it is first needed."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["import_onnx"]


def import_onnx() -> Any:
    """Return the `onnx` package.

    Raises
    ------
    ImportError
        If it is missing; says how to install it.
    """
    try:
        importlib.import_module("onnx.shape_inference")
        return importlib.import_module("onnx")
    except ImportError as error:
        message = (
            f"expected the onnx package for glueball.onnx, found none ({error}); "
            "pip install 'glueball[onnx]'"
        )
        raise ImportError(message) from error
