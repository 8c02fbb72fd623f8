"""The script that has recorded `tests/golden/keras3/` from Keras 3.15.1 on JAX.

    KERAS_BACKEND=jax python -m tests.golden.record_keras3 activations losses ...

It runs in an environment of its own, which has Keras and not this package. A recording is a list of cases:
what was made with which arguments, and what came of it.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "keras3"
SIZES = [-9.0, -3.0, -2.5, -1.0, -0.5, -0.25, 0.0, 0.1, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 6.0, 7.5]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (str, bool, int, float, type(None))):
        return value
    array = np.asarray(value)
    return array.astype(float).tolist() if array.dtype.kind == "f" else array.tolist()


def waves(y):
    """Numbers that differ from place to place, to weight a sum of outputs with."""
    import jax.numpy as jnp

    return jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape)


def activations() -> Any:
    import jax
    import keras

    x = np.concatenate([SIZES, np.random.RandomState(0).randn(16) * 2]).reshape(4, 8).astype("float32")
    cases = [
        *("celu", {}), *("celu", {"alpha": 0.5}), *("gelu", {}), *("gelu", {"approximate": True}),
        *("glu", {}), *("glu", {"axis": 0}), *("hard_shrink", {}), *("hard_shrink", {"threshold": 1.0}),
        *("hard_silu", {}), *("hard_tanh", {}), *("leaky_relu", {}), *("leaky_relu", {"negative_slope": 0.1}),
        *("log_sigmoid", {}), *("log_softmax", {}), *("log_softmax", {"axis": 0}), *("mish", {}),
        *("relu6", {}), *("silu", {}), *("soft_shrink", {}), *("soft_shrink", {"threshold": 1.0}),
        *("sparse_plus", {}), *("sparse_sigmoid", {}), *("sparsemax", {}), *("sparsemax", {"axis": 0}),
        *("squareplus", {}), *("squareplus", {"b": 1}), *("tanh_shrink", {}),
        *("threshold", {"threshold": 0.5, "default_value": -2.0}),
        *("relu", {"negative_slope": 0.1, "max_value": 2.25, "threshold": 0.25}),
    ]  # fmt: skip
    found = []
    for name, args in zip(cases[::2], cases[1::2], strict=True):
        fn = getattr(keras.activations, name)
        y = fn(x, **args)
        slope = jax.grad(lambda x, fn=fn, args=args: (fn(x, **args) * waves(fn(x, **args))).sum())(x)
        found.append({"name": name, "args": args, "y": y, "slope": slope})
    return {"x": x, "cases": found}


RECORDED = (activations,)


def main(names: list[str]) -> None:
    for record in RECORDED:
        if not names or record.__name__ in names:
            text = json.dumps(plain(record()), indent=None, separators=(",", ":"))
            with lzma.open(FOLDER / f"{record.__name__}.json.xz", "wt", preset=9, encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
