"""Limits on what a file may ask of the process that reads it, and one way to tell its errors."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct
import tokenize
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeGuard

from jkeras.core.types import AnyDict, AnyList, AnyTuple

_LEAST = 1 << 26  # bytes of arrays that any file may stand for
_FACTOR = 20  # and how many times its own size: what honest compression reaches
DEPTH = 200  # of nested lists and dicts: some 30 models inside each other
VALUES = 1_000_000  # in one configuration
LAYERS = 4_000  # and layers, inner ones too: the deepest networks that people train have some 2,000
# What reading something malformed ends in, in Python, numpy, h5py and the classes that are built.
MALFORMED = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    RuntimeError,
    AssertionError,
    EOFError,
    BufferError,
    SyntaxError,  # of the name of a number type
    tokenize.TokenError,  # of the head of an .npy
    struct.error,
)
CHANGED = (
    "it was changed after jkeras wrote it: its digest does not match, so it is damaged, or another tool has "
    "edited it. If you want the change, load it with accept_changed=True (--accept-changed on the command "
    "line) and save it again: the new file is sealed again."
)


def allowance(size: int) -> int:
    """How many bytes of arrays may come out of a file of `size` bytes."""
    return max(_LEAST, _FACTOR * size)


@contextlib.contextmanager
def telling(source: Any, place: str = "") -> Generator[None]:
    """Turn what reading something malformed raises into a `ValueError` with the file, the place, the reason.

    Args:
        source: the file.
        place: what of it is read, as in "what it describes cannot be built here".

    Example:
        >>> with telling("a.h5", "the notes are malformed"):
        ...     {}["version"]
        Traceback (most recent call last):
        ...
        ValueError: a.h5: the notes are malformed: KeyError: 'version'
    """
    try:
        yield
    except MALFORMED as e:
        known = type(e) is ValueError
        reason = line(e) if known else f"{type(e).__name__}: {_short(e)}"
        notes = (" ".join(note.split()) for note in getattr(e, "__notes__", ()) if "traceback" not in note)
        reason += "".join(f" ({note.strip('()')})" for note in list(notes)[:3])
        where = f"{place}: " if place and not known else ""
        raise ValueError(f"{source}: {where}{reason}") from e


def _short(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return line(error)[:2000] or "no further reason"


def line(error: BaseException) -> str:
    """The text of an error, in one line.

    Example:
        >>> line(ValueError("broken\\n   at line 3"))
        'broken at line 3'
    """
    return " ".join(str(error).split())


def parse_json(text: Any, what: str) -> Any:
    """The values of a JSON text, within the limits.

    Raises:
        ValueError: it is not JSON, too deep or too large; `what` says where it stands.

    Example:
        >>> parse_json('{"a": [1]}', "the notes")
        {'a': [1]}
    """
    try:
        return bounded(json.loads(text))
    except (ValueError, TypeError, RecursionError) as e:
        raise ValueError(f"{what} cannot be read as JSON: {_short(e)}") from e


def bounded(value: Any) -> Any:
    """`value` itself, if its lists and dicts are neither too deep nor too many.

    A value that stands at several places (a YAML alias) counts at each of them, a ring is too deep.

    Raises:
        ValueError: they are.
    """
    todo: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while todo:
        at, depth = todo.pop()
        inner = at.values() if isinstance(at, AnyDict) else at if isinstance(at, (AnyList, AnyTuple)) else ()
        seen += 1 + len(inner)
        if depth > DEPTH or seen > VALUES:
            raise ValueError(
                f"lists and dicts should be nested at most {DEPTH} deep and hold at most {VALUES} values."
            )
        todo += [(v, depth + 1) for v in inner if isinstance(v, (AnyDict, AnyList, AnyTuple))]
    return value


def few_layers(config: Any) -> Any:
    """`config` itself, if it describes no more layers than a model can have.

    Raises:
        ValueError: it does.

    Example:
        >>> few_layers({"layers": [{"class_name": "Dense", "config": {}}]})
        {'layers': [{'class_name': 'Dense', 'config': {}}]}
    """
    todo: list[Any] = [config]
    seen = 0
    while todo:
        at = todo.pop()
        inner: Any = at.get("layers", at.get("config")) if isinstance(at, AnyDict) else at
        if isinstance(inner, AnyList):
            seen += len(inner)
            todo += inner
        elif isinstance(inner, AnyDict):
            todo.append(inner)
    if seen > LAYERS:
        raise ValueError(f"it describes {seen} layers; a model has at most {LAYERS}.")
    return config


def is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether `value` names a file."""
    return isinstance(value, (str, os.PathLike))


def regular(path: str | os.PathLike[str]) -> Path:
    """`path`, if a plain file is there: opening a pipe or a device may wait for ever.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: it is a directory, a pipe, a socket or a device.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "directory", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
        raise ValueError(f"{path} is a {kinds.get(stat.S_IFMT(mode), 'device')}, no plain file.")
    return Path(path)
