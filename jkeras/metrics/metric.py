"""Metric: the base class of metrics with a state, which are exact over all batches of an epoch."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras import initializers
from jkeras.core.dispatch import is_symbol
from jkeras.core.names import auto_name, snake_case
from jkeras.core.settings import floatx
from jkeras.core.types import INFERENCE, Array, Ctx, Function, Operand
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.variable import Variable, current_frame

_RUN = ("update_state", "result", "reset_state")  # methods that see and change values


class State(Variable):
    """A variable of a metric: in the code of the metric it takes new values, also while that is traced."""

    def assign(self, value: Any) -> None:
        """Replace the value."""
        frame = current_frame()
        if frame is None:
            super().assign(np.asarray(value))
        else:
            frame.write(self, jnp.broadcast_to(jnp.asarray(value, self.dtype), self.shape))

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.assign(self._now() + jnp.asarray(value))

    def assign_sub(self, value: Any) -> None:
        """Subtract from the value."""
        self.assign(self._now() - jnp.asarray(value))


def _scoped(method: Function) -> Function:
    """A method of a metric that may be called anywhere: outside of a step it sees values, and keeps them."""

    @functools.wraps(method)
    def scoped(self: Metric, *args: Any, **kwargs: Any) -> Any:
        frame = current_frame()
        if frame is not None:
            return _value(frame, method(self, *args, **kwargs))
        with Frame({}) as frame:
            result = _value(frame, method(self, *args, **kwargs))
        for variable, value in frame.updates.items():
            variable.put(jnp.asarray(value, variable.dtype))
        return result

    return scoped


def _value(frame: Frame, result: Any) -> Any:
    """A result with the values of the variables in it."""

    def value(leaf: Any) -> Any:
        return frame.read(leaf) if isinstance(leaf, Variable) else leaf

    return jax.tree.map(value, result, is_leaf=is_symbol)


class Metric:
    """A metric with a state: `update_state` for each batch, `result` at any time, `reset_state` begins anew.

    In `compile(metrics=[...])` its value is the one over all samples of the epoch so far, whatever the sizes
    of the batches and however many devices share them. Alone it is used as in Keras 3, also as pure functions
    of its variables: `stateless_update_state`, `stateless_result`.

    One of your own defines the three methods over variables from `add_variable`; or `sums` and `of`, if its
    state is sums over samples: devices then take their rows apart.

    Args:
        dtype: of its state; default `floatx()`.
        name: its name; default: that of the class in small letters.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.most = self.add_variable((), "zeros", name="most")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.most.assign(jnp.maximum(self.most, jnp.max(y_pred)))
        ...     def result(self):
        ...         return self.most
        >>> largest = Largest()
        >>> largest.update_state(None, jnp.asarray([1.0, 3.0]))
        >>> largest.update_state(None, jnp.asarray([2.0]))
        >>> largest.name, float(largest.result())
        ('largest', 3.0)

    Keras 3: keras/src/metrics/metric.py Metric
    """

    rises: ClassVar[bool] = False  # whether more is better, for callbacks that watch it

    stateful = True
    rowwise: bool = False  # whether devices may count their rows apart: the state is sums over samples
    arguments: ClassVar[tuple[str, ...]] = ()  # attributes that the config has beside name and dtype

    def __init__(self, dtype: DTypeLike | None = None, name: str | None = None):
        self.name = name or auto_name(snake_case(type(self).__name__))
        self.dtype = jnp.dtype(floatx() if dtype is None else dtype).name
        self._variables: list[State] = []

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "sums" in vars(cls):
            cls.rowwise = True
        for name in _RUN:
            if name in vars(cls):
                setattr(cls, name, _scoped(vars(cls)[name]))

    # --- the state

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> State:
        """A variable of this metric.

        Args:
            shape: its shape.
            initializer: of its first value.
            dtype: default: that of the metric.
            name: its name.
        """
        with jax.ensure_compile_time_eval():  # the first call may be one that is traced
            value = initializers.draw(initializer, None, tuple(shape), dtype or self.dtype)
        variable = State(value, f"{self.name}/{name or 'variable'}:0")
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> State:
        """Another name for `add_variable`."""
        return self.add_variable(shape, initializer or "zeros", dtype, name)

    @property
    def variables(self) -> list[State]:
        """Its variables, and those of metrics among its attributes."""
        inner = [value for value in vars(self).values() if isinstance(value, Metric)]
        return [*self._variables, *(v for metric in inner for v in metric.variables)]

    # --- what a metric does

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that a batch adds to the state, by the names of the attributes that hold them.

        Args:
            y_true, y_pred: targets and predictions.
            weight: of the samples, or None.
        """
        raise TypeError(f"{type(self).__name__} defines neither `update_state` nor `sums`.")

    def of(self, sums: dict[str, Array]) -> Any:
        """The value of the metric where the state is `sums`."""
        raise TypeError(f"{type(self).__name__} defines neither `result` nor `of`.")

    @_scoped
    def update_state(self, y_true: Operand, y_pred: Operand, sample_weight: Operand = None) -> None:
        """Count a batch.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: of the samples; None: all count alike.
        """
        y_pred = jnp.asarray(y_pred)
        weight = None if sample_weight is None else jnp.asarray(sample_weight)
        if weight is not None and weight.ndim == 0 and y_pred.ndim:  # one for all samples
            weight = jnp.full(len(y_pred), weight)
        if self.ctx.present is not None:  # rows that only fill the shape up weigh nothing
            weight = self.ctx.kept(jnp.ones(len(y_pred), self.dtype) if weight is None else weight)
        self._add(self.sums(jnp.asarray(y_true), y_pred, weight))

    @property
    def ctx(self) -> Ctx:
        """The context of the step that it is updated in: says over which devices the batch is spread."""
        frame = current_frame()
        return INFERENCE if frame is None else frame.ctx

    def _add(self, sums: dict[str, Array]) -> None:
        for name, added in self.ctx.total(sums).items():
            if not hasattr(self, name):
                setattr(self, name, self.add_variable(added.shape, name=name))
            getattr(self, name).assign_add(added)

    @_scoped
    def result(self) -> Any:
        """The value over everything since `reset_state`: a number, an array, or a dict of such by name."""
        return self.of({v.name.rpartition("/")[2].removesuffix(":0"): v._now() for v in self._variables})

    @_scoped
    def reset_state(self) -> None:
        """Begin anew."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def reset_states(self) -> None:
        """Begin anew, in the words of Keras 2."""
        self.reset_state()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`update_state`, then `result`."""
        self.update_state(*args, **kwargs)
        return self.result()

    # --- pure functions

    def _purely(self, values: Sequence[Any], run: Callable[[], Any]) -> tuple[Any, list[Any]]:
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"{self.name}: expected values for its {len(variables)} variables; got {len(values)}."
            )
        with Frame(dict(zip(variables, map(jnp.asarray, values), strict=True))) as frame:
            result = run()
            return result, [frame.read(v) for v in variables]

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The values of the variables after a batch.

        Args:
            metric_variables: their values before, in the order of `variables`.
            *args, **kwargs: see `update_state`.

        Example:
            >>> from jkeras.metrics import Mean
            >>> mean = Mean()
            >>> values = mean.stateless_update_state(mean.stateless_reset_state(), [1.0, 2.0])
            >>> float(mean.stateless_result(values)), float(mean.result())
            (1.5, 0.0)
        """
        return self._purely(metric_variables, functools.partial(self.update_state, *args, **kwargs))[1]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The result for these values of the variables."""
        return self._purely(metric_variables, self.result)[0]

    def stateless_reset_state(self) -> list[Any]:
        """The values of the variables at the beginning."""
        return self._purely([v.value for v in self.variables], self.reset_state)[1]

    # --- config

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this metric anew."""
        given = {name: getattr(self, name) for name in self.arguments}
        return {"name": self.name, "dtype": self.dtype, **given}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The metric that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
