"""Good files of every kind, and changed ones: damaged, or made by somebody who means harm."""

from __future__ import annotations

import io
import pickle
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jkeras import layers as la
from jkeras import saving
from jkeras.models import Model, Sequential
from tests import golden
from tests.saving import mutations as m

CANARY = 41.75  # stands in files that no other file may reach
_LATER = ("seq.keras", "rnn.keras", "nested.keras", "seq.h5", "tf_rnn.h5", "seq.weights.h5", "net.flax")
_RUN = """
data: {source: digits, test: 0.2}
model: [{Dense: {units: 3, input_shape: [4]}}, Flatten, {class_name: Dense, config: {units: 1}}]
compile: {optimizer: {Adam: {lr: 0.1}}, loss: mse, metrics: [mae]}
fit: {epochs: 2, validation: 0.1}
callbacks: [{EarlyStopping: {patience: 3}}]
output: {keep: 5}
"""


def models() -> dict[str, Any]:
    """Small compiled models that together hold many kinds of layers."""
    dense = Sequential(
        [la.Dense(3, input_shape=(4,), activation="relu"), la.BatchNormalization(), la.Dense(2)]
    )
    x = la.Input((5, 3))
    inner = Sequential([la.Dense(2, input_shape=(3,), kernel_regularizer="l2")], name="inner")
    both = la.Bidirectional(la.LSTM(2, return_sequences=True))(la.Masking()(x))
    y = la.Concatenate()([both, la.TimeDistributed(inner)(x), la.Conv1D(2, 3, padding="same")(x)])
    graph = Model(x, [la.Dense(1, name="a")(la.GRU(2)(y)), la.TimeDistributed(la.Dense(2), name="b")(y)])
    image = Sequential([la.Conv2D(2, 3, input_shape=(6, 6, 1)), la.MaxPooling2D(), la.Flatten(), la.Dense(2)])
    made = {"dense": dense, "graph": graph, "image": image}
    for model in made.values():
        model.compile("adam", "mse", metrics=["mae"])
    return made


def good(folder: Path) -> dict[str, bytes]:
    """Files that load, by name."""
    folder.mkdir()
    for name, model in models().items():
        for suffix in ("h5", "msgpack", "safetensors"):
            model.save(folder / f"{name}.{suffix}")
        model.save_weights(folder / f"{name}-weights.h5")
        model.save_weights(folder / f"{name}-weights.msgpack")
        (folder / f"{name}.json").write_text(model.to_json())
        (folder / f"{name}.yaml").write_text(model.to_yaml())
        np.savez(folder / f"{name}.npz", *model.get_weights())
        path = saving.save_checkpoint(model, folder, {"epoch": 1, "step": 3, "a": [np.ones(2), {"b": None}]})
        path.rename(folder / f"{name}.ckpt")
    for name in ("dense.h5", "graph-weights.h5"):  # as Keras writes them, without a seal
        (folder / f"plain-{name}").write_bytes(bytes(512) + (folder / name).read_bytes()[512:])
    saving.write_run(folder, {"model": "m.yaml", "epochs": 3})
    (folder / "run.json").rename(folder / "run.run")
    (folder / "start.run-yaml").write_text(_RUN)
    _add_data(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return files | {f"later-{name}": golden.path(f"later/{name}").read_bytes() for name in _LATER}


def _add_data(folder: Path) -> None:
    """Archives and pickles as data sets are kept."""
    rows = np.array([[1, 2], [3]], object)
    np.savez(folder / "words.data-npz", x=rows, y=np.arange(2))
    (folder / "words.data-npz.npz").rename(folder / "words.data-npz")
    (folder / "batch.pickle").write_bytes(pickle.dumps({b"labels": [1, 2], b"data": np.ones(2)}, 2))
    with tarfile.open(folder / "set.tar", "w:gz") as tar, zipfile.ZipFile(folder / "set.zip", "w") as archive:
        for name in ("set/one.txt", "set/deep/two.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4000
            tar.addfile(info, io.BytesIO(b"abcd" * 1000))
            archive.writestr(name, b"abcd" * 1000)


def outside(folder: Path) -> None:
    """Files that no other one may read."""
    with h5py.File(folder / "secret.hdf5", "w") as file:
        for name in ("d/w", "w"):
            file[name] = np.full((2,), CANARY, "f")
    (folder / "raw.bin").write_bytes(np.full(4096, CANARY, "f").tobytes())


def changes(name: str) -> list[Callable[[bytes, random.Random], bytes]]:
    """How a file of this name may be changed."""
    suffix = name.rpartition(".")[2]
    return [m.damaged] + {
        "h5": [m.wrong_hdf5, m.wrong_hdf5, *([m.damaged_hdf5] if is_sealed(name) else [])],
        "msgpack": [m.wrong_msgpack, m.wrong_msgpack, m.damaged_msgpack],
        "ckpt": [m.wrong_msgpack, m.damaged_msgpack],
        "keras": [m.wrong_keras, m.wrong_keras],
        "npz": [m.wrong_npz],
        "data-npz": [m.wrong_npz],
        "safetensors": [m.wrong_safetensors],
        "flax": [m.wrong_flax],
        "json": [m.wrong_json],
        "run": [m.wrong_json],
        "yaml": [m.wrong_yaml],
        "run-yaml": [m.wrong_yaml],
        "tar": [m.wrong_tar],
        "zip": [m.wrong_zip],
        "pickle": [m.wrong_pickle],
    }[suffix]


def is_sealed(name: str) -> bool:
    """Whether a change of the numbers in it can be told."""
    suffix = name.rpartition(".")[2]
    return suffix in ("msgpack", "ckpt", "npz", "keras", "safetensors") or (
        suffix == "h5" and not name.startswith(("plain", "later"))
    )


def write(folder: Path, files: dict[str, bytes], seed: int, count: int) -> list[dict[str, Any]]:
    """Write `count` changed files; for each, where it is and what was done."""
    rng, made = random.Random(seed), []
    for number in range(count):
        name = sorted(files)[number % len(files)]
        change = rng.choice(changes(name))
        try:
            content = change(files[name], rng)
        except m.Unwritten:  # HDF5 itself refuses to write it
            continue
        path = folder / f"{seed}-{number}-{name}"
        if name.endswith(".run"):  # the file of a run has one name
            path.mkdir()
            path /= "run.json"
        path.write_bytes(content)
        made.append({"path": str(path), "origin": name, "change": change.__name__})
    return made
