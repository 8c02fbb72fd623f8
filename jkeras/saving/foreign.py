"""Files of others: Keras 3's .keras and .weights.h5, flax's msgpack, .npz.

Nothing in such a file is run, unpacked to the disk, or imported by a name that it holds.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import collections
import contextlib
import io
import json
import lzma
import math
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from jkeras.core.stored import Stored
from jkeras.core.types import AnyDict
from jkeras.saving import keras3, keras3_training, places
from jkeras.saving.access import Access
from jkeras.saving.contents import Contents, array_type
from jkeras.saving.hdf5_file import Reading, created
from jkeras.saving.limits import MALFORMED, allowance, parse_json, telling
from jkeras.saving.scan import Piece, scan
from jkeras.saving.scan import array as stored_array

_DEEPEST, _MOST = 32, 200_000  # groups in groups, and arrays, of a file that somebody has trained
_WRITTEN_AS = "3.15.1"  # the Keras in whose words our .keras files are
ZIP = b"PK\x03\x04"
# zipfile raises the last two for ways to compress and to encrypt that it does not know.
_ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


def read_keras_zip(path: Path) -> Contents:
    """Contents of a .keras file of Keras 3.

    Raises:
        ValueError: it is damaged, no such file, or describes what jkeras cannot build.
    """
    with telling(path, "its config.json is malformed"), contextlib.ExitStack() as stack:
        text, weights = _members(path, stack)
        config = parse_json(text, "config.json")
        try:
            contents = read_places(stack.enter_context(h5py.File(weights, "r")), weights)
        except OSError as error:
            raise ValueError(f"its weights are damaged: {error}") from error
        contents.keys = {**places.keys_of_config(config), **contents.keys}
        contents.model, contents.training = config, config.get("compile_config") or None
        contents.file = stack.pop_all()
    return contents


def _members(path: Path, stack: contextlib.ExitStack) -> tuple[bytes, Reading]:
    """The text of the configuration, and the weights as a file: no member is larger than a file of this size
    can hold, and each is as its checksum says."""
    names = ("config.json", "model.weights.h5")
    try:
        with zipfile.ZipFile(path) as archive:
            held = _single_names(archive)
            if not set(names) <= set(held):
                raise ValueError(f"a zip archive, but no .keras file: it holds {held[:8]}.")
            size = path.stat().st_size
            for name in names:
                if archive.getinfo(name).file_size > allowance(size):
                    raise ValueError(f"its {name} says to be far larger than a file of {size} bytes holds.")
            return archive.read(names[0]), _as_file(archive, archive.getinfo(names[1]), stack)
    except _ZIP_DAMAGE as error:
        raise ValueError(f"a damaged .keras file: {error}") from error


def _single_names(archive: zipfile.ZipFile) -> list[str]:
    """The names of the members of an archive.

    Raises:
        ValueError: one stands there twice, so that two readers may find different things.
    """
    names = archive.namelist()
    for name, times in collections.Counter(names).items():
        if times > 1:
            raise ValueError(f"its member {name!r} stands there {times} times.")
    return names


def _as_file(archive: zipfile.ZipFile, member: zipfile.ZipInfo, stack: contextlib.ExitStack) -> Reading:
    """A member as a file of its own; one that is stored as it is, as Keras does, is not read into memory."""
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        return Reading(io.BytesIO(archive.read(member)))
    with archive.open(member) as file:  # which compares what the archive says of it in its two places
        while file.read(1 << 20):
            pass  # at its end the checksum is compared
    raw = stack.enter_context(open(str(archive.filename), "rb"))
    raw.seek(member.header_offset + 26)
    name, extra = struct.unpack("<HH", raw.read(4))
    return Reading(raw, member.header_offset + 30 + name + extra, member.file_size)


def has_places(group: h5py.Group) -> bool:
    """Whether the HDF5 group is laid out as Keras 3's weights are."""
    return any(name in group for name in ("layers", "vars", "_layer_checkpoint_dependencies"))


def read_places(group: h5py.Group, file: Reading | None = None) -> Contents:
    """The arrays of a `.weights.h5` of Keras 3, by place.

    Args:
        group: the root of the file.
        file: what HDF5 reads it from, if that is known.

    Raises:
        ValueError: a member is a link, lies in another file, or is no array.
    """
    contents = Contents(places={}, keras_version="3")
    _take(Access(group, file), group, "", contents)
    if contents.optimizer and all(name.isdigit() for name, _ in contents.optimizer):
        contents.optimizer.sort(key=lambda pair: int(pair[0]))
    return contents


def _take(access: Access, group: h5py.Group, path: str, contents: Contents) -> None:
    if path.count("/") > _DEEPEST or len(contents.places or ()) > _MOST:
        raise ValueError("its groups are nested too deeply, or there are too many arrays.")
    for name in map(str, group):
        member = access.find(group, name)
        if isinstance(member, h5py.Group):
            _take(access, member, f"{path}{name}/", contents)
        elif isinstance(member, h5py.Dataset) and path == "optimizer/vars/":
            contents.optimizer = [*(contents.optimizer or ()), (name, access.array(member))]
        elif isinstance(member, h5py.Dataset) and not path.startswith("optimizer/"):
            assert contents.places is not None
            contents.places[path + name] = access.array(member)
    own: Any = group.attrs.get("name")
    if own is not None and path.endswith("/vars/"):
        inside, _, key = path.removesuffix("/vars/").rpartition("layers/")
        if "/" not in key:
            contents.keys[inside, own.decode() if isinstance(own, bytes) else str(own)] = key


