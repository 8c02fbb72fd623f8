"""The msgpack codec: one map, readable by any msgpack library; its last entry is a digest of what is before.

    format          "jkeras"
    version         of this layout
    keras_version, backend
    model_config    JSON text, or nil in a file of weights only
    training_config JSON text or nil
    weights         [[layer name, [array, …]], …] in creation order
    optimizer       [array, …] as Keras orders them, or nil
    notes           JSON text: what has no other place (the state of a run …)
    arrays          [array, …] the same for arrays, named by path
    digest          SHA-256 of all bytes before this entry

An array is `[name, dtype, shape, bytes]`: little-endian, C order; an array above 1 GiB has a list of byte
strings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from jkeras.saving.contents import Contents, LayerContents, array_type, is_numpy
from jkeras.saving.limits import MALFORMED, parse_json, regular, telling


def _packed(value: Any) -> bytes:
    return msgpack.packb(value) or b""


VERSION = 1
_PIECE = 1 << 30
_TAIL = _packed("digest") + b"\xc4\x20"  # the key and the head of a 32-byte string
_KEYS = (
    "format version keras_version backend model_config training_config weights optimizer notes arrays digest"
).split()
# A map of 11 entries, the key "format" and its value: how a file of ours starts.
SIGNATURE = bytes([0x80 | len(_KEYS)]) + _packed("format") + _packed("jkeras")


def write_file(path: str | Path, contents: Contents) -> None:
    """Write `contents` at `path` (not atomic by itself)."""
    with open(path, "wb") as file:
        for piece in pieces(contents):
            file.write(piece)


def read_file(path: str | Path, accept_changed: bool = False) -> Contents:
    """Read a file of ours.

    Args:
        path: the file.
        accept_changed: read it even if its digest does not match.

    Raises:
        ValueError: it is truncated, damaged, of a newer layout or not ours.
    """
    with telling(path):
        return loads(regular(path).read_bytes(), accept_changed)


def dumps(contents: Contents) -> bytes:
    """The bytes of a file that holds `contents`."""
    return b"".join(pieces(contents))


def pieces(contents: Contents) -> Iterator[bytes]:
    """The file piece by piece, so that a large model is never held twice."""
    sha = hashlib.sha256()
    for piece in _body(contents):
        sha.update(piece)
        yield piece
    yield _TAIL + sha.digest()


def _body(contents: Contents) -> Iterator[bytes]:
    packer = msgpack.Packer()
    content = to_map(contents)
    yield packer.pack_map_header(len(content) + 1)
    for key, value in content.items():
        yield packer.pack(key)
        if key == "weights":
            yield packer.pack_array_header(len(value))
            for layer, arrays in value:
                yield packer.pack_array_header(2) + packer.pack(layer)
                yield from _pack_list(packer, arrays)
        elif key in ("optimizer", "arrays") and value is not None:
            yield from _pack_list(packer, value)
        else:
            yield packer.pack(value)


def _pack_list(packer: msgpack.Packer, arrays: list) -> Iterator[bytes]:
    yield packer.pack_array_header(len(arrays))
    for array in arrays:
        yield packer.pack(array)


def to_map(contents: Contents) -> dict[str, Any]:
    """The content of a file as plain values, without the digest."""

    def text(value):
        return None if value is None else json.dumps(value)

    def arrays(pairs):
        return None if pairs is None else [_array(name, value) for name, value in pairs]

    return {
        "format": "jkeras",
        "version": VERSION,
        "keras_version": contents.keras_version,
        "backend": contents.backend,
        "model_config": text(contents.model),
        "training_config": text(contents.training),
        "weights": [[layer.name, arrays(layer.weights)] for layer in contents.layers],
        "optimizer": arrays(contents.optimizer),
        "notes": text(contents.notes),
        "arrays": arrays(contents.arrays.items()),
    }


def _array(name: str, value: np.ndarray) -> list:
    value = np.asarray(value)
    little = value.astype(value.dtype.newbyteorder("<"), copy=False) if is_numpy(value.dtype) else value
    data = little.tobytes()
    split = [data[i : i + _PIECE] for i in range(0, len(data), _PIECE)] if len(data) > _PIECE else data
    return [name, value.dtype.name, list(value.shape), split]


def loads(data: bytes, accept_changed: bool = False) -> Contents:
    """Read what `dumps` wrote, after checking its digest (unless a change is accepted).

    Raises:
        ValueError: the bytes are truncated, damaged, of a newer layout or not ours.
    """
    if not data.startswith(SIGNATURE[: len(data)]) or not data:
        raise ValueError("not a jkeras msgpack file: it does not start as one.")
    split = len(data) - len(_TAIL) - 32
    if split < len(SIGNATURE) or data[split : split + len(_TAIL)] != _TAIL:
        raise ValueError(
            f"truncated msgpack file: {len(data)} bytes do not end in the digest that closes a file."
        )
    if not accept_changed and hashlib.sha256(memoryview(data)[:split]).digest() != data[-32:]:
        raise ValueError(
            "damaged msgpack file: the digest at its end does not match the bytes before it. If another "
            "tool has edited it and you want the change, load it with accept_changed=True (--accept-changed "
            "on the command line)."
        )
    try:
        content = msgpack.unpackb(data, strict_map_key=True)
    except (ValueError, TypeError, OverflowError, MemoryError, msgpack.UnpackException) as e:
        raise ValueError(f"damaged msgpack file: {e}") from e
    return from_map(content)


def from_map(content: dict[str, Any]) -> Contents:
    """Undo `to_map`.

    Raises:
        ValueError: a part is missing or malformed, or the layout is a newer one.
    """
    if not isinstance(content, dict) or content.get("format") != "jkeras":
        raise ValueError("not a jkeras file: expected the entry 'format' to say 'jkeras'.")
    if content.get("version") != VERSION:
        raise ValueError(
            f"the file has layout version {content.get('version')}, this jkeras reads version {VERSION}: "
            "load it with the jkeras that wrote it, or a newer one."
        )
    try:

        def parse(key):
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
    except MALFORMED as e:
        raise ValueError(f"malformed jkeras file: {type(e).__name__}: {e}") from e


def _value(array: list) -> tuple[str, np.ndarray]:
    name, dtype, shape, data = array
    kind = array_type(dtype)
    data = b"".join(data) if isinstance(data, list) else data
    little = kind.newbyteorder("<") if is_numpy(kind) else kind
    value = np.frombuffer(data, little).reshape(shape).astype(kind, copy=False)
    return name, value
