"""Nested lists of arrays as one list and its form, and back, by the private names that libraries take."""

from __future__ import annotations

from typing import Any

from glueball import nd
from glueball.base import ArgumentError

__all__ = ["flatten", "regroup"]


def flatten(args: Any, inout_str: str) -> tuple[list[Any], Any]:
    """Return the arrays of nested lists, and their form: 0 for an array, -1 for None, lists of these.

    Raises
    ------
    ValueError
        If there is anything else among them.
    """
    if args is None:
        return [None], -1
    if isinstance(args, nd.NDArray):
        return [args], 0
    if not isinstance(args, list | tuple):
        message = (
            f"expected (nested) lists of NDArrays as {inout_str} of a HybridBlock, found {args!r} of type "
            f"{type(args).__name__}; wrap numbers with nd.array()"
        )
        raise ArgumentError(message)
    parts = [flatten(each, inout_str) for each in args]
    return [array for arrays, _ in parts for array in arrays], [form for _, form in parts]


def regroup(args: list[Any], fmt: Any) -> tuple[Any, list[Any]]:
    """Return nested lists of the form `fmt`, which `flatten` gave, and the arrays that are left."""
    if fmt == -1:
        return None, args[1:]
    if fmt == 0:
        return args[0], args[1:]
    if isinstance(fmt, int):
        return args[:fmt], args[fmt:]
    groups = []
    for each in fmt:
        group, args = regroup(args, each)
        groups.append(group)
    return groups, args
