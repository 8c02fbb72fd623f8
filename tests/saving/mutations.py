"""Changes to good files by a random seed: damage, wrong values in the structure, a valid seal again."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import random
import re
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import msgpack
import numpy as np
import yaml

from jkeras.saving import seal

LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "l", "function": ["4wAAAAA=\n", None, None], "function_type": "lambda"},
}
IMPORTED = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
WRONG: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**40, 2**63 - 1, 2**64 - 1, 10**30, 0.5, -1e9, 1e12, 1e300),
    *(float("nan"), float("inf"), "", "x", "relu", "../../secret", "/etc/passwd", "\0", "é" * 9, "9" * 5000),
    *([], [None], [1, 2], [[]], ["x"], {}, {"a": 1}, {"name": "x"}, {"class_name": "Dense"}),
    *(LAMBDA, IMPORTED, {"class_name": "__lambda__", "config": {"value": "4wAA"}}, {"__array__": "x"}),
    *({"class_name": "__keras_tensor__", "config": {}}, {"class_name": "Model", "config": {"layers": []}}),
]


class Unwritten(Exception):
    """A change that the library of the format does not write."""


# Bytes ------------------------------------------------------------------------------------------------------


def flip(data: bytes, rng: random.Random) -> bytes:
    """One to eight bits are other bits."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 8))):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def splice(data: bytes, rng: random.Random) -> bytes:
    """Some bytes are gone, are others, or stand there twice."""
    at, size = rng.randrange(len(data)), rng.choice((1, 4, 64, 512))
    new = rng.choice((b"", bytes(size), b"\xff" * size, rng.randbytes(size), 2 * data[at : at + size]))
    return data[:at] + new + data[at + size :]


BYTES = (flip, truncate, splice)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Damage as disks and networks do it; never the same bytes."""
    while (changed := rng.choice(BYTES)(data, rng)) == data:
        pass
    return changed


# Values -----------------------------------------------------------------------------------------------------


def places(tree: Any, at: tuple = ()) -> list[tuple]:
    """The path of every value in a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [at, *(place for key, value in items for place in places(value, (*at, key)))]


def at(tree: Any, place: tuple) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def replaced(tree: Any, place: tuple, value: Any) -> Any:
    """The tree with another value at a place."""
    if not place:
        return value
    tree = copy.deepcopy(tree)
    at(tree, place[:-1])[place[-1]] = value
    return tree


def wrong(tree: Any, rng: random.Random) -> Any:
    """The tree with something wrong somewhere: another value, a value of elsewhere, one missing or twice."""
    known = places(tree)
    place, kind = rng.choice(known[1:] or known), rng.randrange(8)
    if kind < 4 or not place:
        return replaced(tree, place, copy.deepcopy(rng.choice(WRONG)))
    if kind == 4:
        return replaced(tree, place, copy.deepcopy(at(tree, rng.choice(known))))
    tree = copy.deepcopy(tree)
    around, key = at(tree, place[:-1]), place[-1]
    if kind == 5:
        del around[key]
    elif isinstance(around, list):
        around.insert(rng.randrange(len(around) + 1), copy.deepcopy(around[key]))
    else:
        around[rng.choice(("name", "module", "fn", "units", f"{key}x"))] = around[key]
    return tree


def wrong_json(text: bytes | str, rng: random.Random) -> bytes:
    return json.dumps(wrong(json.loads(text), rng)).encode()


def wrong_yaml(text: bytes, rng: random.Random) -> bytes:
    tree = wrong(json.loads(json.dumps(yaml.safe_load(re.sub(rb"!!python/tuple", b"", text)))), rng)
    made = yaml.safe_dump(tree)
    extra = (
        "!!python/name:os.system",
        "!!python/object/new:os.system [id]",
        "&a [*a]",
        "*nobody",
        "!!binary x",
    )
    if rng.randrange(4) == 0:
        made = re.sub(r": (relu|null|true|\d+)\n", lambda m: f": {rng.choice(extra)}\n", made, count=1)
    return made.encode()


# Formats ----------------------------------------------------------------------------------------------------


