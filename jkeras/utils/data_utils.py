"""Files from the network: downloaded once, checked, and extracted without leaving their folder. Also the
home of the names of Keras for data in batches: `Sequence` and the enqueuers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path, PurePath

from jkeras.core import atomic, lock, settings
from jkeras.core.sequence import Sequence as Sequence
from jkeras.training.data.enqueuers import GeneratorEnqueuer as GeneratorEnqueuer
from jkeras.training.data.enqueuers import OrderedEnqueuer as OrderedEnqueuer
from jkeras.training.data.enqueuers import SequenceEnqueuer as SequenceEnqueuer
from jkeras.utils import archives, download

_LENGTHS = {32: "md5", 64: "sha256"}


def get_file(
    fname: str | PathLike[str],
    origin: str,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Iterable[str] | None = "auto",
    cache_dir: str | PathLike[str] | None = None,
) -> str:
    """The path of a file that is downloaded the first time it is asked for.

    A connection that breaks is taken up again a few times, where it broke. A download that fails or does not
    have the given hash leaves nothing behind, and the file that was there as it was. Two processes that ask
    for the same file download it once. Archives are extracted beside the file; one with a path that leads out
    of its folder, with a link or a device, is refused whole.

    Args:
        fname: name of the file in the cache; an absolute path, as Keras documents it, is taken as it is, so
            do not pass on one that somebody else has chosen.
        origin: its URL.
        untar: old form of `extract`: the file is `fname` + ".tar.gz", the result the path `fname`, which
            should be in it; if it is there already, nothing is extracted.
        md5_hash: old form of `file_hash`.
        file_hash: SHA-256 or MD5 of the file in hexadecimal; a cached file that differs is downloaded anew.
        cache_subdir: folder inside the cache, or an absolute path.
        hash_algorithm: "md5", "sha256" or "auto" (by the length of the hash).
        extract: extract the file if it is an archive.
        archive_format: "auto" (both), "tar" (also compressed), "zip", a list of them, None: no extraction.
        cache_dir: the cache; None is `$JKERAS_HOME`, `$KERAS_HOME` or `~/.keras`. Where it cannot be written,
            `.keras` in the temporary directory takes what is new.

    Returns:
        The path, a str.

    Raises:
        OSError: the download failed; the message says where to put the file by hand.
        ValueError: the hash does not match, the archive is not safe or is damaged, `fname` leads out of its
            folder, or an argument is unknown.

    Keras 2.2.4: keras/utils/data_utils.py get_file (which does not check what it has just downloaded).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "source.txt").write_text("data")
        >>> url = (folder / "source.txt").as_uri()
        >>> path = get_file("data.txt", url, file_hash="8d777f385d3dfec8815d20f7496026dc", cache_dir=folder)
        Downloading data from file:...
        >>> Path(path).read_text()
        'data'
    """
    if ".." in PurePath(os.fspath(fname).replace("\\", "/")).parts:
        raise ValueError(f"get_file: `fname` {fname!r} leads out of the cache folder; name the file alone.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    places = [folder / fname for folder in cache_folders(cache_subdir, cache_dir)]
    files = [place.with_name(f"{place.name}.tar.gz") for place in places] if untar else places
    path = next((file for file in files if _is_valid(file, file_hash, hash_algorithm)), None)
    if path is None:
        path = files[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock.alone(path, lambda: print(f"Waiting for another process that downloads {path}.")):
            if not _is_valid(path, file_hash, hash_algorithm):  # another process has just brought it
                _download(origin, path, file_hash, hash_algorithm)
    if untar:
        return str(_untarred(path, [places[files.index(path)], places[-1]]))
    if extract:
        folder = path.parent if _can_write(path.parent) else files[-1].parent
        folder.mkdir(parents=True, exist_ok=True)
        with lock.alone(folder / path.name):
            archives.extract(path, archive_format, folder)
    return str(path)


def cache_folders(cache_subdir: str = "datasets", cache_dir: str | PathLike[str] | None = None) -> list[Path]:
    """The folders where `get_file` looks for a file; what is downloaded goes into the last.

    Args:
        cache_subdir, cache_dir: as of `get_file`.

    Returns:
        One folder; two where the cache cannot be written.

    Example:
        >>> [folder.as_posix() for folder in cache_folders("models", "/tmp")]
        ['/tmp/models']
    """
    wanted = settings.preferred_home()[0] if cache_dir is None else Path(cache_dir).expanduser()
    bases = [wanted] if _can_write(wanted) else [wanted, settings.temporary_home()]
    return [base / cache_subdir for base in bases]


def validate_file(
    fpath: str | PathLike[str], file_hash: str | None, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
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
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "data.txt"
        >>> _ = path.write_text("data")
        >>> validate_file(path, "8d777f385d3dfec8815d20f7496026dc")
        True
    """
    return _digest(fpath, _algorithm(file_hash, algorithm), chunk_size) == _normal(file_hash)


def _normal(file_hash: str | None) -> str:
    return str(file_hash).strip().lower()


def _algorithm(file_hash: str | None, algorithm: str) -> str:
    """The algorithm of a hash.

    Raises:
        ValueError: if it is none of the two.
    """
    if algorithm == "auto":
        algorithm = _LENGTHS.get(len(_normal(file_hash)), algorithm)
    if algorithm not in _LENGTHS.values():
        raise ValueError(
            f"Cannot check a file against the hash {file_hash!r} (algorithm {algorithm!r}): expected an MD5 "
            "of 32 or a SHA-256 of 64 hexadecimal digits."
        )
    return algorithm


def _digest(path: str | PathLike[str], algorithm: str, chunk_size: int = 1 << 20) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(chunk_size):
            digest.update(block)
    return digest.hexdigest()


def _can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, or it itself, if it is not there yet."""
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    return os.access(there, os.W_OK)


def _is_valid(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if file_hash is None:
        return path.exists()
    return path.is_file() and validate_file(path, file_hash, algorithm)


def _download(origin: str, path: Path, file_hash: str | None, algorithm: str) -> None:
    """Fetch `origin` into `path`, all or nothing."""
    expected = "" if file_hash is None else f", with the hash {file_hash}"
    if path.exists():
        print(f"{path} is incomplete or outdated: its hash is not {file_hash}. It will be downloaded again.")
        expected += "; the file that is there has another one"
    print("Downloading data from", origin)
    atomic.remove_remains(path)
    with atomic.replacing(path) as part:
        download.fetch(origin, part, f" Without a network, put the file here yourself: {path}{expected}.")
        if file_hash is not None and not validate_file(part, file_hash, algorithm):
            digest = _digest(part, _algorithm(file_hash, algorithm))
            raise ValueError(
                f"The file downloaded from {origin} does not have the hash {file_hash} but {digest}: it was "
                f"changed, or the hash is wrong. {path} was not written."
            )


def _untarred(path: Path, places: list[Path]) -> Path:
    """The contents of the tar archive at `path`, at the place where it is, or else at the last one."""
    for place in places:
        if place.exists():
            return place
    place = places[0] if _can_write(places[0].parent) else places[-1]
    place.parent.mkdir(parents=True, exist_ok=True)
    with lock.alone(place):
        if not place.exists() and not archives.extract(path, "tar", place.parent):
            raise ValueError(f"{path} is no tar archive; use extract=True for other kinds.")
    return place
