"""Forward and backward through jkeras's LSTM layers against the best hand-written JAX, in turns.

    python benchmarks/recurrent.py [-w lstm,lstm-stacked] [-r ROUNDS] [--clock cpu]

Both are one compiled program that gives the gradients of all weights and of the input; that they are the same
is checked first. The share is the baseline's time divided by jkeras's, each the median of its rounds. On a
busy machine pin the process to a core (`taskset -c 1 python benchmarks/recurrent.py`) and take `--clock cpu`.
"""

from __future__ import annotations

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from baseline_lstm import network
from jkeras.layers import LSTM, Dense, Masking
from jkeras.models import Sequential
from turns import about, described, interleave
from workloads import RECURRENT, Recurrent, sequences

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def model(work: Recurrent, masked: bool) -> Sequential:
    """The layers as a user writes them."""
    layers = Sequential([Masking(input_shape=work.shape[1:])] if masked else [])
    for i, units in enumerate(work.units):
        shape = {} if layers.layers else {"input_shape": work.shape[1:]}
        whole = i < len(work.units) - 1
        layers.add(LSTM(units, recurrent_activation="sigmoid", return_sequences=whole, **shape))
    if work.classes:
        layers.add(Dense(work.classes, activation="softmax"))
    return layers


def contestants(work: Recurrent, masked: bool) -> dict:
    """The gradient programs of both, with their arguments."""
    x = jnp.asarray(sequences(work, masked))
    init, apply = model(work, masked).pure()
    params, _ = init(jax.random.key(0), (None, *work.shape[1:]))
    params = {name: weights for name, weights in params.items() if weights}

    def gradient(forward):
        return jax.jit(jax.grad(lambda params, x: jnp.sum(forward(params, x) ** 2), argnums=(0, 1)))

    ours = gradient(lambda params, x: apply(params, {}, x).y), params
    theirs = gradient(lambda params, x: network(params, x, masked)), list(params.values())
    (a, by_x), (b, by_x_too) = ours[0](ours[1], x), theirs[0](theirs[1], x)
    for one, other in zip([a[name] for name in params] + [by_x], [*b, by_x_too], strict=True):
        jax.tree.map(lambda p, q: np.testing.assert_allclose(p, q, rtol=1e-3, atol=1e-4), one, other)
    return {"baseline": (*theirs, x), "jkeras": (*ours, x)}


def repeated(call, params, x, times: int):
    """A function that runs the program a number of times."""

    def run():
        for _ in range(times):
            result = call(params, x)
        jax.block_until_ready(result)

    return run


def measure(work: Recurrent, rounds: int, clock: str) -> dict[tuple[str, bool], float]:
    """Median seconds of a call for (contestant, masked)."""
    turns = {}
    for masked in (False, True):
        for name, (call, params, x) in contestants(work, masked).items():
            turns[name, masked] = repeated(call, params, x, work.calls)
            turns[name, masked]()  # settle
    seconds = interleave(turns, rounds, CLOCKS[clock])
    return {key: statistics.median(times) / work.calls for key, times in seconds.items()}


def lines(name: str, median: dict) -> str:
    """A row without and a row with a mask."""
    rows = []
    for masked in (False, True):
        ours, theirs = median["jkeras", masked], median["baseline", masked]
        label = f"{name} masked" if masked else name
        row = f"{label:22}{theirs * 1e3:10.3f}{ours * 1e3:10.3f}{theirs / ours:8.2f}"
        if masked:
            row += f"{theirs / median['baseline', False]:12.2f}{ours / median['jkeras', False]:10.2f}"
        rows.append(row)
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-w", "--workloads", default=",".join(RECURRENT))
    parser.add_argument("-r", "--rounds", type=int, default=9)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="default: wall")
    args = parser.parse_args()
    print(described(about()))
    print(f"{'':22}{'baseline':>10}{'jkeras':>10}{'share':>8}   masked / unmasked")
    print(f"{'':22}{'ms':>10}{'ms':>10}{'':8}{'baseline':>12}{'jkeras':>10}")
    for name in args.workloads.split(","):
        print(lines(name, measure(RECURRENT[name], args.rounds, args.clock)), flush=True)


if __name__ == "__main__":
    main()
