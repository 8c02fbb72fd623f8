"""Outputs of an exported file beside those of its model."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from jkeras.core.lists import as_list
from jkeras.core.types import AnyDict
from jkeras.engine.tree import instances
from jkeras.export.program import inference
from jkeras.export.signature import Endpoint, Signature
from jkeras.layers.embeddings import Embedding

Run: TypeAlias = Callable[[list[np.ndarray]], list[np.ndarray]]
TOLERANCE = 1e-5
_ROUNDINGS = 4  # times the last bit of the inputs
SAMPLE = 256  # rows of a user's that are compared
_SIZES = (35, 75, 139, 224)  # tried for sizes that may be any


class Batch(NamedTuple):
    """Inputs, and what the model gives for them.

    Args:
        inputs, outputs: arrays.
        rounding: the difference that the last bit of the inputs makes to each output: with deep networks the
            order of sums does as much.
    """

    inputs: list[np.ndarray]
    outputs: list[np.ndarray]
    rounding: tuple[float, ...] = ()


class Measured(NamedTuple):
    """How far a file is from its model.

    Args:
        differences: the largest of each output, absolute below 1 and relative above.
        agreement: the share of rows with the same largest output; None without such outputs.
        is_close: whether no difference is above `TOLERANCE`, or above what rounding does to the model itself.
    """

    differences: tuple[float, ...]
    agreement: float | None
    is_close: bool


def batches(model: Any, signature: Signature, sample: Any = None) -> list[Batch]:
    """Batches of one row and of several, random or a user's, and what the model gives for them.

    Args:
        model: a built model.
        signature: of its inputs.
        sample: rows to compare on: an array, a list of them, or a dict by the names of inputs.

    Raises:
        ValueError: the sample does not fit, or no sizes of the inputs do.
    """
    values, run = inference(model)
    fixed = signature.inputs[0].shape[0]
    if sample is not None:
        given = [_of_sample(signature, sample, number) for number in range(len(signature.inputs))]
        wanted = [given] if fixed is None else [[x[:fixed] for x in given]]
    else:
        size = _size(run, values, signature)
        below = min((e.input_dim for _, e in instances(model) if isinstance(e, Embedding)), default=2)
        words = [_is_for_words(model, tensor) for tensor in model.signature[0]]
        rng = np.random.RandomState(0)
        wanted = [
            [_random(rng, e, n, size, below, w) for e, w in zip(signature.inputs, words, strict=True)]
            for n in ((1, 3) if fixed is None else (fixed,))
        ]
    compiled = jax.jit(run)
    found: list[Batch] = []
    for xs in wanted:
        outputs, others = (
            [np.asarray(y) for y in compiled(values, *given)] for given in (xs, [_nudged(x) for x in xs])
        )
        found.append(Batch(xs, outputs, tuple(map(_difference, outputs, others))))
    return found


def _nudged(x: np.ndarray) -> np.ndarray:
    """The next larger numbers."""
    return np.nextafter(x, np.inf, dtype=x.dtype) if x.dtype.kind == "f" else x


def _of_sample(signature: Signature, sample: Any, number: int) -> np.ndarray:
    end = signature.inputs[number]
    part = sample[end.name] if isinstance(sample, AnyDict) else sample
    part = part[number] if isinstance(part, list | tuple) else part
    array = np.asarray(part)[:SAMPLE].astype(end.dtype)
    if array.ndim != len(end.shape) or not len(array):
        raise ValueError(
            f"`sample`: the input {end.name!r} takes rows of shape {end.shape[1:]}; got {array.shape}."
        )
    return array


def _is_for_words(model: Any, tensor: Any) -> bool:
    """Whether an input goes into an Embedding: Keras lets words be floats."""
    return any(isinstance(node.owner, Embedding) for node in model._consumers(tensor))


def _shape(end: Endpoint, rows: int, size: int) -> list[int]:
    return [end.shape[0] or rows, *(d or size + axis for axis, d in enumerate(end.shape[1:]))]


def _size(run: Any, values: Any, signature: Signature) -> int:
    """The first size that all unknown ones can have (those of later axes are a little larger)."""
    trouble: Exception | None = None
    for size in _SIZES:
        specs = [jax.ShapeDtypeStruct(_shape(e, 1, size), np.dtype(e.dtype)) for e in signature.inputs]
        try:
            if all(0 not in y.shape for y in jax.eval_shape(run, values, *specs)):
                return size
        except Exception as error:  # whatever a layer says of inputs that are too small
            trouble = error
    raise ValueError(
        f"No sizes of {_SIZES} fit the inputs {[e.shape for e in signature.inputs]}: {trouble} "
        "Give sample=... rows to compare on."
    )


def _random(
    rng: np.random.RandomState, end: Endpoint, rows: int, size: int, below: int, words: bool
) -> np.ndarray:
    """Random numbers, or words below the smallest vocabulary; the last of the first row is padding."""
    shape = _shape(end, rows, size)
    whole = words or np.dtype(end.dtype).kind in "iub"
    array = rng.randint(0, below, shape) if whole else rng.uniform(-1, 1, shape)
    if len(shape) > 1 and shape[1] > 2:
        array[0, -1] = 0
    return array.astype(end.dtype)


def measure(run: Run, proven: Sequence[Batch], rows: int | None = None) -> Measured:
    """Run a file on batches.

    Args:
        run: the file.
        proven: batches with the outputs of the model.
        rows: what the file takes at once; None: any number.

    Raises:
        ValueError: the number or shapes of the outputs are others.
    """
    differences: list[list[float]] = []
    same: list[np.ndarray] = []
    for xs, wanted, _ in proven:
        step = rows or len(xs[0])
        pieces = [as_list(run([x[at : at + step] for x in xs])) for at in range(0, len(xs[0]), step)]
        got = [np.concatenate([np.asarray(y) for y in ys]) for ys in zip(*pieces, strict=True)]
        shapes = [y.shape for y in got], [y.shape for y in wanted]
        if shapes[0] != shapes[1]:
            raise ValueError(f"it gives outputs of shapes {shapes[0]} where the model gives {shapes[1]}")
        differences.append([_difference(mine, theirs) for mine, theirs in zip(wanted, got, strict=True)])
        for mine, theirs in zip(wanted, got, strict=True):
            if mine.ndim > 1 and mine.shape[-1] > 1:
                same.append((mine.argmax(-1) == theirs.argmax(-1)).ravel())
    largest = tuple(max(each) for each in zip(*differences, strict=True))
    rounding = [max(each) for each in zip(*(batch.rounding for batch in proven), strict=True)]
    limits = [max(TOLERANCE, _ROUNDINGS * off) for off in rounding or [0.0] * len(largest)]
    is_close = all(off <= limit for off, limit in zip(largest, limits, strict=True))
    return Measured(largest, float(np.concatenate(same).mean()) if same else None, is_close)


def _difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    """NaN in one place only is an infinite difference, the same infinity none."""
    a, b = mine.astype("float64"), theirs.astype("float64")
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        off = np.where(equal, 0.0, np.abs(a - b) / np.maximum(1.0, np.abs(a)))
    return float(np.nan_to_num(off, nan=np.inf, posinf=np.inf).max(initial=0.0))
