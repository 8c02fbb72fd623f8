"""Variable: the one mutable cell at the rim; Frame: what a variable is worth while user code is traced."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import math
import operator
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.typing import DTypeLike

from jkeras import initializers
from jkeras.core import bits, settings
from jkeras.core.identity import IdentityMap
from jkeras.core.processes import whole
from jkeras.core.types import (
    INFERENCE,
    Array,
    Ctx,
    Function,
    Key,
    Means,
    Operand,
    Out,
    Tree,
    is_traced,
    joined,
)
from jkeras.engine.tensors.call_attributes import MISSING, show
from jkeras.engine.tensors.operators import Operators, of_numpy
from jkeras.engine.tensors.scope import KeptValues, current_scope, meaning_around, value_around
from jkeras.engine.tensors.shapes import Shape
from jkeras.initializers.undrawn import Undrawn

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.graph import Around
    from jkeras.engine.tensors.symbolic import Tensor

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
    return [cell.numpy() if math.prod(cell.shape) < _LARGE else whole(_held(cell)) for cell in cells]


def _held(cell: Variable) -> Array:
    on_host = all(device.platform == "cpu" for device in cell._value.devices())
    return cell.value if on_host else cell._value  # which becomes an array of the host's own


def numpy_copies(cells: Iterable[Variable]) -> list[Numpy]:
    """Copies of the arrays of cells."""
    return [cell.numpy() for cell in cells]


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


class StrayTensorError(ValueError):
    """A symbolic tensor that has no value where code runs on values."""

    def __init__(self, tensor: Tensor, text: str | None = None):
        super().__init__(
            text
            or f"{tensor!r} is symbolic, but is used in code that runs on values (inside a layer's call or a "
            "Lambda). Call the layer on a symbolic tensor of the same graph, or pass the tensor to it as an "
            "input."
        )
        self.tensor = tensor


class Frame:
    """A scope in which variables stand for traced arrays; entered by the adapter around user code.

    Args:
        values: `{variable: array}`.
        ctx: the context of the layer whose code runs.
        tensors: `{tensor: array}` for symbolic tensors that the code may close over.
        around: the run of a graph that the code belongs to, for functions that run graphs themselves.
        owner: the layer whose code runs.
    """

    def __init__(
        self,
        values: Values,
        ctx: Ctx = INFERENCE,
        tensors: Mapping[Tensor, Any] | None = None,
        around: Around | None = None,
        owner: Layer | None = None,
    ):
        self.values, self.ctx, self.tensors, self.around = values, ctx, tensors or {}, around
        self.owner, self.scope = owner, current_scope()
        self.symbols = IdentityMap()  # array → its tensor
        self.parent = current_frame()
        self.seen = IdentityMap()  # array → the variable it was read from
        self.updates: Values = {}
        self.losses: list[Any] = []
        self.metrics: Means = {}  # see `Out`
        self.captured: list[Variable] = []  # read, but not part of the store
        self.masks = IdentityMap()  # array → its mask
        self.kept: KeptValues = {}
        self.draws = self.calls = 0
        self.asked_for_phase = False

    def __enter__(self) -> Frame:
        self._token = _current.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _current.reset(self._token)
        same = self.parent is not None and self.parent.scope is self.scope
        above = self.parent if same else self.scope
        if above is not None:
            above.kept.update(self.kept)
        elif self.kept:
            show(self.kept)

    def absorb(self, out: Out) -> None:
        """Take what a layer that was run in here adds to the loss and to the metrics."""
        if not isinstance(out.loss, float):
            self.losses.append(out.loss)
        self.metrics = joined(self.metrics, out.metrics)

    def hand_on(self, out: Out) -> Out:
        """The result of the code in here, with what it has added to the loss and to the metrics."""
        if not (self.losses or self.metrics):
            return out
        loss = sum(self.losses, out.loss) if self.losses else out.loss
        return dataclasses.replace(out, loss=loss, metrics=joined(self.metrics, out.metrics))

    @property
    def additions(self) -> int:
        """How often the code has added to the loss or to the metrics."""
        return len(self.losses) + sum(map(len, self.metrics.values()))

    def kept_around(self, layer: object, name: str) -> tuple[Any, bool]:
        """(what this run has left in an attribute of a layer, whether that layer's own code runs here)."""
        key, running, scope = (layer, name), False, self.scope
        frame: Frame | None = self
        while frame is not None:
            running = running or frame.owner is layer
            if key in frame.kept:
                return frame.kept[key], running
            frame = frame.parent
        while scope is not None:
            if key in scope.kept:
                return scope.kept[key], running
            if key in scope.starts:
                return scope.starts[key], running
            scope = scope.parent
        return MISSING, running

    def read(self, variable: Variable) -> Any:
        """The array of `variable` in here: the newest value written, the traced one, or its constant."""
        array = self._find(variable)
        self.seen[array] = variable
        return array

    def before(self, variable: Variable) -> Any:
        """The array of `variable` before the run, whatever was written since."""
        return self._find(variable, new=False)

    def _find(self, variable: Variable, new: bool = True) -> Any:
        frame: Frame | None = self
        while frame is not None:
            if new and variable in frame.updates:
                return frame.updates[variable]
            if variable in frame.values:
                return frame.values[variable]
            frame = frame.parent
        if not isinstance(variable, Constant) and all(v is not variable for v in self.captured):
            self.captured.append(variable)
        return variable.value

    def tensor(self, tensor: Tensor) -> Any:
        """The array that a symbolic tensor stands for in here.

        Raises:
            StrayTensorError: there is none.
        """
        if tensor in self.tensors:
            return self.tensors[tensor]
        entry = value_around(tensor)
        if entry is not None:
            self.note_mask(*entry)
            return entry[0]
        if self.parent is not None:
            return self.parent.tensor(tensor)
        raise StrayTensorError(tensor)

    def knows(self, tensor: Tensor) -> bool:
        """Whether a symbolic tensor has a value in here."""
        known = tensor in self.tensors or value_around(tensor) is not None
        return known or (self.parent is not None and self.parent.knows(tensor))

    def note_symbol(self, array: Any, tensor: Tensor) -> None:
        """Let an array be known as the value of a symbolic tensor."""
        self.symbols[array] = tensor

    def meaning(self, array: Operand) -> Operand:
        """The symbolic tensor or the variable whose value an array is known to be; else the array itself."""
        symbol = self.symbols.get(array)
        symbol = self.seen.get(array) if symbol is None else symbol
        return meaning_around(array) if symbol is None else symbol

    def write(self, target: Operand, value: Any) -> None:
        """Note a new value for a variable, or for the array that was read from one."""
        variable = target if isinstance(target, Variable) else self.seen.get(target)
        if variable is None:
            raise ValueError("An update must name a weight of this layer (self.add_weight) as its target.")
        self.updates[variable] = value
        self.seen[target] = variable

    def note_mask(self, array: Any, mask: Any) -> None:
        """Let a mask travel with an array through user code, as it travels with a tensor."""
        if mask is not None:
            self.masks[array] = mask

    def masked(self, array: Any, mask: Any, inputs: Tree = ()) -> Any:
        """The output of a layer with its mask: a copy, if it is an array that is known with another mask."""
        known = self.mask_of(array)
        if known is not mask and (known is not None or any(array is x for x in jax.tree.leaves(inputs))):
            array = jnp.copy(array)
        self.note_mask(array, mask)
        return array

    def mask_of(self, array: Any) -> Any:
        return self.masks.get(array)

    def key(self) -> Key:
        """A fresh random key for the next draw in this frame."""
        self.draws += 1
        return self.ctx.key(self.draws)


_current: contextvars.ContextVar[Frame | None] = contextvars.ContextVar("jkeras_frame", default=None)


def current_frame() -> Frame | None:
    """The innermost frame of this thread, or None outside user code."""
    return _current.get()


@contextlib.contextmanager
def outside_frames() -> Generator[None]:
    """A context for building a layer, also by the call of another layer: what it makes of its weights there
    (`self.half = self.kernel[:, :2]`) must stay a tensor that follows them, not become today's numbers.
    """
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
