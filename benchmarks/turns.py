"""What the benchmarks share: contestants that take turns, and the line about machine and versions."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable

import jax
import jaxlib
import numpy as np
import optax

import jkeras


def interleave(
    contestants: dict[str, Callable], rounds: int, clock=time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each call, for each contestant; who begins changes from round to round."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds):
        for name in sorted(contestants, reverse=turn % 2 == 0):
            gc.collect()
            start = clock()
            contestants[name]()
            seconds[name].append(clock() - start)
    return seconds


def about() -> dict[str, str]:
    """Devices, machine, versions."""
    device = jax.devices()[0]
    return {
        "device": f"{len(jax.devices())} x {device.device_kind}",
        "host": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        **{module.__name__: module.__version__ for module in (jkeras, jax, jaxlib, optax, np)},
    }


def described(facts: dict[str, str]) -> str:
    """`about()` in one line."""
    return ", ".join(f"{key} {value}" for key, value in facts.items())
