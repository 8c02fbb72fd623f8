"""What more devices would give: from measured step times, bytes of an all-reduce and published bandwidths.

    python benchmarks/scaling.py > benchmarks/scaling.md

Nothing here was run on more than one device. A step is the measured time of its computation, and a ring
all-reduce of all gradients, of which a share is hidden behind the computation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from networks import NETWORKS, init

NAMES = ("mlp-mnist", "cnn-mnist", "vgg-like")


class Measured(NamedTuple):
    """A network whose `fit` was measured on one H200, with batches of so many rows."""

    name: str
    parameters: int
    batch: int
    seconds: float


def measured() -> list[Measured]:
    """What `benchmarks/gpu.md` says of the networks."""
    page = Path(__file__).with_name("gpu.md").read_text("utf-8")
    found = []
    for name in NAMES:
        row = re.search(rf"^ +{name} +jkeras +\S+ +(\S+)", page, re.MULTILINE)
        assert row, name
        parameters = sum(np.size(a) for a in jax.tree.leaves(init(NETWORKS[name])))
        found.append(Measured(name, parameters, NETWORKS[name].batch, float(row[1]) * 1e-6))
    return found


class Link(NamedTuple):
    """How devices are joined."""

    name: str
    bandwidth: float  # bytes per second of one device, in one direction
    latency: float  # seconds of one turn of the ring
    source: str


INSIDE = Link(
    "NVLink 4 within a machine of 8",
    450e9,
    3e-6,
    "900 GB/s in both directions together: NVIDIA, H200, https://www.nvidia.com/en-us/data-center/h200/",
)
OUTSIDE = Link(
    "InfiniBand NDR, a 400 Gb/s port for each device",
    50e9,
    5e-6,
    "400 Gb/s: NVIDIA, ConnectX-7 data sheet",
)
MACHINE = 8
COUNTS = (1, 8, 64, 1000)
HIDDEN = 0.5  # the share of the all-reduce that the backward computation can hide


def all_reduce(size: float, count: int) -> float:
    """Seconds of an all-reduce of `size` bytes: rings in each machine, then around machines."""
    inside = min(count, MACHINE)
    machines = -(-count // MACHINE)
    seconds = 2 * (inside - 1) * (size / inside / INSIDE.bandwidth + INSIDE.latency)
    part = size / inside
    return seconds + 2 * (machines - 1) * (part / machines / OUTSIDE.bandwidth + OUTSIDE.latency)


def step(network: Measured, count: int, fixed: bool) -> float:
    """Seconds of a step on so many devices.

    Args:
        network: the model.
        count: of devices.
        fixed: whether the whole batch keeps its size; otherwise each device keeps its rows.
    """
    compute = network.seconds * max(1 / count, 0.1) if fixed else network.seconds
    waits = all_reduce(4 * network.parameters, count)
    return compute + max(waits * (1 - HIDDEN), waits - compute * 2 / 3)


def rows(networks: list[Measured]) -> list[str]:
    """The tables, in Markdown."""
    lines: list[str] = []
    for fixed in (False, True):
        what = "The same batch, divided" if fixed else "The same rows on each device"
        head = ["network", "rows a batch", "parameters", "all-reduce, bytes", *(f"{n:,}" for n in COUNTS)]
        lines += [f"## {what}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for one in networks:
            speeds: list[str] = []
            for count in COUNTS:
                seconds = step(one, count, fixed)
                gain = one.seconds / seconds * (1 if fixed else count)
                speeds.append(f"{seconds * 1e3:.2f} ms, {gain:,.1f}x ({gain / count:.1%})")
            about = [one.name, str(one.batch), f"{one.parameters:,}", f"{4 * one.parameters:,}", *speeds]
            lines.append(f"| {' | '.join(about)} |")
        lines += ["", f"Half of the devices' speed is lost from {_ends(networks, fixed)}.", ""]
    return lines


def _ends(networks: list[Measured], fixed: bool) -> str:
    """For each network the first number of devices at which less than half of them counts."""
    found: list[str] = []
    for one in networks:
        for count in (n for k in range(1, 18) for n in (2**k,)):
            gain = one.seconds / step(one, count, fixed) * (1 if fixed else count)
            if gain / count < 0.5:
                found.append(f"{count:,} devices on ({one.name})")
                break
        else:
            found.append(f"more than 100,000 devices on ({one.name})")
    return ", ".join(found)


def main() -> None:
    networks = measured()
    print("# What more devices would give\n")
    print(
        "Made by `python benchmarks/scaling.py`: a calculation, not a measurement on many devices. Measured"
    )
    print("are the steps of `fit` on one H200 (`gpu.md`). A step on more devices is that time and a ring")
    print(f"all-reduce of all gradients in float32, of which at most {HIDDEN:.0%} is hidden behind the")
    print(
        "computation; no device is faster than a tenth of its full step, because small products do not fill"
    )
    print("it (both assumed).\n")
    for link in (INSIDE, OUTSIDE):
        print(f"- {link.name}: {link.bandwidth / 1e9:.0f} GB/s in one direction ({link.source});")
        print(f"  a turn of the ring begins after {link.latency * 1e6:.0f} µs (our assumption).")
    print()
    print("\n".join(rows(networks)))


if __name__ == "__main__":
    main()
