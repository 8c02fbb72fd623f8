"""`fit_generator` with augmentation against the slower of its two halves alone, in turns.

    python benchmarks/feeding.py [-r ROUNDS] [--shared] [--workers N] [--units N] [--images N] [--epochs N]

The halves: the augmented batches of all epochs, made one after the other with nothing else to do; and
training on batches that are there already. The share is the time of the slower half divided by that of both
together, each the median of its rounds: 1 if the other half is hidden whole.

Beside an accelerator the workers have the cores of the host. A CPU as the device takes all cores for a
step, and leaves nothing to overlap with; so here the device is bound to the first core and the workers to
the others, where the system can do that (Linux, two cores or more). `--shared` lets both have all cores:
then no program can be faster than the CPU seconds of both halves spread evenly over the cores. The share of
that bound is printed as well: it is the one to look at with `--shared`. The machine must be quiet.
"""

from __future__ import annotations

import argparse
import os
import time

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.layers import Dense, Flatten
from jkeras.models import Sequential
from jkeras.preprocessing.image import ImageDataGenerator
from jkeras.utils import Sequence
from turns import about, described, interleave

BATCH = 32


class Ready(Sequence):
    """Batches that are there already."""

    def __init__(self, batches: list):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int):
        return self.batches[index]


def divide_cores() -> bool:
    """The first core for the device, the others for this thread and those that it starts; False where cores
    cannot be had so.

    XLA's threads keep the cores of the thread that asks for the first device.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) < 2:
        return False
    os.sched_setaffinity(0, cores[:1])
    jax.block_until_ready(jnp.zeros(1) + 1)
    os.sched_setaffinity(0, cores[1:])
    return True


def flow(images: int):
    """The augmentation of Keras's CIFAR10 example, over noise of the same shape."""
    draws = np.random.RandomState(0)
    x = draws.uniform(0, 255, (images, 32, 32, 3)).astype("float32")
    y = draws.randint(0, 10, images)
    generator = ImageDataGenerator(
        rotation_range=15,
        width_shift_range=0.1,
        height_shift_range=0.1,
        horizontal_flip=True,
        rescale=1 / 255,
    )
    return generator.flow(x, y, batch_size=BATCH, seed=1)


def model(units: int) -> Sequential:
    """A network that takes about as long for a batch as the augmentation does."""
    built = Sequential(
        [
            Flatten(input_shape=(32, 32, 3)),
            Dense(units, activation="relu"),
            Dense(units, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    built.compile("sgd", "sparse_categorical_crossentropy")
    return built


def measure(args: argparse.Namespace) -> dict[str, np.ndarray]:
    """Median seconds, and CPU seconds, of each half and of both."""
    trained, augmented = model(args.units), flow(args.images)
    ready = Ready([augmented[i] for i in range(len(augmented))])
    fit = dict(epochs=args.epochs, verbose=0, workers=args.workers)
    contestants = {
        "augment": lambda: [augmented[i] for _ in range(args.epochs) for i in range(len(augmented))],
        "train": lambda: trained.fit_generator(ready, **fit),
        "both": lambda: trained.fit_generator(augmented, **fit),
    }
    interleave({name: contestants[name] for name in ("train", "both")}, 2)  # compile, then settle
    turns = interleave(
        contestants, args.rounds, clock=lambda: np.array([time.perf_counter(), time.process_time()])
    )
    return {name: np.median(seconds, axis=0) for name, seconds in turns.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("--shared", action="store_true", help="all cores for the device and the workers")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--units", type=int, default=768)
    parser.add_argument("--images", type=int, default=3200)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    divided = not args.shared and divide_cores()
    found = measure(args)
    (augment, its_cpu), (train, of_cpu), (both, _) = (found[name] for name in ("augment", "train", "both"))
    slower = max(augment, train)
    bound = max(slower, (its_cpu + of_cpu) / (os.cpu_count() or 1))
    print(described(about()))
    print("a core for the device" if divided else "all cores for device and workers")
    print(f"augment {augment:.2f} s, train {train:.2f} s ({its_cpu:.2f} and {of_cpu:.2f} CPU s)")
    print(f"both {both:.2f} s: share {slower / both:.2f}, of the bound {bound / both:.2f}")


if __name__ == "__main__":
    main()
