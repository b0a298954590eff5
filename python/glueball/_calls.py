"""What is said of a call whose arguments do not fit: which keywords there are, and the one that was meant.

Python's own words ("got an unexpected keyword argument") name neither. What is wrong is looked for only after a
call has failed: the core watches public functions (`_core.explain_calls`), and asks `explanation`.
"""

from __future__ import annotations

import re
from typing import Any

from glueball.base import (
    ArgumentError,
    GlueballIndexError,
    GlueballTypeError,
    MXNetError,
    _near_argument,
)

__all__ = ["constructors", "explanation", "wrong_call"]


def explanation(
    function: Any,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    error: Exception,
    has_run: bool,
) -> MXNetError | None:
    """Return what is said in place of an error that a call of a function has raised; None to leave it.

    Parameters
    ----------
    function, arguments, keywords
        What was called.
    error : Exception
        A TypeError, ValueError or IndexError.
    has_run : bool
        Whether the arguments did fit, and the function raised it.
    """
    if has_run:
        return _of_values(function, arguments, keywords, error)
    assert isinstance(error, TypeError)
    if function.__name__ == "__init__":
        cls = type(arguments[0])
        wrong = wrong_call(cls.__name__, constructors(cls), error)
    else:
        wrong = wrong_call(function.__name__, [function], error)
    if wrong is not None:
        wrong.__suppress_context__ = True  # as `raise wrong from None`
    return wrong


# Other classes than these say what they mean.
_KINDS: dict[str, type[MXNetError]] = {
    "TypeError": GlueballTypeError, "ValueError": ArgumentError, "AxisError": ArgumentError,
    "IndexError": GlueballIndexError,
}  # fmt: skip


def _of_values(
    function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], error: Exception
) -> MXNetError | None:
    """Return an error of a function of arrays with the arguments that it was given, for one of Python or NumPy."""
    import inspect
    import reprlib

    kind = _KINDS.get(type(error).__name__)
    if kind is None or isinstance(error, MXNetError):
        return None
    trace = error.__traceback__
    while trace is not None:  # what a program's own function raises is the program's
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _OWN:
            return None
        trace = trace.tb_next
    given = inspect.signature(function).bind(*arguments, **keywords).arguments
    given.pop("self", None)
    shown = ", ".join(
        f"{name} of shape {value.shape}"
        if hasattr(value, "shape")
        else f"{name}={reprlib.repr(value)}"
        for name, value in given.items()
    )
    name = function.__name__
    made = kind(
        f"expected of {name} arguments it can use, found {shown}: {error}; help({name}) says what it takes"
    )
    made.__cause__ = error
    return made


_OWN = (__name__.partition(".")[0], "numpy")


def wrong_call(name: str, functions: list[Any], error: TypeError) -> GlueballTypeError | None:
    """Return what is said in place of Python's error of a call; None of an error of something else.

    Parameters
    ----------
    name : str
        What was called.
    functions : list of callable
        It, and what it hands other keywords to.
    error : TypeError
        Python's.
    """
    import inspect  # here: only errors need it

    text = str(error)
    refusing = next((f for f in functions if text.startswith(f"{f.__qualname__}() ")), None)
    if refusing is None:
        return None
    accepted: dict[str, None] = {}
    for function in functions:
        parameters = list(inspect.signature(function).parameters.values())
        accepted |= {
            each.name: None
            for each in parameters
            # What has no default in a base is what the class itself hands to it.
            if each.kind not in (2, 4)
            and (function is functions[0] or each.default is not each.empty)
        }
        if function is refusing:
            break
        if all(each.kind != each.VAR_KEYWORD for each in parameters):
            accepted = {}  # it called the others with arguments of its own choice
    takes_self = "self" in accepted
    accepted.pop("self", None)
    listed = ", ".join(accepted) or "none"
    words = re.findall(r"(?s)'(.*?)'", text)  # keywords from a file may be any text
    if "unexpected keyword argument" in text:
        near = _near_argument(words[0], accepted) or "; leave it out, or correct it"
        message = f"expected of {name} the arguments {listed}, found '{words[0]}'{near}"
    elif "multiple values" in text:
        message = f"expected one value of '{words[0]}' of {name}, found two; leave one out"
    elif " missing " in text:
        message = (
            f"expected {' and '.join(map(repr, words))} of {name}, found a call without; "
            f"pass {' and '.join(words)} too"
        )
    elif counts := re.search(r"(\d+) positional arguments? but (\d+)", text):
        most, found = (int(each) - takes_self for each in counts.groups())
        advice = "name those that are meant" if len(accepted) > most else "leave the others out"
        message = (
            f"expected at most {most} arguments without names of {name} ({listed}), found {found}; "
            f"{advice}"
        )
    else:
        return None
    return GlueballTypeError(message)


def constructors(cls: type) -> list[Any]:
    """Return what constructs an instance, class by class, the most derived first."""
    found = [each.__dict__["__init__"] for each in cls.__mro__[:-1] if "__init__" in each.__dict__]
    # A class of the core has no signature that Python can read.
    return [each for each in found if hasattr(each, "__code__")]
