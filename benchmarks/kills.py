"""Trainings that are killed again and again, and come to the bits of one that is not.

    python benchmarks/kills.py -n 100

Each process is a fork of this one, in which jax has not started yet. It is killed by SIGKILL at a moment that
a seed chooses: after a step, in the middle of a file, before its bytes are on the disk, between its last byte
and its new name, after that. The next one goes on from the files. Checkpoints of a run (msgpack) and models
in HDF5, each with and without shuffling.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from jkeras.callbacks import LambdaCallback, RunCheckpoint
from jkeras.layers import BatchNormalization, Dense, Dropout
from jkeras.models import Sequential, load_model
from jkeras.saving import h5, msgpack

EPOCHS, STEPS = 3, 5
X = np.random.default_rng(0).normal(size=(4 * STEPS, 3)).astype("float32")
Y = X[:, :1] - X[:, 1:2] ** 2
MOMENTS = ("step", "write", "fsync", "replace", "renamed")


def network(dropout: float) -> Sequential:
    model = Sequential([Dense(4, input_shape=(3,)), BatchNormalization(), Dropout(dropout), Dense(1)])
    model.compile("adam", "mse")
    return model


def by_checkpoints(folder: Path, shuffle: bool, *callbacks) -> Sequential:
    """A whole run; it goes on from its newest checkpoint, in the middle of an epoch."""
    np.random.seed(3)
    model = network(0.3)
    run = RunCheckpoint(folder, every_steps=2, keep=2, resume=True)
    model.fit(X, Y, 4, EPOCHS, verbose=0, shuffle=shuffle, callbacks=[run, *callbacks])
    return model


def by_models(folder: Path, shuffle: bool, *callbacks) -> Sequential:
    """A run that saves its model after each epoch; it goes on from that file."""
    path = folder / "model.h5"
    np.random.seed(3)
    model = load_model(path) if path.exists() else network(0.0)
    for epoch in range(int(model.optimizer.iterations) // STEPS, EPOCHS):
        np.random.seed(epoch)
        model.fit(X, Y, 4, epoch + 1, 0, initial_epoch=epoch, shuffle=shuffle, callbacks=list(callbacks))
        model.save(path)
    return model


def killed_at(moment: str, count: int) -> LambdaCallback:
    """End this process at the `count`-th such moment."""
    left = [count]

    def come(now: str) -> None:
        left[0] -= now == moment
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def told(name: str, function: Callable, after: str = "") -> Callable:
        def call(*args, **kwargs):
            come(name)
            result = function(*args, **kwargs)
            come(after)
            return result

        return call

    os.fsync = told("fsync", os.fsync)
    os.replace = told("replace", os.replace, "renamed")
    msgpack._packed_bytes = told("write", msgpack._packed_bytes)
    h5._write_arrays = told("write", h5._write_arrays)
    return LambdaCallback(on_batch_end=lambda batch, logs: come("step"))


def child(train: Callable, folder: Path, shuffle: bool, kill: tuple[str, int] | None) -> bool:
    """Train in a process of its own; whether it came to its end. Its weights are in the folder then."""
    number = os.fork()
    if number == 0:
        warnings.simplefilter("error")  # a checkpoint that is passed over, for example
        try:
            model = train(folder, shuffle, *([killed_at(*kill)] if kill else []))
            np.save(folder / "weights.npy", np.concatenate([w.ravel() for w in model.get_weights()]))
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    if code not in (0, -signal.SIGKILL) or (code and not kill):
        raise SystemExit(f"{train.__name__}, shuffle={shuffle}, {kill}: the process ended with {code}.")
    return code == 0


def runs(count: int, seed: int, root: Path) -> dict[str, int]:
    """Kill `count` trainings; how many of each kind."""
    rng, killed = random.Random(seed), dict.fromkeys(MOMENTS, 0)
    kinds = [(train, shuffle) for train in (by_checkpoints, by_models) for shuffle in (True, False)]
    for number, (train, shuffle) in enumerate(kinds):
        whole, folder = root / f"whole{number}", root / f"killed{number}"
        whole.mkdir()
        child(train, whole, shuffle, None)
        target = -(-count * (number + 1) // len(kinds))
        while sum(killed.values()) < target:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            finished = False
            while not finished:
                moment = min(MOMENTS, key=lambda name: (killed[name], rng.random()))
                enough = sum(killed.values()) >= target
                finished = child(train, folder, shuffle, None if enough else (moment, rng.randint(1, 4)))
                killed[moment] += not finished
            one, other = (np.load(place / "weights.npy") for place in (whole, folder))
            if one.tobytes() != other.tobytes():
                raise SystemExit(f"{train.__name__}, shuffle={shuffle}: the resumed run has other weights.")
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-n", "--number", type=int, default=100, help="of kills")
    parser.add_argument("-s", "--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message=r"os\.fork\(\)")
    with tempfile.TemporaryDirectory() as folder:
        jax.config.update("jax_compilation_cache_dir", f"{folder}/compiled")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        killed = runs(arguments.number, arguments.seed, Path(folder))
    print(f"{sum(killed.values())} kills, {killed}: every resumed run has the bits of one without.")


if __name__ == "__main__":
    main()
