"""The data of a command: a set that comes with jkeras, or a .npz file of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jkeras.cli.errors import UserError, close_to
from jkeras.core import atomic
from jkeras.datasets import digits
from jkeras.utils import to_categorical

_SETS = {"digits": digits.load_data}


class Data(NamedTuple):
    """Inputs and targets, of training and of test; what a source does not have is None."""

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any


def load(source: str, scale: float | None = None) -> Data:
    """Load a data set by name, or from a .npz file with x_train, y_train, x_test, y_test, or x and y.

    Args:
        source: "digits" or the path of a .npz file. `x` and `y` count as both training and test data.
        scale: what the inputs are divided by; None leaves them as they are.

    Raises:
        UserError: there is no such set or file, or the file holds none of these arrays.

    Example:
        >>> load("digits").x_test.shape
        (360, 8, 8)
    """
    if source in _SETS:
        (x_train, y_train), (x_test, y_test) = _SETS[source]()
        data = Data(x_train, y_train, x_test, y_test)
    else:
        found = arrays(source)
        data = Data(*(found.get(name, found.get(name[0])) for name in Data._fields))
        if data.x_train is None and data.x_test is None:
            raise UserError(
                f"{source} holds the arrays {sorted(found)}; "
                "expected x_train, y_train, x_test, y_test, or x and y."
            )
    if scale is None:
        return data
    divided = {name: _divide(getattr(data, name), scale) for name in ("x_train", "x_test")}
    return data._replace(**divided)


def _divide(x, scale):
    return None if x is None else (np.asarray(x, np.float64) / scale).astype(np.float32)


def arrays(source: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name (the one of a .npy file is called x).

    Raises:
        UserError: there is no such file, or it holds something else.
    """
    path = Path(source)
    if not path.exists():
        if path.suffix == "":
            raise UserError(f"Unknown data set {source!r}. {close_to(source, _SETS)} A file ends in .npz.")
        raise UserError(f"There is no file {source}.")
    try:
        contents = np.load(path, allow_pickle=False)
        if isinstance(contents, np.ndarray):
            return {"x": contents}
        with contents:
            return {name: contents[name] for name in contents.files}
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{source} is not a .npz file of plain arrays: {error}") from error


def inputs_for(model, x: np.ndarray) -> np.ndarray:
    """`x` with axes of size 1 added or dropped where the model's input asks for it (8x8 → 8x8x1).

    Example:
        >>> from types import SimpleNamespace
        >>> inputs_for(SimpleNamespace(input_shape=(None, 8, 8, 1)), np.zeros((5, 8, 8))).shape
        (5, 8, 8, 1)
    """
    wanted = model.input_shape
    if not isinstance(wanted, tuple) or x.shape[1:] == wanted[1:] or None in wanted[1:]:
        return x
    if [n for n in x.shape[1:] if n != 1] == [n for n in wanted[1:] if n != 1]:
        return x.reshape((len(x), *wanted[1:]))
    return x


def targets_for(model, y: np.ndarray) -> np.ndarray:
    """`y` one-hot where integer labels meet the categorical cross-entropy."""
    loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "__name__", "")
    if loss == "categorical_crossentropy" and y.ndim == 1 and np.issubdtype(y.dtype, np.integer):
        return to_categorical(y, model.output_shape[-1])
    return y


def save(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays to a .npz file (or the only one to a .npy file), all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as part, open(part, "wb") as file:
        if path.suffix == ".npy" and len(arrays) == 1:
            np.save(file, next(iter(arrays.values())), allow_pickle=False)
        else:
            np.savez_compressed(file, **arrays)
