"""Archives, taken out whole or not at all, and never outside of their folder."""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

_BLOCK = 1 << 16
_ALWAYS = 1 << 30  # so many bytes may come out of any file,
_DENSEST = 200  # and of a large one so many for each of its own: data do not get smaller, only bombs do
_MEMBERS, _SMALLEST = 100_000, 32  # so many members, and of a large file one for each so many of its bytes
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, RuntimeError)


class _Member(NamedTuple):
    name: str
    kind: str  # "file", "folder", or what it is instead
    mode: int  # permissions; 0: unknown
    size: int  # bytes, as the archive says
    content: Any  # what `open` of the archive takes


class _Header(tarfile.TarInfo):
    """A damaged head of a member is an error; for `tarfile` the archive would end there."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str):
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if buf.strip(b"\0"):
                raise tarfile.ReadError(f"a member has a damaged head: {error}") from error
            raise  # zeros, or nothing: the end


def extract(
    path: Path, archive_format: str | Iterable[str] | None = "auto", folder: Path | None = None
) -> bool:
    """Extract the archive at `path`.

    Args:
        path: the file.
        archive_format: "tar" (also compressed), "zip", a list of them, "auto" (both), None: no extraction.
        folder: where to; beside the file by default.

    Returns:
        False if the file is none of the formats.

    Raises:
        ValueError: an unknown format, a damaged archive, or one with a path that leads out of its folder, a
            link or a device, or far more bytes than such a file holds; then nothing was extracted.
        OSError: the folder cannot be written, or holds a folder in the place of a file; neither was anything.

    Keras 2.2.4: keras/utils/data_utils.py _extract_archive

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        ...     archive.writestr("inside/note.txt", "data")
        >>> extract(folder / "a.zip"), (folder / "inside" / "note.txt").read_text()
        (True, 'data')
    """
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format or []
    folder = path.parent if folder is None else folder
    for name in [formats] if isinstance(formats, str) else formats:
        if name not in ("tar", "zip"):
            raise ValueError(
                f"Unknown `archive_format`: {name!r}. Expected 'auto', 'tar', 'zip', a list or None."
            )
        with _naming(path):
            if name == "tar" and tarfile.is_tarfile(path):
                with tarfile.open(path, tarinfo=_Header) as archive:
                    _unpack(path, folder, _tar_members(archive), archive.extractfile)
                return True
            if name == "zip" and zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    _unpack(path, folder, _zip_members(archive), archive.open)
                return True
    return False


@contextlib.contextmanager
def _naming(path: Path) -> Generator[None]:
    """A context in which an archive is read: errors name it, and say what to do."""
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(
            f"{path} was not extracted: the archive is damaged, or not complete ({error}). Delete it, "
            "so that it is downloaded again."
        ) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place before its beginning
            raise ValueError(f"{path} was not extracted: the archive is damaged.") from error
        if error.filename is None:
            raise type(error)(error.errno, f"Not extracted: {error.strerror}", str(path)) from error
        raise


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for entry in archive:
        special = f"link to {entry.linkname!r}" if entry.issym() or entry.islnk() else "device"
        kind = "file" if entry.isreg() else "folder" if entry.isdir() else special
        yield _Member(entry.name, kind, entry.mode, entry.size, entry)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for entry in archive.infolist():
        mode = entry.external_attr >> 16  # of Unix; 0 elsewhere
        kind = "link" if stat.S_ISLNK(mode) else "folder" if entry.is_dir() else "file"
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            kind = "device"
        yield _Member(entry.filename, kind, mode, entry.file_size, entry)


def _unpack(path: Path, folder: Path, members: Iterator[_Member], open_member: Callable[..., Any]) -> None:
    """Write the members into a temporary folder, then move them into `folder`, each whole."""
    with tempfile.TemporaryDirectory(prefix=f".{path.stem[:32]}.", suffix=".tmp", dir=folder) as made:
        root = Path(made) / "content"
        root.mkdir()
        room, most = most_bytes(path), max(_MEMBERS, os.path.getsize(path) // _SMALLEST)
        for number, member in enumerate(members):
            if number >= most:
                raise ValueError(
                    f"{path} was not extracted: it has more than {most:,} members, which no archive of its "
                    "size with data in it has."
                )
            room -= member.size
            if room < 0:
                raise ValueError(
                    f"{path} was not extracted: it would become more than {most_bytes(path):,} bytes, which "
                    "no archive of its size with data in it does."
                )
            _write(root / _safe(member, path), member, open_member)
        _check_room(root, folder)
        _merge(root, folder)


def most_bytes(path: str | os.PathLike[str]) -> int:
    """How many bytes may come out of a compressed file.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.zip").write_bytes(bytes(100))
        >>> most_bytes(folder / "a.zip")
        1073741824
    """
    return max(_ALWAYS, _DENSEST * os.path.getsize(path))


def _write(target: Path, member: _Member, open_member: Callable[..., Any]) -> None:
    try:
        if member.kind == "folder":
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_member(member.content) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, _BLOCK)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise tarfile.TarError(f"{member.name!r} is both a file and a folder in it") from error
    if member.mode & stat.S_IXUSR:  # a program stays one
        target.chmod(target.stat().st_mode | 0o111)


def _safe(member: _Member, path: Path) -> PurePosixPath:
    """The member's place below the folder; only plain files and folders have one."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    if member.kind not in ("file", "folder"):
        problem = f"is a {member.kind}"
    elif name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]:
        problem = "leads out of the folder"
    elif not name.parts and member.kind == "file":
        problem = "is a file without a name"
    else:
        return name
    raise ValueError(f"{path} was not extracted: its member {member.name!r} {problem}.")


def _check_room(source: Path, target: Path) -> None:
    """Whether everything in `source` can take its place in `target`.

    Raises:
        OSError: a file would stand where a folder is, or the other way round.
    """
    for entry in source.iterdir():
        place = target / entry.name
        if place.exists() and entry.is_dir() != place.is_dir():
            kinds = ("a folder", "a file") if entry.is_dir() else ("a file", "a folder")
            raise FileExistsError(
                errno.EEXIST,
                f"Nothing was extracted: the archive has {kinds[0]} where {kinds[1]} is",
                str(place),
            )
        if place.is_dir():
            _check_room(entry, place)


def _merge(source: Path, target: Path) -> None:
    """Move what is in `source` into `target`; files are replaced, folders that exist are merged."""
    for entry in source.iterdir():
        place = target / entry.name
        try:
            os.replace(entry, place)
        except OSError:
            # Already there, perhaps since a moment ago by another process.
            if not (entry.is_dir() and place.is_dir()):
                raise
            _merge(entry, place)
