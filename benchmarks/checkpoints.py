"""Seconds that training takes with a checkpoint every so many steps, against training without one.

    python benchmarks/checkpoints.py

Both are trained in turns in one process: the median of the ratios of neighbours counts, of seconds and of
processor time (a checkpoint is written by a thread; on a busy machine seconds say more about the others).
"Waits" is what the callback takes of the training thread itself, most of it until the device has done the
steps before. A run has a checkpoint more at its start and one at its end, which is waited for: the fewer the
steps, the more these two count.
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


class Timed(RunCheckpoint):
    """Knows how long the training thread has been in it."""

    seconds = 0.0

    def on_boundary(self, epoch: int, step: int) -> None:
        start = time.perf_counter()
        super().on_boundary(epoch, step)
        self.seconds += time.perf_counter() - start


def epoch(model: Sequential, x: np.ndarray, y: np.ndarray, every: int | None) -> np.ndarray:
    """Seconds, processor seconds, and seconds in the callback of an epoch."""
    with tempfile.TemporaryDirectory() as folder:
        callbacks = [Timed(folder, every_steps=every, every_epochs=None, keep=2)] if every else []
        start, used = time.perf_counter(), time.process_time()
        model.fit(x, y, BATCH, 1, verbose=0, callbacks=callbacks)
        taken = time.perf_counter() - start, time.process_time() - used
        return np.array([*taken, sum(callback.seconds for callback in callbacks)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-e", "--every", type=int, default=50, help="steps from one checkpoint to the next")
    parser.add_argument("-s", "--steps", type=int, default=500)
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
        epoch(model, x[: 60 * BATCH], y[: 60 * BATCH], every)
    pairs = []
    for turn in range(arguments.rounds):
        ways = [None, arguments.every] if turn % 2 else [arguments.every, None]
        taken = {every: epoch(model, x, y, every) for every in ways}
        pairs.append((taken[None], taken[arguments.every]))
    plain, kept = (np.median([pair[i] for pair in pairs], axis=0) for i in (0, 1))
    more = 100 * (np.median([pair[1] / pair[0].clip(1e-9) for pair in pairs], axis=0) - 1)
    print(f"{plain[0]:.2f} s, {kept[0]:.2f} s with a checkpoint every {arguments.every} steps")
    print(f"  seconds {more[0]:+.1f} %, processor {more[1]:+.1f} %, waits {100 * kept[2] / kept[0]:.1f} %")


if __name__ == "__main__":
    main()
