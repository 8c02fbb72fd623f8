"""The networks as users of jkeras, Flax and PyTorch write them, each with the loop of its documentation."""

from __future__ import annotations

import importlib.util

import jax
import numpy as np
import optax

from jkeras import layers as L
from jkeras.models import Sequential
from jkeras.optimizers import Adam
from networks import Dynamic, HandWritten, Network, sizes


def _layer(kind: str, numbers: list, is_flat: bool, is_last: bool, **shape):
    """A layer of jkeras."""
    if kind == "dense":
        return L.Dense(*numbers, activation="softmax" if is_last else "relu", **shape)
    if kind == "conv":
        return (L.Conv1D if is_flat else L.Conv2D)(*numbers, activation="relu", **shape)
    pool = L.MaxPooling1D if is_flat else L.MaxPooling2D
    kinds = {"pool": pool, "dropout": L.Dropout, "flatten": L.Flatten, "mean": L.GlobalAveragePooling1D}
    return (kinds | {"embedding": L.Embedding, "lstm": L.LSTM})[kind](*numbers, **shape)


class Jkeras:
    """`fit` and `predict` of a compiled model."""

    def __init__(self, net: Network, x: np.ndarray, y: np.ndarray):
        self.net, self.x, self.y = net, x, y
        self.model = Sequential()
        for i, (kind, *numbers) in enumerate(net.layers):
            shape = {} if i else {"input_shape": net.shape}
            self.model.add(_layer(kind, numbers, len(net.shape) == 2, i == len(net.layers) - 1, **shape))
        self.model.compile(Adam(), "categorical_crossentropy", metrics=["accuracy"])

    def fit(self, epochs: int) -> float:
        history = self.model.fit(self.x, self.y, batch_size=self.net.batch, epochs=epochs, verbose=0)
        return history.history["loss"][-1]

    def predict(self) -> np.ndarray:
        return self.model.predict(self.x, batch_size=256)


def flax(net: Network, x: np.ndarray, y: np.ndarray):
    """Flax's nnx: a jitted step for each batch of numpy arrays."""
    from flax import nnx

    def made(rngs, kind, numbers, shape):
        if kind == "dense":
            return nnx.Linear(shape[-1], *numbers, rngs=rngs)
        if kind == "conv":
            windows = (numbers[1],) * (len(shape) - 1)
            return nnx.Conv(shape[-1], numbers[0], windows, padding="VALID", rngs=rngs)
        if kind == "lstm":
            return nnx.RNN(nnx.OptimizedLSTMCell(shape[-1], *numbers, rngs=rngs))
        kinds = {"dropout": nnx.Dropout, "embedding": nnx.Embed}
        return kinds[kind](*numbers, rngs=rngs) if kind in kinds else None

    class Net(nnx.Module):
        def __init__(self, rngs):
            layers = zip(net.layers, sizes(net), strict=False)
            self.layers = nnx.List([made(rngs, kind, numbers, shape) for (kind, *numbers), shape in layers])

        def __call__(self, x):
            for i, ((kind, *numbers), layer) in enumerate(zip(net.layers, self.layers, strict=True)):
                if kind == "pool":
                    x = nnx.max_pool(x, (numbers[0],) * (x.ndim - 2), (numbers[0],) * (x.ndim - 2))
                elif kind == "flatten":
                    x = x.reshape(x.shape[0], -1)
                elif kind == "mean":
                    x = x.mean(1)
                else:
                    assert layer is not None
                    x = layer(x)[:, -1] if kind == "lstm" else layer(x)
                    if kind == "conv" or (kind == "dense" and i < len(net.layers) - 1):
                        x = nnx.relu(x)
            return x

    class Flax:
        def __init__(self):
            self.model, self.random = Net(nnx.Rngs(0)), np.random.RandomState(0)
            self.optimizer = nnx.Optimizer(self.model, optax.adam(1e-3), wrt=nnx.Param)
            self.metrics = nnx.MultiMetric(
                accuracy=nnx.metrics.Average("accuracy"), loss=nnx.metrics.Average("loss")
            )

        def fit(self, epochs: int) -> float:
            self.model.train()
            loss = 0.0
            for _ in range(epochs):
                order = self.random.permutation(net.rows)
                for i in range(0, net.rows, net.batch):
                    rows = order[i : i + net.batch]
                    step(self.model, self.optimizer, self.metrics, x[rows], y[rows])
                loss = float(self.metrics.compute()["loss"])
                self.metrics.reset()
            return loss

        def predict(self) -> np.ndarray:
            self.model.eval()
            parts = [predict(self.model, x[i : i + 256]) for i in range(0, net.rows, 256)]
            return np.concatenate([np.asarray(part) for part in parts])

    @nnx.jit
    def step(model, optimizer, metrics, x, y):
        def loss_of(model):
            logits = model(x)
            right = (logits.argmax(-1) == y.argmax(-1)).mean()
            return optax.softmax_cross_entropy(logits, y).mean(), right

        (loss, right), gradients = nnx.value_and_grad(loss_of, has_aux=True)(model)
        metrics.update(loss=loss, accuracy=right)
        optimizer.update(model, gradients)

    @nnx.jit
    def predict(model, x):
        return jax.nn.softmax(model(x))

    return Flax()


