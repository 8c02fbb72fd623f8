"""Phases, choices and loops."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import phase as phases
from jkeras.core.dispatch import op
from jkeras.core.types import Function, Operand
from jkeras.engine.call.added_metrics import adding_nothing
from jkeras.engine.tensors.closures import call_closing, called_back
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import current_frame

P = ParamSpec("P")

_marker: Tensor | None = None


def learning_phase():
    """Whether this is training.

    Returns:
        Inside a layer's call a bool; after `set_learning_phase` 0 or 1; else a symbolic marker, which a
        `K.function` may have among its inputs, to be fed with 0 or 1.

    Example:
        >>> learning_phase().shape
        ()

    Keras 2.2.4: keras/backend/tensorflow_backend.py learning_phase
    """
    frame = current_frame()
    if frame is not None:
        frame.asked_for_phase = True
        return frame.ctx.training
    fixed = phases.fixed()
    if fixed is not None:
        return int(fixed)
    global _marker
    if _marker is None:
        node = Node(None, _phase, ("phase",), {})
        node.differs = True
        _marker = node.set_outputs(Spec((), "bool"), name="keras_learning_phase")
    return _marker


def _phase(_: Any):
    frame = current_frame()
    return jnp.asarray(frame is not None and frame.ctx.training)


def is_marker(x: Operand) -> bool:
    """Whether `x` is the symbolic learning phase."""
    return x is not None and x is _marker


def set_learning_phase(value: Operand) -> None:
    """Fix the phase of the layers that are called from now on, until `K.clear_session()`.

    Args:
        value: 0 (inference) or 1 (training).

    Raises:
        ValueError: another value.

    Example:
        >>> set_learning_phase(1)
        >>> learning_phase()
        1
        >>> phases.fix(None)  # as K.clear_session() does

    Keras 2.2.4: keras/backend/tensorflow_backend.py set_learning_phase
    """
    if value not in (0, 1):
        raise ValueError(f"The learning phase is 0 (inference) or 1 (training); got {value!r}.")
    phases.fix(bool(value))


def in_train_phase(x: Operand, alt: Any, training: Any = None):
    """`x` in training, `alt` otherwise.

    Args:
        x, alt: tensors, or functions without arguments that return such.
        training: a bool, a number or a tensor that decides; None: the phase of who runs it.

    Returns:
        The one or the other; outside of a layer's call, with no `training`, a symbolic tensor that decides
        when it is computed.

    Example:
        >>> in_train_phase(lambda: 1.0, lambda: 2.0, training=False)
        2.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py in_train_phase
    """
    if training is None or is_marker(training):
        training = learning_phase()
    if isinstance(training, (bool, int, np.bool_)):
        return _value(x if training else alt)
    x, alt = _value(x), _value(alt)
    return _by_phase(x, alt, training) if is_marker(training) else switch(training, x, alt)


def in_test_phase(x: Operand, alt: Any, training: Any = None):
    """`x` in inference, `alt` in training.

    Args:
        x, alt: tensors, or functions without arguments that return such.
        training: a bool, a number or a tensor that decides; None: the phase of who runs it.

    Returns:
        The one or the other, as of `in_train_phase`.

    Example:
        >>> in_test_phase(lambda: 1.0, lambda: 2.0, training=False)
        1.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py in_test_phase
    """
    return in_train_phase(alt, x, training)


def _value(x: Operand):
    return x() if callable(x) else x


@op
def _by_phase(x: Operand, alt: Any, marker: Tensor):
    frame = current_frame()
    return x if frame is not None and frame.ctx.training else alt


def switch(condition: Operand, then_expression: Operand, else_expression: Operand):
    """`then_expression` where the condition holds, else `else_expression`.

    Args:
        condition: a scalar, or a tensor with the leading axes of the expressions.
        then_expression, else_expression: tensors, or functions without arguments that return such. Both are
            computed; there is no branch to save time.

    Returns:
        A tensor of the shape of the expressions.

    Raises:
        ValueError: the condition has more axes than the expressions.

    Example:
        >>> switch(np.array([True, False]), np.ones((2, 2)), np.zeros((2, 2))).tolist()
        [[1.0, 1.0], [0.0, 0.0]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py switch
    """
    return _switch(condition, _value(then_expression), _value(else_expression))


@op
def _switch(condition: Operand, then: Operand, other: Operand):
    then, condition = jnp.asarray(then), jnp.asarray(condition, bool)
    if condition.ndim > then.ndim:
        raise ValueError(
            f"K.switch: the condition has {condition.ndim} axes, more than the expressions with {then.ndim}."
        )
    condition = condition.reshape(condition.shape + (1,) * (then.ndim - condition.ndim))
    return jnp.where(condition, then, other)


# --- loops ---------------------------------------------------------------------------------------------


def calling_back(function: Callable[P, Any]) -> Callable[P, Any]:
    """Decorator like `op` for functions that call the user's: what that closes over is an operand, too.

    The errors of the user's function stay as they are.
    """
    plain: Function = op(function, explain=False)

    @functools.wraps(function)
    def dispatched(*args: P.args, **kwargs: P.kwargs) -> Any:
        if current_frame() is not None:
            operands = [called_back(a) if callable(a) else a for a in args]
            with adding_nothing(
                f"The function given to K.{function.__name__} calls add_loss or add_metric; it runs inside a "
                "loop, where neither has a meaning. Return the values, and add them after the loop."
            ):
                return plain(*operands, **kwargs)
        return call_closing(function, args, kwargs)

    return dispatched


@calling_back
def map_fn(fn: Any, elems: Operand, name: str | None = None, dtype: DTypeLike | None = None) -> Any:
    """`fn` of each element along the first axis, stacked.

    Args:
        fn: takes an element (a tuple of them if `elems` is one) and returns a tensor, or a tuple of them. It
            may use other tensors and variables.
        elems: a tensor, or a tuple of tensors.
        name, dtype: accepted for compatibility.

    Returns:
        The results of `fn`, stacked.

    Example:
        >>> map_fn(lambda row: row.sum(), jnp.ones((2, 3))).tolist()
        [3.0, 3.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py map_fn
    """
    return jax.lax.map(fn, elems)  # pyright: ignore[reportUnknownVariableType]


@calling_back
def foldl(fn: Any, elems: Operand, initializer: Operand = None, name: str | None = None):
    """`fn(fn(fn(initializer, e0), e1), …)`; without initializer the first element starts.

    Args:
        fn: takes what has come so far and an element, and returns what comes next, of the same shape. It may
            use other tensors and variables.
        elems: a tensor; its elements stand along the first axis.
        initializer: a tensor to start with, or None.
        name: accepted for compatibility.

    Returns:
        What the last call of `fn` gives.

    Example:
        >>> float(foldl(lambda total, e: 2 * total + e, jnp.asarray([1.0, 2.0, 3.0])))
        11.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py foldl
    """
    if initializer is None:
        initializer, elems = elems[0], elems[1:]
    return jax.lax.scan(lambda acc, e: (fn(acc, e), None), initializer, elems)[0]


@calling_back
def foldr(fn: Any, elems: Operand, initializer: Operand = None, name: str | None = None):
    """`fn(fn(fn(initializer, e_last), …), e0)`; without initializer the last element starts.

    Args:
        fn: takes what has come so far and an element, and returns what comes next, of the same shape. It may
            use other tensors and variables.
        elems: a tensor; its elements stand along the first axis.
        initializer: a tensor to start with, or None.
        name: accepted for compatibility.

    Returns:
        What the last call of `fn` gives.

    Example:
        >>> float(foldr(lambda total, e: 2 * total + e, jnp.asarray([1.0, 2.0, 3.0])))
        17.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py foldr
    """
    if initializer is None:
        initializer, elems = elems[-1], elems[:-1]
    return jax.lax.scan(lambda acc, e: (fn(acc, e), None), initializer, elems, reverse=True)[0]
