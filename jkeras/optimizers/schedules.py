"""Schedules: learning rates as functions of the number of steps done, with a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from jkeras.core.registry import deserialize_keras_object, serialize_keras_object
from jkeras.core.types import Array


class LearningRateSchedule:
    """The base class of schedules: `schedule(step)` is the rate of a step, counted from 0.

    One of your own defines `__call__`, and `get_config` if it is to be saved.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5**step
        >>> Halving()(2)
        0.25

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py LearningRateSchedule
    """

    arguments: ClassVar[tuple[str, ...]] = ()

    def __call__(self, step: Any) -> Any:
        """The rate.

        Args:
            step: the number of steps done.
        """
        raise TypeError(f"{type(self).__name__} does not define `__call__(step)`, so it has no rate.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this schedule anew."""
        return {name: getattr(self, name) for name in self.arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The schedule that `get_config` described."""
        return cls(**config)


def _checked(schedule: object, steps: float, name: str) -> None:
    if steps <= 0:
        raise ValueError(f"{type(schedule).__name__}: `{name}` should be above 0; got {steps!r}.")


def _float(step: Any) -> Array:
    return jnp.asarray(step, jnp.float32)


class _Decay(LearningRateSchedule):
    """A rate that falls with step / decay_steps, perhaps rounded down."""

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        _checked(self, decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name or type(self).__name__

    def at(self, part: Array) -> Array:
        """The rate where step / decay_steps is `part`."""
        raise NotImplementedError(f"{type(self).__name__} must define at().")

    def __call__(self, step: Any) -> Array:
        part = _float(step) / self.decay_steps
        return self.at(jnp.floor(part) if self.staircase else part)


class ExponentialDecay(_Decay):
    """initial_learning_rate * decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: the rate at the start.
        decay_steps: steps after which the rate is multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down.
        name: its name; None: that of the class.

    Raises:
        ValueError: arguments that do not fit.

    Example:
        >>> round(float(ExponentialDecay(0.5, 10, 0.5)(20)), 6)
        0.125

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py ExponentialDecay
    """

    def at(self, part: Array) -> Array:
        return self.initial_learning_rate * jnp.float32(self.decay_rate) ** part


class PiecewiseConstantDecay(LearningRateSchedule):
    """The i-th value up to the i-th boundary, the last one after all of them.

    Args:
        boundaries: steps, rising.
        values: rates, one more than boundaries.
        name: its name.

    Raises:
        ValueError: arguments that do not fit.

    Example:
        >>> round(float(PiecewiseConstantDecay([3, 5], [1.0, 0.5, 0.25])(4)), 6)
        0.5

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py PiecewiseConstantDecay
    """

    arguments = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: {len(values)} values need {len(values) - 1} boundaries; got "
                f"{len(boundaries)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Array:
        passed = _float(step) > jnp.asarray(self.boundaries, jnp.float32)
        return jnp.asarray(self.values, jnp.float32)[jnp.sum(passed)]


class PolynomialDecay(LearningRateSchedule):
    """From the initial rate to the last one along (1 - step / decay_steps)^power.

    Args:
        initial_learning_rate: the rate at the start.
        decay_steps: steps after which the last rate is reached.
        end_learning_rate: the last rate.
        power: the exponent.
        cycle: whether it begins anew, over longer and longer times, after `decay_steps`.
        name: its name.

    Raises:
        ValueError: arguments that do not fit.

    Example:
        >>> round(float(PolynomialDecay(1.0, 10, 0.0)(5)), 6)
        0.5

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py PolynomialDecay
    """

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        _checked(self, decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Array:
        done, whole = _float(step), jnp.float32(self.decay_steps)
        if self.cycle:
            whole = whole * jnp.where(done == 0, 1.0, jnp.ceil(done / self.decay_steps))
        else:
            done = jnp.minimum(done, whole)
        fall = self.initial_learning_rate - self.end_learning_rate
        return fall * (1 - done / whole) ** self.power + self.end_learning_rate


class InverseTimeDecay(_Decay):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
        initial_learning_rate: the rate at the start.
        decay_steps: steps that count as one.
        decay_rate: the factor.
        staircase: whether step / decay_steps is rounded down.
        name: its name; None: that of the class.

    Raises:
        ValueError: arguments that do not fit.

    Example:
        >>> round(float(InverseTimeDecay(1.0, 10, 0.5)(20)), 6)
        0.5

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py InverseTimeDecay
    """

    def at(self, part: Array) -> Array:
        return self.initial_learning_rate / (1 + self.decay_rate * part)


class CosineDecay(LearningRateSchedule):
    """Half a wave of the cosine from a rate down to a share of it, after a linear warmup.

    Args:
        initial_learning_rate: the rate at the start.
        decay_steps: steps of the wave.
        alpha: the share that is left at the end.
        warmup_target: the rate that a warmup rises to; None: there is none.
        warmup_steps: steps of the warmup.
        name: its name.

    Raises:
        ValueError: arguments that do not fit.

    Example:
        >>> round(float(CosineDecay(1.0, 10)(5)), 6)
        0.5

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py CosineDecay
    """

    arguments = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        _checked(self, decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Array:
        warmed = self.warmup_target is not None
        top = self.warmup_target if self.warmup_target is not None else self.initial_learning_rate
        warmup = self.warmup_steps if warmed else 0
        done = jnp.minimum(_float(step), self.decay_steps + warmup)
        wave = 0.5 * (1.0 + jnp.cos(jnp.pi * (done - warmup) / self.decay_steps))
        rate = top * ((1 - self.alpha) * wave + self.alpha)
        if not warmup:
            return rate
        rising = (top - self.initial_learning_rate) * done / warmup + self.initial_learning_rate
        return jnp.where(done < warmup, rising, rate)


class CosineDecayRestarts(LearningRateSchedule):
    """Half waves of the cosine, each one longer and lower than the one before.

    Args:
        initial_learning_rate: the rate at the start.
        first_decay_steps: steps of the first wave.
        t_mul: how much longer each wave is.
        m_mul: how much higher each wave begins.
        alpha: the share that is left at the end of a wave.
        name: its name.

    Raises:
        ValueError: arguments that do not fit.

    Example:
        >>> round(float(CosineDecayRestarts(1.0, 10)(20)), 6)
        0.5

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py CosineDecayRestarts
    """

    arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        _checked(self, first_decay_steps, "first_decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Array:
        part = _float(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            number = jnp.floor(part)
            part = part - number
        else:
            t = jnp.float32(self.t_mul)
            number = jnp.floor(jnp.log(1.0 - part * (1.0 - t)) / jnp.log(t))
            part = (part - (1.0 - t**number) / (1.0 - t)) / t**number
        wave = 0.5 * jnp.float32(self.m_mul) ** number * (1.0 + jnp.cos(jnp.pi * part))
        return self.initial_learning_rate * ((1 - self.alpha) * wave + self.alpha)


_CLASSES = {
    c.__name__: c
    for c in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """A schedule as `{"class_name": ..., "config": ...}`.

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py serialize

    Example:
        >>> serialize(ExponentialDecay(0.5, 10, 0.5))["class_name"]
        'ExponentialDecay'
    """
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule that `serialize` wrote down.

    Args:
        config: `{"class_name": ..., "config": ...}`.
        custom_objects: classes of your own by name.

    Raises:
        ValueError: if the name is unknown.

    Keras 3: keras/src/optimizers/schedules/learning_rate_schedule.py deserialize

    Example:
        >>> deserialize(serialize(ExponentialDecay(0.5, 10, 0.25))).decay_rate
        0.25
    """
    return deserialize_keras_object(dict(config), _CLASSES, custom_objects, "schedule")
