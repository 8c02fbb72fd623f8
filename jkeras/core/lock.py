"""One process at a time: for work on a file that need not be done twice at once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl


@contextlib.contextmanager
def alone(path: str | os.PathLike[str], on_wait: Callable[[], None] | None = None) -> Generator[None]:
    """Keep the other processes and threads out that work on `path` within such a block, too.

    The lock is a file beside `path` while it is held; it ends with its process, however that ends. Where no
    file can be locked (Windows, a read-only folder, some network file systems) the block runs without: what
    it writes has to be whole at any time anyway (see `atomic`).

    Args:
        path: a file, there or not; its folder should exist.
        on_wait: called if another one is within.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "data.bin"
        >>> with alone(path):
        ...     _ = path.write_bytes(b"123")
        >>> [entry.name for entry in path.parent.iterdir()]
        ['data.bin']
    """
    target = Path(path)
    name = target.parent / f".{target.name[:64]}.lock"
    handle = _take(name, on_wait)
    try:
        yield
    finally:
        if handle is not None:
            # Removed while it is held: who waits for it sees that the file is gone, and makes another.
            name.unlink(missing_ok=True)
            os.close(handle)


def _take(name: Path, on_wait: Callable[[], None] | None) -> int | None:
    """The locked file; None where there are no locks."""
    if fcntl is None:
        return None
    while True:
        try:
            handle = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        except OSError:
            return None
        try:
            _lock(handle, on_wait)
            if _is_at(handle, name):
                return handle
        except OSError:
            os.close(handle)
            return None
        except BaseException:  # Ctrl-C while waiting
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, on_wait: Callable[[], None] | None) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if on_wait is not None:
            on_wait()
        fcntl.flock(handle, fcntl.LOCK_EX)


def _is_at(handle: int, name: Path) -> bool:
    """Whether the open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(name))
    except FileNotFoundError:
        return False