def sealed_msgpack(content: dict) -> bytes:
    """A map in the form of our files, with the digest that belongs to it, in that of older ones."""
    content = {key: value for key, value in content.items() if key != "digest"}
    body = msgpack.Packer().pack_map_header(len(content) + 1)
    body += b"".join(msgpack.packb(key) + msgpack.packb(value) for key, value in content.items())
    return body + msgpack.packb("digest") + b"\xc4\x20" + hashlib.sha256(body).digest()


def wrong_msgpack(data: bytes, rng: random.Random) -> bytes:
    """One of our files with something wrong in it, and a valid seal; or a tree of flax."""
    content = msgpack.unpackb(data, strict_map_key=False)
    texts = [key for key in ("model_config", "training_config", "notes") if content.get(key)]
    while True:
        if texts and rng.randrange(2):
            key = rng.choice(texts)
            changed = {**content, key: wrong_json(content[key], rng).decode()}
        else:
            changed = wrong(content, rng)
            if not isinstance(changed, dict):
                continue
        try:
            return sealed_msgpack(changed) if "digest" in content else msgpack.packb(changed)
        except (OverflowError, ValueError, TypeError):  # what msgpack cannot hold
            continue


def wrong_flax(data: bytes, rng: random.Random) -> bytes:
    """A tree of flax with a wrong value, or an array whose description is wrong."""
    tree = msgpack.unpackb(data, strict_map_key=False)
    if rng.randrange(2):
        return wrong_msgpack(data, rng)
    arrays = [place for place in places(tree) if isinstance(at(tree, place), msgpack.ExtType)]
    place = rng.choice(arrays)
    code, inner = at(tree, place)
    shape = [rng.choice((0, 1, -1, 2**31, 2**62, "x", None))] * rng.randrange(4)
    kind = rng.choice(
        ("float32", "object", "O8", "U4", "complex64", "bfloat16", "V8", "M8[s]", "f4,i4", 4, None)
    )
    value = list(msgpack.unpackb(inner))
    value[rng.randrange(2)] = rng.choice((shape, kind))
    inner = rng.choice((msgpack.packb(value), damaged(inner, rng), inner))
    return msgpack.packb(replaced(tree, place, msgpack.ExtType(rng.choice((1, 1, 1, 2, 3, 42)), inner)))


