"""jkeras `fit` against the best hand-written JAX loop, in one process, taking turns.

    python benchmarks/run.py [-w mlp-tiny,mlp-mnist] [-r ROUNDS] [--json FILE]

The share is the baseline's time divided by jkeras's, each the median of its rounds: 1 is as fast, 0.8 is four
fifths of its speed. Both train the same model on the same data, shuffled in every epoch, the last short batch
too, with loss and accuracy of every step; compilation happens before the first round.
"""

from __future__ import annotations

import argparse
import json
import statistics
from functools import partial

import numpy as np

from baseline import Baseline
from jkeras.layers import Dense, Dropout
from jkeras.models import Sequential
from jkeras.optimizers import SGD, RMSprop
from turns import about, described, interleave
from workloads import WORKLOADS, Workload, data


class Jkeras:
    """The same model as a user writes it."""

    def __init__(self, work: Workload, x: np.ndarray, y: np.ndarray):
        self.work, self.x, self.y = work, x, y
        self.model = Sequential()
        for i, units in enumerate(work.hidden):
            shape = {"input_shape": (work.features,)} if i == 0 else {}
            self.model.add(Dense(units, activation="relu", **shape))
            self.model.add(Dropout(work.dropout))
        self.model.add(Dense(work.classes, activation="softmax"))
        optimizer = {"sgd": SGD(lr=0.01, momentum=0.9, nesterov=True), "rmsprop": RMSprop(lr=0.001)}
        self.model.compile(optimizer[work.optimizer], "categorical_crossentropy", metrics=["accuracy"])

    def fit(self, epochs: int) -> list[float]:
        history = self.model.fit(self.x, self.y, batch_size=self.work.batch, epochs=epochs, verbose=0).history
        return [history["loss"][-1], history["acc"][-1]]


def measure(work: Workload, rounds: int) -> dict:
    """Seconds of each round, for both."""
    x, y = data(work)
    contestants = {"baseline": Baseline(work, x, y), "jkeras": Jkeras(work, x, y)}
    losses = {}

    def turn(name):
        losses[name] = float(contestants[name].fit(work.epochs)[0])

    turns = {name: partial(turn, name) for name in contestants}
    interleave(turns, 2)  # compile, then settle
    seconds = interleave(turns, rounds)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "seconds": seconds,
        "median": median,
        "share": median["baseline"] / median["jkeras"],
        "last_loss": losses,
    }


def line(name: str, work: Workload, result: dict) -> str:
    steps = -(-work.rows // work.batch) * work.epochs
    cells = []
    for contestant in ("baseline", "jkeras"):
        times, median = result["seconds"][contestant], result["median"][contestant]
        spread = (max(times) - min(times)) / median
        cells.append(f"{median / steps * 1e6:10.1f} {spread:6.0%}")
    losses = result["last_loss"]
    loss = f"{losses['baseline']:7.3f} {losses['jkeras']:7.3f}"
    return f"{name:10} {cells[0]}  {cells[1]}  {result['share']:6.2f}   {loss}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-w", "--workloads", default=",".join(WORKLOADS))
    parser.add_argument("-r", "--rounds", type=int, default=7, help="at least 5")
    parser.add_argument("--json", help="file for all numbers")
    args = parser.parse_args()
    if args.rounds < 5:
        parser.error(f"--rounds must be at least 5, for a median that means something. Got {args.rounds}.")
    unknown = [name for name in args.workloads.split(",") if name not in WORKLOADS]
    if unknown:
        parser.error(f"unknown workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}.")

    facts = about()
    print(described(facts))
    print(f"{'':10} {'baseline':>17}  {'jkeras':>17}  {'share':>6}   {'last loss':>15}")
    print(f"{'':10} {'us/step':>10} {'spread':>6}  {'us/step':>10} {'spread':>6}")
    results = {}
    for name in args.workloads.split(","):
        results[name] = measure(WORKLOADS[name], args.rounds)
        print(line(name, WORKLOADS[name], results[name]), flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"about": facts, "workloads": results}, file, indent=1)


if __name__ == "__main__":
    main()
