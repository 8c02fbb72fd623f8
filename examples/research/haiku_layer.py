"""A module of haiku as a layer among others: statistics and all (`pip install dm-haiku`)."""

import haiku as hk
import numpy as np
from _research import smoke, tell

import jkeras
from jkeras import layers


def block(x, train):
    x = hk.BatchNorm(True, True, 0.9)(hk.Linear(64)(x), train)
    return hk.dropout(hk.next_rng_key(), 0.2, x) if train else x


pair = hk.transform_with_state(block)


def init(key, x):
    params, state = pair.init(key, x, True)  # which also makes the averages
    return {"params": params, "state": state}


def apply(tree, x, train, rngs=None, mutable=()):
    y, state = pair.apply(tree["params"], tree["state"], rngs and rngs["noise"], x, train)
    return (y, {"state": state}) if mutable else y


(x, y), (x_test, y_test) = jkeras.datasets.digits.load_data()
inner = layers.Pure(init, apply, "state", "noise", "train", name="block")
model = jkeras.Sequential([jkeras.Input((8, 8)), layers.Flatten(), inner])
model.add(layers.Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy")
losses = model.fit(x / 16, y, 64, 2 if smoke else 20, verbose=0).history["loss"]
print("accuracy:", np.mean(model.predict(x_test / 16).argmax(-1) == y_test))
tell(losses)
