"""What a step of `fit` costs on several devices, beside a loop written by hand with `pmap`.

    python benchmarks/devices.py                # 1, 2 and 8 virtual devices of this processor
    python benchmarks/devices.py --devices 1 4 -r 7

Both train the same network with the same optimizer on data that stay on the devices, all steps of an epoch
in one dispatch, at most two dispatches in flight. Ragged: batches that do not divide among the devices. The
devices are virtual: they share the cores, so more of them are not faster here; what is measured is what `fit`
adds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from functools import partial

HIDDEN, CLASSES, FEATURES = 64, 10, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("-r", "--rounds", type=int, default=5, help="The best of so many counts.")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one, options.rounds)))
        return
    print("| devices | by hand, µs/step | fit, µs/step | ratio | ragged, µs/step | ragged / whole | loss |")
    print("|---|---|---|---|---|---|---|")
    for count in options.devices:
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
        command = [sys.executable, __file__, "--one", str(count), "-r", str(options.rounds)]
        environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        hand, fit, ragged = (row[name] * 1e6 for name in ("hand", "fit", "ragged"))
        print(
            f"| {count} | {hand:.0f} | {fit:.0f} | {fit / hand:.2f} | {ragged:.0f} | {ragged / fit:.2f} | "
            f"{row['loss']:.6f} |"
        )


def measured(count: int, rounds: int) -> dict[str, float]:
    """Seconds of a step, the least of `rounds`, of each kind; and the loss of a short training."""
    import numpy as np

    from jkeras.utils import set_random_seed

    x, y = data(128 * 40)
    runs = {"hand": by_hand(count, x, y, 128), "fit": by_fit(count, x, y, 128)}
    few = 125 * 40  # no count of devices above 1 divides 125, but 5
    runs["ragged"] = by_fit(count, x[:few], y[:few], 125)
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run(10)
            best[name] = min(best[name], (time.perf_counter() - began) / (10 * 40))
    set_random_seed(0)
    model = network(count)
    history = model.fit(x[:1000], y[:1000], batch_size=125, epochs=3, verbose=0)
    return best | {"loss": float(np.round(history.history["loss"][-1], 8))}


def data(rows: int):
    """Random inputs and one-hot labels."""
    import numpy as np

    random = np.random.RandomState(0)
    x = random.rand(rows, FEATURES).astype("float32")
    return x, np.eye(CLASSES, dtype="float32")[random.randint(0, CLASSES, rows)]


def network(count: int):
    """The compiled model."""
    from jkeras import layers, models, optimizers

    model = models.Sequential([layers.Dense(HIDDEN, activation="relu", input_shape=(FEATURES,))])
    model.add(layers.Dense(HIDDEN, activation="relu"))
    model.add(layers.Dense(CLASSES, activation="softmax"))
    model.compile(optimizers.SGD(0.01, momentum=0.9), "categorical_crossentropy", devices=count)
    return model


def by_fit(count: int, x, y, batch: int):
    """`run(epochs)` with `fit`."""
    model = network(count)

    def run(epochs: int) -> None:
        model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)

    run(3)
    return run


def by_hand(count: int, x, y, batch: int):
    """`run(epochs)` with a loop of our own: `pmap`, all steps of an epoch in one dispatch."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    random, sizes = np.random.RandomState(0), [FEATURES, HIDDEN, HIDDEN, CLASSES]
    weights = [
        (random.randn(a, b).astype("float32") * a**-0.5, np.zeros(b, "float32"))
        for a, b in zip(sizes[:-1], sizes[1:], strict=True)
    ]
    optimizer, part, steps = optax.sgd(0.01, 0.9), batch // count, len(x) // batch

    def loss(weights, x, y):
        for kernel, bias in weights[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        kernel, bias = weights[-1]
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(x @ kernel + bias), -1))

    def epoch(index, carry, x, y, order):
        def step(i, carry):
            weights, slots, total = carry
            rows = jax.lax.dynamic_slice_in_dim(order, i * batch + index * part, part)
            value, grads = jax.value_and_grad(loss)(weights, x[rows], y[rows])
            value, grads = jax.lax.pmean((value, grads), "data")
            updates, slots = optimizer.update(grads, slots, weights)
            return optax.apply_updates(weights, updates), slots, total + value

        return jax.lax.fori_loop(0, steps, step, (*carry, jnp.float32(0)))

    mapped = partial(jax.pmap, axis_name="data", in_axes=(0, None, None, None, None), out_axes=None)
    program = mapped(epoch, donate_argnums=(1,))
    state = [(jax.tree.map(jnp.asarray, weights), optimizer.init(weights))]
    index, x, y = jnp.arange(count), jnp.asarray(x), jnp.asarray(y)

    def run(epochs: int) -> None:
        flying = []
        for _ in range(epochs):
            order = random.permutation(len(x)).astype(np.int32)
            weights, slots, total = program(index, state[0], x, y, order)
            state[0] = weights, slots
            flying.append(total)
            if len(flying) > 2:
                float(flying.pop(0))
        for total in flying:
            float(total)

    run(3)
    return run


if __name__ == "__main__":
    main()
