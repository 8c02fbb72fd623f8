"""Places in the user's code: the innermost line of a stack that is neither ours nor a library's."""

from __future__ import annotations

import contextlib
import inspect
import sysconfig
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

OURS = str(Path(__file__).parents[1])
_LIBRARIES = tuple(
    {path for name, path in sysconfig.get_paths().items() if name in ("stdlib", "purelib", "platlib")}
)


def is_users(file: str) -> bool:
    """Whether a file is the user's: not jkeras's own, not installed, and no code without a file of jkeras.

    Example:
        >>> is_users(__file__), is_users("train.py")
        (False, True)
    """
    return not file.startswith((OURS, "<frozen", *_LIBRARIES))


def users_line() -> str | None:
    """The line of the user's code that is being run, as `file:number`; None if there is none.

    Example:
        >>> users_line() is None or ":" in users_line()
        True
    """
    frame: Any = inspect.currentframe()
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None


@contextlib.contextmanager
def named(kind: str, fn: Any, of: str, *arrays: Any) -> Generator[None]:
    """A context in which a function of the user's runs: an error that it raises says which one it is.

    Args:
        kind: "loss", "metric", "regularizer" or "constraint".
        fn: the function or object.
        of: what it is the loss (metric, regularizer, constraint) of.
        *arrays: what it is called with.

    Example:
        >>> import numpy as np
        >>> def ratio(w):
        ...     return w / 0
        >>> try:
        ...     with named("regularizer", ratio, "'a/kernel'", np.ones(2)):
        ...         ratio(1)
        ... except ZeroDivisionError as error:
        ...     print(error.__notes__[0])
        In the regularizer ratio of 'a/kernel', on shapes (2,), defined at ...
    """
    try:
        yield
    except Exception as error:
        shapes = ", ".join(str(tuple(getattr(a, "shape", ()))) for a in arrays)
        place = definition(fn)
        made = f", defined at {place}" if place else ""
        name = getattr(fn, "__name__", type(fn).__name__)
        error.add_note(f"In the {kind} {name} of {of}, on shapes {shapes}{made}.")
        raise


def definition(fn: Any) -> str | None:
    """The line of the user's code where a function is defined, or the `call` of an object."""
    function: Callable[..., Any] = inspect.unwrap(fn) if inspect.isroutine(fn) else getattr(fn, "call", fn)
    code = getattr(function, "__code__", None)
    if code is None or not is_users(code.co_filename):
        return None
    return f"{code.co_filename}:{code.co_firstlineno}"


def warn_user(message: str) -> None:
    """A warning that shows the line of the user's code that is being run."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
