"""The data of a command: a published set, arrays, tables, folders of images, or one's own function."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jkeras.cli import sources, user_code
from jkeras.cli.errors import UserError, close_to
from jkeras.core import atomic
from jkeras.core.sequence import Sequence
from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.utils import to_categorical

#: `jkeras.datasets` whose arrays need no preparation of their own
SETS = ("boston_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "mnist")


class Data(NamedTuple):
    """Inputs and targets, of training and of test; what a source does not have is None.

    Args:
        x_train: an array, or a `jkeras.utils.Sequence` of batches with their targets.
        y_train: an array.
        x_test: as `x_train`.
        y_test: an array.
        classes: names of the classes, where the targets were words or folders.
    """

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any
    classes: list[str] | None = None


def load(
    source: str,
    scale: float | None = None,
    test: float | str | None = None,
    target: str | list[str] | None = None,
    columns: list[str] | None = None,
    classes: list[str] | None = None,
    size: list[int] | None = None,
    color: str = "rgb",
) -> Data:
    """Load data.

    Args:
        source: name of a data set ("digits"); a .npz file with x_train, y_train, x_test, y_test, or x and y;
            a .csv or .parquet table; a folder of images by class, or one that has such folders `train` and
            `test`; `module:function`, which returns (x, y), ((x, y), (x_test, y_test)), or arrays by name.
        scale: what the inputs are divided by; None leaves them as they are.
        test: where the source has no test part: another source of the same form, or the share of the samples,
            drawn at random but always the same ones; None: all samples count as both.
        target: of a table, name of the column of the targets (or a list of names).
        columns: of a table, names of those of the inputs; default: all others.
        classes: of words and folders, in the order of their numbers; default: sorted.
        size: of images, height and width that all get; default: as they are.
        color: of images, "rgb", "rgba" or "grayscale".

    Raises:
        UserError: there is no such set or file, or it does not hold what it should.

    Example:
        >>> load("digits").x_test.shape
        (360, 8, 8)
    """
    reading = {"target": target, "columns": columns, "size": size, "color": color}
    data = _read(source, classes, reading)
    if isinstance(test, str):
        other = _read(test, classes or data.classes, reading)
        data = data._replace(x_test=other.x_test, y_test=other.y_test)
    elif test is not None:
        data = _parted(data, test, source)
    if scale is None:
        return data
    return data._replace(x_train=_divide(data.x_train, scale), x_test=_divide(data.x_test, scale))


def _read(source: str, classes: list[str] | None, reading: dict[str, Any]) -> Data:
    if source in SETS:
        (x_train, y_train), (x_test, y_test) = importlib.import_module(
            f"jkeras.datasets.{source}"
        ).load_data()
        return Data(x_train, y_train, x_test, y_test)
    if user_code.is_code(source):
        return _of_code(user_code.result_of(source, "load_data"), source)
    path = Path(source)
    if not path.exists():
        if path.suffix == "":
            raise UserError(
                f"Unknown data set {source!r}. {close_to(source, SETS)} A file ends in .npz or .csv."
            )
        raise UserError(f"There is no file {source}.")
    if path.is_dir():
        return _of_images(path, classes, reading)
    if path.suffix in sources.TABLES:
        x, y, classes = sources.table(source, reading["target"], reading["columns"], classes)
        return Data(x, y, x, y, classes)
    return _named(sources.arrays(source), source)


def _of_images(folder: Path, classes: list[str] | None, reading: dict[str, Any]) -> Data:
    def images(of: Path, classes: list[str] | None) -> sources.Labelled:
        return sources.images(str(of), reading["size"], reading["color"], classes)

    train, test = (folder / name for name in sources.PARTS)
    if not train.is_dir():
        x, y, classes = images(folder, classes)
        return Data(x, y, x, y, classes)
    x, y, classes = images(train, classes)
    held = images(test, classes)[:2] if test.is_dir() else (None, None)
    return Data(x, y, *held, classes)


def _named(arrays: dict[str, Any], source: str) -> Data:
    data = Data(*(arrays.get(name, arrays.get(name[0])) for name in Data._fields[:4]))
    if data.x_train is None and data.x_test is None:
        raise UserError(
            f"{source} holds the arrays {sorted(arrays)}; "
            "expected x_train, y_train, x_test, y_test, or x and y."
        )
    return data


def _of_code(value: Any, source: str) -> Data:
    if isinstance(value, AnyDict):
        return _named(value, source)
    if isinstance(value, Sequence):
        return Data(value, None, value, None)
    if isinstance(value, AnyTuple) and len(value) == 2:
        train, test = value
        if isinstance(train, (AnyTuple, AnyList)) and isinstance(test, (AnyTuple, AnyList)):
            return Data(*train, *test)
        both = isinstance(train, Sequence) and isinstance(test, Sequence)
        return Data(train, None, test, None) if both else Data(train, test, train, test)
    raise UserError(
        f"{source} returned {type(value).__name__}; "
        "expected (x, y), ((x, y), (x_test, y_test)), a dict of arrays or a jkeras.utils.Sequence "
        "(or two, of training and test)."
    )


def _parted(data: Data, share: float, source: str) -> Data:
    """Part of the samples is kept for the test, drawn by a seed of its own: always the same."""
    if data.x_train is not data.x_test or isinstance(data.x_train, Sequence):
        raise UserError(
            f"{source} has a test part, or comes in batches: data.test cannot be the share {share}."
        )
    order = np.random.RandomState(0).permutation(len(data.x_train))
    kept = max(1, round(share * len(order)))
    test, train = np.sort(order[:kept]), np.sort(order[kept:])
    if not len(train):
        raise UserError(
            f"{source} has {len(order)} samples: the share {share} of them leaves none to train on."
        )
    x, y = np.asarray(data.x_train), data.y_train
    parts = [None, None] if y is None else [np.asarray(y)[train], np.asarray(y)[test]]
    return data._replace(x_train=x[train], y_train=parts[0], x_test=x[test], y_test=parts[1])


def _divide(x: Any, scale: float) -> Any:
    if x is None:
        return None
    if isinstance(x, Sequence):
        raise UserError("data.scale cannot be used with batches that a function makes: let it divide them.")
    return (np.asarray(x, np.float64) / scale).astype(np.float32)


def inputs_for(model: Any, x: Any):
    """`x` with axes of size 1 added or dropped where the model's input asks for it (8x8 → 8x8x1).

    Example:
        >>> from types import SimpleNamespace
        >>> inputs_for(SimpleNamespace(input_shape=(None, 8, 8, 1)), np.zeros((5, 8, 8))).shape
        (5, 8, 8, 1)
    """
    wanted = model.input_shape
    if (
        isinstance(x, Sequence)
        or not isinstance(wanted, AnyTuple)
        or x.shape[1:] == wanted[1:]
        or None in wanted[1:]
    ):
        return x
    if [n for n in x.shape[1:] if n != 1] == [n for n in wanted[1:] if n != 1]:
        return x.reshape((len(x), *wanted[1:]))
    return x


def targets_for(model: Any, y: Any):
    """`y` one-hot where integer labels meet the categorical cross-entropy."""
    if y is None:
        return None
    loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "__name__", "")
    if loss == "categorical_crossentropy" and y.ndim == 1 and np.issubdtype(y.dtype, np.integer):
        return to_categorical(y, model.output_shape[-1])
    return y


def save(path: Path, arrays: dict[str, Any], classes: list[str] | None = None) -> None:
    """Write outputs of a model, all or nothing.

    Args:
        path: ends in .npz (arrays by name), .npy (one array) or .csv (one array of rows).
        arrays: by name.
        classes: titles of the columns of a .csv file; default: numbered.

    Raises:
        UserError: another ending, or arrays that a file of this kind cannot hold.
    """
    check_output(path)
    if path.suffix != ".npz" and len(arrays) != 1:
        raise UserError(
            f"{path} can hold one array, but there are {len(arrays)}: {', '.join(arrays)}. Write .npz."
        )
    (name, first), *_ = arrays.items()
    titles: list[str] = []
    if path.suffix == ".csv":
        if np.ndim(first) != 2:
            raise UserError(
                f"{path} can hold rows of numbers; {name} is of the shape {np.shape(first)}. Write .npz."
            )
        count = np.shape(first)[1]
        titles = classes if classes and len(classes) == count else [f"{name}{i}" for i in range(count)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as part, open(part, "wb") as file:
        if path.suffix == ".npy":
            np.save(file, first, allow_pickle=False)
        elif path.suffix == ".csv":
            np.savetxt(file, first, "%.9g", ",", header=",".join(titles), comments="")
        else:
            np.savez_compressed(file, **arrays)


def check_output(path: Path) -> None:
    """Refuse a file for arrays that cannot be written, or whose ending says another format, before any work.

    Raises:
        UserError: as it says.
        OSError: it cannot be written.
    """
    if path.suffix not in (".npz", ".npy", ".csv"):
        raise UserError(
            f"{path}: outputs are written as .npz, .npy or .csv; {path.suffix or 'no ending'} is none."
        )
    atomic.check_target(path)
