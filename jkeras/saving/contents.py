"""The contents of a file, free of any file format: the record that both codecs write and read."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

# The layout of the files is that of this Keras; a reader (the real Keras too) decides by these two words
# whether old weights must be converted.
KERAS_VERSION = "2.2.4"
KERAS_BACKEND = "tensorflow"


class LayerContents(NamedTuple):
    """The weights of one layer, in the order of `layer.weights`."""

    name: str
    weights: list[tuple[str, Any]]

    @property
    def values(self) -> list[np.ndarray]:
        return [value for _, value in self.weights]


@dataclasses.dataclass
class Contents:
    """A saved model, a saved set of weights or a checkpoint.

    Args:
        model: `{"class_name", "config"}` of the model, or None in a file of weights only.
        training: Keras's training configuration (optimizer, loss, metrics …), or None.
        layers: weights by layer, in the order of `model.layers`.
        optimizer: the optimizer's weights as Keras orders and names them, or None.
        notes: what Keras's layout has no place for, as JSON values.
        arrays: the same for arrays, by path.
        keras_version: version of Keras that wrote the weights; `1` where the file does not say.
        backend: its backend, or None.
        places: arrays by place, in the files of Keras 3, which have no order of layers.
        keys: what these files call layers, by path of the model and name of the layer.
        tree: arrays by name, in the files of others.
        by_layer_name: whether the names of layers tell where weights belong, not the order.
        unused, renamed, ambiguous: what matching `places` or `tree` with a model left over, named anew, and
            took by order among equal shapes.
        file: the open file that arrays are still to be read from (they are `core.stored.Stored`), or None.
    """

    model: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    layers: list[LayerContents] = dataclasses.field(default_factory=list[LayerContents])
    optimizer: list[tuple[str, Any]] | None = None
    notes: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    arrays: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    keras_version: str = KERAS_VERSION
    backend: str | None = KERAS_BACKEND
    places: dict[str, Any] | None = None
    keys: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict[tuple[str, str], str])
    tree: dict[str, Any] | None = None
    by_layer_name: bool = False
    unused: list[str] = dataclasses.field(default_factory=list[str])
    renamed: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    ambiguous: list[str] = dataclasses.field(default_factory=list[str])
    file: Any = None

    def close(self) -> None:
        """Close the file; arrays that were not read can be read no more."""
        if self.file is not None:
            self.file.close()

    def loaded(self) -> Contents:
        """The same contents with all arrays read, and the file closed."""

        def read(arrays: dict[str, np.ndarray] | None) -> Any:
            return arrays and {name: np.asarray(value) for name, value in arrays.items()}

        with contextlib.closing(self):
            layers = [LayerContents(layer.name, _read(layer.weights)) for layer in self.layers]
            optimizer = self.optimizer and _read(self.optimizer)
            changed = {"layers": layers, "optimizer": optimizer, "file": None}
            named = {key: read(getattr(self, key)) for key in ("arrays", "places", "tree")}
            return dataclasses.replace(self, **changed, **named)

    def section(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays below `prefix/`, with that prefix cut off."""
        return {k[len(prefix) + 1 :]: v for k, v in self.arrays.items() if k.startswith(prefix + "/")}

    def add_section(self, prefix: str, arrays: dict[str, Any]) -> None:
        """Store `arrays` below `prefix/`."""
        self.arrays.update({f"{prefix}/{k}": np.asarray(v) for k, v in arrays.items()})


def _read(arrays: list[tuple[str, Any]]) -> list[tuple[str, np.ndarray]]:
    return [(name, np.asarray(value)) for name, value in arrays]


def unique_names(names: Iterable[str]) -> list[str]:
    """Keras's rule for names that repeat within one group: `w`, `w_1`, `w_2` …

    Example:
        >>> unique_names(["w:0", "b:0", "w:0", "w:0"])
        ['w:0', 'b:0', 'w:0_1', 'w:0_2']
    """
    seen: dict[str, int] = {}  # name → how often it was asked for
    for name in names:
        unique, i = name, seen.get(name, 0)
        while unique in seen:
            i += 1
            unique = f"{name}_{i}"
        seen[name] = i
        seen.setdefault(unique, 0)
    return list(seen)


def is_numpy(kind: np.dtype) -> bool:
    """Whether numpy itself knows the type (bfloat16 and the like are guests)."""
    return kind.num < 256


def little_endian(value: np.ndarray) -> np.ndarray:
    """The array as files of bytes have it: in C order, the lowest byte of each number first."""
    value = np.ascontiguousarray(value).reshape(value.shape)
    return value.astype(value.dtype.newbyteorder("<"), copy=False) if is_numpy(value.dtype) else value


def with_numpy_types(values: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The arrays; those of types that numpy does not know as float32."""
    return [value if is_numpy(value.dtype) else value.astype(np.float32) for value in values]


def as_bytes_or_numpy(values: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The arrays; those of types that numpy does not know as their bytes."""
    return [
        v if is_numpy(v.dtype) else np.frombuffer(np.ascontiguousarray(v).tobytes(), np.uint8) for v in values
    ]


def array_type(name: str | None) -> np.dtype[Any]:
    """The number type called `name`; those that numpy lacks come from ml_dtypes, a part of jax.

    Raises:
        ValueError: it is no type of numbers.
    """
    try:
        known: Any = getattr(ml_dtypes, name or "", None) or name
        kind: np.dtype[Any] = np.dtype(known)
    except TypeError as e:
        raise ValueError(f"unknown type of numbers: {name!r}.") from e
    if kind.hasobject or (is_numpy(kind) and kind.kind not in "fiubc"):
        raise ValueError(f"an array should hold numbers, not {name!r}.")
    return kind
