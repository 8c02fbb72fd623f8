"""Writing files so that a crash, a full disk or a kill leaves the old file or the new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Generator
from pathlib import Path

# A folder that cannot be opened or synced (Windows, some network file systems) still renames atomically.
_NO_FOLDER_SYNC = {
    errno.EINVAL,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTSUP,
    errno.EBADF,
    errno.ENOSYS,
    errno.EISDIR,
}


_IS_FOLDER = "Cannot write a file: there is a folder of this name"
_PART = re.compile(r"\..{0,32}\.[0-9a-f]{8}\.tmp(\..{0,15})?")


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Generator[Path]:
    """Replace the file at `path` by what the body of the `with` statement writes, all or nothing.

    The body writes a temporary file in the same folder. When it ends, the file is flushed to the disk and
    renamed to `path`; when it raises, the temporary file is removed and `path` is as it was. A symbolic link
    is followed: the file it points to is replaced. An existing file's permissions are kept.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        The path of the temporary file: empty, already there, with the extension of `path`.

    Raises:
        OSError: the folder is missing or cannot be written, or the disk is full; the message names `path`.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> with replacing(target) as part:
        ...     _ = part.write_text("all or nothing")
        >>> target.read_text(), [entry.name for entry in target.parent.iterdir()]
        ('all or nothing', ['notes.txt'])
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, _IS_FOLDER, str(path))
    part = _reserve(target, path)
    try:
        yield part
        _sync_file(part)
        _keep_mode(target, part)
        os.replace(part, target)
        _sync_folder(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and str(path) not in str(error):
            raise _naming(error, path) from error
        raise


def check_target(path: str | os.PathLike[str], is_folder: bool = False) -> None:
    """Refuse a file, or a folder, that could not be written, before there is something to lose.

    Args:
        path: what is to be written; folders that are missing are made later, and no error.
        is_folder: whether it is a folder.

    Raises:
        OSError: it cannot be written; the message says why and names `path`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> check_target(folder / "made" / "later" / "m.h5")
        >>> check_target(folder)
        Traceback (most recent call last):
        IsADirectoryError: [Errno 21] Cannot write a file: there is a folder of this name: '...'
    """
    target = Path(os.path.realpath(path))
    if target.is_dir() and not is_folder:
        raise IsADirectoryError(errno.EISDIR, _IS_FOLDER, os.fspath(path))
    folder = target if is_folder else target.parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        reason = f"Cannot write here: {str(folder)!r} is a file and no folder; choose another name"
        raise NotADirectoryError(errno.ENOTDIR, reason, os.fspath(path))
    _reserve(folder / "file", path).unlink()


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and those it is in, where they are missing.

    Raises:
        OSError: it cannot be made; the message says why.

    Example:
        >>> import tempfile
        >>> make_folder(Path(tempfile.mkdtemp()) / "a" / "b")
    """
    check_target(path, is_folder=True)
    os.makedirs(path, exist_ok=True)


def remove_remains(path: str | os.PathLike[str], age: float = 86_400) -> None:
    """Remove temporary files that `replacing` left beside `path`, or one of a like name, when it was killed.

    Args:
        path: the file that was to be written.
        age: seconds since they were last written to; one that is younger may still be written.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> (target.parent / ".notes.0123abcd.tmp.txt").touch()
        >>> remove_remains(target, age=-1)
        >>> list(target.parent.iterdir())
        []
    """
    target = Path(os.path.realpath(path))
    name = re.compile(re.escape(_part_name(target, "TOKEN")).replace("TOKEN", "[0-9a-f]{8}"))
    for entry in target.parent.iterdir():
        if name.fullmatch(entry.name):
            with contextlib.suppress(OSError):  # another process removes it, too
                if time.time() - entry.stat().st_mtime > age:
                    entry.unlink()


def sweep(folder: str | os.PathLike[str], age: float = -1) -> None:
    """Remove all temporary files that `replacing` left in a folder.

    Args:
        folder: where they are; it need not be there.
        age: seconds since they were last written to: a younger one may be in the making, where somebody else
            writes there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / ".notes.0123abcd.tmp.txt").touch()
        >>> sweep(folder)
        >>> list(folder.iterdir())
        []
    """
    for entry in Path(folder).iterdir() if Path(folder).is_dir() else ():
        if _PART.fullmatch(entry.name) and entry.is_file() and not entry.is_symlink():
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime > age:
                    entry.unlink()


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` at `path`, all or nothing.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "data.bin"
        >>> write_bytes(target, b"123")
        >>> target.read_bytes()
        b'123'
    """
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` at `path` as UTF-8, all or nothing.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "data.txt"
        >>> write_text(target, "abc")
        >>> target.read_text()
        'abc'
    """
    write_bytes(path, text.encode("utf-8"))


def _reserve(target: Path, path: str | os.PathLike[str]) -> Path:
    """An empty file beside `target` under a name of its own; private if it will replace another file."""
    part = target.parent / _part_name(target, secrets.token_hex(4))
    handle = None
    try:
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if target.exists() else 0o666)
        os.close(handle)
    except OSError as error:
        if handle is not None:
            part.unlink(missing_ok=True)
        raise _explain(error, target.parent, path) from error
    return part


def _part_name(target: Path, token: str) -> str:
    """Short, so that a target whose own name has the greatest length can still be written."""
    return f".{target.stem[:32]}.{token}.tmp{target.suffix[:16]}"


def _keep_mode(target: Path, part: Path) -> None:
    """Give `part` the permissions of the file it replaces, where the file system has permissions."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.chmod(part, stat.S_IMODE(target.stat().st_mode))


def _explain(error: OSError, folder: Path, path: str | os.PathLike[str]) -> OSError:
    """The same error, with the file that the caller wanted and what to do about it."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        reason = f"Cannot write a file: its folder {str(folder)!r} does not exist; create it first"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        reason = f"Cannot write a file: its folder {str(folder)!r} is read-only; choose another folder"
    else:
        reason = f"Cannot write a file in its folder {str(folder)!r} ({error.strerror})"
    return type(error)(error.errno, reason, os.fspath(path))


def _naming(error: OSError, path: str | os.PathLike[str]) -> OSError:
    """The same error, about the file that the caller wanted instead of the temporary one."""
    reason = f"Cannot write the file ({error.strerror or error})"
    return type(error)(error.errno or errno.EIO, reason, os.fspath(path))


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the file system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in _NO_FOLDER_SYNC:
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)
