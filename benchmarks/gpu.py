"""What to run first where there is a GPU: are the numbers right, and how fast is it? Under nine minutes.

    PYTHONPATH=. python benchmarks/gpu.py [-w mlp-tiny,lstm-imdb] [-r ROUNDS] [--json FILE] [--smoke]

It needs jkeras's own requirements and this repository; Flax and PyTorch are measured where they are there.
First every layer of the contract table runs on the GPU and on the CPU: outputs, state and gradients of a
training step in float32 (without TF32), outputs in bfloat16. Then the networks of `networks.py` train in
turns: as one hand-written scan in JAX with the data resident, the same with a dynamic number of steps, with
jkeras (each call of `fit` and `predict` brings the numpy arrays to the device), with Flax's and with
PyTorch's documented loops (PyTorch's data are resident). The share is the hand-written time divided by the
contestant's: 1 is as fast. The first epoch holds building and compiling.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch shares the memory
sys.path.insert(0, str(Path(__file__).parents[1]))  # the contract table lies with the tests

import jax
import jax.numpy as jnp
import numpy as np

from jkeras import layers as L
from jkeras.core.types import Ctx
from jkeras.models import Sequential
from networks import NETWORKS, Network, data
from peers import contestants
from tests.contract.cases import CASES, Case
from turns import about, described, interleave


def distance(found, expected) -> float:
    """The largest difference, as a share of the largest value."""
    worst = 0.0
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        a, b = (np.asarray(v).astype("float64") for v in (a, b))
        worst = max(worst, float(np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-3)))
    return worst


def compared(case: Case, devices: list) -> tuple[float, float]:
    """How far the two devices are from each other, in float32 and in bfloat16."""
    pair = case.make().pure()
    with jax.default_device(devices[1]):
        params, state = pair.init(jax.random.key(1), case.in_shape)
        everything = jax.tree.map(np.asarray, (params, state, case.data()))
        key = np.asarray(jax.random.key_data(jax.random.key(2)))

    def step(params, state, x, key):
        ctx = Ctx(jax.random.wrap_key_data(key), training=True)

        def loss(params):
            out = pair.apply(params, state, x, ctx)
            return sum(jnp.sum(jnp.sin(y)) for y in jax.tree.leaves(out.y)), (out.y, out.state)

        return jax.grad(loss, has_aux=True)(params)

    def half(params, state, x):
        def cast(a):
            return a.astype(jnp.bfloat16) if a.dtype == np.float32 else a

        return pair.apply(*jax.tree.map(cast, (params, state, x))).y

    results = []
    for device in devices:
        arguments = jax.device_put((*everything, key), device)
        results.append((jax.jit(step)(*arguments), jax.jit(half)(*arguments[:3])))
    return tuple(distance(*pair) for pair in zip(*results, strict=True))


def correctness(cases: list[Case]) -> dict[str, tuple[float, float]]:
    """The distance of GPU and CPU for each layer."""
    devices = [jax.devices()[0], jax.devices("cpu")[0]]
    with jax.default_matmul_precision("highest"):
        return {f"{i}-{case.name}": compared(case, devices) for i, case in enumerate(cases)}


def lstm_against_cudnn() -> float:
    """The distance of CuDNNLSTM from LSTM with a sigmoid gate: outputs, and gradients of the inputs."""
    x = np.random.RandomState(0).randn(64, 40, 32).astype("float32")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for layer in (L.LSTM(48, recurrent_activation="sigmoid"), L.CuDNNLSTM(48)):
            model = Sequential([L.InputLayer((40, 32)), layer])
            if results:
                model.load_weights(f"{folder}/weights.h5")  # turns them into the other layer's
            model.save_weights(f"{folder}/weights.h5")

            def loss(x, model=model):
                y = model(x)
                return jnp.sum(jnp.sin(y)), y

            with jax.default_matmul_precision("highest"):
                results.append(jax.jit(jax.grad(loss, has_aux=True))(x))
    return distance(results[1], results[0])


def measured(net: Network, rounds: int) -> dict[str, dict[str, float]]:
    """First epoch in s, microseconds of a step of `fit`, rows a second of `predict`, for each contestant."""
    x, y = data(net)
    there, results = {}, {}
    for name, make in contestants().items():
        start = time.perf_counter()
        there[name] = make(net, x, y)
        loss = there[name].fit(1)
        results[name] = {"first": time.perf_counter() - start}
        assert np.isfinite(loss), f"{name} lost its way: {loss}"
    epochs = {
        name: 1 if name in ("flax", "torch") else net.epochs for name in there
    }  # theirs are long enough
    fits = {name: partial(one.fit, epochs[name]) for name, one in there.items()}
    predictions = {name: one.predict for name, one in there.items()}
    for calls in (fits, predictions):
        interleave(calls, 1)  # compile, settle
    steps = -(-net.rows // net.batch)
    for name, times in interleave(fits, rounds).items():
        results[name]["fit"] = statistics.median(times) / steps / epochs[name] * 1e6
    for name, times in interleave(predictions, rounds).items():
        results[name]["predict"] = net.rows / statistics.median(times)
    return results


def table(name: str, results: dict[str, dict[str, float]]) -> str:
    limit, lines = results["hand-written"], []
    for contestant, row in results.items():
        fit, predict = limit["fit"] / row["fit"], row["predict"] / limit["predict"]
        lines.append(
            f"{name:10} {contestant:13} {row['first']:8.2f} {row['fit']:10.1f} {fit:6.2f} "
            f"{row['predict']:12,.0f} {predict:6.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-w", "--workloads", default=",".join(NETWORKS))
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--smoke", action="store_true", help="few layers, few rows: does the script run?")
    args = parser.parse_args()
    facts = about()
    print(described(facts), flush=True)

    start = time.perf_counter()
    layers = correctness(CASES[:: 12 if args.smoke else 1])
    worst = [max(layers, key=lambda name, i=i: layers[name][i]) for i in (0, 1)]
    print(f"{len(layers)} layers against the CPU, {time.perf_counter() - start:.0f} s: the farthest")
    print(f"  float32  {layers[worst[0]][0]:.1e}  {worst[0]}")
    print(f"  bfloat16 {layers[worst[1]][1]:.1e}  {worst[1]}")
    cudnn = lstm_against_cudnn()
    print(f"CuDNNLSTM against LSTM: {cudnn:.1e}")

    print(f"{'':24} {'1st ep s':>8} {'us/step':>10} {'share':>6} {'predict/s':>12} {'share':>6}")
    results = {}
    for name in args.workloads.split(","):
        net = NETWORKS[name]
        results[name] = measured(net._replace(rows=300, epochs=1) if args.smoke else net, args.rounds)
        print(table(name, results[name]), flush=True)
    if args.json:
        found = {"about": facts, "layers": layers, "cudnn": cudnn, "networks": results}
        Path(args.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
