"""Connectionist temporal classification: the loss over all alignments, and the decoding of a softmax."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.core import Tracer
from numpy.typing import NDArray

from jkeras.core import settings
from jkeras.core.dispatch import is_symbolic, op
from jkeras.core.types import Array, Operand


class SparseLabels(NamedTuple):
    """The labels that count: `indices` (n, 2), `values` (n,) and the shape of the matrix they come from."""

    indices: NDArray[Any]
    values: NDArray[Any]
    dense_shape: tuple[int, ...]


def ctc_label_dense_to_sparse(labels: Operand, label_lengths: Operand) -> SparseLabels:
    """The labels within their lengths, as coordinates and values.

    Args:
        labels: matrix of labels, a row for each sample.
        label_lengths: how many labels of each row count.

    Returns:
        `SparseLabels`; how many there are depends on the values, so this works on arrays only.

    Raises:
        TypeError: for symbolic tensors and inside compiled functions.

    Example:
        >>> ctc_label_dense_to_sparse([[7, 8], [9, 0]], [2, 1]).values
        array([7, 8, 9])

    Keras 2.2.4: keras/backend/tensorflow_backend.py ctc_label_dense_to_sparse
    """
    if is_symbolic((labels, label_lengths)) or any(_traced(v) for v in (labels, label_lengths)):
        raise TypeError(
            "K.ctc_label_dense_to_sparse needs arrays: the size of its result depends on their values. "
            "K.ctc_batch_cost takes the dense labels and their lengths as they are."
        )
    matrix: NDArray[Any] = np.asarray(labels)
    lengths = np.reshape(np.asarray(label_lengths), (-1, 1))
    indices = np.argwhere(np.less(np.arange(matrix.shape[1]), lengths))  # pyright: ignore
    return SparseLabels(indices, matrix[tuple(indices.T)], matrix.shape)


@op
def ctc_batch_cost(y_true: Operand, y_pred: Operand, input_length: Operand, label_length: Operand) -> Array:
    """The negative log likelihood of the labels, summed over all ways to align them with the time steps.

    The last category is the blank. A label sequence that cannot fit into its time steps costs infinity.

    Args:
        y_true: labels `(samples, longest)`; what lies beyond a label's length does not matter.
        y_pred: output of a softmax `(samples, time, categories)`.
        input_length: `(samples, 1)`, how many time steps of `y_pred` count.
        label_length: `(samples, 1)`, how many labels of `y_true` count.

    Returns:
        The cost of each sample, `(samples, 1)`.

    Example:
        >>> print(ctc_batch_cost([[0]], np.array([[[0.25, 0.75]]]), [[1]], [[1]]).round(3))
        [[1.386]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py ctc_batch_cost
    """
    labels, logits = jnp.asarray(y_true).astype("int32"), _log(y_pred)
    return _cost(labels, logits, _lengths(input_length), _lengths(label_length))


@jax.jit
def _cost(labels: Array, logits: Array, steps: Array, counts: Array) -> Array:
    beyond = jnp.arange(labels.shape[1])[None] >= counts
    over = jnp.arange(logits.shape[1])[None] >= steps
    over, padded = over.astype(logits.dtype), beyond.astype(logits.dtype)
    cost: Array = optax.ctc_loss(logits, over, labels, padded, blank_id=logits.shape[2] - 1)
    # Between two equal labels stands a blank.
    repeats = jnp.sum((labels[:, 1:] == labels[:, :-1]) & ~beyond[:, 1:], axis=1, keepdims=True)
    return jnp.where(counts + repeats > steps, jnp.inf, cost[:, None])


def ctc_decode(
    y_pred: Operand, input_length: Operand, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
):
    """The most probable labels of the output of a softmax.

    Args:
        y_pred: output of a softmax `(samples, time, categories)`; the last category is the blank.
        input_length: `(samples,)`, how many time steps of each sample count.
        greedy: whether to take the best category of each step (fast), or else to search with a beam.
        beam_width: how many prefixes the search keeps.
        top_paths: how many decodings the search returns.

    Returns:
        `(decoded, log_probability)`. `decoded` is a list of integer matrices, one for each path, filled with
        -1; on arrays as wide as their longest row, on symbolic tensors and inside compiled functions as wide
        as there are time steps. With `greedy`, the second is `(samples, 1)`: the negative sum of the
        greatest log probabilities, else `(samples, top_paths)`: the log probabilities of the paths.

    Raises:
        ValueError: more paths than the beam is wide.

    Example:
        >>> paths, _ = ctc_decode(jnp.eye(3)[jnp.asarray([[0, 0, 2, 1]])], [4])
        >>> paths[0]
        Array([[0, 1]], dtype=int32)

    Keras 2.2.4: keras/backend/tensorflow_backend.py ctc_decode. In a narrow beam there, a prefix
    that falls out of the beam may take its own continuations with it; here they compete as they should.
    """
    if greedy:
        paths, log_probability = _greedy(y_pred, input_length)
    elif not 1 <= top_paths <= beam_width:
        raise ValueError(
            f"K.ctc_decode: top_paths={top_paths} must lie between 1 and beam_width={beam_width}."
        )
    else:
        paths, log_probability = _beam_search(y_pred, input_length, beam_width, top_paths)
    if is_symbolic(paths) or _traced(paths[0]):
        return list(paths), log_probability
    return [p[:, : int((p >= 0).sum(axis=1).max(initial=0))] for p in paths], log_probability


def _traced(x: Operand) -> bool:
    return isinstance(x, Tracer)


def _log(y_pred: Operand) -> Array:
    return jnp.log(jnp.asarray(y_pred, settings.floatx()) + settings.epsilon())


def _lengths(x: Operand) -> Array:
    """`(samples, 1)`, whole numbers."""
    return jnp.asarray(x).astype("int32").reshape(-1, 1)


def _fresh(paths: Array) -> Array:
    """Booleans: the label differs from the one before."""
    return jnp.pad(paths[:, 1:] != paths[:, :-1], ((0, 0), (1, 0)), constant_values=True)


def _packed(values: Array, keep: Array) -> Array:
    """The kept entries of a row, moved to the front and followed by -1."""
    order = jnp.argsort(~keep, stable=True)
    return jnp.where(jnp.arange(values.shape[0]) < jnp.sum(keep), values[order], -1)


@op
def _greedy(y_pred: Operand, input_length: Operand) -> tuple[list[Array], Array]:
    path, log_probability = _best(_log(y_pred), _lengths(input_length))
    return [path], log_probability


@jax.jit
def _best(logits: Array, lengths: Array) -> tuple[Array, Array]:
    counts = jnp.arange(logits.shape[1])[None] < lengths  # (samples, time)
    best = jnp.argmax(logits, axis=2).astype("int32")
    path = jax.vmap(_packed)(best, counts & _fresh(best) & (best != logits.shape[2] - 1))
    return path, -jnp.sum(jnp.where(counts, jnp.max(logits, axis=2), 0), axis=1, keepdims=True)


@op
def _beam_search(
    y_pred: Operand, input_length: Operand, beam_width: int, top_paths: int
) -> tuple[list[Array], Array]:
    paths, log_probability = _searches(_log(y_pred), _lengths(input_length), beam_width, top_paths)
    return [paths[:, i] for i in range(top_paths)], log_probability


class _Beam(NamedTuple):
    """Prefixes with the log probabilities of all alignments that end in a blank, or in the last label."""

    prefix: Array  # (width, time), filled up with -1
    size: Array  # (width,)
    blank: Array  # (width,)
    label: Array  # (width,)

    @property
    def total(self) -> Array:
        return jnp.logaddexp(self.blank, self.label)

    @property
    def last(self) -> Array:
        """The last label of each prefix, -1 where there is none."""
        ends = jnp.take_along_axis(self.prefix, jnp.maximum(self.size - 1, 0)[:, None], axis=1)[:, 0]
        return jnp.where(self.size > 0, ends, -1)


@functools.partial(jax.jit, static_argnames=("beam_width", "top_paths"))
def _searches(logits: Array, lengths: Array, beam_width: int, top_paths: int) -> tuple[Array, Array]:
    """(paths (samples, top_paths, time), log probabilities (samples, top_paths))."""
    search = functools.partial(_search, beam_width=beam_width, top_paths=top_paths)
    return jax.vmap(search)(jax.nn.log_softmax(logits), lengths[:, 0])


def _search(log_p: Array, length: Array, beam_width: int, top_paths: int) -> tuple[Array, Array]:
    time = log_p.shape[0]
    never = jnp.full((beam_width,), -jnp.inf, log_p.dtype)
    empty = jnp.full((beam_width, time), -1, "int32")
    start = _Beam(empty, jnp.zeros(beam_width, "int32"), never.at[0].set(0), never)

    def step(beam: _Beam, now: tuple[Array, Array]) -> tuple[_Beam, None]:
        t, x = now
        grown = _grow(beam, x)
        return _Beam(*(jnp.where(t < length, new, old) for new, old in zip(grown, beam, strict=True))), None

    beam, _ = lax.scan(step, start, (jnp.arange(time), log_p))
    log_probability, best = lax.top_k(beam.total, top_paths)
    # TensorFlow's decoder, as Keras calls it, merges equal neighbours of a decoded path as well.
    paths = beam.prefix[best]
    return jax.vmap(_packed)(paths, _fresh(paths) & (paths >= 0)), log_probability


def _grow(beam: _Beam, x: Array) -> _Beam:
    """One time step: every prefix stays or grows by a label, the best are kept. `x`: log probabilities."""
    width, labels = beam.size.shape[0], x.shape[0] - 1
    last, total = beam.last, beam.total
    repeated = last[:, None] == jnp.arange(labels)[None]
    longer = x[None, :-1] + jnp.where(repeated, beam.blank[:, None], total[:, None])  # (width, labels)
    # A prefix that grows into another one of the beam: its probability goes there.
    parent = _parents(beam)  # (parent, child)
    from_parent = jnp.max(jnp.where(parent, longer[:, last], -jnp.inf), axis=0)
    taken = (parent[:, :, None] & repeated[None]).any(axis=1)
    longer = jnp.where(taken, -jnp.inf, longer)
    blank = total + x[-1]
    label = jnp.logaddexp(jnp.where(last >= 0, beam.label + x[last], -jnp.inf), from_parent)

    scores = jnp.concatenate([jnp.logaddexp(blank, label), longer.reshape(-1)])
    _, best = lax.top_k(scores, width)
    grows = best >= width
    source = jnp.where(grows, (best - width) // labels, best)
    prefix, size = beam.prefix[source], beam.size[source]
    added = ((best - width) % labels).astype("int32")
    here = grows[:, None] & (jnp.arange(prefix.shape[1])[None] == size[:, None])
    return _Beam(
        jnp.where(here, added[:, None], prefix),
        size + grows,
        jnp.where(grows, -jnp.inf, blank[source]),
        jnp.where(grows, scores[best], label[source]),
    )


def _parents(beam: _Beam) -> Array:
    """Whether prefix i without anything more is prefix j without its last label, `(i, j)`."""
    end = jnp.arange(beam.prefix.shape[1])[None] == beam.size[:, None] - 1
    shortened = jnp.where(end, -1, beam.prefix)
    same = (beam.prefix[:, None] == shortened[None]).all(axis=-1)
    alive = beam.total > -jnp.inf
    return same & (beam.size[:, None] + 1 == beam.size[None]) & alive[:, None] & alive[None]
