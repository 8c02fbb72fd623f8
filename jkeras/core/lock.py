"""One process at a time: for work on a file that need not be done twice at once."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable, Generator
from pathlib import Path

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, no waiting at a pipe


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


class Hold:
    """A lock that lasts until `release`, or until its process has ended, however that comes.

    It is a file with the number of the process, locked while it is held. Where no file can be locked (see
    `alone`) there is no lock.

    Args:
        path: the file to be; its folder should exist.
        what: what is locked, for the error.

    Raises:
        BlockingIOError: somebody else holds it; the message says who.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / ".lock"
        >>> hold = Hold(path, "the folder")
        >>> try:
        ...     Hold(path, "the folder")
        ... except BlockingIOError as error:
        ...     print(str(error).split(": ")[0].split("] ")[1])
        the folder is in use by this very process
        >>> hold.release()
        >>> path.exists()
        False
    """

    def __init__(self, path: Path, what: str):
        self._path = path
        self._handle: int | None = None
        while fcntl is not None and self._handle is None:
            try:
                handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | _CAREFUL, 0o666)
            except OSError:
                return
            try:
                if not self._take(handle, what):
                    return
            finally:
                if self._handle is None:
                    os.close(handle)

    def _take(self, handle: int, what: str) -> bool:
        """Lock an open file; returns whether files can be locked here."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._refuse_living(os.read(handle, 200).decode(errors="replace"), what)
            self._path.unlink(missing_ok=True)  # a child of a dead process has its files still
            return True
        except OSError:
            return False
        if _is_at(handle, self._path):
            self._handle = handle
            with contextlib.suppress(OSError):  # a full disk, a pipe: the lock is there all the same
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()} {socket.gethostname()}\n".encode())
        return True

    def _refuse_living(self, owner: str, what: str) -> None:
        number, _, host = owner.strip().partition(" ")
        if host == socket.gethostname() and number.isdigit() and not _lives(int(number)):
            return
        who = "this very process" if number == str(os.getpid()) else f"process {number or 'unknown'}"
        if host not in ("", socket.gethostname()):
            who += f" on {host}"
        raise BlockingIOError(
            errno.EAGAIN,
            f"{what} is in use by {who}: two writers would mix their files. Wait for its end, stop it, or "
            "take another folder",
            str(self._path.parent),
        )

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it back."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(handle)

    __del__ = release


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
