"""Variable: the one mutable cell at the rim; while code of the user runs a `Frame` says what it is worth."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import contextlib
import contextvars
import math
import operator
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.typing import DTypeLike

from jkeras import initializers
from jkeras.core import bits, settings
from jkeras.core.processes import whole, wholes
from jkeras.core.types import (
    Array,
    Function,
    Key,
    is_traced,
)
from jkeras.engine.tensors.operators import Operators, of_numpy
from jkeras.engine.tensors.shapes import Shape
from jkeras.initializers.undrawn import Undrawn

if TYPE_CHECKING:
    from jkeras.engine.tensors.frame import Frame

Numpy: TypeAlias = npt.NDArray[Any]
Values: TypeAlias = "dict[Variable, Any]"  # arrays by variable
Read: TypeAlias = "Callable[[Variable], Any]"
Write: TypeAlias = "Callable[[Variable, Any], None]"

_LARGE = 1 << 18  # numbers from which on a copy costs more than what comes with lending


class Variable(Operators):
    """A named cell that holds a jax array, and is one to numpy and jax.

    `np.asarray(v)`, functions of numpy and jax.numpy, `jax.jit`, `jax.grad` and the like take its value of
    now; in a tree it is a node with that value. Python's operators and indexing outside of layers' code make
    tensors, which follow it.

    Args:
        value: the initial value; `Undrawn`: drawn when it is read for the first time.
        name: its name; weights of layers are called `dense_1/kernel:0` as in Keras.
        dtype: of the array; default: the value's own, with Python and float64 numbers in `floatx`.
        regularizer, constraint: functions of the array, used in training.

    Example:
        >>> v = Variable([1.0, 2.0], name="v")
        >>> v.assign([3.0, 4.0])
        >>> v.value.tolist()
        [3.0, 4.0]
    """

    def __init__(
        self,
        value: Any,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        regularizer: Function | None = None,
        constraint: Function | None = None,
    ):
        self.initializer: Any = None
        if not isinstance(value, (jax.Array, Undrawn)):
            value = np.array(value)
            if dtype is None and value.dtype == np.float64:
                dtype = settings.floatx()
        self.name = name or "Variable"
        self._stored: Array | Undrawn = (
            value if isinstance(value, Undrawn) else _array(value, dtype, self.name)
        )
        self._lent = False
        self.regularizer, self.constraint = regularizer, constraint

    @property
    def path(self) -> str:
        """The name without its `:0`, as Keras 3 has it."""
        return self.name.removesuffix(":0")

    @property
    def _value(self) -> jax.Array:
        if isinstance(self._stored, Undrawn):
            self._stored = self._stored.drawn()
        return self._stored

    @_value.setter
    def _value(self, value: jax.Array) -> None:
        self._stored = value

    @property
    def value(self) -> jax.Array:
        """The array now. Reading marks the cell as lent: what you hold stays valid while training goes on."""
        self._lent = True
        return self._value

    def assign(self, value: Any) -> None:
        """Replace the value; the shape must be the same, the dtype is kept."""
        value = np.array(value) if not isinstance(value, jax.Array) else value
        if value.shape != self.shape:
            raise ValueError(f"{self.name} has shape {self.shape}; got a value of shape {value.shape}.")
        self._value = _array(value, self._stored.dtype, self.name)
        self._lent = isinstance(value, jax.Array)

    def take(self, donate: bool = False) -> jax.Array:
        """The array for a dispatch: a copy if the dispatch will consume it while somebody else holds it."""
        value = self._value if isinstance(self._stored, Undrawn) else self._stored
        return jnp.copy(value) if donate and self._lent else value

    def put(self, value: jax.Array) -> None:
        """Accept the array that a dispatch made (nobody else holds it)."""
        self._stored, self._lent = value, False

    def draw(self, key: Key) -> Array:
        """A fresh value from the variable's own initializer."""
        return initializers.draw(self.initializer, key, self.shape, self.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._stored.shape

    @property
    def _keras_shape(self) -> tuple[int, ...]:
        return self.shape

    @_keras_shape.setter
    def _keras_shape(self, shape: Any) -> None:
        """Code of Keras notes it on its tensors; a variable knows its own."""

    def get_shape(self) -> Shape:
        """The shape."""
        return Shape(self.shape)

    def __bool__(self) -> bool:
        """True, whatever the value: `if self.bias:` asks whether there is one."""
        return True

    @property
    def dtype(self) -> str:
        """The name of the dtype: "float32"."""
        return self._stored.dtype.name

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    # --- an array to numpy and jax ---------------------------------------------------------------------

    def _now(self) -> Any:
        """The value here: traced in the code of a layer."""
        frame = current_frame()
        return self.value if frame is None else frame.read(self)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Numpy:
        return np.array(self._now(), dtype)

    def __jax_array__(self) -> Any:
        # `array * v` is left to our own operator: its tensor follows the variable, a value would not.
        return self if current_frame() is None and asked_by_operator() else self._now()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return of_numpy(ufunc, method, inputs, kwargs)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        _as_node(cls)

    def __float__(self) -> float:
        return float(self._now())

    def __int__(self) -> int:
        return int(self._now())

    def __index__(self) -> int:
        return operator.index(self._now())

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError(f"{self!r} is a single number and cannot be iterated over.")
        return (self[i] for i in range(self.shape[0]))

    def numpy(self) -> Numpy:
        """A copy as a numpy array."""
        return np.array(whole(self._value))

    def __repr__(self) -> str:
        return f"<Variable {self.name!r} shape={self.shape} dtype={self.dtype}>"


def take_all(cells: Iterable[Variable], donate: bool = False) -> list[jax.Array]:
    """The arrays of cells for a dispatch, see `Variable.take`."""
    return [cell.take(donate) for cell in cells]


def put_all(cells: Iterable[Variable], arrays: Iterable[jax.Array]) -> None:
    """Accept the arrays that a dispatch made for cells."""
    for cell, array in zip(cells, arrays, strict=True):
        cell.put(array)


def numpy_views(cells: Iterable[Variable]) -> list[Numpy]:
    """The arrays of cells as they are now, to be read only; large ones are lent, where that saves a copy."""
    arrays = wholes([_held(cell) for cell in cells])
    return [array if array.size >= _LARGE else np.array(array) for array in arrays]


def _held(cell: Variable) -> Array:
    """The array of a cell, lent if numpy will look into its very memory for long."""
    value = cell._value
    lends = value.size >= _LARGE and all(device.platform == "cpu" for device in value.devices())
    return cell.value if lends else value


def numpy_copies(cells: Iterable[Variable]) -> list[Numpy]:
    """Copies of the arrays of cells."""
    return [np.array(array) for array in wholes([cell._value for cell in cells])]


def asked_by_operator() -> bool:
    """Whether no function, but the operator of a jax array on the left (`array * v`) calls `__jax_array__`.

    It leaves what gives no array to the operator of the right. Only the place where it stands tells it.
    """
    return sys._getframe(2).f_code.co_filename.endswith("array_methods.py")


def _as_node(cls: type[Variable]) -> None:
    """Let jax's functions look into cells: they see the arrays, and give arrays back."""

    def flatten(variable: Variable) -> tuple[tuple[Any], None]:
        return (variable._now(),), None

    def unflatten(_: None, values: Iterable[Any]) -> Any:
        (value,) = values
        return value

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)


