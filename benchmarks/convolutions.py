"""The products of a convolution by each way there is, alone and in a loop: milliseconds of processor time.

    python benchmarks/convolutions.py [-c vgg,conv1d] [-r ROUNDS] [--dtype bfloat16] [--json FILE]

The ways: `jkeras` is what layers use (`jkeras.primitives.conv_products`), `lax` XLA's convolution with the
derivatives that jax makes of it, `patches` one matrix product of all windows, `taps` one product per tap.
Processor time, the least of some rounds, so that a busy machine changes little; a loop has two turns.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jkeras.primitives import conv_products as products
from jkeras.primitives.conv_args import window
from turns import about, described


class Case(NamedTuple):
    """A layer: its input, the sizes of its windows, its filters."""

    shape: tuple[int, ...]
    size: tuple[int, ...]
    filters: int
    stride: int = 1
    padding: str = "valid"


CASES = {
    "cnn-mnist 1": Case((32, 28, 28, 1), (3, 3), 32),
    "cnn-mnist 2": Case((32, 26, 26, 32), (3, 3), 64),
    "vgg 1": Case((2, 100, 100, 3), (3, 3), 32),
    "vgg 2": Case((2, 98, 98, 32), (3, 3), 32),
    "resnet stem": Case((2, 112, 112, 3), (7, 7), 64, 2, "same"),
    "resnet": Case((4, 28, 28, 64), (3, 3), 64, 1, "same"),
    "resnet stride": Case((4, 28, 28, 64), (3, 3), 128, 2, "same"),
    "conv1d": Case((16, 64, 100), (3,), 64),
}


def by_lax(x, kernel, at: products.Geometry):
    names = "HW"[2 - len(at.size) :]
    layout = (f"N{names}C", f"{names}IO", f"N{names}C")
    return lax.conv_general_dilated(x, kernel, at.strides, at.pads, dimension_numbers=layout)


def by_taps(x, kernel, at: products.Geometry):
    kernels = kernel.reshape((-1, *kernel.shape[-2:]))
    return sum(tap @ kernels[i] for i, tap in enumerate(products.taps_of(x, at)))


def ways(x, kernel, g, at: products.Geometry) -> dict[tuple[str, str], tuple[Callable, tuple]]:
    """The functions to measure, with their arguments, by product and way."""
    found: dict[tuple[str, str], tuple[Callable, tuple]] = {
        ("output", "jkeras"): (lambda x, kernel: products.output(x, kernel, at), (x, kernel)),
        ("input", "jkeras"): (lambda g, kernel: products.input_gradient(g, kernel, at), (g, kernel)),
        ("kernel", "jkeras"): (lambda x, g: products.kernel_gradient(x, g, at), (x, g)),
    }
    for name, way in {"lax": by_lax, "patches": products.by_patches, "taps": by_taps}.items():
        run = partial(way, at=at)

        def input_gradient(g, kernel, run=run):
            return jax.linear_transpose(lambda x: run(x, kernel), x)(g)[0]

        def kernel_gradient(x, g, run=run):
            return jax.linear_transpose(lambda kernel: run(x, kernel), kernel)(g)[0]

        found["output", name] = run, (x, kernel)
        found["input", name] = input_gradient, (g, kernel)
        found["kernel", name] = kernel_gradient, (x, g)
    return found


def in_a_loop(run: Callable) -> Callable:
    """Two turns, each of arguments that depend on the one before, all of whose result is used."""

    def looped(turns, *arrays):
        def turn(_, total):
            zero = total * 0
            return total + jnp.sum(run(*(a + zero.astype(a.dtype) for a in arrays)), dtype=jnp.float32)

        return lax.fori_loop(0, turns, turn, jnp.float32(0))

    return looped


def milliseconds(run: Callable, arrays: tuple, rounds: int) -> float:
    """Processor time of all threads, the least of the rounds after one to compile."""
    compiled, least = jax.jit(run), float("inf")
    for turn in range(rounds + 1):
        start = time.process_time()
        jax.block_until_ready(compiled(*arrays))
        least = min(least, time.process_time() - start) if turn else least
    return least * 1000


def measure(case: Case, dtype: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    """`{product: {way: [alone, a turn of a loop]}}`."""
    random, rank = np.random.RandomState(0), len(case.size)
    spatial = case.shape[1:-1]
    pads = tuple(window(n, k, case.stride, case.padding)[1:] for n, k in zip(spatial, case.size, strict=True))
    at = products.Geometry(spatial, case.size, (case.stride,) * rank, pads, (1,) * rank)
    shapes = (
        case.shape,
        (*case.size, case.shape[-1], case.filters),
        (case.shape[0], *at.places(), case.filters),
    )
    x, kernel, g = (jnp.asarray(random.randn(*shape), dtype) for shape in shapes)
    result: dict[str, dict[str, list[float]]] = {}
    for (product, way), (run, arrays) in ways(x, kernel, g, at).items():
        alone = milliseconds(run, arrays, rounds)
        looped = milliseconds(in_a_loop(run), (2, *arrays), rounds) / 2
        result.setdefault(product, {})[way] = [round(alone, 2), round(looped, 2)]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-c", "--cases", default="", help="beginnings of names, with commas")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--json", help="file for all numbers")
    args = parser.parse_args()
    facts, results = about(), {}
    print(described(facts) + f", {args.dtype}\n")
    names = ("jkeras", "lax", "patches", "taps")
    print(f"| layer | product | {' | '.join(f'{name} alone / loop' for name in names)} |")
    print("|---|---|" + "---:|" * len(names))
    for name, case in CASES.items():
        if not name.startswith(tuple(args.cases.split(","))):
            continue
        results[name] = measure(case, args.dtype, args.rounds)
        for product, times in results[name].items():
            cells = " | ".join(f"{times[way][0]:.1f} / {times[way][1]:.1f}" for way in names)
            print(f"| {name} | {product} | {cells} |", flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"about": facts, "dtype": args.dtype, "milliseconds": results}, file, indent=1)


if __name__ == "__main__":
    main()