def write_places(model: Any, path: Path) -> None:
    """Write the weights of a model as a `.weights.h5` that Keras 3 loads into the same model."""
    with created(path) as file:
        for place, weight in places.weights_by_place(model, {}):
            file.create_dataset(place, data=np.asarray(weight.numpy()))


def write_keras_zip(path: Path, contents: Contents) -> None:
    """Write a `.keras` file (not atomic by itself).

    Args:
        path: where.
        contents: a model in the words of Keras 3, its weights by place, its optimizer's as that lists them.
    """
    config = {**(contents.model or {}), "compile_config": contents.training}
    said = {"keras_version": _WRITTEN_AS, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
    with tempfile.TemporaryFile(dir=path.parent, buffering=0) as raw, zipfile.ZipFile(path, "w") as archive:
        with created(raw) as file:
            for place, value in (contents.places or {}).items():
                file.create_dataset(place, data=value)
            for name, value in contents.optimizer or ():
                file.create_dataset(f"optimizer/vars/{name}", data=value)
        archive.writestr("metadata.json", json.dumps(said))
        archive.writestr("config.json", json.dumps(config))
        raw.seek(0)
        with archive.open("model.weights.h5", "w", force_zip64=True) as member:
            shutil.copyfileobj(raw, member, 1 << 20)


# Trees of names ---------------------------------------------------------------------------------------------


def read_flax(path: Path) -> Contents:
    """The arrays of a tree that `flax.serialization.to_bytes` wrote, by their path in it.

    Raises:
        ValueError: it is no such tree.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        try:
            arrays: dict[str, Any] = {}
            _flatten(scan(file), "", arrays)
        except MALFORMED as error:
            raise ValueError(f"{path} is no msgpack of jkeras or flax: {error}") from error
        stack.pop_all()
        return Contents(tree=arrays, file=file)


def _flax_array(piece: Piece, name: str) -> Stored:
    """An array as flax writes it: an extension whose bytes are again msgpack, [shape, type, numbers]."""
    if piece.code != 1:
        raise ValueError(f"{name!r} is an entry of the kind {piece.code}, which is no array of numbers")
    shape, kind, values = scan(piece.file, piece.start, piece.start + len(piece))
    return stored_array(shape, kind, [values])


def _flatten(tree: Any, path: str, arrays: dict[str, Any]) -> None:
    if path.count("/") > _DEEPEST:
        raise ValueError("the tree is nested too deeply.")
    if isinstance(tree, AnyDict):
        for key, value in tree.items():
            _flatten(value, f"{path}{key}/", arrays)
    elif isinstance(tree, Piece):
        arrays[path.removesuffix("/")] = _flax_array(tree, path.removesuffix("/"))
    elif not isinstance(tree, (int, float, type(None))):  # counters and the like
        raise ValueError(f"{path.removesuffix('/')!r} is {type(tree).__name__}, no array.")


def is_npz(path: Path, head: bytes) -> bool:
    """Whether a file that begins with `head` is an archive of arrays, whatever its name is."""
    if not head.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _ZIP_DAMAGE:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(path: Path) -> Contents:
    """The arrays of a .npz file by name.

    Raises:
        ValueError: it holds something else.
    """
    with contextlib.ExitStack() as stack:
        try:
            size = path.stat().st_size
            archive = stack.enter_context(zipfile.ZipFile(path))
            members = archive.infolist()
            _single_names(archive)
            if sum(member.file_size for member in members) > allowance(size):
                raise ValueError(f"its arrays say to be far larger than a file of {size} bytes holds")
            arrays = {
                member.filename.removesuffix(".npy").replace(".", "/"): _npy(archive, member)
                for member in members
            }
        except (*_ZIP_DAMAGE, *MALFORMED) as error:
            raise ValueError(f"{path} is no .npz of plain arrays: {error}") from error
        stack.pop_all()
        return Contents(tree=arrays, file=archive)


def _npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Stored:
    """An array of a .npz: its head is read now, the numbers when somebody asks."""
    with archive.open(member) as file:
        major = np.lib.format.read_magic(file)[0]
        head = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, turned, kind = head(file)
        start = file.tell()
    dtype = array_type(kind.name)
    if math.prod(shape) * dtype.itemsize != member.file_size - start:
        raise ValueError(f"{member.filename} has the shape {shape}, and {member.file_size - start} bytes")

    def read(room: np.ndarray) -> None:
        try:
            with archive.open(member) as file:
                file.read(start)
                if turned or kind.byteorder == ">":
                    values = np.frombuffer(file.read(), kind)
                    room[...] = values.reshape(shape, order="F" if turned else "C")
                else:
                    _fill(file, room.reshape(-1).view(np.uint8).data)
        except _ZIP_DAMAGE as error:
            raise ValueError(f"{member.filename} is damaged: {error}") from error

    return Stored(shape, dtype, read)


def _fill(file: IO[bytes], room: memoryview) -> None:
    done = 0
    while done < len(room):
        block = file.read(min(1 << 20, len(room) - done))
        if not block:
            raise EOFError("it ends too early")
        room[done : done + len(block)] = block
        done += len(block)


def in_our_words(contents: Contents) -> Contents:
    """The contents with the configurations of a later Keras in the words of Keras 2.2.4.

    Raises:
        ValueError: the model does what this Keras cannot.
    """
    if not keras3.is_later(contents.model):
        return contents
    assert contents.model is not None
    contents.model = keras3.translated(contents.model)
    contents.by_layer_name = True
    if contents.training is not None:
        contents.notes["later"] = ""
        try:
            contents.training = keras3_training.read(
                contents.training, begun=len(contents.optimizer or ()) > 2
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            contents.training, contents.notes["later"] = None, f"it is *not* compiled, because {error}"
    return contents
