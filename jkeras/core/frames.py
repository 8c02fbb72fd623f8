"""Places in the user's code: the innermost line of a stack that is neither ours nor a library's."""

from __future__ import annotations

import inspect
import sysconfig
from pathlib import Path
from typing import Any

_OURS = str(Path(__file__).parents[1])
_LIBRARIES = tuple(
    {path for name, path in sysconfig.get_paths().items() if name in ("stdlib", "purelib", "platlib")}
)


def is_users(file: str) -> bool:
    """Whether a file is the user's: not jkeras's own, not installed, and no code without a file of jkeras.

    Example:
        >>> is_users(__file__), is_users("train.py")
        (False, True)
    """
    return not file.startswith((_OURS, "<frozen", *_LIBRARIES))


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
