"""Arrays on their way in: whatever the user has → lists of host arrays in the model's order, checked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from jkeras import losses
from jkeras.core import bits
from jkeras.core.types import AnyDict, AnyList, AnyTuple, Shape
from jkeras.training.data.sample_weights import by_output, row_weight
from jkeras.training.data.samples import Rows, Samples, is_lazy, on_host, rows_of
from jkeras.training.objective.endpoints import Endpoint, Target, by_name
from jkeras.training.types import HostArray, Numpy

_SAME_SHAPE = ("mean_squared_error", "binary_crossentropy", "categorical_crossentropy")


def read(
    x: Any,
    y: Any,
    inputs: Sequence[Endpoint],
    targets: Sequence[Target],
    sample_weight: Any = None,
    class_weight: Any = None,
    need_y: bool = True,
) -> Samples:
    """Check the data of `fit` and its like.

    Args:
        x, y: array, list or dict by name.
        inputs, targets: what the model and its losses want (`Endpoint`, `Target`).
        sample_weight, class_weight: as in Keras.
        need_y: whether targets are asked for at all.

    Raises:
        ValueError, TypeError: what is wrong, with names and shapes.

    Keras 2.2.4: keras/engine/training.py _standardize_user_data.
    """
    xs = [
        _checked(a, endpoint.shape, endpoint, "input")
        for a, endpoint in zip(in_order(x, inputs, "input"), inputs, strict=True)
    ]
    if not need_y:
        _same_length(xs, [], [])
        return Samples(xs, [], [])
    fed = [target for target in targets if target.symbol is None]
    if fed and y is None:
        raise ValueError(
            f"The model needs targets for {[t.name for t in fed]}, but y=None: pass y (or data that "
            "yield (x, y) pairs)."
        )
    ys = [_target(a, target) for a, target in zip(in_order(y, fed, "target"), fed, strict=True)]
    sample = by_output(sample_weight, targets, "sample_weight")
    classes = by_output(class_weight, targets, "class_weight")
    known = iter(ys)
    symbols = [next(known) if target.symbol is None else target.symbol for target in targets]
    weights: list[HostArray | None] = [
        row_weight(*row) for row in zip(symbols, sample, classes, targets, strict=True)
    ]
    _same_length(xs, ys, weights)
    return Samples(xs, ys, weights)


def in_order(data: Any, endpoints: Sequence[Endpoint | Target], what: str) -> list[HostArray]:
    """The arrays in the order of the endpoints."""
    names = [endpoint.name for endpoint in endpoints]
    data = by_name(data, endpoints)
    if isinstance(data, AnyDict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(
                f'No data provided for "{missing[0]}". Need data for each key in: {names}; got {list(data)}.'
            )
        return [on_host(data[name], name) for name in names]
    if data is None:
        if names:
            raise ValueError(f"Error when checking model {what}: expected data for {names}, but got None.")
        return []
    if isinstance(data, (AnyList, AnyTuple)):
        return _from_list(list(data), endpoints, what)
    if len(names) != 1:
        raise ValueError(
            f"Error when checking model {what}: expected to see {len(names)} array(s) ({names}), but got one "
            f"of shape {np.shape(data)}."
        )
    return [on_host(data, names[0])]


def _from_list(data: list[Any], endpoints: Sequence[Endpoint | Target], what: str) -> list[HostArray]:
    names = [endpoint.name for endpoint in endpoints]
    arrays = bool(data) and all(hasattr(a, "shape") for a in data)
    if len(endpoints) == 1 and not arrays and not _is_list_of_one(data, endpoints[0]):
        return [on_host(data, names[0])]
    if len(data) != len(endpoints):
        shapes = [tuple(np.shape(a)) if hasattr(a, "shape") else type(a).__name__ for a in data][:8]
        raise ValueError(
            f"Error when checking model {what}: the list of arrays that you are passing to your model is not "
            f"the size the model expected. Expected to see {len(endpoints)} array(s) ({names}), but instead "
            f"got {len(data)}: {shapes}. If these are the samples of one array, pass np.array(...) of the "
            "list; for sequences of different length see pad_sequences."
        )
    return [on_host(a, name) for a, name in zip(data, names, strict=True)]


def _is_list_of_one(data: list[Any], endpoint: Endpoint | Target) -> bool:
    """Whether `[[...]]` is a list that holds the one array, rather than the array itself."""
    if len(data) != 1 or endpoint.shape is None:
        return False
    try:
        return np.ndim(data[0]) == len(endpoint.shape)
    except ValueError:  # ragged
        return False


def _checked(a: HostArray, shape: Shape | None, endpoint: Endpoint | Target, what: str) -> HostArray:
    """Rank, sizes and index range."""
    if len(a.shape) == 0:
        raise ValueError(
            f"Error when checking {what}: expected {endpoint.name} to have a batch axis, but got a number."
        )
    if len(a.shape) == 1 and not (shape is not None and len(shape) == 1):
        a = Rows(a, 0, a.shape[0]) if is_lazy(a) else a[:, None]
    if a.shape[0] == 0:
        raise ValueError(
            f"Error when checking {what}: {endpoint.name} got an array without samples, shape {a.shape}."
        )
    if shape is not None:
        if len(a.shape) != len(shape):
            raise ValueError(
                f"Error when checking {what}: expected {endpoint.name} to have {len(shape)} dimensions, but "
                f"got array with shape {tuple(a.shape)}{_forgotten(a.shape, shape, what)}"
            )
        if any(want is not None and want != got for want, got in zip(shape[1:], a.shape[1:], strict=True)):
            raise ValueError(
                f"Error when checking {what}: expected {endpoint.name} to have shape {tuple(shape[1:])} but "
                f"got array with shape {tuple(a.shape[1:])}{_one_sample(a.shape, shape, what)}"
                f"{_turned(a.shape, shape)}{_one_hot(a.shape, endpoint, what)}"
            )
    cuts = np.dtype(endpoint.dtype).kind in "iu" and not np.can_cast(a.dtype, bits.supported(endpoint.dtype))
    return _limited(a, endpoint, what) if cuts or endpoint.limit is not None else a


def _forgotten(got: tuple[int, ...], want: Shape, what: str) -> str:
    """Guess of what is missing where the number of axes differs."""
    if what == "target":
        deep = len(got) < len(want) and len(want) > 2
        return (
            f". The output has the shape {tuple(want)}: is a Flatten missing before the last layers?" * deep
        )
    if _fit(got, want[1:]):
        return (
            ". Is it a single sample? A batch of one is x[None]. Does input_shape count the samples? It is "
            "the shape of one."
        )
    if _fit(got, want[:-1]) and want[-1] == 1:
        return ". Is the axis of channels missing? x[..., None] adds it."
    return ""


def _one_sample(got: tuple[int, ...], want: Shape, what: str) -> str:
    """The same for a row of numbers, of which each has been taken for a sample."""
    alone = what == "input" and tuple(got) == (want[-1], 1) and len(want) == 2
    return ". Is it a single sample? A batch of one is x[None]." * alone


def _turned(got: tuple[int, ...], want: Shape) -> str:
    """The same for the axis of channels at the other end."""
    for source, target in ((1, -1), (-1, 1)):
        order = list(range(len(got)))
        order.insert(target % len(got), order.pop(source))
        if _fit(tuple(got[axis] for axis in order), (None, *want[1:])):
            return (
                f". Are its axes in another order? np.moveaxis(x, {source}, {target}) puts them in this one."
            )
    return ""


def _fit(got: tuple[int, ...], want: Shape) -> bool:
    return len(got) == len(want) and all(w in (None, g) for g, w in zip(got, want, strict=True))


def _one_hot(got: tuple[int, ...], endpoint: Endpoint | Target, what: str) -> str:
    """The same for columns in the place of class numbers."""
    columns = what == "target" and endpoint.limit is not None and got[-1] == endpoint.limit
    return ". Is it one column for each class? Then use categorical_crossentropy, or y.argmax(-1)." * columns


def _limited(a: Any, endpoint: Endpoint | Target, what: str) -> HostArray:
    """The array, whose values are in range; what is read by rows is checked when it is read."""
    if is_lazy(a) and not hasattr(a, "tocsr"):
        return Rows(a, 0, a.shape[0], partial(_in_range, endpoint=endpoint, what=what))
    _in_range(a.data if hasattr(a, "tocsr") else a, endpoint, what)
    return a


def _in_range(a: Numpy, endpoint: Endpoint | Target, what: str) -> None:
    bits.check_range(a, endpoint.dtype, f"Error when checking {what}: {endpoint.name}")
    if a.size == 0 or endpoint.limit is None:
        return
    low, high = a.min(), a.max()  # both NaN where one of the values is
    if not (low >= 0 and high < endpoint.limit):
        bad = high if low >= 0 else low
        kind = "indices" if what == "input" else "class numbers"
        raise ValueError(
            f"Error when checking {what}: {endpoint.name} holds {kind} and must lie in [0, "
            f"{endpoint.limit}), but the array of shape {a.shape} contains {bad:g}."
            f"{' Classes are counted from 0.' * (what == 'target' and bool(bad == endpoint.limit))}"
        )


def _target(a: HostArray, target: Target) -> HostArray:
    fn, shape = target.fn, target.shape
    if fn is losses.categorical_crossentropy and (len(a.shape) < 2 or a.shape[-1] == 1):
        raise ValueError(
            f"You are passing a target array of shape {tuple(a.shape)} for {target.name!r} while using as "
            "loss `categorical_crossentropy`, which expects binary matrices (1s and 0s) of shape (samples, "
            "classes). If your targets are integer classes, convert them with "
            "jkeras.utils.to_categorical(y), or use the loss `sparse_categorical_crossentropy` instead, "
            "which does expect integers."
        )
    sparse = fn is losses.sparse_categorical_crossentropy
    if sparse and shape is not None and 1 < len(a.shape) == len(shape) - 1:
        a = rows_of(a, slice(None))[..., None]
    if getattr(fn, "__name__", "") in _SAME_SHAPE and shape is not None and len(a.shape) == len(shape):
        wrong = [s for s, t in zip(shape[1:], a.shape[1:], strict=True) if s is not None and s != t]
        if wrong and len(a.shape) > 1:
            raise ValueError(
                f"Error when checking target: expected {target.name} to have shape {tuple(shape[1:])} but "
                f"got array with shape {tuple(a.shape[1:])}. A target array with shape {tuple(a.shape)} was "
                f"passed for an output of shape {tuple(shape)} while using as loss `{fn.__name__}`, which "
                "expects targets of the same shape as the output."
            )
    return _checked(a, shape, target, "target")


def _same_length(xs: list[HostArray], ys: list[HostArray], weights: list[HostArray | None]) -> None:
    for arrays, what in ((xs, "input arrays (x)"), (ys, "target arrays (y)")):
        if len({a.shape[0] for a in arrays}) > 1:
            shapes = [tuple(a.shape) for a in arrays]
            raise ValueError(f"All {what} should have the same number of samples. Got array shapes: {shapes}")
    if xs and ys and xs[0].shape[0] != ys[0].shape[0]:
        raise ValueError(
            "Input arrays should have the same number of samples as target arrays. Found "
            f"{xs[0].shape[0]} input samples and {ys[0].shape[0]} target samples."
        )
    for weight in weights:
        if weight is not None and (xs or ys) and weight.shape[0] != (ys + xs)[0].shape[0]:
            raise ValueError(
                "Sample_weight arrays should have the same number of samples as target arrays. Got "
                f"{(ys + xs)[0].shape[0]} target samples and {weight.shape[0]} weights."
            )
