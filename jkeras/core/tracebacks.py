"""Tracebacks that users see: of their own code; `JKERAS_TRACEBACK=full`, or a function, shows all of it."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any

from jkeras.core.frames import OURS, is_users

# What is raised about a mistake in the user's code. Others may be a fault of ours, and keep their frames.
_MISTAKES = (ValueError, TypeError, RuntimeError, OSError, ImportError, AttributeError)


_filters = os.environ.get("JKERAS_TRACEBACK") != "full"


def enable_traceback_filtering() -> None:
    """Fold the lines of libraries in tracebacks of mistakes, as it is at the start.

    Keras 3: keras.config.enable_traceback_filtering
    """
    global _filters
    _filters = True


def disable_traceback_filtering() -> None:
    """Show tracebacks whole from now on; jax's own `JAX_TRACEBACK_FILTERING` stays as it is.

    Example:
        >>> disable_traceback_filtering()
        >>> is_traceback_filtering_enabled()
        False
        >>> enable_traceback_filtering()

    Keras 3: keras.config.disable_traceback_filtering
    """
    global _filters
    _filters = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks of mistakes are folded.

    Keras 3: keras.config.is_traceback_filtering_enabled
    """
    return _filters


def install() -> None:
    """Let Python, and IPython, show folded tracebacks of errors that end a script or a cell."""
    shown_before = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        shown_before(kind, error, fold(error).__traceback__)

    sys.excepthook = show
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc(_MISTAKES, _show_in_cell)


def fold(error: BaseException) -> BaseException:
    """Leave the lines of the user alone in the traceback of a mistake and of what has caused it, if asked to.

    Args:
        error: an exception; its traceback is changed.

    Returns:
        The same exception.

    Example:
        >>> fold(ValueError("no traceback")).__traceback__ is None
        True
    """
    seen: BaseException | None = error if _filters else None
    while seen is not None:
        frames = list(_frames(seen.__traceback__))
        kept = [frame for frame in frames if is_users(frame.tb_frame.f_code.co_filename)]
        by_us = any(frame.tb_frame.f_code.co_filename.startswith(OURS) for frame in frames)
        if isinstance(seen, _MISTAKES) and by_us and kept:
            seen.with_traceback(_linked(kept))
            folded = len(frames) - len(kept)
            seen.add_note(f"({folded} frames of libraries are folded: JKERAS_TRACEBACK=full shows them)")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return error


def _frames(trace: TracebackType | None):
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _linked(frames: list[TracebackType]) -> TracebackType | None:
    trace = None
    for frame in reversed(frames):
        trace = TracebackType(trace, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return trace


def _show_in_cell(
    shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None
) -> Any:
    folded = fold(error)
    shell.showtraceback((kind, folded, folded.__traceback__), tb_offset=tb_offset)
