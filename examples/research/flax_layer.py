"""A module of flax as a layer among others: dropout, statistics and all (`pip install flax`)."""

import flax.linen as nn
import numpy as np
from _research import smoke, tell

import jkeras
from jkeras import layers


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, train: bool):
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(nn.Dense(64)(x))
        return nn.Dropout(0.2, deterministic=not train)(nn.relu(x))


(x, y), (x_test, y_test) = jkeras.datasets.digits.load_data()
block = Block()


def init(key, x):
    return block.init(key, x, train=False)


inner = layers.Pure(init, block.apply, "batch_stats", "dropout", "train", name="block")
model = jkeras.Sequential([jkeras.Input((8, 8)), layers.Flatten(), inner])
model.add(layers.Dense(10, activation="softmax"))
model.compile({"block/*": jkeras.optimizers.Adam(lr=1e-3), "*": "sgd"}, "sparse_categorical_crossentropy")
losses = model.fit(x / 16, y, 64, 2 if smoke else 20, verbose=0).history["loss"]
print("accuracy:", np.mean(model.predict(x_test / 16).argmax(-1) == y_test))
tell(losses)
