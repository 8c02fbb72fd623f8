"""What is measured: multilayer perceptrons and recurrent networks, on random data of the right sizes."""

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


class Recurrent(NamedTuple):
    """LSTM layers on top of each other, and a softmax at the end where there are classes."""

    units: tuple[int, ...]
    shape: tuple[int, int, int]  # batch, time, features
    classes: int | None
    calls: int  # in one round


RECURRENT = {
    "lstm": Recurrent((128,), (32, 80, 128), None, calls=5),
    "lstm-stacked": Recurrent((32, 32, 32), (64, 8, 16), 10, calls=100),
}


def sequences(work: Recurrent, masked: bool) -> np.ndarray:
    """Normal inputs; zeros at the end of sequences that are shorter, if masked."""
    random = np.random.RandomState(0)
    x = random.randn(*work.shape).astype("float32")
    if masked:
        x[np.arange(work.shape[1]) >= random.randint(1, work.shape[1] + 1, (work.shape[0], 1))] = 0
    return x
