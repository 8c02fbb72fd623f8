"""The protocol: what flows into a layer, what flows out, and the pair of pure functions in between."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.typing import DTypeLike

Array: TypeAlias = jax.Array
Tree: TypeAlias = Any  # an array, or lists, tuples and dicts of them, as jax nests them
Key: TypeAlias = jax.Array  # a `jax.random` key
Params: TypeAlias = dict[str, Any]  # nested by layer name; the leaves are arrays
State: TypeAlias = dict[str, Any]  # likewise
Weights: TypeAlias = tuple[Params, State]  # as the `init` of a layer draws them
Length: TypeAlias = Any  # of an axis: an int, or a symbolic dimension of `jax.export`
Shape: TypeAlias = tuple[int | None, ...]  # batch axis first; None: unknown
Shapes: TypeAlias = Any  # a shape, or a list of them for several inputs
Store: TypeAlias = dict[str, dict[str, Any]]  # `{path of a layer: {name: array or variable}}`
Operand: TypeAlias = Any  # of a function of arrays: one of any library, or a symbolic tensor
Function: TypeAlias = Callable[..., Any]
Seen: TypeAlias = dict[Any, Array]  # by symbolic tensor
Means: TypeAlias = dict[tuple[Any, str], list[Array]]  # by layer and name of the metric

if TYPE_CHECKING:  # for `isinstance` of an `Any`: of a bare `list` the checker would not know the entries

    class AnyList(list[Any]): ...

    class AnyTuple(tuple[Any, ...]): ...

    class AnyDict(dict[Any, Any]): ...

    class AnySlice:  # whose own type cannot have subclasses
        start: Any
        stop: Any
        step: Any

    class AnyNumpy(np.ndarray[Any, np.dtype[Any]]): ...

    class AnyScalar(np.generic[Any]): ...

else:
    AnyList, AnyTuple, AnyDict, AnySlice = list, tuple, dict, slice
    AnyNumpy, AnyScalar = np.ndarray, np.generic


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Ctx:
    """The context of a layer's call: all that flows in beside the input.

    Args:
        rng: a `jax.random` key; needed only where a layer draws random numbers. Data.
        mask: the mask of the input (a list of masks for several inputs), or None. Data.
        training: whether this is the training phase. Static: the two phases are two traces.
        axis: name of the mapped device axis that the batch is sharded over, or None. Static.
        site: position of the layer in its model, folded into `rng` where a key is needed. Static.
        present: for each row of the batch whether it is one of the data, or only fills the shape up; None:
            all are. Data.
        dtype: in which layers compute that have no dtype of their own, "bfloat16" or "float16"; None: in that
            of their weights. Static.
        remat: patterns of names (`"block_*"`): what layers with such a name have computed is computed again
            for gradients instead of kept. Static.
    """

    rng: Any = None
    mask: Tree = None
    training: bool = dataclasses.field(default=False, metadata=dict(static=True))
    axis: str | None = dataclasses.field(default=None, metadata=dict(static=True))
    site: int = dataclasses.field(default=0, metadata=dict(static=True))
    present: Any = None
    dtype: str | None = dataclasses.field(default=None, metadata=dict(static=True))
    remat: tuple[str, ...] = dataclasses.field(default=(), metadata=dict(static=True))

    def replace(self, **changes: Any) -> Ctx:
        return dataclasses.replace(self, **changes)

    def at(self, position: int | str, mask: Any = None) -> Ctx:
        """The context of an inner layer: its own random site and its own mask."""
        return self.replace(site=zlib.crc32(f"{self.site}/{position}".encode()), mask=mask)

    def key(self, salt: int = 0) -> Key:
        """This layer's random key: the same on every device, different for every layer and step."""
        self._need_rng()
        return jax.random.fold_in(self.rng, self._site(salt))

    def _need_rng(self) -> None:
        if self.rng is None:
            raise ValueError(
                "A layer needs random numbers in the training phase, but no key was given: "
                "pass Ctx(rng=jax.random.key(0), training=True)."
            )

    def _site(self, salt: int) -> int:
        return (self.site ^ salt * 0x9E3779B1) & 0xFFFFFFFF

    def bits(self, shape: Sequence[int], salt: int = 0) -> Array:
        """uint32 random bits for an array of `shape` whose first axis is the (sharded) batch.

        The bits are a hash of (key, site, index of the element in the whole batch): they do not depend on the
        number of devices, and fuse into the program around them.
        """
        self._need_rng()
        data = self.rng
        if jnp.issubdtype(data.dtype, jax.dtypes.prng_key):
            data = jax.random.key_data(data)
        words, site = jnp.ravel(data), np.uint32(self._site(salt))
        first, last = _mix(words[0] ^ site), _mix(words[-1] + site)
        size = int(np.prod(shape))
        index = lax.iota(jnp.uint32, size)
        if self.axis is not None:
            index = index + lax.axis_index(self.axis).astype(jnp.uint32) * np.uint32(size)
        return _mix((index ^ first) * np.uint32(0x9E3779B1) + last).reshape(shape)

    def uniform(self, shape: Sequence[int], dtype: DTypeLike = jnp.float32, salt: int = 0) -> Array:
        """Uniform numbers in [0, 1) by global row (24 random bits each)."""
        return ((self.bits(shape, salt) >> 8).astype(jnp.float32) * np.float32(2.0**-24)).astype(dtype)

    def normal(self, shape: Sequence[int], dtype: DTypeLike = jnp.float32, salt: int = 0) -> Array:
        """Standard normal numbers by global row: the inverse error function of `uniform`, off 0 and 1."""
        u = ((self.bits(shape, salt) >> 8).astype(jnp.float32) + np.float32(0.5)) * np.float32(2.0**-23) - 1
        return (np.float32(np.sqrt(2.0)) * lax.erf_inv(u)).astype(dtype)

    def mean(self, x: Array, axes: Sequence[int] | int) -> Array:
        """Mean over `axes`, of which the first is the batch: over the whole batch on all devices."""
        if self.present is not None:
            return self.total(self.share(x, axes))
        mean = jnp.mean(x, axes)
        return mean if self.axis is None else lax.pmean(mean, self.axis)

    def share(self, x: Array, axes: Sequence[int] | int) -> Array:
        """This device's share of `mean`: their sum over the devices is the mean."""
        if self.present is None or x.ndim == 0:
            return jnp.mean(x, axes) / self.total(1)
        return jnp.sum(self.kept(x), axes) / self.count(x, axes).astype(x.dtype)

    def count(self, x: Array, axes: Sequence[int] | int) -> Array:
        """How many numbers `mean` is the mean of."""
        size = math.prod(x.shape[i] for i in (axes if isinstance(axes, Sequence) else (axes,)))
        if self.present is None:
            return self.total(jnp.asarray(size, jnp.float32))
        return self.total(jnp.sum(self.present, dtype=jnp.float32) * (size // self.present.shape[0]))

    def kept(self, x: Array) -> Array:
        """`x` with zeros in rows that are no data; several rows may stand for each sample (time steps)."""
        if self.present is None:
            return x
        present = jnp.repeat(self.present, x.shape[0] // self.present.shape[0])
        return jnp.where(present.reshape(-1, *(1,) * (x.ndim - 1)), x, jnp.zeros((), x.dtype))

    def total(self, x: Tree) -> Tree:
        """Sum of `x` over the devices that share the batch."""
        return x if self.axis is None else cast("Tree", lax.psum(x, self.axis))


def _mix(n: Array) -> Array:
    """The 32-bit finalizer of MurmurHash3 (Appleby): every input bit moves every output bit."""
    n = (n ^ (n >> 16)) * np.uint32(0x85EBCA6B)
    n = (n ^ (n >> 13)) * np.uint32(0xC2B2AE35)
    return n ^ (n >> 16)


INFERENCE = Ctx()


@jax.tree_util.register_pytree_node_class
class ByObject(dict[Any, Any]):
    """A dict with objects as keys, which have no order: jax takes them as they were put in.

    Example:
        >>> a, b = object(), object()
        >>> jax.tree.map(lambda n: n + 1, ByObject({b: 1, a: 2})) == {a: 3, b: 2}
        True
    """

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(self.values()), tuple(self)

    @classmethod
    def tree_unflatten(cls, keys: tuple[Any, ...], values: tuple[Any, ...]) -> ByObject:
        return cls(zip(keys, values, strict=True))


def is_traced(x: object) -> bool:
    """Whether `x` is a value in a program that jax is tracing."""
    return isinstance(x, Tracer)


def joined(*metrics: Means) -> Means:
    """The metrics of several computations as those of one, see `Out.metrics`."""
    every = ByObject()
    for part in metrics:
        for key, means in part.items():
            every[key] = [*every.get(key, ()), *means]
    return every


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Out:
    """The result of a layer's call: the output, and all that flows out beside it.

    A pure layer knows nothing of `trainable`: in the training phase BatchNormalization moves its statistics
    also where it is frozen, which `fit` does not let it. Keep its old state then.

    Args:
        y: the output, or a list of outputs.
        state: of a model the whole state after the call, so that it can be a scan's carry; of a layer what
            changed of it, and what is absent stays (`merged` gives the whole).
        mask: the mask of the output (a list for several outputs), or None.
        loss: a scalar that the computation adds to the loss: activity regularizers and `add_loss`. Weight
            regularizers are functions of the parameters alone: add `layer.penalty(params)`. On several
            devices the sum over them is the total.
        seen: values of inner tensors that somebody outside asked for, `{tensor: array}`.
        metrics: what `add_metric` reports, `{(layer, name): [mean, ...]}` with one mean for each call. A
            formula that runs other layers hands theirs on, as it does with their losses.
    """

    y: Tree
    state: State = dataclasses.field(default_factory=dict[str, Any])
    mask: Tree = None
    loss: Array | float = 0.0
    seen: Seen = dataclasses.field(default_factory=ByObject)
    metrics: Means = dataclasses.field(default_factory=ByObject)

    def merged(self, state: State) -> State:
        """The whole state after the call.

        Args:
            state: the one before.

        Example:
            >>> Out(y=0, state={"bn": {"mean": 2}}).merged({"bn": {"mean": 1, "count": 5}})
            {'bn': {'mean': 2, 'count': 5}}
        """
        return _merged(state, self.state)


def _merged(state: Any, changed: Any) -> Any:
    if not (isinstance(state, AnyDict) and isinstance(changed, AnyDict)):
        return changed
    return state | {name: _merged(state.get(name), value) for name, value in changed.items()}


class Init(Protocol):
    """Draws the weights of a layer.

    Args:
        rng: a `jax.random` key.
        in_shape: shape of the input, batch axis first, None where it is unknown; a list for several inputs.

    Returns:
        `(params, state)`: what is trained, and what the layer moves itself (moving averages, RNN states).
    """

    def __call__(self, rng: Key, in_shape: Shapes, /) -> Weights: ...


class Apply(Protocol):
    """Computes a layer's output: a function of its arguments alone, fit for jit, grad, vmap and pmap.

    Args:
        params, state: as `Init` makes them.
        x: the input, an array; a list of them for several inputs.
        ctx: phase, random key, mask and device axis.

    Returns:
        The output, with what changed of the state, the mask, and what the layer adds to the loss.
    """

    def __call__(self, params: Any, state: Any, x: Any, ctx: Ctx = INFERENCE, /) -> Out: ...


class Pair(NamedTuple):
    """A layer as two pure functions, closed over hyperparameters only.

    Args:
        init: `init(rng, in_shape) -> (params, state)`.
        apply: `apply(params, state, x, ctx=INFERENCE) -> Out`.

    Example:
        >>> double = Pair(lambda rng, shape: ({}, {}), lambda params, state, x, ctx=INFERENCE: Out(2 * x))
        >>> double.apply({}, {}, 3).y
        6
    """

    init: Init
    apply: Apply


class Batch(NamedTuple):
    """One batch on its way to the objective: lists in the order of the model's inputs and outputs."""

    x: Any
    y: Any
    weight: Any
