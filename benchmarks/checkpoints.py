"""Seconds that training takes with a checkpoint every so many steps, against training without one.

    python benchmarks/checkpoints.py

Both are trained in turns in one process; the best of several rounds counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np

from jkeras.callbacks import RunCheckpoint
from jkeras.layers import Dense
from jkeras.models import Sequential
from turns import about, described

UNITS, BATCH = 1024, 128


def seconds(model: Sequential, x: np.ndarray, y: np.ndarray, every: int | None) -> float:
    """How long an epoch takes."""
    with tempfile.TemporaryDirectory() as folder:
        callbacks = [RunCheckpoint(folder, every_steps=every, keep=2)] if every else []
        start = time.perf_counter()
        model.fit(x, y, BATCH, 1, verbose=0, callbacks=callbacks)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-e", "--every", type=int, default=50, help="steps from one checkpoint to the next")
    parser.add_argument("-s", "--steps", type=int, default=250)
    parser.add_argument("-r", "--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(described(about()))
    layers = [Dense(UNITS, activation="relu", input_shape=(784,)), Dense(UNITS, activation="relu"), Dense(10)]
    model = Sequential(layers)
    model.compile("adam", "mse")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(BATCH * arguments.steps, 784)).astype("float32")
    y = draw.normal(size=(len(x), 10)).astype("float32")
    for every in (None, arguments.every):
        seconds(model, x[: 60 * BATCH], y[: 60 * BATCH], every)
    times: dict[int | None, list[float]] = {None: [], arguments.every: []}
    for _ in range(arguments.rounds):
        for every, taken in times.items():
            taken.append(seconds(model, x, y, every))
    plain, kept = (min(taken) for taken in times.values())
    print(
        f"{arguments.steps} steps: {plain:.2f} s, with a checkpoint every {arguments.every} {kept:.2f} s "
        f"({100 * (kept / plain - 1):+.1f} %)"
    )


if __name__ == "__main__":
    main()
