"""Records to write and read, and comparisons of them."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from jkeras.saving.contents import Contents, LayerContents


def small() -> Contents:
    """A record with a bit of everything."""
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    layers = [
        LayerContents("in", []),
        LayerContents("dense", [("dense/kernel:0", kernel), ("dense/bias:0", np.zeros(3, np.float32))]),
        LayerContents("block/scalar", [("w", np.array(2.5)), ("w", np.array([True, False]))]),
    ]
    contents = Contents({"class_name": "Sequential", "config": {"name": "m", "layers": []}}, layers=layers)
    contents.training = {
        "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.5}},
        "loss": "mse",
        "metrics": ["mae"],
        "sample_weight_mode": None,
        "loss_weights": None,
    }
    contents.optimizer = [("SGD/iterations:0", np.array(7)), ("v:0", kernel + 1)]
    contents.notes = {"run": {"epoch": 3, "name": "Größe"}, "nothing": None}
    contents.add_section(
        "x", {"half": np.arange(3).astype(ml_dtypes.bfloat16), "empty": np.zeros((0, 2), np.uint8)}
    )
    return contents


def same_arrays(a, b) -> None:
    """Compare lists of (name, array) bit by bit."""
    a, b = list(a), list(b)
    assert [name for name, _ in a] == [name for name, _ in b]
    for (name, x), (_, y) in zip(a, b, strict=True):
        assert (x.dtype, x.shape) == (y.dtype, y.shape), name
        assert x.tobytes() == y.tobytes(), name


def same(a: Contents, b: Contents) -> None:
    """Compare two records."""
    for field in ("model", "training", "notes", "keras_version", "backend"):
        assert getattr(a, field) == getattr(b, field), field
    assert [layer.name for layer in a.layers] == [layer.name for layer in b.layers]
    for x, y in zip(a.layers, b.layers, strict=True):
        same_arrays(x.weights, y.weights)
    assert (a.optimizer is None) == (b.optimizer is None)
    same_arrays(a.optimizer or [], b.optimizer or [])
    same_arrays(sorted(a.arrays.items()), sorted(b.arrays.items()))


def with_unique_names(contents: Contents) -> Contents:
    """What HDF5 makes of weights that share a name."""
    contents.layers[2] = LayerContents(
        "block/scalar", [("w", contents.layers[2].values[0]), ("w_1", contents.layers[2].values[1])]
    )
    return contents
