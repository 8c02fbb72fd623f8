"""Variables, constants and what is known about tensors without computing them."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.backend.function import eval
from jkeras.backend.making import made, sized
from jkeras.core import settings
from jkeras.core.dispatch import Symbolic, op
from jkeras.core.names import get_uid as get_uid
from jkeras.core.names import reset_uids as reset_uids
from jkeras.core.names import unique_name
from jkeras.engine.effects import Update
from jkeras.engine.shapes import Spec, known
from jkeras.engine.symbolic import Node, Tensor
from jkeras.engine.variable import Variable, current_frame


def variable(value, dtype=None, name=None, constraint=None):
    """A variable with this value; sparse matrices are densified.

    Inside a layer's call, a `Lambda` or a loss, which run for each step, it is an array like any other: a
    variable that shall live on is made in `build` or outside.
    """
    value = value.toarray() if hasattr(value, "toarray") else value
    value = get_value(value) if isinstance(value, Symbolic) else value
    return made(value, dtype or settings.floatx(), name, constraint)


def constant(value, dtype=None, shape=None, name=None):
    """An array with this value; where it has fewer numbers than `shape` asks for, the last one is repeated.

    Raises:
        ValueError: more numbers than fit into `shape`.
    """
    if value is None:
        raise ValueError("K.constant needs a value; got None.")
    array = np.array(value, dtype or settings.floatx())
    if shape is not None:
        shape = tuple(shape)
        missing = math.prod(shape) - array.size
        if missing < 0:
            raise ValueError(f"K.constant: {array.size} values do not fit into shape {shape}.")
        array = np.pad(array.ravel(), (0, missing), mode="edge").reshape(shape)
    return jnp.asarray(array)


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None) -> Tensor:
    """A symbolic tensor to be fed to `K.function`."""
    if shape is None and ndim is None:
        raise ValueError("K.placeholder needs a shape or a number of axes (ndim).")
    shape = tuple(shape) if shape is not None else (None,) * (ndim or 0)
    node = Node(None, placeholder, (), {})
    return node.set_outputs(Spec(shape, dtype or settings.floatx()), name=name or unique_name("placeholder"))


def zeros(shape, dtype=None, name=None):
    """A variable of zeros (inside a layer's call an array)."""
    return made(np.zeros(sized(shape)), dtype or settings.floatx(), name)


def ones(shape, dtype=None, name=None):
    """A variable of ones (inside a layer's call an array)."""
    return made(np.ones(sized(shape)), dtype or settings.floatx(), name)


def eye(size, dtype=None, name=None):
    """A variable that is the identity matrix (inside a layer's call an array)."""
    return made(np.eye(size), dtype or settings.floatx(), name)


@op
def zeros_like(x, dtype=None, name=None):
    """Zeros in the shape of `x`."""
    return jnp.zeros_like(x, dtype)


@op
def ones_like(x, dtype=None, name=None):
    """Ones in the shape of `x`."""
    return jnp.ones_like(x, dtype)


# --- values --------------------------------------------------------------------------------------------


def get_value(x) -> np.ndarray:
    """The value of a variable, a constant or a symbolic tensor that needs no input, as numpy."""
    return x.numpy() if isinstance(x, Variable) else eval(x) if isinstance(x, Tensor) else np.array(x)


def set_value(x, value) -> None:
    """Give a variable a new value of the same shape."""
    if not isinstance(x, Variable):
        raise TypeError(f"K.set_value changes a variable (K.variable, a weight, optimizer.lr); got {x!r}.")
    x.assign(np.asarray(value))


def batch_get_value(ops) -> list[np.ndarray]:
    """The values of several variables."""
    return [get_value(x) for x in ops]


def batch_set_value(tuples) -> None:
    """Give several variables new values: `[(variable, value), ...]`."""
    for x, value in tuples:
        set_value(x, value)


def update(x, new_x):
    """`x ← new_x`: at the end of the step inside a layer's call, else as an item of `updates`."""
    frame = current_frame()
    if frame is not None:
        frame.write(x, new_x)
    return Update(x, new_x)


def update_add(x, increment):
    """`x ← x + increment`."""
    return update(x, x + increment)


def update_sub(x, decrement):
    """`x ← x - decrement`."""
    return update(x, x - decrement)


def moving_average_update(x, value, momentum):
    """`x ← momentum * x + (1 - momentum) * value`."""
    return update(x, x * momentum + value * (1 - momentum))


# --- what is known without computing -------------------------------------------------------------------


def int_shape(x):
    """The static shape; None for an unknown dimension."""
    return known(x.shape) if hasattr(x, "shape") else np.shape(x)


def shape(x):
    """The shape as a tuple: numbers where the code runs on values, else the static shape."""
    return tuple(x.shape)


get_variable_shape = int_shape


def ndim(x) -> int:
    """Number of axes."""
    return len(x.shape) if hasattr(x, "shape") else np.ndim(x)


def dtype(x) -> str:
    """Name of the dtype."""
    return x.dtype if isinstance(x.dtype, str) else np.dtype(x.dtype).name


def count_params(x) -> int:
    """Number of scalars in a tensor of known shape."""
    return int(np.prod(int_shape(x)))


def cast_to_floatx(x) -> np.ndarray:
    """A numpy array in the default float type."""
    return np.asarray(x, dtype=settings.floatx())


def is_tensor(x) -> bool:
    """Whether `x` is symbolic, a variable or a jax array."""
    return isinstance(x, (Symbolic, jax.Array))


def is_keras_tensor(x) -> bool:
    """Whether `x` was made by a layer or an `Input`.

    Raises:
        ValueError: `x` is no tensor at all.
    """
    if not is_tensor(x):
        raise ValueError(
            f"Unexpectedly found an instance of type {type(x)}. Expected a symbolic tensor instance."
        )
    return isinstance(x, Tensor) and x.node is not None and x.node.owner is not None


def is_placeholder(x) -> bool:
    """Whether `x` is to be fed."""
    return isinstance(x, Tensor) and x.node is not None and not x.node.args


def is_sparse(tensor) -> bool:
    """Whether `tensor` is a scipy sparse matrix; tensors of a graph never are."""
    return hasattr(tensor, "tocoo") and not isinstance(tensor, Symbolic)


def to_dense(tensor):
    """A sparse matrix as an array; anything else as it is."""
    return tensor.toarray() if is_sparse(tensor) else tensor


def print_tensor(x, message=""):
    """The same values; they are printed whenever they are computed."""
    return _print(x, message)


@op
def _print(x, message):
    jax.debug.print(message.replace("{", "{{").replace("}", "}}") + "{x}", x=x)
    return x
