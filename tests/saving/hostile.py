"""Files made to harm: written by `write`, loaded by this file as a program, one after another."""

from __future__ import annotations

import copy
import json
import os
import signal
import sys
from pathlib import Path

import h5py
import msgpack
import numpy as np

BIG = (2**31, 2**40, 2**61 - 1)


def dense(units=2, name="d", **config):
    shape = {"batch_input_shape": [None, 3]} if name == "d" else {}
    return {"class_name": "Dense", "config": {"name": name, "units": units, **shape, **config}}


def sequential(*layers):
    return {"class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}}


def functional(*layers, out="y", inputs=("x",)):
    first = {"class_name": "InputLayer", "name": "x", "inbound_nodes": []}
    first["config"] = {"name": "x", "batch_input_shape": [None, 2], "dtype": "float32", "sparse": False}
    places = [[name, 0, 0] for name in inputs]
    config = {"name": "m", "layers": [first, *layers], "input_layers": places, "output_layers": [[out, 0, 0]]}
    return {"class_name": "Model", "config": config}


def node(name, *sources, kind="Dense", **config):
    config = {"name": name, **({"units": 2} if kind == "Dense" else {}), **config}
    inbound = [[[s, 0, 0, {}] for s in sources]] if sources else []
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": inbound}


def deep(depth: int, text: str = "[]") -> str:
    return text[0] * depth + text[1] * depth


def configurations() -> dict[str, object]:
    """Architectures that must be refused: objects, or JSON text."""
    nested = sequential(dense())
    for _ in range(80):
        nested = sequential(nested)
    lambda_ = {"class_name": "Lambda", "config": {"name": "l", "function_type": "lambda", "arguments": {}}}
    code = copy.deepcopy(lambda_)
    code["config"]["function"] = ["4wAAAAA=\n", None, None]
    named = copy.deepcopy(lambda_)
    named["config"] |= {"function_type": "function", "function": "system", "arguments": {"command": "id"}}
    named["config"]["batch_input_shape"] = [None, 2]
    repeat = [node("r0", "x", kind="RepeatVector", n=10**9)]
    grown = [node(f"c{i + 1}", f"c{i}", f"c{i}", kind="Concatenate", axis=-1) for i in range(62)]
    return {
        "deep-lists": '{"class_name": "Sequential", "config": ' + deep(100_000) + "}",
        "deep-dicts": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "nested-models": nested,
        "no-json": "{",
        "class-list": {"class_name": ["Dense"], "config": {}},
        "class-unknown": sequential({"class_name": "os.system", "config": {"command": "id"}}),
        "config-none": {"class_name": "Sequential", "config": None},
        "config-text": {"class_name": "Model", "config": "text"},
        "layers-number": {"class_name": "Sequential", "config": {"name": "m", "layers": 7}},
        "units-1e12": sequential(dense(1e12)),
        "units-2^62": sequential(dense(2**62)),
        "units-1e400": '{"class_name": "Sequential", "config": ['
        + json.dumps(dense(7)).replace("7", "1e400")
        + "]}",
        "units-list": sequential(dense([3])),
        "units-text": sequential(dense("3")),
        "units-negative": sequential(dense(-3)),
        "units-nan": sequential(dense(float("nan"))),
        "units-bool": sequential(dense(True) | {"class_name": "Dense"}, dense(None, "e")),
        "shape-text": sequential(dense(batch_input_shape="abc")),
        "shape-huge": sequential(dense(batch_input_shape=[None, 2**62])),
        "activation": sequential(dense(activation="eval")),
        "activation-dict": sequential(dense(activation={"class_name": "exec", "config": {"code": "1"}})),
        "initializer": sequential(dense(kernel_initializer={"class_name": "__import__", "config": {}})),
        **{
            f"{kind}-{key}": sequential(
                dense(kernel_initializer={"class_name": kind, "config": {key: {"a": 1}}})
            )
            for kind, key in [
                ("Orthogonal", "gain"),
                ("RandomNormal", "mean"),
                ("RandomUniform", "maxval"),
                ("TruncatedNormal", "stddev"),
                ("VarianceScaling", "scale"),
            ]
        },  # fmt: skip
        "lambda-code": sequential(dense(), code),
        "lambda-name": sequential(named),
        "cycle": functional(node("a", "b"), node("b", "a"), out="a"),
        "self-loop": functional(node("y", "y")),
        "missing-node": functional(node("y", "nobody")),
        "missing-output": functional(node("y", "x"), out="nobody"),
        "missing-input": functional(node("y", "x"), inputs=("nobody",)),
        "duplicates": functional(node("y", "x"), node("y", "x", units=7)),
        "node-number": functional({**node("y", "x"), "inbound_nodes": [[["x", 2**70, 0, {}]]]}),
        "node-text": functional({**node("y", "x"), "inbound_nodes": "xxxx"}),
        "tensor-number": functional({**node("y", "x"), "inbound_nodes": [[["x", 0, 9, {}]]]}),
        "repeat": functional(*repeat, node("r1", "r0", kind="Flatten"), node("y", "r1", units=10**9)),
        "exponential": functional(node("c0", "x", kind="Activation", activation="relu"), *grown, out="c62"),
    }


def _seed(file, **attributes):
    """A file of weights of one layer with a kernel, without a seal, as Keras writes it."""
    file.attrs["layer_names"] = np.array([b"d"])
    file.attrs["keras_version"] = b"2.2.4"
    group = file.create_group("d")
    group.attrs["weight_names"] = np.array([b"w"])
    return group


def _linked(link):
    def make(file, folder):
        _seed(file)["w"] = link(folder)

    return make


def _dataset(**kwargs):
    def make(file, folder):
        _seed(file).create_dataset("w", **{k: v(folder) if callable(v) else v for k, v in kwargs.items()})

    return make


def _group_link(name, link):
    def make(file, folder):
        if name == "jkeras":
            _seed(file)["w"] = np.ones(3, "f")
        file[name] = link(folder)

    return make


def _virtual(folder):
    layout = h5py.VirtualLayout((2,), "f")
    layout[:] = h5py.VirtualSource(str(folder / "secret.hdf5"), "model_weights/d/w", (2,))
    return layout


def _make_virtual(file, folder):
    _seed(file).create_virtual_dataset("w", _virtual(folder))


def _soft_to_external(file, folder):
    file["outside"] = h5py.ExternalLink(str(folder / "secret.hdf5"), "/model_weights")
    file["model_weights"] = h5py.SoftLink("/outside")


def _many_times(file, folder):
    group = _seed(file)
    group.attrs["weight_names"] = np.array([b"w"] * 1000)
    group.create_dataset("w", (2**22,), "f", chunks=(2**20,), compression="gzip")


def hdf5() -> dict:
    """What must be refused in HDF5, each as a function of the open file and its folder."""
    outside = {
        f"external-{name or 'w'}": (_group_link(name, link) if name else _linked(link))
        for name in ("", "model_weights", "optimizer_weights", "jkeras")
        for link in (lambda folder: h5py.ExternalLink(str(folder / "secret.hdf5"), "/model_weights"),)
    }
    return {
        **outside,
        "soft": _linked(lambda folder: h5py.SoftLink("/d")),
        "soft-to-external": _soft_to_external,
        "ring": _linked(lambda folder: h5py.SoftLink("/d/w")),
        "virtual": _make_virtual,
        "storage": _dataset(shape=(2,), dtype="f", external=lambda folder: [(str(folder / "raw.bin"), 0, 8)]),
        "bomb": _dataset(shape=(2**27,), dtype="f", chunks=(2**22,), compression="gzip"),
        "chunk": _dataset(shape=(4,), maxshape=(None,), dtype="f", chunks=(2**29,)),
        "many-times": _many_times,
        "complex": _dataset(shape=(2,), dtype="c8"),
        "text": _dataset(data="text"),
        "objects": _dataset(data=np.array(["a", "b"], object), dtype=h5py.string_dtype()),
        "compound": _dataset(shape=(2,), dtype=[("a", "f"), ("b", "i")]),
        "empty": _dataset(data=h5py.Empty("f")),
        **{f"shape-{n}": _dataset(shape=(n,), dtype="f", chunks=(1024,)) for n in BIG},
        **{f"plain-{n}": _dataset(shape=(n,), dtype="f") for n in BIG},
    }


def endless(path: Path, size: int) -> None:
    """A heap of texts, as h5py writes it, whose free piece says to have another size."""
    with h5py.File(path, "w") as file:
        _seed(file).create_dataset("w", data=np.ones((3, 2), "f"))
        file.attrs["backend"] = "tensorflow"
    data = bytearray(path.read_bytes())
    at = data.index(b"GCOL") + 16
    while number := int.from_bytes(data[at : at + 2], "little"):
        assert number < 9
        at += 16 + -(-int.from_bytes(data[at + 8 : at + 16], "little") // 8) * 8
    data[at + 8 : at + 16] = size.to_bytes(8, "little")
    path.write_bytes(data)


def packed(**changes) -> bytes:
    """One of our msgpack files with entries replaced, and a valid seal."""
    import hashlib

    content = {"format": "jkeras", "version": 1, "keras_version": "2.2.4", "backend": "tensorflow"}
    content |= {
        "model_config": None,
        "training_config": None,
        "weights": [],
        "optimizer": None,
        "notes": "{}",
    }
    content |= {"arrays": []} | changes
    body = bytes([0x80 | 11]) + b"".join(msgpack.packb(k) + msgpack.packb(v) for k, v in content.items())
    return body + msgpack.packb("digest") + b"\xc4\x20" + hashlib.sha256(body).digest()


def msgpacks() -> dict[str, bytes]:
    array = ["w", "float32", [1], bytes(4)]
    wrong = {
        "shape-huge": ["w", "float32", [2**62], bytes(4)],
        "shape-negative": ["w", "float32", [-5], bytes(4)],
        "shape-text": ["w", "float32", "abc", bytes(4)],
        "shape-over": ["w", "float32", [2**64 - 1], bytes(4)],
        "object": ["w", "object", [1], bytes(8)],
        "text": ["w", "U1", [1], bytes(4)],
        "complex": ["w", "complex64", [1], bytes(8)],
        "number": ["w", "float32", [1], 4],
        "short": ["w", "float32"],
        "name": [["w"], "float32", [1], bytes(4)],
    }
    files = {f"array-{k}": packed(weights=[["d", [v]]]) for k, v in wrong.items()}
    deep_value: list = []
    for _ in range(400):
        deep_value = [deep_value]
    return files | {
        "deep": packed(weights=deep_value),
        "notes-deep": packed(notes=deep(100_000)),
        "notes-list": packed(notes="[]", weights=[["d", [array]]]),
        "notes-number": packed(notes=7, weights=[["d", [array]]]),
        "training": packed(training_config='{"optimizer_config": 1}', weights=[["d", [array]]]),
        "version": packed(version=2**63),
        "cut": packed()[:40],
    }


def write(folder: Path) -> list[Path]:
    """Write all of them into `folder`."""
    secret = folder / "secret.hdf5"
    with h5py.File(secret, "w") as file:
        _seed(file.create_group("model_weights"))["w"] = np.full((2,), 42, "f")
    (folder / "raw.bin").write_bytes(bytes(8))
    made = []
    for name, make in hdf5().items():
        made.append(folder / f"h5-{name}.h5")
        with h5py.File(made[-1], "w") as file:
            make(file, folder)
    for size in (0, 1, 15):
        made.append(folder / f"h5-endless-{size}.h5")
        endless(made[-1], size)
    for name, data in msgpacks().items():
        made.append(folder / f"msgpack-{name}.msgpack")
        made[-1].write_bytes(data)
    for name, config in configurations().items():
        text = config if isinstance(config, str) else json.dumps(config)
        made.append(folder / f"config-{name}.json")
        made[-1].write_text(text)
        made.append(folder / f"config-{name}.msgpack")
        made[-1].write_bytes(packed(model_config=text))
    for number in (100, 10):  # ten aliases of each of the lists before it
        made.append(folder / f"aliases-{number}.yaml")
        rows = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, number)]
        made[-1].write_text("a0: &a0 [x]\n" + "\n".join(rows) + "\n")
    for name, text in {
        "python": "!!python/object/apply:os.system [id]",
        "module": "!!python/module:os",
        "ring": "&a [*a]",
        "deep": deep(100_000),
        "merge": "a: &a {x: 1}\nb: {<<: [" + ", ".join(["*a"] * 5) + "], class_name: Sequential, config: 1}",
    }.items():
        made.append(folder / f"yaml-{name}.yaml")
        made[-1].write_text(text)
    for name in ("fifo.h5", "fifo.msgpack"):
        made.append(folder / name)
        os.mkfifo(made[-1])
    (folder / "folder.h5").mkdir()
    return [*made, folder / "folder.h5", Path("/dev/zero")]


def main(folder: Path) -> None:
    """Load every file; print for each what came of it, and how much memory the most hungry took."""
    import resource

    from jkeras.layers import Dense
    from jkeras.models import Sequential, load_model, model_from_json, model_from_yaml

    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # also where C code does not come back
    outcome, before = {}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in map(Path, json.loads((folder / "list.json").read_text())):
        print(path, file=sys.stderr, flush=True)
        signal.alarm(20)
        try:
            if path.suffix == ".json":
                model_from_json(path.read_text())
            elif path.suffix == ".yaml":
                model_from_yaml(path.read_text())
            elif path.name.startswith("config") or path.name.startswith("folder"):
                load_model(path)
            else:
                Sequential([Dense(2, input_shape=(3,), use_bias=False)]).load_weights(str(path))
            outcome[path.name] = "loaded"
        except ValueError as error:
            outcome[path.name] = (
                "" if path.suffix in (".json", ".yaml") or path.name in str(error) else str(error)
            )
        except BaseException as error:
            outcome[path.name] = repr(error)[:300]
        signal.alarm(0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"outcome": outcome, "memory": memory >> 10}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
