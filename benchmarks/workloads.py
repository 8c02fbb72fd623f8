"""What is trained: two multilayer perceptrons on random data of the right sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Workload(NamedTuple):
    """A classifier with relu and dropout after each hidden layer, and softmax at the end."""

    rows: int
    features: int
    hidden: tuple[int, ...]
    dropout: float
    optimizer: str
    epochs: int  # per measured call of fit
    batch: int = 128
    classes: int = 10


WORKLOADS = {
    "mlp-tiny": Workload(1000, 20, (64, 64), 0.5, "sgd", epochs=50),
    "mlp-mnist": Workload(60000, 784, (512, 512), 0.2, "rmsprop", epochs=1),
}


def data(work: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Inputs in [0, 1) and one-hot labels."""
    random = np.random.RandomState(0)
    x = random.rand(work.rows, work.features).astype("float32")
    y = np.eye(work.classes, dtype="float32")[random.randint(0, work.classes, work.rows)]
    return x, y
