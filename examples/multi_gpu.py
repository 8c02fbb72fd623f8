"""Data parallelism: `fit` shares every batch among all devices, and the result is that of one device.

On a machine without GPUs it shows the same with 4 virtual CPU devices.
"""

import jax
import numpy as np
from _common import Example, digits, most_frequent

from jkeras.layers import BatchNormalization, Dense, Dropout, Flatten
from jkeras.models import Sequential
from jkeras.utils import multi_gpu_model, set_random_seed

jax.config.update("jax_num_cpu_devices", 4)  # before anything asks for the devices

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()


def train(devices=None):
    """The same network from the same seed, on so many devices (None: on all)."""
    set_random_seed(0)
    model = Sequential([Flatten(input_shape=(8, 8)), Dense(64, activation="relu"), BatchNormalization()])
    model.add(Dropout(0.3))
    model.add(Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], devices=devices)
    history = model.fit(x_train, y_train, batch_size=64, epochs=example.size(25, 2), verbose=0).history
    return model, history["loss"]


model, losses = train()
alone, losses_alone = train(devices=1)
print(f"{jax.device_count()} devices of kind {jax.devices()[0].device_kind}")
print(f"loss of the last epoch: {losses[-1]:.6f}, on one device: {losses_alone[-1]:.6f}")
np.testing.assert_allclose(losses[0], losses_alone[0], rtol=1e-3)  # sums in another order, no more

# The weights are whole: saving needs no template model. `multi_gpu_model` is there for scripts that use it;
# it shares the layers of its template, so it knows at once what that has learned.
parallel = multi_gpu_model(model, gpus=None) if jax.device_count() > 1 else model
accuracy = np.mean(parallel.predict(x_test).argmax(axis=1) == y_test)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, losses, baseline=guess, at_least=0.95)
