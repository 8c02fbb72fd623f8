"""Functions of arrays under Keras 3's names.

What jax.numpy has under the same name is that function, here also of lists, variables and symbolic tensors;
what Keras 3 calls or means otherwise stands below. On arrays, in the `call` of a layer, jax.numpy itself
works as well.

Keras 3: keras/ops
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

from jkeras import activations, backend, losses
from jkeras.core.dispatch import is_symbolic, op
from jkeras.core.types import Array, Function, Operand, Shape, Tree
from jkeras.engine.tensors.variable import Numpy, Variable

# jax.numpy's functions whose first argument is an array, ...
_OF_ARRAY = """
    abs absolute all amax amin angle any arccos arccosh arcsin arcsinh arctan arctanh argmax argmin
    argpartition argsort array_split average bincount bitwise_invert bitwise_not broadcast_to cbrt conj
    conjugate copy corrcoef cos cosh count_nonzero cumprod cumsum deg2rad diag diagflat diagonal diff dsplit
    empty_like exp exp2 expand_dims expm1 fabs flip fliplr flipud full_like histogram
    hsplit i0 imag isfinite isinf isnan
    isneginf isposinf isreal log log10 log1p log2 logical_not max mean median min moveaxis nan_to_num
    nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod
    nanstd nansum nanvar negative nonzero ones_like prod ptp rad2deg ravel real reciprocal
    repeat reshape roll rot90 round sign signbit sin sinc sinh sort split sqrt square squeeze std sum swapaxes
    tan tile trace transpose trapezoid tril triu trunc unravel_index vander var vsplit zeros_like
"""
# ... whose first two are, ...
_OF_TWO = """
    add allclose append arctan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
    correlate cross digitize divide dot equal floor_divide fmax fmin fmod gcd greater greater_equal heaviside
    hypot inner isclose isin kron lcm ldexp left_shift less less_equal logaddexp logaddexp2 logical_and
    logical_or logical_xor matmul maximum minimum mod multiply nanpercentile nanquantile
    nextafter not_equal outer
    percentile power quantile right_shift
    searchsorted subtract take take_along_axis tensordot true_divide vdot
"""
# ... whose first is a list of arrays, and which are made of numbers alone.
_OF_LIST = "concatenate dstack hstack stack vstack"
_OF_NUMBERS = """
    arange bartlett blackman empty eye geomspace hamming hanning identity kaiser linspace logspace ones
    tri zeros
"""
_OF_LINALG = "cholesky det eig eigh inv matrix_rank norm pinv qr slogdet svd"
_ACTIVATIONS = """
    celu elu glu hard_shrink hard_silu hard_swish hard_tanh leaky_relu log_sigmoid
    mish relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
"""


_map = map  # Python's: `map` below is another


def _array(value: Any) -> Any:
    return value if isinstance(value, (jax.Array, Variable)) or value is None else jnp.asarray(value)


def _converting(function: Function, arrays: int | None) -> Function:
    """An operation whose first `arrays` arguments may be lists; None: the first is a list of such."""

    @functools.wraps(function)
    def computed(*args: Any, **kwargs: Any) -> Any:
        if arrays is None:
            args = (list(_map(_array, args[0])), *args[1:])
        else:
            args = (*_map(_array, args[:arrays]), *args[arrays:])
        return function(*args, **kwargs)

    return op(computed)


def _found() -> dict[str, Function]:
    rows: list[tuple[Any, str, int | None]] = [
        (jnp, _OF_ARRAY, 1),
        (jnp, _OF_TWO, 2),
        (jnp, _OF_LIST, None),
        (jnp, _OF_NUMBERS, 0),
        (jnp.linalg, _OF_LINALG, 1),
    ]
    there = {n: _converting(getattr(home, n), arrays) for home, names, arrays in rows for n in names.split()}
    return there | {name: _converting(getattr(activations, name), 1) for name in _ACTIVATIONS.split()}


globals().update(_found())

erf, erfc, erfinv = (_converting(getattr(jax.scipy.special, n), 1) for n in ("erf", "erfc", "erfinv"))
logsumexp = _converting(jax.scipy.special.logsumexp, 1)
rsqrt = _converting(lax.rsqrt, 1)


def _gelu(x: Array, approximate: bool = True) -> Array:
    return activations.gelu(x, approximate)


def _hard_sigmoid(x: Array) -> Array:
    return jax.nn.relu6(_floating(x) + 3) / 6  # of Keras 3; `activations` has that of Keras 2.2.4


def _softmax(x: Array, axis: Any = -1) -> Array:
    return jax.nn.softmax(x, axis)


def _log_softmax(x: Array, axis: Any = -1) -> Array:
    return jax.nn.log_softmax(x, axis)


def _floating(x: Array) -> Array:
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(backend.floatx())


def _ceil(x: Array) -> Array:
    return jnp.ceil(_floating(x))


def _floor(x: Array) -> Array:
    return jnp.floor(_floating(x))


ceil, floor, gelu = (_converting(function, 1) for function in (_ceil, _floor, _gelu))
hard_sigmoid, log_softmax, softmax = (
    _converting(function, 1) for function in (_hard_sigmoid, _log_softmax, _softmax)
)
meshgrid = _converting(jnp.meshgrid, 32)  # as many arrays as it is given


@op
def full(shape: Sequence[int], fill_value: Operand, dtype: DTypeLike | None = None) -> Array:
    """An array of one value, of the default float type where none is said."""
    return jnp.full(shape, fill_value, dtype or backend.floatx())


def _complex(x: Array) -> Array:
    return lax.complex(x[..., 0], x[..., 1])


def _logdet(x: Array) -> Array:
    return jnp.linalg.slogdet(x)[1]


def _solve_triangular(a: Array, b: Array, lower: bool = False) -> Array:
    return jax.scipy.linalg.solve_triangular(a, b, lower=lower)


view_as_complex = _converting(_complex, 1)
logdet = _converting(_logdet, 1)
solve = _converting(jnp.linalg.solve, 2)
solve_triangular = _converting(_solve_triangular, 2)
stop_gradient = _converting(lax.stop_gradient, 1)


# --- conversions and shapes


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array of jax, or symbolic."""
    return isinstance(x, jax.Array) or is_symbolic(x)


