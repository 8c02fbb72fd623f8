"""Archives, taken out whole or not at all, and never outside of their folder."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

_BLOCK = 1 << 16
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, RuntimeError)


class _Member(NamedTuple):
    name: str
    kind: str  # "file", "folder", or what it is instead
    mode: int  # permissions; 0: unknown
    content: Any  # what `open` of the archive takes


def extract(path: Path, archive_format: str | list[str] | None = "auto", folder: Path | None = None) -> bool:
    """Extract the archive at `path`.

    Args:
        path: the file.
        archive_format: "tar" (also compressed), "zip", a list of them, "auto" (both), None: no extraction.
        folder: where to; beside the file by default.

    Returns:
        False if the file is none of the formats.

    Raises:
        ValueError: an unknown format, a damaged archive, or one with a path that leads out of its folder, a
            link or a device; then nothing was extracted.

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
        try:
            if name == "tar" and tarfile.is_tarfile(path):
                with tarfile.open(path) as archive:
                    _unpack(path, folder, _tar_members(archive), archive.extractfile)
                return True
            if name == "zip" and zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    _unpack(path, folder, _zip_members(archive), archive.open)
                return True
        except _DAMAGE as error:
            raise ValueError(
                f"{path} was not extracted: the archive is damaged, or not complete ({error}). Delete it, "
                "so that it is downloaded again."
            ) from error
    return False


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for entry in archive:
        special = f"link to {entry.linkname!r}" if entry.issym() or entry.islnk() else "device"
        kind = "file" if entry.isreg() else "folder" if entry.isdir() else special
        yield _Member(entry.name, kind, entry.mode, entry)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for entry in archive.infolist():
        mode = entry.external_attr >> 16  # of Unix; 0 elsewhere
        kind = "link" if stat.S_ISLNK(mode) else "folder" if entry.is_dir() else "file"
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            kind = "device"
        yield _Member(entry.filename, kind, mode, entry)


def _unpack(path: Path, folder: Path, members: Iterator[_Member], open_member) -> None:
    """Write the members into a temporary folder, then move them into `folder`, each whole."""
    with tempfile.TemporaryDirectory(prefix=f".{path.stem[:32]}.", suffix=".tmp", dir=folder) as made:
        root = Path(made) / "content"
        root.mkdir()
        for member in members:
            _write(root / _safe(member, path), member, open_member)
        _merge(root, folder)


def _write(target: Path, member: _Member, open_member) -> None:
    if member.kind == "folder":
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_member(member.content) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out, _BLOCK)
    if member.mode & stat.S_IXUSR:  # a program stays one
        target.chmod(target.stat().st_mode | 0o111)


def _safe(member: _Member, path: Path) -> PurePosixPath:
    """The member's place below the folder; only plain files and folders have one."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    if member.kind not in ("file", "folder"):
        problem = f"is a {member.kind}"
    elif name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]:
        problem = "leads out of the folder"
    else:
        return name
    raise ValueError(f"{path} was not extracted: its member {member.name!r} {problem}.")


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
