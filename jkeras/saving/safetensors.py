"""The safetensors codec: weights by name, with the architecture and a seal in the metadata."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import IO, Any

import numpy as np

from jkeras.saving import seal
from jkeras.saving.contents import Contents, little_endian
from jkeras.saving.limits import CHANGED, MALFORMED, parse_json, regular
from jkeras.saving.scan import Piece
from jkeras.saving.scan import array as stored_array

_MODEL, _SEAL, _SHA256 = "jkeras", "jkeras_seal", "jkeras_sha256"  # in the metadata; the last: in older files
_BLANK = "0"  # stands in the place of each letter of the seal in what is sealed
_LONGEST = 100_000_000  # bytes of a header, as the format's own library has it
_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16",
    "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def is_one(path: Path, head: bytes) -> bool:
    """Whether a file that begins with `head` is one of safetensors, or says so by its name."""
    there = path.stat().st_size
    return head[8:9] == b"{" and (path.suffix == ".safetensors" or int.from_bytes(head[:8], "little") < there)


def open_file(path: Path, accept_changed: bool = False) -> Contents:
    """The tensors of a file by name, and the architecture if jkeras wrote it; they are read when asked for.

    Args:
        path: the file.
        accept_changed: read a file that was changed after jkeras had sealed it.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(regular(path), "rb"))
            head = _head(file)
            header = parse_json(head[8:], "its header")
            metadata: dict[str, Any] = header.pop("__metadata__", None) or {}
            if metadata.keys() & {_MODEL, _SEAL, _SHA256} and not (
                accept_changed or _whole(file, head, metadata)
            ):
                raise ValueError(CHANGED)
            config: str | None = metadata.get(_MODEL)
            contents = Contents(
                tree=_tensors(file, header, len(head)),
                model=parse_json(config, "its metadata") if config else None,
                file=file,
            )
            stack.pop_all()
            return contents
    except MALFORMED as error:
        raise ValueError(f"{path} is no .safetensors file that can be read: {error}") from error


def write_file(path: Path, contents: Contents) -> None:
    """Write the weights, named `layer/weight`, with the architecture and a seal (not atomic by itself).

    Raises:
        ValueError: the format has no word for the type of a weight.
    """
    head, arrays = _header(contents)
    start, end, before = _sealed(head, _SEAL, seal.LENGTH)
    with open(path, "w+b") as file:
        file.write(head)
        for value in arrays:
            file.write(little_endian(value).reshape(-1).view(np.uint8).data)
        file.flush()
        word = seal.seal(file, end, before)
        file.seek(start)
        file.write(word.encode())


def _header(contents: Contents) -> tuple[bytes, list[np.ndarray]]:
    """The beginning of a file, its seal blank, and the arrays that follow it, those of wide numbers first."""
    words = {name: word for word, name in _TYPES.items()}
    config = json.dumps(contents.model) if contents.model else ""
    header: dict[str, Any] = {"__metadata__": {_MODEL: config, _SEAL: _BLANK * seal.LENGTH}}
    named = {
        f"{layer.name}/{name.split(':')[0].removeprefix(layer.name + '/')}": np.asarray(value)
        for layer in contents.layers
        for name, value in layer.weights
    }
    named = dict(sorted(named.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])))
    at = 0
    for name, value in named.items():
        if value.dtype.name not in words:
            raise ValueError(f"the weight {name!r} is of the type {value.dtype}, which .safetensors lacks.")
        entry = {
            "dtype": words[value.dtype.name],
            "shape": value.shape,
            "data_offsets": [at, at + value.nbytes],
        }
        header[name], at = entry, at + value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, list(named.values())


def _head(file: IO[bytes]) -> bytes:
    """The length of the header, and the header."""
    size = file.seek(0, 2)
    file.seek(0)
    first = file.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > min(size - 8, _LONGEST):
        raise ValueError(f"its header says to have {length} bytes; the file has {size}.")
    return first + file.read(length)


def _whole(file: Any, head: bytes, metadata: dict[str, Any]) -> bool:
    """Whether the file is as it was sealed; not where it has lost its seal."""
    if _SEAL in metadata:
        _, end, before = _sealed(head, _SEAL, seal.LENGTH)
        return end > 0 and seal.fits(metadata[_SEAL], file, end, head=before)
    _, end, before = _sealed(head, _SHA256, 64)
    return end > 0 and seal.fits(f"sha256 {metadata.get(_SHA256)}", file, end, head=before)


def _sealed(head: bytes, key: str, length: int) -> tuple[int, int, bytes]:
    """Begin and end of the seal (0 if there is none), and what stands before its end, with it blank."""
    mark = f'"{key}":"'.encode()
    start = head.find(mark) + len(mark)
    if start < len(mark):
        return 0, 0, b""
    return start, start + length, head[:start] + _BLANK.encode() * length


def _tensors(file: Any, header: dict[str, Any], start: int) -> dict[str, Any]:
    """The tensors by name, which stand in the file one behind the other.

    Raises:
        ValueError: there are gaps, or shapes that do not fit.
    """
    found, at = {}, start
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if type(begin) is not int or type(end) is not int or start + begin != at or end < begin:
            raise ValueError(
                f"the tensor {name!r} stands at {begin!r} to {end!r}, not behind the one before."
            )
        at = start + end
        if (kind := _TYPES.get(entry["dtype"])) is None:
            raise ValueError(f"the tensor {name!r} is of the type {entry['dtype']}")
        found[name] = stored_array(entry["shape"], kind, [Piece(file, start + begin, end - begin)])
    if at != file.seek(0, 2):
        raise ValueError(f"its tensors end at {at}, the file does not.")
    return {name.replace(".", "/"): found[name] for name in header}
