"""Seconds and memory of saving and loading a large model, against plain h5py and numpy.

    python benchmarks/files.py -m 400

Rates are those of the plain way divided by jkeras's: 1.0 is as fast. Writing includes fsync in all of them.
Each contestant runs in a process of its own; its peak is what it takes beside the idle process, in sizes of
the model (saving: beside the model as well).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from turns import about, described

ROWS, LAYERS = 1024, 10
FORMATS = ("h5", "msgpack", "safetensors", "keras")


def model_of(megabytes: int) -> Sequential:
    """A model with so many megabytes of weights, in `2 * LAYERS` kernels."""
    units = (megabytes << 20) // (4 * ROWS * LAYERS * 2)
    layers = [Dense(units, input_shape=(ROWS,), use_bias=False)]
    for number in range(2 * LAYERS - 1):
        layers.append(Dense(units if number % 2 else ROWS, use_bias=False))
    return Sequential(layers)


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def plain_save(path: Path, arrays: list[np.ndarray]) -> None:
    """The arrays alone, as h5py or numpy write them."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for number, array in enumerate(arrays):
                file.create_dataset(str(number), data=array)
        _sync(path)
        return
    with open(path, "wb") as file:
        for array in arrays:
            np.save(file, array)
        file.flush()
        os.fsync(file.fileno())


def plain_load(path: Path) -> list[np.ndarray]:
    with h5py.File(path, "r") as file:
        return [file[name][()] for name in file]


def peak() -> int:
    """The most memory that this process has had since the last call."""
    text = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) << 10


def measure(what: str, folder: Path, megabytes: int, rounds: int) -> dict[str, float]:
    """Best seconds and the peak of one contestant, in this process."""
    kind, _, name = what.partition(" ")
    path, seconds = folder / f"{kind}.{name}", []
    model_of(1).predict(np.zeros((1, ROWS), "f"))
    model = model_of(megabytes) if "save" in kind else None
    arrays = [np.array(w) for w in model.get_weights()] if kind == "plain-save" and model else []
    source = folder / f"{kind.replace('load', 'save')}.{name}"
    for _ in range(rounds):
        kept = None  # the model of the last round goes first, for fresh memory takes longer than the reading
        gc.collect()
        peak()
        idle = int(re.findall(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[0]) << 10
        start = time.perf_counter()
        if kind == "plain-save":
            plain_save(path, arrays)
        elif kind == "save" and model:
            model.save(path)
        else:
            kept = plain_load(source) if kind == "plain-load" else load_model(source, compile=False)  # noqa: F841
        seconds.append(time.perf_counter() - start)
        taken = peak() - idle
    return {"seconds": min(seconds), "peak": taken / (megabytes << 20)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-m", "--megabytes", type=int, default=400)
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where to write; a temporary one by default")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(
            json.dumps(measure(arguments.only, Path(arguments.folder), arguments.megabytes, arguments.rounds))
        )
        return
    print(described(about()))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:

        def result(what: str) -> dict[str, float]:
            command = [sys.executable, "-W", "ignore", __file__, "--only", what, "--folder", folder]
            command += ["-m", str(arguments.megabytes), "-r", str(arguments.rounds)]
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

        plain = {"h5": result("plain-save h5"), "npy": result("plain-save npy")}
        reading = result("plain-load h5")
        print(
            f"plain: h5py saves in {plain['h5']['seconds']:.2f} s, numpy in {plain['npy']['seconds']:.2f} s; "
        )
        print(f"       h5py loads in {reading['seconds']:.2f} s")
        for name in FORMATS:
            saved, loaded = result(f"save {name}"), result(f"load {name}")
            base = plain["h5" if name == "h5" else "npy"]["seconds"]
            print(
                f"{name:>12}: save {saved['seconds']:.2f} s (rate {base / saved['seconds']:.2f}, peak "
                f"{saved['peak']:.2f}), load {loaded['seconds']:.2f} s (rate "
                f"{reading['seconds'] / loaded['seconds']:.2f}, peak {loaded['peak']:.2f})"
            )


if __name__ == "__main__":
    main()