def convert_to_tensor(x: Any, dtype: DTypeLike | None = None) -> Any:
    """`x` as an array, in a dtype if one is given; what is symbolic stays so.

    Example:
        >>> convert_to_tensor([1, 2], "float32").tolist()
        [1.0, 2.0]
    """
    return cast(x, dtype) if dtype is not None else (x if is_symbolic(x) else _array(x))


def convert_to_numpy(x: Any) -> Numpy:
    """`x` as a numpy array."""
    return np.asarray(x)


@op
def cast(x: Operand, dtype: DTypeLike) -> Array:
    """`x` in another dtype."""
    return jnp.asarray(x).astype(dtype)


def shape(x: Any) -> Shape:
    """The shape of `x`, a tuple; None for what is unknown of a symbolic tensor.

    Example:
        >>> shape([[1, 2, 3]])
        (1, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape(x))


def size(x: Any) -> int | None:
    """The number of numbers; None where it is unknown."""
    sizes = [n for n in shape(x) if n is not None]
    return math.prod(sizes) if len(sizes) == ndim(x) else None


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return str(x.dtype) if hasattr(x, "dtype") else jnp.asarray(x).dtype.name


# --- choices, limits, places


@op
def where(condition: Operand, x1: Operand = None, x2: Operand = None) -> Any:
    """`x1` where `condition` holds, else `x2`."""
    return jnp.where(_array(condition), *(() if x1 is None and x2 is None else (_array(x1), _array(x2))))


@op
def select(condlist: Sequence[Operand], choicelist: Sequence[Operand], default: Operand = 0) -> Array:
    """The choice of the first condition that holds."""
    return jnp.select(list(_map(_array, condlist)), list(_map(_array, choicelist)), default)


@op
def clip(x: Operand, x_min: Operand, x_max: Operand) -> Array:
    """`x` between two limits."""
    return jnp.clip(_array(x), x_min, x_max)


@op
def pad(x: Operand, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Array:
    """`x` with values around it."""
    extra = {"constant_values": constant_values} if constant_values is not None else {}
    return jnp.pad(_array(x), pad_width, mode=mode, **extra)


@op
def slice(inputs: Operand, start_indices: Any, shape: Sequence[int]) -> Array:
    """The block of `shape` that begins at `start_indices`."""
    return lax.dynamic_slice(_array(inputs), tuple(start_indices), tuple(shape))


@op
def slice_update(inputs: Operand, start_indices: Any, updates: Operand) -> Array:
    """`inputs` with `updates` in the place that begins at `start_indices`."""
    return lax.dynamic_update_slice(_array(inputs), _array(updates), tuple(start_indices))


@op
def scatter(indices: Operand, values: Operand, shape: Sequence[int]) -> Array:
    """Zeros of `shape` with `values` added at `indices`, whose last axis is a place."""
    values = _array(values)
    places = tuple(jnp.moveaxis(_array(indices), -1, 0))
    return jnp.zeros(tuple(shape), values.dtype).at[places].add(values)


@op
def scatter_update(inputs: Operand, indices: Operand, updates: Operand) -> Array:
    """`inputs` with `updates` at `indices`, whose last axis is a place.

    Example:
        >>> scatter_update([0, 0, 0], [[1]], [5]).tolist()
        [0, 5, 0]
    """
    return _array(inputs).at[tuple(jnp.moveaxis(_array(indices), -1, 0))].set(_array(updates))


@op
def unstack(x: Operand, num: int | None = None, axis: int = 0) -> list[Array]:
    """The slices along an axis."""
    return list(jnp.unstack(_array(x), axis=axis))


@op
def einsum(subscripts: str, *operands: Operand, **kwargs: Any) -> Array:
    """The sum of products that `subscripts` say."""
    return jnp.einsum(subscripts, *_map(_array, operands), **kwargs)


# --- classes


@op
def one_hot(x: Operand, num_classes: int, axis: int = -1, dtype: DTypeLike | None = None) -> Array:
    """A row with a 1 at each number."""
    return jax.nn.one_hot(_array(x), num_classes, axis=axis, dtype=dtype or backend.floatx())


@op
def multi_hot(inputs: Operand, num_classes: int, axis: int = -1, dtype: DTypeLike | None = None) -> Array:
    """A row with a 1 at each of the numbers along `axis`."""
    return jnp.max(
        jax.nn.one_hot(_array(inputs), num_classes, dtype=dtype or backend.floatx()), axis=axis - 1
    )


@op
def top_k(x: Operand, k: int, sorted: bool = True) -> list[Array]:
    """The largest `k` numbers along the last axis, and their places."""
    return list(lax.top_k(_array(x), k))


@op
def in_top_k(targets: Operand, predictions: Operand, k: int) -> Array:
    """Whether the prediction of the target is among the `k` largest."""
    predictions = _array(predictions)
    own = jnp.take_along_axis(predictions, _array(targets)[:, None], 1)
    return jnp.sum(predictions > own, -1) < k


@op
def segment_sum(
    data: Operand, segment_ids: Operand, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """The sum of the rows of each segment."""
    return jax.ops.segment_sum(_array(data), _array(segment_ids), num_segments, sorted)


@op
def segment_max(
    data: Operand, segment_ids: Operand, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """The largest of the rows of each segment."""
    return jax.ops.segment_max(_array(data), _array(segment_ids), num_segments, sorted)


# --- losses, statistics


@op
def binary_crossentropy(target: Operand, output: Operand, from_logits: bool = False) -> Array:
    """-log of the probability of each target of 0 or 1."""
    return backend.binary_crossentropy(_array(target), _array(output), from_logits)


@op
def categorical_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False, axis: int = -1
) -> Array:
    """-log of the probability of the class whose target is 1."""
    return losses.categorical_crossentropy(_array(target), _array(output), from_logits, axis=axis)


@op
def sparse_categorical_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False, axis: int = -1
) -> Array:
    """-log of the probability of the class whose number is the target."""
    return losses.sparse_categorical_crossentropy(_array(target), _array(output), from_logits, axis=axis)


@op
def moments(x: Operand, axes: Any, keepdims: bool = False) -> tuple[Array, Array]:
    """Mean and variance over some axes."""
    return jnp.mean(_array(x), axes, keepdims=keepdims), jnp.var(_array(x), axes, keepdims=keepdims)


@op
def normalize(x: Operand, axis: int = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """`x` divided by its norm along an axis."""
    x = _array(x)
    least = backend.epsilon() if epsilon is None else epsilon
    return x / jnp.maximum(jnp.linalg.norm(x, order, axis, keepdims=True), least)


# --- control flow, on arrays


def cond(pred: Any, true_fn: Callable[[], Tree], false_fn: Callable[[], Tree]) -> Tree:
    """One of two results: only that one is computed."""
    return lax.cond(pred, true_fn, false_fn)


def switch(index: Any, branches: Sequence[Function], *operands: Tree) -> Tree:
    """The result of the branch with this number."""
    return lax.switch(index, branches, *operands)


def while_loop(cond: Function, body: Function, loop_vars: Any, maximum_iterations: int | None = None) -> Any:
    """`loop_vars = body(*loop_vars)` while `cond(*loop_vars)`.

    Example:
        >>> [int(v) for v in while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + i), (0, 0))]
        [4, 6]
    """
    several = isinstance(loop_vars, (tuple, list))
    start = tuple(loop_vars) if several else (loop_vars,)

    def goes_on(state: Any) -> Any:
        done, values = state
        more = cond(*values)
        return more if maximum_iterations is None else jnp.logical_and(more, done < maximum_iterations)

    def turn(state: Any) -> Any:
        done, values = state
        new = body(*values)
        return done + 1, tuple(new) if isinstance(new, (tuple, list)) else (new,)

    values = lax.while_loop(goes_on, turn, (0, start))[1]
    return values if several else values[0]


def fori_loop(lower: Any, upper: Any, body_fun: Function, init_val: Tree) -> Tree:
    """`value = body_fun(i, value)` for each `i` from `lower` to before `upper`."""
    return lax.fori_loop(lower, upper, body_fun, init_val)


def scan(
    f: Function,
    init: Tree,
    xs: Tree = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Tree, Tree]:
    """`carry, y = f(carry, x)` along the first axis of `xs`; returns the last carry and all `y`."""
    return lax.scan(f, init, xs, length, reverse, unroll)


def map(f: Function, xs: Tree) -> Tree:
    """`f` of each slice along the first axis, one after the other."""
    return lax.map(f, xs)


def vectorized_map(function: Function, elements: Tree) -> Tree:
    """`f` of each slice along the first axis, all at once."""
    return jax.vmap(function)(elements)