_as_node(Variable)


def _array(value: Any, dtype: DTypeLike | None, name: str) -> Array:
    """A value for a cell: an array of its own, even where the code that makes it is being traced.

    Raises:
        TypeError: the value itself belongs to the trace, and would mean nothing after it.
        ValueError: 32 bits cannot hold it.
    """
    if is_traced(value):
        raise TypeError(
            "A variable cannot keep a value that is computed while a program is traced (in the call of a "
            "layer, a loss or a metric, or in a function under jax's jit or grad). Give a weight its new "
            "value with self.add_update((weight, value)); keep other values as attributes."
        )
    with jax.ensure_compile_time_eval():
        return bits.array(value, dtype, f"The variable {name!r}")


class Constant(Variable):
    """A value that never changes: what `K.constant` makes outside of a layer's code."""

    def assign(self, value: Any) -> None:
        raise TypeError(f"{self!r} does not change; a value that changes is a variable (K.variable).")

    def __bool__(self) -> bool:
        return Operators.__bool__(self)

    def __repr__(self) -> str:
        return f"<Constant shape={self.shape} dtype={self.dtype}>"


innermost: contextvars.ContextVar[Frame | None] = contextvars.ContextVar("jkeras_frame", default=None)


def current_frame() -> Frame | None:
    """The innermost frame of this thread, or None outside user code."""
    return innermost.get()


@contextlib.contextmanager
def outside_frames() -> Generator[None]:
    """A context for building a layer, also by the call of another layer: what it makes of its weights there
    (`self.half = self.kernel[:, :2]`) must stay a tensor that follows them, not become today's numbers.
    """
    token = innermost.set(None)
    try:
        yield
    finally:
        innermost.reset(token)
