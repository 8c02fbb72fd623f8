"""Recorded values of Keras 2.2.4, stored as `tests/golden/<name>.xz`.

A fixture is decompressed once per test session, into a folder that the xdist workers share.
"""

from __future__ import annotations

import atexit
import json as _json
import lzma
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).parent


@cache
def folder() -> Path:
    """The session's folder for decompressed fixtures; `tests/conftest.py` names and removes it."""
    named = os.environ.get("JKERAS_GOLDEN_DIR")
    if named:
        return Path(named)
    made = tempfile.mkdtemp(prefix="jkeras-golden-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


@cache
def path(name: str) -> Path:
    """Path to the decompressed fixture `name`, for example `path("models/vgg_like.h5")`.

    Treat the file as read-only: the other tests of the session read the same one.

    Raises:
        FileNotFoundError: if there is no `tests/golden/<name>.xz`.
    """
    source = _SOURCE / f"{name}.xz"
    if not source.exists():
        raise FileNotFoundError(f"No golden fixture {name!r}: {source} does not exist.")
    target = folder() / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        # Another worker may be doing the same: each writes a file of its own, the rename is atomic.
        handle, part = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(handle, "wb") as out, lzma.open(source) as packed:
            shutil.copyfileobj(packed, out)
        os.replace(part, target)
    return target


def json(name: str) -> Any:
    """The fixture `<name>.json` (`json("callbacks")`), parsed anew at each call; the suffix may be given."""
    return _json.loads(path(name if name.endswith(".json") else f"{name}.json").read_text("utf-8"))
