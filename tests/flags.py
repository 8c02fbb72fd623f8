"""What XLA is told in the tests: to compile quickly.

Most of the time goes to compilation: without LLVM's optimizations, and with XLA's older emitters of fusions
a program for the CPU is there four times as soon. It computes the same, more slowly. In the environment,
`XLA_FLAGS=--xla_backend_optimization_level=3` makes XLA compile as it does for users.
"""

from __future__ import annotations

import importlib.metadata
import os

_DEVICES = "--xla_force_host_platform_device_count"
_LEVEL = "--xla_backend_optimization_level"


def _quick(flags: list[str]) -> list[str]:
    if os.environ.get("JAX_PLATFORMS") != "cpu" or any(flag.startswith(_LEVEL) for flag in flags):
        return []
    version = tuple(map(int, importlib.metadata.version("jaxlib").split(".")[:2]))
    # XLA ends a process that names a flag it does not know, and later ones have no other emitters.
    return [f"{_LEVEL}=0", *(["--xla_cpu_use_fusion_emitters=false"] if version < (0, 11) else [])]


def of_session() -> str:
    """The user's flags and the tests'; with 8 virtual devices, for the tests of data parallelism."""
    flags = os.environ.get("XLA_FLAGS", "").split()
    devices = [] if any(flag.startswith(_DEVICES) for flag in flags) else [f"{_DEVICES}=8"]
    return " ".join([*flags, *devices, *_quick(flags)])


def of_process() -> str:
    """The session's flags for a process that sees the devices a user has."""
    return " ".join(f for f in os.environ.get("XLA_FLAGS", "").split() if not f.startswith(_DEVICES))
