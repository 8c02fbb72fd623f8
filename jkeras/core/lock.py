"""One process at a time: for work on a file that need not be done twice at once."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    fcntl = None
else:
    import fcntl

    msvcrt = None

_OPEN = os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, no waiting at a pipe
_FAR = 1 << 30  # the byte that Windows locks: nobody else can read such a one, and the number is at the begin
_PAUSE = 0.05  # seconds until Windows is asked again


@contextlib.contextmanager
def alone(path: str | os.PathLike[str], on_wait: Callable[[], None] | None = None) -> Generator[None]:
    """Keep the other processes and threads out that work on `path` within such a block, too.

    The lock is a file beside `path` while it is held (by `flock`, on Windows by `msvcrt`); it ends with its
    process, however that ends. Where no file can be locked (a read-only folder, some network file systems)
    the block runs without: what it writes has to be whole at any time anyway (see `atomic`).

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
            _end(handle, name)


def _take(name: Path, on_wait: Callable[[], None] | None) -> int | None:
    """The locked file; None where there are no locks."""
    while True:
        try:
            handle = os.open(name, _OPEN, 0o666)
        except OSError:
            return None
        try:
            _lock(handle, on_wait)
            if _is_at(handle, name):
                return handle
        except OSError:
            _end(handle, name)
            return None
        except BaseException:  # Ctrl-C while waiting
            os.close(handle)
            raise
        os.close(handle)


def _end(handle: int, name: Path) -> None:
    """Give a lock back, and remove its file."""
    # While it is held: who waits for it sees that the file is gone, and makes another.
    with contextlib.suppress(OSError):
        name.unlink()
    os.close(handle)
    if fcntl is None:  # Windows removes no open file, and this one not if another has opened it meanwhile
        with contextlib.suppress(OSError):
            name.unlink()


def _lock(handle: int, on_wait: Callable[[], None] | None) -> None:
    try:
        _lock_at_once(handle)
    except BlockingIOError:
        if on_wait is not None:
            on_wait()
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
            return
        while True:
            time.sleep(_PAUSE)
            with contextlib.suppress(BlockingIOError):
                _lock_at_once(handle)
                return


def _lock_at_once(handle: int) -> None:
    """Lock an open file.

    Raises:
        BlockingIOError: another one has locked it.
        OSError: it cannot be locked.
    """
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    if msvcrt is None:
        raise OSError(errno.ENOLCK, "there are no locks here")
    os.lseek(handle, _FAR, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(errno.EAGAIN, "another one has locked it") from error
    finally:
        os.lseek(handle, 0, os.SEEK_SET)


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
        while self._handle is None:
            try:
                handle = os.open(path, _OPEN | _CAREFUL, 0o666)
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
            _lock_at_once(handle)
        except BlockingIOError:
            self._refuse_living(os.read(handle, 200).decode(errors="replace"), what)
            self._path.unlink(missing_ok=True)  # a child of a dead process has its files still
            return True
        except OSError:
            self._path.unlink(missing_ok=True)
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
            _end(handle, self._path)

    __del__ = release


def _lives(number: int) -> bool:
    if fcntl is None:  # a lock ends with its process there, and os.kill would send Ctrl-C
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
