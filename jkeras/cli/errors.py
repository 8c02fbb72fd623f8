"""How a command ends: exit codes, and one clear line instead of a traceback."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import typer

from jkeras.core.words import near

USER_ERROR, INTERRUPTED = 2, 130

P = ParamSpec("P")
R = TypeVar("R")


class UserError(Exception):
    """Something the user can put right; its text is all that is shown."""


def close_to(word: str, known: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` for the nearest known word, or a list of all of them.

    Example:
        >>> close_to("epoch", ["epochs", "seed"])
        "Did you mean 'epochs'?"
        >>> close_to("zzz", ["epochs", "seed"])
        'Known: epochs, seed.'
    """
    known = sorted(known)
    found = near(word, known, most=1)
    return f"Did you mean {found[0]!r}?" if found else f"Known: {', '.join(known)}."


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a command: errors become a line on stderr and an exit code.

    The errors that jkeras raises for bad input (ValueError and the like) are the user's; anything else is a
    bug and keeps its traceback. `JKERAS_TRACEBACK=1` shows every traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return command(*args, **kwargs)
        except typer.Exit:  # a command that has said what it found
            raise
        except KeyboardInterrupt as stop:
            say(str(stop) or "Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # `| head` has seen enough; Python's own flush at the end must not fail too
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except (UserError, ValueError, TypeError, RuntimeError, OSError, KeyError, ImportError) as error:
            if os.environ.get("JKERAS_TRACEBACK"):
                raise
            # str(KeyError) is the repr of its text.
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            say(f"Error: {' '.join(str(text).split()) or type(error).__name__}")
            raise typer.Exit(USER_ERROR) from None

    return run


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    say(f"Warning: {' '.join(str(message).split())}")


def say(text: str) -> None:
    """A line for people, on stderr."""
    print(text, file=sys.stderr, flush=True)
