"""One of the processes of `tests/training/test_processes.py`: `two_processes.py FOLDER ROLE NUMBER PORT`."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec

if __name__ == "__main__":
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    number, port = map(int, sys.argv[3:])
    jax.distributed.initialize(f"localhost:{port}", 2, number, heartbeat_timeout_seconds=20)

from jkeras import layers, optimizers
from jkeras.callbacks import Callback, CSVLogger, ModelCheckpoint, RunCheckpoint
from jkeras.models import Sequential
from jkeras.utils import OwnBatches, Sequence, set_random_seed

X = np.random.RandomState(0).rand(22, 4).astype("float32")
Y = X[:, :2]


class Rows(Sequence):
    """The first 20 rows in batches; notes which are asked for."""

    def __init__(self, size):
        self.size, self.asked = size, []

    def __len__(self):
        return -(-20 // self.size)

    def __getitem__(self, index):
        self.asked.append(index)
        rows = slice(index * self.size, min(20, (index + 1) * self.size))
        return X[rows], Y[rows]


def generator(size):
    """The same rows without end."""
    while True:
        for i in range(0, 20, size):
            yield X[i : i + size], Y[i : i + size]


class StopsInOne(Callback):
    """Asks in the last process only to stop."""

    def on_epoch_end(self, epoch, logs=None):
        if jax.process_index() == jax.process_count() - 1:
            self.model.stop_training = True


def compiled(**devices):
    set_random_seed(3 + jax.process_index())  # the first one's weights count
    model = Sequential([layers.Dense(8, activation="relu", input_shape=(4,)), layers.BatchNormalization()])
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(2))
    alone = {"devices": 1} if jax.process_count() == 1 and not devices else devices
    model.compile(optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"], **alone)
    return model


def by_rows(path, shape):
    return PartitionSpec("data") if shape[0] % 2 == 0 else None


def numbers(folder):
    """What training and predictions give, from arrays, from numbered batches and from a generator."""
    count = jax.process_count()
    model, rows, found = compiled(), Rows(4 // count), {}
    hooks = [ModelCheckpoint(f"{folder}/m.h5", verbose=1), CSVLogger(f"{folder}/log.csv"), StopsInOne()]
    hooks.append(RunCheckpoint(f"{folder}/run"))
    found["fit"] = model.fit(X, Y, 6, 5, validation_split=0.2, callbacks=hooks).history
    found["sequence"] = model.fit(rows, verbose=0).history
    found["generator"] = model.fit(generator(rows.size), steps_per_epoch=3, verbose=0).history
    found["evaluate"] = model.evaluate(X, Y, 6, verbose=0)
    found["predict"] = [model.predict(X, 6).tolist(), model.predict(rows).tolist()]
    found["asked"] = rows.asked
    # Of two rows a process has one, the other two: they fill up.
    own = [X[:3]] if count == 1 else [X[:1], X[1:3]][jax.process_index() :][:1]
    found["own"] = model.predict(OwnBatches(own)).tolist()
    spread = compiled(mesh=Mesh(np.array(jax.devices()[:2]), ("data",)), shard=by_rows)
    found["spread"] = spread.fit(X, Y, 6, 2, 0).history
    spread.save_weights(f"{folder}/spread-{jax.process_index()}.h5")
    Path(folder, f"{jax.process_index()}.json").write_text(json.dumps(found))


def broken(folder):
    """A data set that fails in one of the processes."""

    class Broken(Rows):
        def __getitem__(self, index):
            if jax.process_index() == 1 and index > 5:
                raise OSError("The disk is gone.")
            return super().__getitem__(index)

    compiled().fit(Broken(2), epochs=100, shuffle=False, verbose=0)


if __name__ == "__main__":
    {"numbers": numbers, "broken": broken}[sys.argv[2]](sys.argv[1])
