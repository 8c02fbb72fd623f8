"""FSDP by hand: weights and slots spread over devices, gathered where a step needs them."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=4")  # where there is one CPU only

import jax
import numpy as np
from _research import smoke, tell
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import jkeras
from jkeras import layers

(x, y), _ = jkeras.datasets.digits.load_data()
x = (x[:1024].reshape(8, 128, 8, 8) / 16).astype("float32")
y = y[:1024].reshape(8, 128, 1)
model = jkeras.Sequential([jkeras.Input((8, 8)), layers.Flatten(), layers.Dense(64, activation="relu")])
model.add(layers.Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", devices=1)
step, mesh = model.step(), Mesh(np.array(jax.devices()), "data")


def spread(array):
    """Of each array a part on every device: along its first axis that divides."""
    axes = [i for i, size in enumerate(array.shape) if size % mesh.size == 0][:1]
    return NamedSharding(mesh, PartitionSpec(*[None] * axes[0], "data") if axes else PartitionSpec())


carry = step.init()
places = jax.tree.map(spread, carry)
rows = NamedSharding(mesh, PartitionSpec(None, "data"))  # of each batch a part on every device
epoch = jax.jit(
    lambda carry, x, y: jax.lax.scan(step.apply, carry, (x, y)),
    in_shardings=(places, rows, rows),
    out_shardings=(places, None),
)
carry, losses = jax.device_put(carry, places), []
for _ in range(2 if smoke else 30):
    carry, logs = epoch(carry, x, y)
    losses.append(logs["loss"])
print("part of each device:", max(a.addressable_shards[0].data.size for a in jax.tree.leaves(carry)))
step.put(carry)
tell(losses)
