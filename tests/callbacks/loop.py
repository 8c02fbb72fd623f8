"""A stand-in for the training loop: it calls callbacks as documented in `jkeras.callbacks.base`."""

import numpy as np

from jkeras.callbacks import BaseLogger, CallbackList, History, ProgbarLogger
from jkeras.core.chunk import Chunk


class Cell:
    """A learning rate that is stored in float32, as an optimizer does."""

    def __init__(self, value):
        self.value = np.float32(value)

    def assign(self, value):
        self.value = np.float32(value)


class FakeModel:
    """Weights, an optimizer with a learning rate, and files that hold what was saved."""

    stop_training = False

    def __init__(self, lr=0.1):
        self.optimizer = type("Optimizer", (), {})()
        self.optimizer.lr = Cell(lr)
        self.weights = [np.zeros(2)]

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = [w.copy() for w in weights]

    def save(self, filepath, overwrite=True):
        with open(filepath, "w") as file:
            file.write("full")

    def save_weights(self, filepath, overwrite=True):
        with open(filepath, "w") as file:
            file.write("weights")


def run(callbacks, epochs, *, model=None, params=None, first_epoch=0, first_step=0, chunk=8, state=None):
    """Run the loop over recorded numbers.

    Args:
        callbacks: the user's callbacks.
        epochs: per epoch `{"batches": [{"size", metrics...}], "logs": {"val_loss": ...}}`.
        model: the model; it gets a new weight value per batch.
        params: entries of `params`.
        first_epoch: where to begin.
        first_step: batch of the first epoch where to begin.
        chunk: steps per dispatch where no batch hook is present.
        state: `CallbackList.get_state()` to resume from.
    """
    model = model or FakeModel()
    names = [n for n in epochs[0]["batches"][0] if n not in ("size", "batch")]
    verbose = (params or {}).get("verbose", 0)
    history = History()
    bars = [ProgbarLogger()] if verbose else []
    hooks = CallbackList([BaseLogger(), *bars, *callbacks, history], model=model)
    hooks.set_params(
        {
            "batch_size": 4,
            "epochs": len(epochs),
            "steps": None,
            "samples": sum(b["size"] for b in epochs[0]["batches"]),
            "verbose": verbose,
            "do_validation": bool(epochs[0]["logs"]),
            "metrics": names + ["val_" + name for name in names],
            **(params or {}),
        }
    )
    if state is not None:
        hooks.set_state(state)
    hooks.resume()
    hooks.on_train_begin()
    model.stop_training = False
    for epoch in range(first_epoch, len(epochs)):
        hooks.on_epoch_begin(epoch)
        step = first_step if epoch == first_epoch else 0
        _epoch(hooks, model, epochs[epoch]["batches"], step, chunk, names)
        hooks.on_epoch_end(epoch, dict(epochs[epoch]["logs"]))
        if model.stop_training:
            break
    hooks.on_train_end()
    hooks.close()
    return history, model, hooks


def _epoch(hooks, model, batches, step, chunk, names):
    while step < len(batches) and not model.stop_training:
        count = 1 if hooks.has_batch_hooks else min(chunk, hooks.chunk_limit(step) or chunk)
        part = batches[step : step + count]
        model.weights = [w + len(part) for w in model.weights]
        if hooks.has_batch_hooks:
            begin = {"batch": step, "size": part[0]["size"]}
            hooks.on_batch_begin(step, dict(begin))
            hooks.on_batch_end(step, {**begin, **{n: part[0][n] for n in names}})
        else:
            values = {n: np.array([b[n] for b in part], np.float32) for n in names}
            hooks.on_chunk_end(Chunk(step, [b["size"] for b in part], values))
        step += len(part)


def series(values, count=1):
    """Epochs of one batch each whose validation logs are the recorded `values`."""
    length = len(next(iter(values.values())))
    return [
        {
            "batches": [{"size": 4, "loss": 1.0 + i + j / 8} for j in range(count)],
            "logs": {name: v[i] for name, v in values.items()},
        }
        for i in range(length)
    ]