def wrong_safetensors(data: bytes, rng: random.Random) -> bytes:
    """A wrong header: offsets, shapes, types, lengths; half of the time without a seal."""
    [size] = struct.unpack("<Q", data[:8])
    header, rest = json.loads(data[8 : 8 + size]), data[8 + size :]
    if rng.randrange(2):
        del header["__metadata__"]
    kind = rng.randrange(4)
    if kind == 0:
        return struct.pack("<Q", rng.choice((0, 1, size - 1, size + 9, 2**31, 2**63, 2**64 - 1))) + data[8:]
    if kind == 1:
        name = rng.choice([key for key in header if key != "__metadata__"])
        header[name][rng.choice(("shape", "data_offsets"))] = rng.choice(
            ([], [0, 0], [0, 2**40], [-1, 4], [4, 0], [2**62, 4], [len(rest) - 4, len(rest)], [1, 2, 3])
        )
    else:
        header = wrong(header, rng)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def _change_zip(names: dict[str, bytes], rng: random.Random, inner: Callable) -> bytes:
    buffer = io.BytesIO()
    kind = rng.randrange(6)
    method = rng.choice((0, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand there twice
        chosen = rng.choice(list(names))
        for name, data in names.items():
            if kind == 0 and name == chosen:
                continue
            if kind > 2 and name == chosen:
                data = inner(name, data, rng)
            archive.writestr(name, data)
        if kind == 1:
            for extra in ("../outside.txt", "/outside.txt", "a/../../outside.txt", "C:\\x", chosen):
                archive.writestr(extra, b"outside")
        if kind == 2:
            archive.writestr(f"{chosen}x", bytes(2**21))
    return buffer.getvalue()


def wrong_zip(
    data: bytes, rng: random.Random, inner: Callable = lambda name, data, rng: damaged(data, rng)
) -> bytes:
    """An archive with members changed, missing, doubled or leading out; or with lies in its directory."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    made = _change_zip(names, rng, inner)
    if rng.randrange(3) == 0:  # a lie in the directory: sizes, flags, method, place
        entries = [match.start() for match in re.finditer(b"PK\x01\x02", made)]
        place = rng.choice(entries) + rng.choice((8, 10, 16, 20, 24, 28, 30, 32, 42))
        lie = rng.choice((b"\x01\x00", b"\xff\xff\xff\xff", b"\x63\x00", b"\0\0\0\0", b"\xff\xff\xff\x7f"))
        made = made[:place] + lie + made[place + len(lie) :]
    return made


def wrong_npz(data: bytes, rng: random.Random) -> bytes:
    """An .npz with arrays that say to be others, or hold pickles."""

    def inner(name: str, content: bytes, rng: random.Random) -> bytes:
        if rng.randrange(3) == 0:
            return damaged(content, rng)
        shape = rng.choice(
            ("()", "(2,)", f"({2**40},)", f"({2**62}, 4)", "(-1,)", "('x',)", "(2**9,)", "(True,)")
        )
        kind = rng.choice(("<f4", "|O", "<U4", "<c8", "<M8[s]", "|V4", "[('a','<f4')]", ">f8", "no"))
        descr = kind if kind.startswith("[") else f"'{kind}'"
        header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
        header += b" " * (-(len(header) + 11) % 64) + b"\n"
        body = b"cos\nsystem\n(S'touch ran'\ntR." if kind == "|O" else content[-16:]
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body

    return wrong_zip(data, rng, inner)


def wrong_keras(data: bytes, rng: random.Random) -> bytes:
    """A .keras archive with a wrong configuration or wrong weights."""

    def inner(name: str, content: bytes, rng: random.Random) -> bytes:
        return wrong_json(content, rng) if name.endswith(".json") else wrong_hdf5(content, rng)

    return wrong_zip(data, rng, inner)


# HDF5 -------------------------------------------------------------------------------------------------------


def _link(group: h5py.Group, name: str, rng: random.Random) -> None:
    """Another link in the place of a member."""
    other = rng.choice((f"{group.name}/{name}", "/", "/nobody", "/model_weights", group.name))
    outside = h5py.ExternalLink(rng.choice(("secret.hdf5", "/etc/passwd", "")), rng.choice(("/d/w", "/")))
    group[name] = rng.choice((h5py.SoftLink(other), h5py.SoftLink("secret.hdf5"), outside, group.file["/"]))


def _dataset(group: h5py.Group, name: str, old: Any, rng: random.Random) -> None:
    """Another data set in the place of a member."""
    shape = old.shape if isinstance(old, h5py.Dataset) else (2,)
    kind = rng.randrange(8)
    if kind < 3:
        dtype = rng.choice(
            ("c8", "S4", h5py.string_dtype(), "f2", "i8", "bool", "f8", "O", [("a", "f")], "V3")
        )
        group.create_dataset(name, shape, h5py.string_dtype() if dtype == "O" else dtype)
    elif kind == 3:
        group[name] = h5py.Empty("f")
    elif kind == 4:
        huge = rng.choice(((2**27,), (2**31,), (2**40, 4), (2**60,), shape[:-1] + (2**33,)))
        filters = rng.choice(({}, {"chunks": True, "compression": "gzip"}, {"chunks": True}))
        group.create_dataset(name, huge, "f", **filters)
    elif kind == 5:
        group.create_dataset(name, shape or (2,), "f", external=[("raw.bin", 0, h5py.h5f.UNLIMITED)])
    elif kind == 6:
        layout = h5py.VirtualLayout((2,), "f")
        layout[:] = h5py.VirtualSource("secret.hdf5", "d/w", (2,))
        group.create_virtual_dataset(name, layout)
    else:
        group.create_dataset(name, rng.choice(((), (0,), (1,), (3, 3), shape[::-1], (*shape, 1))), "f")


def _attribute(group: Any, name: str, rng: random.Random) -> None:
    value = group.attrs[name]
    text = value.decode("utf8", "replace") if isinstance(value, bytes) else value
    if isinstance(text, str) and text[:1] in "{[" and rng.randrange(4):
        group.attrs.create(name, np.void(b"x") if rng.randrange(20) == 0 else wrong_json(text, rng))
        return
    names = np.asarray(value)
    choices = [
        *(h5py.Empty("S4"), 3, np.array([1, 2]), b"x", "text", b"..", b"/", np.nan, 1 + 2j, np.zeros((2, 2))),
        *(np.array([b"a", b"a"]), np.array(["ü"], h5py.string_dtype())),
        np.array([(1, 2)], [("a", "i"), ("b", "i")]),
    ]
    if names.ndim == 1 and len(names):
        choices += [names[::-1], names[1:], np.repeat(names, 2), names.reshape(-1, 1), names[:1]]
    group.attrs[name] = rng.choice(choices)


def wrong_hdf5(data: bytes, rng: random.Random) -> bytes:
    """An HDF5 file with another member, link, shape, type or attribute; sealed again where it was sealed.

    Raises:
        Unwritten: HDF5 does not write such a file.
    """
    buffer = io.BytesIO(data)
    try:
        with h5py.File(buffer, "r+") as file:
            _change_hdf5(file, rng)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise Unwritten from error
    made = buffer.getvalue()
    return sealed_hdf5(made) if data.startswith(b"jkeras ") else made


def _change_hdf5(file: h5py.File, rng: random.Random) -> None:
    members: list[str] = []
    file.visit(members.append)
    name = rng.choice(members)
    group, last, kind = file[name].parent, name.rpartition("/")[2], rng.randrange(10)
    attributes = [(item, key) for item in ("/", *members) for key in file[item].attrs]
    if kind < 5 and attributes:
        item, key = rng.choice(attributes)
        if rng.randrange(6):
            _attribute(file[item], key, rng)
        else:
            del file[item].attrs[key]
        return
    old = file[name]
    del group[last]
    if kind < 7:
        _dataset(group, last, old, rng)
    elif kind < 9:
        _link(group, last, rng)


def sealed_hdf5(data: bytes) -> bytes:
    """The file with the digest that belongs to it, in the form of older files."""
    line = b"jkeras sha256 " + hashlib.sha256(data[512:]).hexdigest().encode() + b"\n"
    return line + data[len(line) :]


def damaged_hdf5(data: bytes, rng: random.Random) -> bytes:
    """Damage in what HDF5 itself keeps, with a valid seal."""
    return sealed_hdf5(data[:512] + damaged(data[512:], rng))


def damaged_msgpack(data: bytes, rng: random.Random) -> bytes:
    """Damage before the digest, with a valid seal."""
    body = damaged(data[:-80], rng)
    return body + data[-80:-71] + seal.seal(io.BytesIO(body)).encode()


# What data sets come in -------------------------------------------------------------------------------------


def wrong_tar(data: bytes, rng: random.Random) -> bytes:
    """A tar archive with a link, a device, a name that leads out, or a lie about a size."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=rng.choice(("w", "w:gz", "w:xz"))) as archive:
        with tarfile.open(fileobj=io.BytesIO(data)) as old:
            for member in old:
                archive.addfile(member, old.extractfile(member))
        info = tarfile.TarInfo(
            rng.choice(("../outside.txt", "/tmp/../outside", "set", "set/one.txt/x", "a" * 300))
        )
        kinds = (
            tarfile.REGTYPE,
            tarfile.SYMTYPE,
            tarfile.LNKTYPE,
            tarfile.FIFOTYPE,
            tarfile.CHRTYPE,
            b"S",
            b"?",
        )
        info.type = rng.choice(kinds)
        info.linkname = rng.choice(("../secret.hdf5", "/etc/passwd", "set", "set/one.txt"))
        archive.addfile(info)
        if rng.randrange(2):
            extra = tarfile.TarInfo(info.name + "/through-the-link")
            archive.addfile(extra)
    return damaged(buffer.getvalue(), rng) if rng.randrange(4) == 0 else buffer.getvalue()


def wrong_pickle(data: bytes, rng: random.Random) -> bytes:
    """A pickle that names what is no data, or is a damaged program."""
    named = rng.choice((b"cos\nsystem\n", b"cbuiltins\neval\n", b"cnumpy\nload\n", b"cnumpy\nndarray\n"))
    programs = (
        named + b"(S'touch ran'\ntR.",
        b"\x80\x02" + named + b"X\x09\0\0\0touch ran\x85R.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x09touch ran\x85R.",
        b"(lp0\n" + b"(lp1\n" * 3000,
        b"\x80\x02]q\0h\0a.",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**40),
        b"\x80\x02" + b"]" + b"(".join([b"]2"] * 50) + b".",
        b"Pid\n.",
    )
    return rng.choice(programs) if rng.randrange(2) else damaged(data, rng)
