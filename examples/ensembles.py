"""Ensembles of networks that read MNIST (or digits: _common.py): the mean of outputs, the mean of weights.

Networks that were trained from different starts err in different places: the mean of their outputs is better
than each. The mean of their weights is no network at all; it gains with snapshots of one training at a high
learning rate, which wanders around a better place (stochastic weight averaging).
"""

import copy

import numpy as np
from _common import Example, mnist

from jkeras.callbacks import Callback
from jkeras.layers import Dense
from jkeras.models import Sequential, average_outputs, average_weights
from jkeras.optimizers import SGD

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = mnist()
x_train, x_test = x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1)


def compiled(model, lr=0.2):
    model.compile(SGD(lr=lr), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def network():
    model = Sequential()
    model.add(Dense(64, activation="relu", input_shape=x_train.shape[1:]))
    model.add(Dense(64, activation="relu"))
    model.add(Dense(10, activation="softmax"))
    return compiled(model)


def accuracy(model):
    return compiled(model).evaluate(x_test, y_test, verbose=0)[1]


class Snapshots(Callback):
    """Copies of the model after each of the last epochs."""

    def __init__(self, first: int):
        super().__init__()
        self.first, self.models = first, []

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= self.first:
            self.models.append(copy.deepcopy(self.model))


def told(what, single, together):
    apart = f"{np.mean(single):.4f} ({min(single):.4f} to {max(single):.4f})"
    print(f"{what}: {apart} each, {together:.4f} together")


epochs = example.size(12, 2)
models = [network() for _ in range(example.size(5, 2))]
losses = [model.fit(x_train, y_train, epochs=epochs, verbose=0).history["loss"] for model in models]
single = [accuracy(model) for model in models]
outputs = accuracy(average_outputs(models))
told("outputs of networks from different starts", single, outputs)
told("weights of networks from different starts", single, accuracy(average_weights(models)))

snapshots = Snapshots(first=epochs // 2)
model = network()
model.fit(x_train, y_train, epochs=2 * epochs, batch_size=16, callbacks=[snapshots], verbose=0)
steps = [accuracy(model) for model in snapshots.models]
told("weights of one training's snapshots", steps, accuracy(average_weights(snapshots.models)))

example.finish(
    "accuracy of averaged outputs",
    outputs,
    losses[0],
    baseline=("mean accuracy of the single networks", np.mean(single)),
    at_least=np.mean(single) + 0.002,
)
