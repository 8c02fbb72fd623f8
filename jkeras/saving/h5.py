"""The HDF5 codec: the layout of Keras 2.2.4, with what Keras has no place for in one extra group, `jkeras`.

A file starts with a user block of 512 bytes that holds the seal of everything behind it (`jkeras`, see
`saving/seal.py`, and a line feed); HDF5 readers skip it.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import io
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jkeras.core.stored import Stored
from jkeras.saving import foreign, seal
from jkeras.saving.access import Access
from jkeras.saving.contents import (
    Contents,
    LayerContents,
    array_type,
    as_bytes_or_numpy,
    unique_names,
    with_numpy_types,
)
from jkeras.saving.hdf5_file import Reading, created
from jkeras.saving.limits import CHANGED, parse_json, telling

SIGNATURE = b"\x89HDF\r\n\x1a\n"
USER_BLOCK = 512
MARK = b"jkeras "
_SEALED = re.compile(rb"jkeras (blocks|sha256) |.{14}[0-9a-f]{64}\n", re.DOTALL)  # also if a bit is wrong
# HDF5 keeps fixed-size attributes in the object header, which ends at 64 KB; Keras splits longer lists of
# names.
ATTRIBUTE_LIMIT = 64512


def write_file(path: str | Path, contents: Contents) -> None:
    """Write `contents` as a sealed HDF5 file at `path` (not atomic by itself)."""
    with created(path, USER_BLOCK) as file:
        write_group(file, contents)
    with open(path, "r+b") as raw:
        line = MARK + seal.seal(raw, USER_BLOCK).encode() + b"\n"
        raw.seek(0)
        raw.write(line)


def read_file(path: str | Path | io.BytesIO, accept_changed: bool = False) -> Contents:
    """All that `open_file` finds, read at once."""
    with telling(path):
        return open_file(path, accept_changed).loaded()


def open_file(path: str | Path | io.BytesIO, accept_changed: bool = False) -> Contents:
    """The contents of an HDF5 file (or its bytes) that Keras or jkeras wrote; its arrays are read when asked.

    Args:
        path: the file.
        accept_changed: read a file that was changed after jkeras had sealed it.

    Raises:
        ValueError: the file is damaged or changed, or holds neither a model nor weights.
    """
    with telling(path, "a truncated or damaged HDF5 file"):
        if not accept_changed:
            _check_seal(path)
        try:
            with contextlib.ExitStack() as stack:
                raw = path if isinstance(path, io.BytesIO) else stack.enter_context(open(path, "rb"))
                file = Reading(raw)
                contents = read_group(stack.enter_context(h5py.File(file, "r")), file)
                contents.file = stack.pop_all()
                return contents
        except OSError as e:
            raise ValueError(f"a truncated or damaged HDF5 file: {e}") from e


def _check_seal(path: str | Path | io.BytesIO) -> None:
    """Refuse a sealed file that is not as it was written: HDF5 itself does not notice changed numbers."""
    opened = contextlib.nullcontext(path) if isinstance(path, io.BytesIO) else open(path, "rb")
    with opened as raw:
        head = raw.read(USER_BLOCK)
        word, end = head[len(MARK) :][: seal.LENGTH].decode("latin-1"), head[len(MARK) + seal.LENGTH :][:1]
        marked = head.startswith(MARK) and end == b"\n"
        if _SEALED.match(head) and not (marked and seal.fits(word, raw, USER_BLOCK)):
            raise ValueError(CHANGED)
        raw.seek(0)


# Writing ---------------------------------------------------------------------------------------------------


def write_group(group: h5py.Group, contents: Contents) -> None:
    """Write `contents` into an open HDF5 group (or file) in Keras's layout.

    Raises:
        ValueError: it holds a model already.
    """
    if "model_weights" in group or has_names(group, "layer_names"):
        raise ValueError(
            f"The HDF5 group {group.name!r} holds a model or weights already: write into another group, "
            f"`file.create_group(name)`, or clear this one first."
        )
    if contents.model is None:
        _write_layers(group, contents)
    else:
        _write_stamp(group, contents)
        group.attrs["model_config"] = json.dumps(contents.model).encode()
        _write_layers(group.create_group("model_weights"), contents)
    if contents.training is not None:
        group.attrs["training_config"] = json.dumps(contents.training).encode()
    if contents.optimizer is not None:
        _write_arrays(group.create_group("optimizer_weights"), contents.optimizer)
    if contents.notes or contents.arrays:
        _write_extra(group.create_group("jkeras"), contents)


def _write_stamp(group: h5py.Group, contents: Contents) -> None:
    group.attrs["keras_version"] = contents.keras_version.encode()
    if contents.backend is not None:
        group.attrs["backend"] = contents.backend.encode()


def _write_layers(group: h5py.Group, contents: Contents) -> None:
    write_names(group, "layer_names", [layer.name for layer in contents.layers])
    _write_stamp(group, contents)
    for layer in contents.layers:
        _write_arrays(group.require_group(layer.name), layer.weights)


def _write_arrays(group: h5py.Group, arrays: list[tuple[str, np.ndarray]]) -> None:
    names = unique_names([name for name, _ in arrays])
    write_names(group, "weight_names", names)
    values = with_numpy_types([value for _, value in arrays])  # HDF5 does not know bfloat16 and the like
    for name, value in zip(names, values, strict=True):
        group.create_dataset(name, data=value)


def write_names(group: h5py.Group, key: str, names: list[str]) -> None:
    """Write a list of names as one attribute, or as `key0`, `key1` … where HDF5's limit needs it."""
    data = np.asarray([name.encode() for name in names])  # empty: float64, as in Keras's files
    if data.dtype.itemsize > ATTRIBUTE_LIMIT:
        raise ValueError(
            f"HDF5 cannot hold a name longer than {ATTRIBUTE_LIMIT} bytes: {max(names, key=len)[:80]!r}…"
        )
    per_part = ATTRIBUTE_LIMIT // data.dtype.itemsize
    parts = np.array_split(data, max(1, -(-len(data) // per_part)))
    if len(parts) == 1:
        group.attrs[key] = data
    else:
        for i, part in enumerate(parts):
            group.attrs[f"{key}{i}"] = part


def _write_extra(group: h5py.Group, contents: Contents) -> None:
    group.attrs["notes"] = json.dumps(contents.notes)
    raws = as_bytes_or_numpy(contents.arrays.values())
    for i, (name, value), raw in zip(range(len(raws)), contents.arrays.items(), raws, strict=True):
        dataset = group.create_dataset(f"{i:06d}", data=raw)
        dataset.attrs["name"] = name
        if raw is not value:
            dataset.attrs["dtype"], dataset.attrs["shape"] = value.dtype.name, value.shape


# Reading ---------------------------------------------------------------------------------------------------


def read_group(group: h5py.Group, file: Reading | None = None) -> Contents:
    """Read Keras's layout from an open HDF5 group: a whole model, or weights only.

    Args:
        group: it.
        file: what HDF5 reads it from, if that is known.

    Raises:
        ValueError: the group is neither.
    """
    access = Access(group, file)
    whole = "model_config" in group.attrs
    weights = None if has_names(group, "layer_names") else access.find(group, "model_weights")
    weights = group if weights is None else weights
    if weights is group and not has_names(group, "layer_names") and foreign.has_places(group):
        return foreign.read_places(group, file)
    if not isinstance(weights, h5py.Group) or not has_names(weights, "layer_names"):
        raise ValueError(
            "no Keras model or weights in this HDF5 file: expected the attribute 'layer_names' at its root "
            f"or in the group 'model_weights'; found attributes {sorted(group.attrs)[:10]} and members "
            f"{sorted(itertools.islice(group, 10))}."
        )
    layers = [
        LayerContents(n, _read_arrays(access, access.member(weights, n, h5py.Group)))
        for n in read_names(weights, "layer_names")
    ]
    contents = Contents(
        layers=layers, keras_version=_text(weights, "keras_version") or "1", backend=_text(weights, "backend")
    )
    if whole:
        contents.model = _json(group, "model_config")
    if "training_config" in group.attrs:
        contents.training = _json(group, "training_config")
    optimizer = access.find(group, "optimizer_weights")
    if optimizer is not None:
        contents.optimizer = _read_arrays(access, access.member(group, "optimizer_weights", h5py.Group))
    extra = access.find(group, "jkeras")
    if isinstance(extra, h5py.Group) and "notes" in extra.attrs:
        contents.notes, contents.arrays = _read_extra(access, extra)
    return contents


def has_names(group: h5py.Group, key: str) -> bool:
    """Whether `group` has a list of names, in one part or several."""
    return key in group.attrs or f"{key}0" in group.attrs


def read_names(group: h5py.Group, key: str) -> list[str]:
    """The list of names that `write_names` wrote."""
    parts: list[Any] = [group.attrs[key]] if key in group.attrs else []
    if not parts:
        i = 0
        while f"{key}{i}" in group.attrs:
            parts.append(group.attrs[f"{key}{i}"])
            i += 1
        if not parts:
            raise ValueError(f"the group {group.name} has no attribute {key!r}.")
    return [n.decode() if isinstance(n, bytes) else str(n) for part in parts for n in np.atleast_1d(part)]


def _text(group: h5py.Group, key: str) -> str | None:
    value: Any = group.attrs.get(key)
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)


def _json(group: h5py.Group, key: str) -> Any:
    return parse_json(_text(group, key) or "", f"the attribute {key!r}")


def _read_arrays(access: Access, group: h5py.Group) -> list[tuple[str, Any]]:
    return [
        (name, access.array(access.member(group, name, h5py.Dataset)))
        for name in read_names(group, "weight_names")
    ]


def _read_extra(access: Access, group: h5py.Group) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays: dict[str, Any] = {}
    keys: list[str] = list(group.keys())
    for key in keys:
        dataset = access.member(group, key, h5py.Dataset)
        value: Any = access.array(dataset)
        if "dtype" in dataset.attrs:
            value = _of_guest_type(value, _text(dataset, "dtype"), dataset.attrs["shape"])
        arrays[_text(dataset, "name") or key] = value
    return _json(group, "notes"), arrays


def _of_guest_type(stored: Stored, kind: str | None, shape: Any) -> Stored:
    """An array of a type that HDF5 does not know, of its bytes.

    Raises:
        ValueError: these are more, or fewer.
    """
    dtype, shape = array_type(kind), tuple(int(n) for n in np.atleast_1d(shape))
    if stored.dtype != np.uint8 or stored.size != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{stored.size} values of {stored.dtype} are no array of {kind} of shape {shape}.")

    def read(room: np.ndarray) -> None:
        room[...] = np.asarray(stored).reshape(-1).view(dtype).reshape(shape)

    return Stored(shape, dtype, read)
