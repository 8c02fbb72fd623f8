"""Many models in one program against one `fit` after the other, compilation included.

    python benchmarks/many.py [-m 16] [-e 10] [-r 3]

Each way runs in a process of its own, with no compilation cache; the best of the rounds counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

CODE = """
import sys, time
import numpy as np
import jkeras
from jkeras import layers

way, members, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.RandomState(0)
x, y = rng.rand(2048, 16).astype("float32"), rng.rand(2048, 1).astype("float32")
model = jkeras.Sequential([jkeras.Input((16,)), layers.Dense(32, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
start = time.perf_counter()
if way == "many":
    jkeras.fit_many(model, x, y, 64, epochs, seeds=range(members), validation_split=0.1)
else:
    for seed in range(members):
        jkeras.utils.set_random_seed(seed)
        one = jkeras.models.clone_model(model)
        one.compile("adam", "mse", metrics=["mae"])
        one.fit(x, y, 64, epochs, verbose=0, validation_split=0.1)
print(time.perf_counter() - start)
"""


def seconds(way: str, members: int, epochs: int) -> float:
    command = [sys.executable, "-c", CODE, way, str(members), str(epochs)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--members", type=int, default=16)
    parser.add_argument("-e", "--epochs", type=int, default=10)
    parser.add_argument("-r", "--rounds", type=int, default=3)
    given = parser.parse_args()
    best = {way: float("inf") for way in ("many", "one by one")}
    for _ in range(given.rounds):
        for way in best:
            best[way] = min(best[way], seconds(way, given.members, given.epochs))
    for way, took in best.items():
        print(f"{way:12} {took:8.2f} s")
    print(f"ratio        {best['one by one'] / best['many']:8.1f}")


if __name__ == "__main__":
    main()
