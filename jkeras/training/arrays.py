"""Arrays on their way in: whatever the user has → lists of host arrays in the model's order, checked."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from jkeras import losses
from jkeras.core.types import Batch
from jkeras.training.ports import Target

_SAME_SHAPE = ("mean_squared_error", "binary_crossentropy", "categorical_crossentropy")


class Table(NamedTuple):
    """Samples on the host: lists of arrays with one row per sample; a weight may be None (all ones)."""

    x: list
    y: list
    weight: list

    @property
    def rows(self) -> int:
        """How many samples; a model that is fed nothing has steps of 1, as Keras counts them."""
        return next((len_of(a) for a in (*self.x, *self.y, *self.weight) if a is not None), 1)


def read(x, y, inputs, targets, sample_weight=None, class_weight=None, need_y=True) -> Table:
    """Check the data of `fit` and its like.

    Args:
        x, y: array, list or dict by name.
        inputs, targets: what the model and its losses want (`Port`, `Target`).
        sample_weight, class_weight: as in Keras.
        need_y: whether targets are asked for at all.

    Raises:
        ValueError, TypeError: what is wrong, with names and shapes.

    Keras 2.2.4: keras/engine/training.py _standardize_user_data.
    """
    xs = [
        _checked(a, port.shape, port, "input")
        for a, port in zip(by_name(x, inputs, "input"), inputs, strict=True)
    ]
    if not need_y:
        _same_length(xs, [], [])
        return Table(xs, [], [])
    fed = [target for target in targets if target.symbol is None]
    if fed and y is None:
        raise ValueError(
            f"The model needs targets for {[t.name for t in fed]}, but y=None: pass y (or data that "
            "yield (x, y) pairs)."
        )
    ys = [_target(a, target) for a, target in zip(by_name(y, fed, "target"), fed, strict=True)]
    names = [target.name for target in targets]
    sample = _per_output(sample_weight, names, "sample_weight")
    classes = _per_output(class_weight, names, "class_weight")
    known = iter(ys)
    symbols = [next(known) if target.symbol is None else target.symbol for target in targets]
    weights = [_weight(*row) for row in zip(symbols, sample, classes, targets, strict=True)]
    _same_length(xs, ys, weights)
    return Table(xs, ys, weights)


def by_name(data, ports: Sequence, what: str) -> list:
    """The arrays in the order of the ports."""
    names = [port.name for port in ports]
    if isinstance(data, dict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(
                f'No data provided for "{missing[0]}". Need data for each key in: {names}; got {list(data)}.'
            )
        return [_host(data[name], name) for name in names]
    if data is None:
        if names:
            raise ValueError(f"Error when checking model {what}: expected data for {names}, but got None.")
        return []
    if isinstance(data, (list, tuple)):
        return _from_list(list(data), ports, what)
    if len(names) != 1:
        raise ValueError(
            f"Error when checking model {what}: expected to see {len(names)} array(s) ({names}), but got one "
            f"of shape {np.shape(data)}."
        )
    return [_host(data, names[0])]


def _from_list(data: list, ports: Sequence, what: str) -> list:
    names = [port.name for port in ports]
    arrays = bool(data) and all(hasattr(a, "shape") for a in data)
    if len(ports) == 1 and not arrays and not _is_list_of_one(data, ports[0]):
        return [_host(data, names[0])]
    if len(data) != len(ports):
        shapes = [tuple(np.shape(a)) if hasattr(a, "shape") else type(a).__name__ for a in data][:8]
        raise ValueError(
            f"Error when checking model {what}: the list of arrays that you are passing to your model is not "
            f"the size the model expected. Expected to see {len(ports)} array(s) ({names}), but instead got "
            f"{len(data)}: {shapes}. If these are the samples of one array, pass np.array(...) of the list; "
            "for sequences of different length see pad_sequences."
        )
    return [_host(a, name) for a, name in zip(data, names, strict=True)]


def _is_list_of_one(data: list, port) -> bool:
    """Whether `[[...]]` is a list that holds the one array, rather than the array itself."""
    if len(data) != 1 or port.shape is None:
        return False
    try:
        return np.ndim(data[0]) == len(port.shape)
    except ValueError:  # ragged
        return False


def _host(a, name: str) -> Any:
    """An array on the host; what can only be read by rows (HDF5, scipy.sparse) stays as it is."""
    if isinstance(a, np.ndarray):
        array = a
    elif hasattr(a, "detach"):  # torch
        a = a.detach().cpu()
        array = (a.float() if str(a.dtype) == "torch.bfloat16" else a).numpy()
    elif hasattr(a, "to_numpy"):  # pandas: by position, whatever the index
        array = a.to_numpy()
    elif hasattr(a, "tocsr"):  # scipy.sparse
        return _numeric(a.tocsr(), name)
    elif is_lazy(a):
        return _numeric(a, name)
    else:
        try:
            array = np.asarray(a)
        except ValueError as error:
            raise _ragged(name, a) from error
    if array.dtype == object:
        strange = [v for v in array.flat if not isinstance(v, (numbers.Number, np.bool_)) and not np.ndim(v)]
        if strange:
            raise ValueError(
                f"The data for {name!r} should hold numbers, but contain {strange[0]!r}: replace what is "
                "missing, and make numbers of texts and categories."
            )
        try:
            array = np.array(array.tolist(), dtype="float32")
        except (ValueError, TypeError) as error:
            raise _ragged(name, a) from error
    return _numeric(array, name)


def _numeric(array, name: str):
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise ValueError(f"The data for {name!r} should hold numbers, but its dtype is {array.dtype}.")
    return array


def _ragged(name: str, a) -> ValueError:
    if not isinstance(a, (list, tuple, np.ndarray)) and not hasattr(a, "to_numpy"):
        return ValueError(
            f"The data for {name!r} are a {type(a).__name__}, which cannot be made into an array of numbers. "
            "What gives single samples by number must go through a loader that makes batches, as "
            "torch.utils.data.DataLoader(..., batch_size=32) does, or be a jkeras.utils.Sequence."
        )
    return ValueError(
        f"The data for {name!r} cannot be made into one array: its samples differ in length or hold objects. "
        "Make them equally long, for sequences with jkeras.preprocessing.sequence.pad_sequences(...)."
    )


def is_lazy(a) -> bool:
    """Whether an array can only be read by rows: HDF5 datasets, `HDF5Matrix`, scipy.sparse."""
    by_rows = hasattr(a, "shape") and hasattr(a, "__getitem__") and hasattr(a, "__len__")
    return hasattr(a, "tocsr") or (by_rows and not hasattr(a, "__array_priority__"))


def len_of(a) -> int:
    return int(a.shape[0])


class Rows:
    """Some rows of what can only be read by rows; a vector becomes a column.

    Args:
        base: HDF5 data set or the like.
        start, stop: which rows.
        check: called with all rows that are read, for what cannot be checked before.
    """

    def __init__(self, base, start: int, stop: int, check: Callable = lambda rows: None):
        self.base, self.start, self.dtype, self.check = base, start, base.dtype, check
        self.shape = (stop - start, *(base.shape[1:] or (1,)))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            found = self.base[slice(start + self.start, stop + self.start)]
        else:
            found = self.base[rows + self.start]
        found = np.asarray(found).reshape(-1, *self.shape[1:])
        self.check(found)
        return found


def part(a, start: int, stop: int):
    """The rows from `start` up to `stop`, not yet read if they can only be read by rows."""
    if a is None:
        return None
    return Rows(a, start, stop) if is_lazy(a) and not hasattr(a, "tocsr") else a[start:stop]


def rows_of(a, rows) -> np.ndarray:
    """Some rows (a slice or an array of indices) as a plain array."""
    if hasattr(a, "tocsr"):
        return a[rows].toarray()
    if isinstance(rows, slice) or not is_lazy(a):
        return np.asarray(a[rows])
    order = np.argsort(rows)  # HDF5 wants increasing indices
    found = np.asarray(a[rows[order]])
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return found[back]


def _checked(a, shape, port, what: str):
    """Rank, sizes and index range."""
    if len(a.shape) == 0:
        raise ValueError(
            f"Error when checking {what}: expected {port.name} to have a batch axis, but got a number."
        )
    if len(a.shape) == 1 and not (shape is not None and len(shape) == 1):
        a = Rows(a, 0, len_of(a)) if is_lazy(a) else a[:, None]
    if len_of(a) == 0:
        raise ValueError(
            f"Error when checking {what}: {port.name} got an array without samples, shape {a.shape}."
        )
    if shape is not None:
        if len(a.shape) != len(shape):
            raise ValueError(
                f"Error when checking {what}: expected {port.name} to have {len(shape)} dimensions, but got "
                f"array with shape {tuple(a.shape)}"
            )
        if any(want is not None and want != got for want, got in zip(shape[1:], a.shape[1:], strict=True)):
            raise ValueError(
                f"Error when checking {what}: expected {port.name} to have shape {tuple(shape[1:])} but got "
                f"array with shape {tuple(a.shape[1:])}"
            )
    return a if port.limit is None else _limited(a, port, what)


def _limited(a: Any, port, what: str):
    """The array, whose values are in range; what is read by rows is checked when it is read."""
    if is_lazy(a) and not hasattr(a, "tocsr"):
        return Rows(a, 0, len_of(a), partial(_in_range, port=port, what=what))
    _in_range(a.data if hasattr(a, "tocsr") else a, port, what)
    return a


def _in_range(a: np.ndarray, port, what: str) -> None:
    if a.size == 0:
        return
    low, high = a.min(), a.max()
    if low < 0 or high >= port.limit:
        bad = low if low < 0 else high
        kind = "indices" if what == "input" else "class numbers"
        raise ValueError(
            f"Error when checking {what}: {port.name} holds {kind} and must lie in [0, {port.limit}), but "
            f"the array of shape {a.shape} contains {bad:g}."
        )


def _target(a, target: Target):
    fn, shape = target.fn, target.shape
    if fn is losses.categorical_crossentropy and (len(a.shape) < 2 or a.shape[-1] == 1):
        raise ValueError(
            f"You are passing a target array of shape {tuple(a.shape)} for {target.name!r} while using as "
            "loss `categorical_crossentropy`, which expects binary matrices (1s and 0s) of shape (samples, "
            "classes). If your targets are integer classes, convert them with "
            "jkeras.utils.to_categorical(y), or use the loss `sparse_categorical_crossentropy` instead, "
            "which does expect integers."
        )
    if target.limit is not None and shape is not None and 1 < len(a.shape) == len(shape) - 1:
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


def _per_output(given, names: list[str], what: str) -> list:
    if given is None or (isinstance(given, (list, tuple, dict)) and not given):
        return [None] * len(names)
    if len(names) == 1:
        if isinstance(given, (list, tuple)) and len(given) == 1:
            if isinstance(given[0], dict) or np.ndim(given[0]) > 0:
                return list(given)
        if isinstance(given, dict) and names[0] in given:
            return [given[names[0]]]
        return [given]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                f"Provided `{what}` was a list of {len(given)} elements, but the model has {len(names)} "
                f"outputs. You should provide one `{what}` array per model output."
            )
        return list(given)
    if isinstance(given, dict):
        unknown = [name for name in given if name not in names]
        if what == "sample_weight" and any(isinstance(key, (int, np.integer)) for key in unknown):
            raise _by_class()
        if unknown:
            raise ValueError(f"`{what}` has an entry {unknown[0]!r}; the outputs of the model are {names}.")
        return [given.get(name) for name in names]
    raise TypeError(
        f"The model has multiple outputs, so `{what}` should be either a list or a dict. Provided `{what}` "
        f"type not understood: {given!r}"
    )


def _weight(y, sample, classes, target: Target):
    """The weight of each sample (or time step) of one output, or None."""
    if isinstance(sample, dict):
        raise _by_class()
    if target.mode == "temporal" and len(y.shape) < 3:
        raise ValueError(
            f"Found a target with shape {tuple(y.shape)} for {target.name!r}. Timestep-wise sample weighting "
            '(sample_weight_mode="temporal") is restricted to outputs that are at least 3D, i.e. have a time '
            "axis."
        )
    if sample is not None:
        if classes is not None:
            warnings.warn(
                "Found both `sample_weight` and `class_weight`: `class_weight` is ignored.", stacklevel=4
            )
        rows = rows_of(_host(sample, "sample_weight"), slice(None))
        return _sample_weight(np.asarray(rows, "float32"), y, target)
    return None if classes is None else _class_weight(y, classes, target)


def _by_class() -> ValueError:
    return ValueError(
        "`sample_weight` should be an array with one weight per sample, but got a dict whose keys are no "
        "output names. A dict of weights by class is the argument `class_weight`."
    )


def _sample_weight(weight: np.ndarray, y, target: Target) -> np.ndarray:
    if target.mode == "temporal" and weight.ndim != 2:
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for {target.name!r}; timestep-wise "
            "sample weighting needs a 2D array (samples, time steps)."
        )
    if target.mode is None and weight.ndim != 1:
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for {target.name!r}. In order to use "
            'timestep-wise sample weights, specify sample_weight_mode="temporal" in compile(); for '
            "sample-wise "
            "weights, the array must be 1D."
        )
    if any(want not in (None, got) for want, got in zip(y.shape, weight.shape, strict=False)):
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for a target with shape "
            f"{tuple(y.shape)}: sample_weight cannot be broadcast."
        )
    return weight


def _class_weight(y, classes, target: Target) -> np.ndarray:
    if not isinstance(classes, dict):
        raise TypeError(
            f"`class_weight` for {target.name!r} should be a dict from class number to weight; got "
            f"{classes!r}."
        )
    if target.symbol is not None:
        raise ValueError(
            f"`class_weight` needs classes in `y`, but the target of {target.name!r} is a tensor "
            "(`target_tensors`); pass `sample_weight`."
        )
    if len(y.shape) > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    y = rows_of(y, slice(None))
    labels = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
    found = np.unique(labels)
    missing = [label.item() for label in found if label.item() not in classes]
    if missing:
        raise ValueError(
            f"`class_weight` must contain all classes in the data. The classes {set(missing)} exist in the "
            "data but not in `class_weight`."
        )
    table = np.array([classes[label.item()] for label in found], "float32")
    return table[np.searchsorted(found, labels)]


def _same_length(xs: list, ys: list, weights: list) -> None:
    for arrays, what in ((xs, "input arrays (x)"), (ys, "target arrays (y)")):
        if len({len_of(a) for a in arrays}) > 1:
            shapes = [tuple(a.shape) for a in arrays]
            raise ValueError(f"All {what} should have the same number of samples. Got array shapes: {shapes}")
    if xs and ys and len_of(xs[0]) != len_of(ys[0]):
        raise ValueError(
            "Input arrays should have the same number of samples as target arrays. Found "
            f"{len_of(xs[0])} input samples and {len_of(ys[0])} target samples."
        )
    for weight in weights:
        if weight is not None and (xs or ys) and len(weight) != len_of((ys + xs)[0]):
            raise ValueError(
                "Sample_weight arrays should have the same number of samples as target arrays. Got "
                f"{len_of((ys + xs)[0])} target samples and {len(weight)} weights."
            )


# On to the device.


def owned(table: Table, dtypes: Batch) -> Table:
    """A copy, in the dtypes in which the arrays travel; whoever made the table may change it afterwards."""
    parts = []
    for column, names in zip(table, dtypes, strict=True):
        found = []
        for a, name in zip(column, names, strict=True):
            rows = None if a is None else rows_of(a, slice(None))
            found.append(None if rows is None else np.array(rows, travel_dtype(rows.dtype, name)))
        parts.append(found)
    return Table(*parts)


def stack(tables: list[Table], dtypes: Batch, rows: int) -> Batch:
    """Tables one under the other, in room for `rows` rows.

    Args:
        tables: at least one; all of the same shape.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
        rows: at least as many as the tables have; the others are 0.
    """
    parts = []
    for columns, names in zip(zip(*tables, strict=True), dtypes, strict=True):
        parts.append(
            [
                _stack(column, name, rows)
                for column, name in zip(zip(*columns, strict=True), names, strict=True)
            ]
        )
    return Batch(*parts)


def _stack(arrays, dtype: str, rows: int) -> np.ndarray | None:
    """A copy of arrays under one another, in the dtype in which they travel; only this process ever writes
    to it.

    jax may alias an aligned numpy buffer or copy it later, so data of the user, who may change them, never
    go to a device themselves.
    """
    if arrays[0] is None:
        return None
    room = aligned((rows, *arrays[0].shape[1:]), travel_dtype(arrays[0].dtype, dtype))
    at = 0
    for a in arrays:
        np.copyto(room[at : at + len_of(a)], rows_of(a, slice(None)), casting="unsafe")
        at += len_of(a)
    if at < rows:
        room[at:] = 0
    return room


def aligned(shape: tuple[int, ...], dtype) -> np.ndarray:
    """An empty array whose memory a CPU device can take over without a copy."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    buffer = np.empty(size + 64, np.uint8)
    offset = -buffer.ctypes.data % 64
    return buffer[offset : offset + size].view(dtype).reshape(shape)


def travel_dtype(dtype, declared: str):
    """What is smaller than declared (bytes, booleans, half precision) travels as it is; the device converts
    it.

    Example:
        >>> travel_dtype(np.dtype("uint8"), "float32").name, travel_dtype(np.dtype("float64"), "float32").name
        ('uint8', 'float32')
    """
    dtype, wanted = np.dtype(dtype), np.dtype(declared)
    return dtype if dtype.itemsize < wanted.itemsize else wanted
