"""Tools to look into training: `locate` says where a step goes wrong, `plan` what it costs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import os
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.types import INFERENCE, Ctx, Shape
from jkeras.models.model import Model
from jkeras.training.run.pure_step import StepCarry
from jkeras.training.run.report import Cost
from jkeras.training.run.trouble import Place as Place
from jkeras.training.run.trouble import first_trouble
from jkeras.training.types import Data, Weights


def locate(
    model: Model,
    x: Data,
    y: Data = None,
    sample_weight: Weights = None,
    carry: StepCarry | None = None,
    ctx: Ctx | None = None,
) -> Place | None:
    """Make one training step operation by operation, outside of compiled code, and say where it goes wrong.

    The model stays as it is.

    Args:
        model: a compiled and built model.
        x, y, sample_weight: the batch.
        carry: weights and optimizer before the step, see `model.step()`; None: as they are now.
        ctx: with the step's random key, see `TrainingStep.context`; None: some key.

    Returns:
        The `Place` of the first operation that makes NaN, or infinity, of numbers that are none; None if
        there is none.

    Raises:
        RuntimeError: the model is not compiled or not built.
        ValueError: the data hold NaN or infinity themselves.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((2,)), jkeras.layers.Lambda(jax.numpy.log, name="logs")])
        >>> model.add(jkeras.layers.Dense(1))
        >>> model.compile("sgd", "mse")
        >>> place = locate(model, np.array([[1.0, 0.0]]), np.ones((1, 1)))
        >>> place.layer, place.phase, place.operation, place.value
        ('logs', 'forward', 'log', 'inf')
    """
    for name, data in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        for array in map(np.asarray, jax.tree.leaves(data)):
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                raise ValueError(f"`{name}` holds NaN or infinity itself.")
    step = model.step()
    carry = step.init() if carry is None else carry
    return first_trouble(step, (x, y, sample_weight), carry, step.context(0) if ctx is None else ctx)


class Plan(NamedTuple):
    """The costs of a step on this device.

    Args:
        step: "training", or "inference" of a model that is not compiled.
        device: its kind.
        batch: rows.
        parameters: numbers in the weights.
        flops, traffic: operations and bytes that are moved, as XLA counts them.
        memory: bytes at most.
        largest_batch: rows for which the memory of the device lasts, by what two sizes need.
        seconds: of a step.
    """

    step: str
    device: str
    batch: int
    parameters: int
    flops: float
    traffic: float
    memory: int
    largest_batch: int
    seconds: float

    def __str__(self) -> str:
        rate = self.flops / self.seconds / 1e9
        return (
            f"{self.step} on {self.device}, {self.batch} rows, {self.parameters:,} parameters\n"
            f"operations     {self.flops:.3g} ({rate:.3g} G a second)\n"
            f"bytes moved    {self.traffic:.3g}\n"
            f"memory         {self.memory / 2**20:.1f} MiB\n"
            f"largest batch  {self.largest_batch:,}\n"
            f"seconds        {self.seconds:.3g}"
        )


def plan(model: Model, batch_size: int = 32) -> Plan:
    """Find what a step costs before training: a step of training, of an uncompiled model one of inference.

    The step is compiled for two sizes and run a few times on zeros; the model stays as it is.

    Args:
        model: a built model.
        batch_size: rows.

    Raises:
        ValueError: an input or target has an unknown size beside the batch's.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((8,)), jkeras.layers.Dense(4)])
        >>> model.compile("sgd", "mse")
        >>> costs = plan(model, 16)
        >>> costs.parameters, costs.flops > 16 * 2 * 8 * 4, costs.largest_batch > 16
        (36, True, True)
    """
    step, run, first, ends = _step_of(model)
    programs = []
    for rows in (batch_size, 2 * batch_size):
        batch = tuple([jnp.zeros(_rows(end, rows), end.dtype) for end in part] for part in ends)
        programs.append((jax.jit(run).lower(first, batch).compile(), batch))
    cost, twice = (Cost.of(program) for program, _ in programs)
    program, batch = programs[0]
    jax.block_until_ready(program(first, batch))
    began = time.perf_counter()
    for _ in range(_TIMES):
        result = program(first, batch)
        jax.block_until_ready(result)
    seconds = (time.perf_counter() - began) / _TIMES
    device: Any = jax.devices()[0]
    limit = (device.memory_stats() or {}).get("bytes_limit") or os.sysconf("SC_PAGE_SIZE") * os.sysconf(
        "SC_PHYS_PAGES"
    )
    a_row = max(1.0, (twice.peak - cost.peak) / batch_size)
    fixed = cost.peak - a_row * batch_size
    return Plan(
        step,
        device.device_kind,
        batch_size,
        model.count_params(),
        *cost,
        max(0, int((limit - fixed) / a_row)),
        seconds,
    )


_TIMES = 5  # that a step is run


def _step_of(model: Model) -> tuple[str, Any, Any, tuple[Any, ...]]:
    """The step as a function of its carry and a batch, the first carry, and the ends that a batch is for."""
    if model.optimizer is not None:
        step = model.step()

        def train(carry: Any, batch: Any) -> Any:
            return step.apply(carry, batch, step.context(0))

        return "training", train, step.init(), (step.trainer.inputs, step.objective.fed)
    apply: Any = model.pure().apply
    values = model.values()

    def infer(values: Any, batch: Any) -> Any:
        xs = batch[0]
        return apply(*values, xs if len(xs) > 1 else xs[0], INFERENCE).y

    return "inference", infer, values, (model.signature[0],)


def _rows(end: Any, rows: int) -> Shape:
    shape: Any = end.shape if end.shape is not None else end.output
    if shape is None or None in shape[1:]:
        raise ValueError(f"{end.name!r} has an unknown size, {shape}: build the model for a known one.")
    return (rows, *shape[1:])
