"""Files from the network: downloaded once, checked, and extracted without leaving their folder. Also the
home of the names of Keras for data in batches: `Sequence` and the enqueuers."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from jkeras.core import atomic, settings
from jkeras.core.progbar import Progbar
from jkeras.core.sequence import Sequence as Sequence
from jkeras.training.enqueue import GeneratorEnqueuer as GeneratorEnqueuer
from jkeras.training.enqueue import OrderedEnqueuer as OrderedEnqueuer
from jkeras.training.enqueue import SequenceEnqueuer as SequenceEnqueuer

_TIMEOUT = 60  # seconds without a byte
_BLOCK = 1 << 16
_LENGTHS = {32: "md5", 64: "sha256"}


def get_file(
    fname,
    origin,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
):
    """The path of a file that is downloaded the first time it is asked for.

    A download that breaks off or does not have the given hash leaves nothing behind, and two processes that
    download the same file do no harm to each other. Archives are extracted beside the file; one with a path
    that leads out of its folder, with a link or a device, is refused.

    Args:
        fname: name of the file in the cache, or an absolute path.
        origin: its URL.
        untar: old form of `extract`: the file is `fname` + ".tar.gz", the result the path `fname` inside it.
        md5_hash: old form of `file_hash`.
        file_hash: SHA-256 or MD5 of the file in hexadecimal; a cached file that differs is downloaded anew.
        cache_subdir: folder inside the cache, or an absolute path.
        hash_algorithm: "md5", "sha256" or "auto" (by the length of the hash).
        extract: extract the file if it is an archive.
        archive_format: "auto" (both), "tar" (also compressed), "zip", a list of them, None: no extraction.
        cache_dir: the cache; None is `$JKERAS_HOME`, `$KERAS_HOME` or `~/.keras`.

    Returns:
        The path, a str.

    Raises:
        OSError: the download failed; the message says where to put the file by hand.
        ValueError: the hash does not match, the archive is not safe, or an argument is unknown.

    Keras 2.2.4: keras/utils/data_utils.py get_file (which does not check what it has just downloaded).

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "source.txt").write_text("data")
        >>> url = (folder / "source.txt").as_uri()
        >>> path = get_file("data.txt", url, file_hash="8d777f385d3dfec8815d20f7496026dc", cache_dir=folder)
        Downloading data from file:...
        >>> Path(path).read_text()
        'data'
    """
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    folder = Path(settings.home() if cache_dir is None else cache_dir).expanduser() / cache_subdir
    path = folder / (f"{fname}.tar.gz" if untar else fname)
    if not _is_cached(path, file_hash, hash_algorithm):
        path.parent.mkdir(parents=True, exist_ok=True)
        print("Downloading data from", origin)
        _download(origin, path, file_hash, hash_algorithm)
    if untar:
        untarred = folder / fname
        if not untarred.exists():
            _extract(path, "tar")
        if not untarred.exists():
            raise ValueError(
                f"{path} is not a tar archive that contains {fname!r}; use extract=True instead of untar."
            )
        return str(untarred)
    if extract:
        _extract(path, archive_format)
    return str(path)


def validate_file(fpath, file_hash, algorithm="auto", chunk_size=65535):
    """Whether a file has the given hash.

    Args:
        fpath: path of the file.
        file_hash: SHA-256 or MD5 in hexadecimal.
        algorithm: "md5", "sha256" or "auto" (by the length of the hash).
        chunk_size: bytes that are read at a time.

    Returns:
        A bool.

    Raises:
        ValueError: if the algorithm is unknown.

    Keras 2.2.4: keras/utils/data_utils.py validate_file.

    Example:
        >>> path = Path(tempfile.mkdtemp()) / "data.txt"
        >>> _ = path.write_text("data")
        >>> validate_file(path, "8d777f385d3dfec8815d20f7496026dc")
        True
    """
    file_hash = str(file_hash).strip().lower()
    if algorithm == "auto":
        algorithm = _LENGTHS.get(len(file_hash), algorithm)
    if algorithm not in _LENGTHS.values():
        raise ValueError(
            f"Cannot check {fpath} against the hash {file_hash!r} (algorithm {algorithm!r}): expected an MD5 "
            "of 32 or a SHA-256 of 64 hexadecimal digits."
        )
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(fpath, "rb") as file:
        while block := file.read(chunk_size):
            digest.update(block)
    return digest.hexdigest() == file_hash


def _is_cached(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if not path.exists():
        return False
    if file_hash is None or validate_file(path, file_hash, algorithm):
        return True
    print(f"{path} is incomplete or outdated: its hash is not {file_hash}. It will be downloaded again.")
    return False


def _download(origin: str, path: Path, file_hash: str | None, algorithm: str) -> None:
    """Fetch `origin` into `path`, all or nothing."""
    with atomic.replacing(path) as part:
        try:
            with urllib.request.urlopen(origin, timeout=_TIMEOUT) as response, open(part, "wb") as out:
                _copy(response, out, origin)
        except (OSError, ValueError, http.client.HTTPException) as error:
            code = getattr(error, "code", None) or getattr(error, "errno", None)
            reason = getattr(error, "reason", None) or error
            raise OSError(
                f"URL fetch failure on {origin}: {code} -- {reason}. "
                f"Without a network, put the file here yourself: {path}"
            ) from error
        if file_hash is not None and not validate_file(part, file_hash, algorithm):
            raise ValueError(
                f"The file downloaded from {origin} does not have the hash {file_hash}: it was changed, or "
                f"the hash is wrong. {path} was not written."
            )


def _copy(response, out: IO[bytes], origin: str) -> None:
    length = response.headers.get("Content-Length")
    total = int(length) if length else None
    bar, done = Progbar(total), 0
    while block := response.read(_BLOCK):
        out.write(block)
        done += len(block)
        bar.update(done)
    if total is None:
        bar.close()
    elif done < total:
        raise OSError(f"the connection broke after {done} of {total} bytes")


# Archives


class _Member(NamedTuple):
    name: str
    kind: str  # "file", "folder", or what it is instead
    content: object  # what `open` of the archive takes


def _extract(path: Path, archive_format) -> bool:
    """Extract the archive at `path` beside it; False if it is none of the formats."""
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format or []
    for name in [formats] if isinstance(formats, str) else formats:
        if name not in ("tar", "zip"):
            raise ValueError(
                f"Unknown `archive_format`: {name!r}. Expected 'auto', 'tar', 'zip', a list or None."
            )
        if name == "tar" and tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                _unpack(path, _tar_members(archive), archive.extractfile)
            return True
        if name == "zip" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _unpack(path, _zip_members(archive), archive.open)
            return True
    return False


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for entry in archive:
        special = f"link to {entry.linkname!r}" if entry.issym() or entry.islnk() else "device"
        yield _Member(entry.name, "file" if entry.isreg() else "folder" if entry.isdir() else special, entry)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for entry in archive.infolist():
        yield _Member(entry.filename, "folder" if entry.is_dir() else "file", entry)


def _unpack(path: Path, members: Iterator[_Member], open_member) -> None:
    """Write the members into a temporary folder, then move them beside the archive, each whole."""
    with tempfile.TemporaryDirectory(prefix=f".{path.stem[:32]}.", suffix=".tmp", dir=path.parent) as made:
        root = Path(made) / "content"
        root.mkdir()
        for member in members:
            target = root / _safe(member, path)
            if member.kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member(member.content) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, _BLOCK)
        _merge(root, path.parent)


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
