"""The values of tensors: reading, changing and printing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jkeras.backend.function import eval, function
from jkeras.core.dispatch import op
from jkeras.core.types import Operand
from jkeras.engine.layer.effects import Increment, Update
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable, current_frame


def get_value(x: Operand) -> Any:
    """The value of a variable, of an array or of a symbolic tensor that needs no input.

    Args:
        x: a variable, an array or a tensor; what `K.update` gave is applied, and the value is the new one.

    Returns:
        A numpy array of its own: what happens to `x` later does not change it. For a scalar a numpy number.

    Raises:
        TypeError: a value that is computed while a program is traced.

    Example:
        >>> get_value(Variable([1.0, 2.0])).tolist()
        [1.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py get_value
    """
    if isinstance(x, Update):
        return _applied([x])[0]
    return eval(x) if isinstance(x, (Tensor, Variable, Tracer)) else np.array(x)[()]


def _applied(updates: list[Update]) -> list[np.ndarray]:
    """Make updates, all at once; the new values. What is compiled for them is kept with the first tensor."""
    tensor = next((u.value for u in updates if isinstance(u.value, Tensor)), None)
    kept: dict[Any, Any] = {} if tensor is None else tensor.node.effects
    key = ("applied", *((type(u), id(u.variable), id(u.value)) for u in updates))
    if key not in kept:
        kept[key] = [function([], [], updates=updates), updates]  # holds them, so that no other gets their id
    kept[key][0]([])
    return [u.variable.numpy()[()] for u in updates]


def set_value(x: Operand, value: Operand) -> None:
    """Give a variable a new value.

    Args:
        x: a variable: of `K.variable`, a weight, `optimizer.lr`.
        value: numbers or an array, of the variable's shape; the dtype of the variable stays.

    Raises:
        TypeError: `x` is no variable.
        ValueError: another shape.

    Example:
        >>> x = Variable([1.0, 2.0])
        >>> set_value(x, [3, 4])
        >>> x.numpy().tolist()
        [3.0, 4.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py set_value
    """
    if not isinstance(x, Variable):
        raise TypeError(f"K.set_value changes a variable (K.variable, a weight, optimizer.lr); got {x!r}.")
    x.assign(np.asarray(value))


def batch_get_value(ops: Any) -> list[np.ndarray]:
    """The values of several variables.

    Args:
        ops: list of variables; what `K.update` gave among them is applied, all at once.

    Returns:
        A list of numpy arrays.

    Example:
        >>> [x.tolist() for x in batch_get_value([Variable([1.0]), Variable([2.0])])]
        [[1.0], [2.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py batch_get_value
    """
    ops = list(ops)
    updates = [x for x in ops if isinstance(x, Update)]
    made = iter(_applied(updates) if updates else [])
    return [next(made) if isinstance(x, Update) else get_value(x) for x in ops]


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Give several variables new values, one after the other.

    Args:
        tuples: list of (variable, value).

    Raises:
        TypeError: something that is no variable.
        ValueError: a value of another shape than its variable.

    Example:
        >>> x = Variable(1.0)
        >>> batch_set_value([(x, 2.0)])
        >>> float(x.numpy())
        2.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py batch_set_value
    """
    for x, value in tuples:
        set_value(x, value)


def update(x: Operand, new_x: Operand):
    """`x ← new_x`: at the end of the step inside a layer's call, else as an item of `updates`.

    Args:
        x: a variable; inside a layer's call one of its own weights.
        new_x: a tensor or an array of its shape.

    Returns:
        The pair (variable, new value), for `K.function(updates=...)` or `add_update`; outside of a
        layer's call it changes nothing by itself.

    Raises:
        ValueError: inside a layer's call, `x` is no weight of it.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.variable(3.0)
        >>> _ = K.function([], [], updates=[K.update(x, x * x)])([])
        >>> float(x.numpy())
        9.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py update
    """
    return _noted(Update(x, new_x))


def _noted(update: Update) -> Update:
    frame = current_frame()
    if frame is not None:
        frame.write(*update)
    return update


def update_add(x: Operand, increment: Operand):
    """`x ← x + increment`: at the end of the step inside a layer's call, else as an item of `updates`.

    Args:
        x: a variable; inside a layer's call one of its own weights.
        increment: a number, a tensor or an array.

    Returns:
        The pair (variable, new value), for `K.function(updates=...)` or `add_update`; outside of a
        layer's call it changes nothing by itself.

    Raises:
        ValueError: inside a layer's call, `x` is no weight of it.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.variable(3.0)
        >>> _ = K.function([], [], updates=[K.update_add(x, 1.0)])([])
        >>> float(x.numpy())
        4.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py update_add
    """
    return _noted(Increment(x, x + increment))


def update_sub(x: Operand, decrement: Operand):
    """`x ← x - decrement`: at the end of the step inside a layer's call, else as an item of `updates`.

    Args:
        x: a variable; inside a layer's call one of its own weights.
        decrement: a number, a tensor or an array.

    Returns:
        The pair (variable, new value), for `K.function(updates=...)` or `add_update`; outside of a
        layer's call it changes nothing by itself.

    Raises:
        ValueError: inside a layer's call, `x` is no weight of it.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.variable(3.0)
        >>> _ = K.function([], [], updates=[K.update_sub(x, 1.0)])([])
        >>> float(x.numpy())
        2.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py update_sub
    """
    return _noted(Increment(x, x - decrement))


def moving_average_update(x: Operand, value: Operand, momentum: Operand):
    """`x ← momentum * x + (1 - momentum) * value`, applied like `update`.

    Args:
        x: a variable; inside a layer's call one of its own weights.
        value: a tensor or an array of its shape.
        momentum: how much of the old value stays, from 0 to 1.

    Returns:
        The pair (variable, new value), for `K.function(updates=...)` or `add_update`; outside of a
        layer's call it changes nothing by itself.

    Raises:
        ValueError: inside a layer's call, `x` is no weight of it.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.variable(3.0)
        >>> _ = K.function([], [], updates=[K.moving_average_update(x, K.constant(5.0), 0.5)])([])
        >>> float(x.numpy())
        4.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py moving_average_update, which corrects for the start
    (`zero_debias`): there the first value replaces the old one.
    """
    return _noted(Increment(x, x * momentum + value * (1 - momentum)))


def print_tensor(x: Operand, message: str = ""):
    """The same values; they are printed whenever they are computed.

    Args:
        x: an array of any shape.
        message: what stands before the numbers.

    Returns:
        `x`. Compute with it: a tensor that nobody uses is not computed, and so not printed.

    Example:
        >>> _ = print_tensor(np.ones(2), "x = ")
        x = [1. 1.]

    Keras 2.2.4: keras/backend/tensorflow_backend.py print_tensor
    """
    return _print(x, message)


@op
def _print(x: Operand, message: str):
    jax.debug.print(message.replace("{", "{{").replace("}", "}}") + "{x}", x=x)
    return x