def torch(net: Network, x: np.ndarray, y: np.ndarray):
    """PyTorch, eager, on the device where jax is: the data resident, the loss read once an epoch."""
    import torch
    from torch import nn

    device = "cuda" if jax.default_backend() == "gpu" else "cpu"

    class Lstm(nn.LSTM):
        def forward(self, x):
            return super().forward(x)[1][0][-1]

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(-1)

    def layers():
        flat = len(net.shape) == 2
        for i, ((kind, *numbers), shape) in enumerate(zip(net.layers, sizes(net), strict=False)):
            if kind == "dense":
                yield nn.Linear(shape[-1], numbers[0])
            elif kind == "conv":
                yield (nn.Conv1d if flat else nn.Conv2d)(shape[-1], *numbers)
            elif kind == "lstm":
                yield Lstm(shape[-1], numbers[0], batch_first=True)
            else:
                pool = nn.MaxPool1d if flat else nn.MaxPool2d
                kinds = {"pool": pool, "dropout": nn.Dropout, "flatten": nn.Flatten, "mean": Mean}
                yield (kinds | {"embedding": nn.Embedding})[kind](*numbers)
            if kind == "conv" or (kind == "dense" and i < len(net.layers) - 1):
                yield nn.ReLU()

    class Torch:
        def __init__(self):
            images = net.layers[0][0] == "conv"
            self.x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)) if images else x).to(device)
            self.y = torch.from_numpy(y.argmax(-1)).to(device)
            self.model = nn.Sequential(*layers()).to(device)
            self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)

        def fit(self, epochs: int) -> float:
            self.model.train()
            loss = 0.0
            for _ in range(epochs):
                order = torch.randperm(net.rows, device=device)
                total = torch.zeros(2, device=device)
                for i in range(0, net.rows, net.batch):
                    rows = order[i : i + net.batch]
                    logits, classes = self.model(self.x[rows]), self.y[rows]
                    cost = nn.functional.cross_entropy(logits, classes)
                    self.optimizer.zero_grad()
                    cost.backward()
                    self.optimizer.step()
                    right = (logits.argmax(-1) == classes).float().mean()
                    total += torch.stack([cost.detach(), right]) * len(rows)
                loss = float(total[0]) / net.rows
            return loss

        def predict(self) -> np.ndarray:
            self.model.eval()
            with torch.inference_mode():
                parts = [self.model(self.x[i : i + 256]).softmax(-1) for i in range(0, net.rows, 256)]
                return torch.cat(parts).cpu().numpy()

    return Torch()


def contestants() -> dict:
    """Who is there, by name."""
    others = {"flax": flax, "torch": torch}
    found = {name: make for name, make in others.items() if importlib.util.find_spec(name)}
    return {"hand-written": HandWritten, "dynamic loop": Dynamic, "jkeras": Jkeras, **found}
