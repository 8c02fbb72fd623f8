"""The msgpack codec: one map, readable by any msgpack library; its last entry is a seal of what is before.

    format          "jkeras"
    version         of this layout
    keras_version, backend
    model_config    JSON text, or nil in a file of weights only
    training_config JSON text or nil
    weights         [[layer name, [array, …]], …] in creation order
    optimizer       [array, …] as Keras orders them, or nil
    notes           JSON text: what has no other place (the state of a run …)
    arrays          [array, …] the same for arrays, named by path
    digest          text: the seal (`saving/seal.py`) of all bytes before it; in version 1 their SHA-256

An array is `[name, dtype, shape, bytes]`: little-endian, C order; an array above 1 GiB has a list of byte
strings.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import io
import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgpack
import numpy as np

from jkeras.core.types import AnyDict, AnyList, Function
from jkeras.saving import seal
from jkeras.saving.contents import Contents, LayerContents, array_type, is_numpy, little_endian
from jkeras.saving.limits import parse_json, regular, telling
from jkeras.saving.scan import Piece, scan
from jkeras.saving.scan import array as stored_array


def _packed(value: Any) -> bytes:
    packed: bytes | None = msgpack.packb(value)
    return packed or b""


_packer: Function = msgpack.Packer  # for the heads of lists
_NIL = _packed(None)


VERSION = 2
_VERSIONS = (1, VERSION)  # that are read
_PIECE = 1 << 30
_TAIL = _packed("digest") + bytes([0xD9, seal.LENGTH])  # the key and the head of a text
_SHA256 = _packed("digest") + bytes([0xC4, 32])  # the same of version 1
_KEYS = (
    "format version keras_version backend model_config training_config weights optimizer notes arrays digest"
).split()
# A map of 11 entries, the key "format" and its value: how a file of ours starts.
SIGNATURE = bytes([0x80 | len(_KEYS)]) + _packed("format") + _packed("jkeras")


def write_file(path: str | Path, contents: Contents) -> None:
    """Write `contents` at `path` (not atomic by itself)."""
    with open(path, "w+b") as file:
        for piece in _body(contents):
            file.write(piece)
        file.flush()
        file.write(_TAIL + seal.seal(file).encode())


def read_file(path: str | Path, accept_changed: bool = False) -> Contents:
    """All that `open_file` finds, read at once."""
    with telling(path):
        return open_file(path, accept_changed).loaded()


def open_file(path: str | Path, accept_changed: bool = False) -> Contents:
    """The contents of a file of ours; its arrays are read when asked for.

    Args:
        path: the file.
        accept_changed: read it even if its digest does not match.

    Raises:
        ValueError: it is truncated, damaged, of a newer layout or not ours.
    """
    with telling(path), contextlib.ExitStack() as stack:
        contents = open_bytes(stack.enter_context(open(regular(path), "rb")), accept_changed)
        stack.pop_all()
        return contents


def dumps(contents: Contents) -> bytes:
    """The bytes of a file that holds `contents`."""
    body = b"".join(_body(contents))
    return body + _TAIL + seal.seal(io.BytesIO(body)).encode()


def _body(contents: Contents) -> Iterator[bytes | memoryview]:
    """The file without its end, piece by piece, so that a large model is never held twice."""
    words = _words(contents)
    yield _packer().pack_map_header(len(_KEYS))
    for key in _KEYS[:-1]:
        yield _packed(key)
        if key == "weights":
            yield _packer().pack_array_header(len(contents.layers))
            for layer in contents.layers:
                yield _packer().pack_array_header(2) + _packed(layer.name)
                yield from _packed_arrays(layer.weights)
        elif key == "optimizer":
            yield from _packed_arrays(contents.optimizer)
        elif key == "arrays":
            yield from _packed_arrays(contents.arrays.items())
        else:
            yield _packed(words[key])


def _packed_arrays(arrays: Iterable[tuple[str, np.ndarray]] | None) -> Iterator[bytes | memoryview]:
    arrays = None if arrays is None else list(arrays)
    yield _NIL if arrays is None else _packer().pack_array_header(len(arrays))
    for name, value in arrays or ():
        value = np.asarray(value)
        yield _packer().pack_array_header(4) + _packed(name) + _packed(value.dtype.name)
        yield _packed(list(value.shape))
        data = little_endian(value).reshape(-1).view(np.uint8).data
        yield from _packed_bytes(data)


def _packed_bytes(data: memoryview) -> Iterator[bytes | memoryview]:
    """Bytes as msgpack has them, without a copy; those of a large array in pieces."""
    starts = range(0, len(data), _PIECE)
    if len(data) > _PIECE:
        yield _packer().pack_array_header(len(starts))
    for start in starts or (0,):
        piece = data[start : start + _PIECE]
        size = len(piece)
        code, form = (0xC4, ">BB") if size < 1 << 8 else (0xC5, ">BH") if size < 1 << 16 else (0xC6, ">BI")
        yield struct.pack(form, code, size)
        yield piece


def _words(contents: Contents) -> dict[str, Any]:
    """The entries of a file beside arrays."""

    def text(value: Any) -> str | None:
        return None if value is None else json.dumps(value)

    return {
        "format": "jkeras",
        "version": VERSION,
        "keras_version": contents.keras_version,
        "backend": contents.backend,
        "model_config": text(contents.model),
        "training_config": text(contents.training),
        "notes": text(contents.notes),
    }


def to_map(contents: Contents) -> dict[str, Any]:
    """The content of a file as plain values, without the digest."""

    def arrays(pairs: Iterable[tuple[str, Any]] | None) -> list[Any] | None:
        return None if pairs is None else [_array(name, value) for name, value in pairs]

    content = _words(contents) | {
        "weights": [[layer.name, arrays(layer.weights)] for layer in contents.layers],
        "optimizer": arrays(contents.optimizer),
        "arrays": arrays(contents.arrays.items()),
    }
    return {key: content[key] for key in _KEYS[:-1]}


def _array(name: str, value: np.ndarray) -> list[Any]:
    value = np.asarray(value)
    data = little_endian(value).tobytes()
    split = [data[i : i + _PIECE] for i in range(0, len(data), _PIECE)] if len(data) > _PIECE else data
    return [name, value.dtype.name, list(value.shape), split]


def loads(data: bytes, accept_changed: bool = False) -> Contents:
    """Read what `dumps` wrote, see `open_bytes`."""
    return open_bytes(io.BytesIO(data), accept_changed).loaded()


def open_bytes(file: BinaryIO, accept_changed: bool = False) -> Contents:
    """The contents of an open file, after checking its digest (unless a change is accepted).

    Raises:
        ValueError: the bytes are truncated, damaged, of a newer layout or not ours.
    """
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE[:size] or not size:
        raise ValueError("not a jkeras msgpack file: it does not start as one.")
    split, word = _end(file, size)
    if split < len(SIGNATURE):
        raise ValueError(f"truncated msgpack file: {size} bytes do not end in the digest that closes a file.")
    if not accept_changed and not seal.fits(word, file, 0, split):
        raise ValueError(
            "damaged msgpack file: the digest at its end does not match the bytes before it. If another "
            "tool has edited it and you want the change, load it with accept_changed=True (--accept-changed "
            "on the command line)."
        )
    with telling("damaged msgpack file"):
        contents = from_map(scan(file))
    contents.file = file
    return contents


def _end(file: BinaryIO, size: int) -> tuple[int, str]:
    """The number of bytes before the digest, and the seal that it is; (0, "") where there is none."""
    for head, length in ((_TAIL, seal.LENGTH), (_SHA256, 32)):
        split = size - len(head) - length
        file.seek(max(0, split))
        tail = file.read()
        if split > 0 and tail.startswith(head):
            value = tail[len(head) :]
            return split, value.decode("latin-1") if head == _TAIL else f"sha256 {value.hex()}"
    return 0, ""


def from_map(content: dict[str, Any]) -> Contents:
    """Undo `to_map`.

    Raises:
        ValueError: a part is missing or malformed, or the layout is a newer one.
    """
    if not isinstance(content, AnyDict) or content.get("format") != "jkeras":
        raise ValueError("not a jkeras file: expected the entry 'format' to say 'jkeras'.")
    if content.get("version") not in _VERSIONS:
        raise ValueError(
            f"the file has layout version {content.get('version')}, this jkeras reads {VERSION} and less: "
            "load it with the jkeras that wrote it, or a newer one."
        )
    with telling("malformed jkeras file"):

        def parse(key: str) -> Any:
            text = content[key]
            return None if text is None else parse_json(text, f"the entry {key!r}")

        optimizer = content["optimizer"]
        return Contents(
            model=parse("model_config"),
            training=parse("training_config"),
            layers=[LayerContents(name, [_value(a) for a in arrays]) for name, arrays in content["weights"]],
            optimizer=None if optimizer is None else [_value(a) for a in optimizer],
            notes=parse("notes") or {},
            arrays=dict(_value(a) for a in content["arrays"]),
            keras_version=content["keras_version"],
            backend=content["backend"],
        )


def _value(array: list[Any]) -> tuple[str, Any]:
    name, dtype, shape, data = array
    parts = data if isinstance(data, AnyList) else [data]
    if not isinstance(name, str):
        raise ValueError(f"an array is called {name!r:.200}.")
    if all(isinstance(part, Piece) for part in parts):
        return name, stored_array(shape, dtype, parts)
    kind = array_type(dtype)
    little = kind.newbyteorder("<") if is_numpy(kind) else kind
    return name, np.frombuffer(b"".join(parts), little).reshape(shape).astype(kind, copy=False)
