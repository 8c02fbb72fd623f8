"""A module of equinox as a layer among others (`pip install equinox`)."""

import equinox as eqx
import jax
import numpy as np
from _research import smoke, tell

import jkeras
from jkeras import layers


def make(key):
    return eqx.nn.MLP(in_size=64, out_size=32, width_size=64, depth=2, key=key)


static = eqx.partition(make(jax.random.key(0)), eqx.is_array)[1]  # all but the arrays


def init(key, x):
    return eqx.filter(make(key), eqx.is_array)


def apply(arrays, x):
    return jax.vmap(eqx.combine(arrays, static))(x)  # equinox computes one sample at a time


(x, y), (x_test, y_test) = jkeras.datasets.digits.load_data()
model = jkeras.Sequential([jkeras.Input((8, 8)), layers.Flatten(), layers.Pure(init, apply, name="mlp")])
model.add(layers.Dense(10, activation="softmax"))
model.compile({"mlp/*": jkeras.optimizers.Adam(lr=1e-3), "*": "sgd"}, "sparse_categorical_crossentropy")
losses = model.fit(x / 16, y, 64, 2 if smoke else 20, verbose=0).history["loss"]
print(
    "accuracy:", np.mean(model.predict(x_test / 16).argmax(-1) == y_test), [w.name for w in model.weights][:2]
)
tell(losses)
