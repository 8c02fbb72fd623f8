"""Two files side by side, and the mean of several."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jkeras.cli import files
from jkeras.cli.errors import UserError
from jkeras.core.types import AnyDict, AnyList
from jkeras.models import average_weights
from jkeras.saving import checkpoint, model_io
from jkeras.saving.contents import Contents


def difference(a: Path, b: Path) -> dict[str, Any]:
    """The differences between two model files, weight files, checkpoints or runs.

    Args:
        a, b: the files; a run stands for its newest checkpoint. Arrays are compared by name, or in their
            order where all shapes agree.

    Returns:
        `arrays`: a row for each array that differs, largest difference first; `same`: number of arrays that
        are equal bit for bit; `only_in_a`, `only_in_b`: names of arrays; `settings`: a row for each value of
        architecture, training configuration or run that differs.

    Raises:
        UserError: there is no such file.
        ValueError: one is no such file.
    """
    one, two = _contents(a), _contents(b)
    left, right = dict(_arrays(one)), _renamed(dict(_arrays(two)), dict(_arrays(one)))
    rows = [row for name in left if name in right and (row := _compared(name, left[name], right[name]))]
    runs = a.is_dir() and b.is_dir()
    settings = list(_unequal(_settings(a, one, runs), _settings(b, two, runs), ""))
    return {
        "arrays": sorted(rows, key=lambda row: -row["difference"]),
        "same": len(left.keys() & right.keys()) - len(rows),
        "only_in_a": [name for name in left if name not in right],
        "only_in_b": [name for name in right if name not in left],
        "settings": settings,
    }


def _contents(path: Path) -> Contents:
    if path.is_dir():
        path = checkpoint.latest(path).path
    if not path.exists():
        raise UserError(f"There is no file {path}.")
    return model_io.read(str(path))


def _arrays(contents: Contents) -> Iterator[tuple[str, np.ndarray]]:
    for layer in contents.layers:
        for name, value in layer.weights:
            yield f"{layer.name}: {name}", value
    for name, value in contents.optimizer or ():
        yield f"optimizer: {name}", value
    for name, value in contents.section("run").items():
        yield f"run: {name}", value


def _renamed(arrays: dict[str, np.ndarray], like: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`arrays` under the names of `like` where all fit by their order: automatic names count on from model to
    model."""
    shapes = ([a.shape for a in both.values()] for both in (arrays, like))
    return dict(zip(like, arrays.values(), strict=True)) if next(shapes) == next(shapes) else arrays


def _compared(name: str, a: np.ndarray, b: np.ndarray) -> dict[str, Any] | None:
    if a.shape != b.shape or a.dtype != b.dtype:
        what = [f"{value.dtype}{list(value.shape)}" for value in (a, b)]
        return {
            "array": name,
            "difference": float("inf"),
            "relative": float("inf"),
            "shapes": " / ".join(what),
        }
    if a.tobytes() == b.tobytes():
        return None
    with np.errstate(all="ignore"):
        apart = np.abs(a.astype(float) - b.astype(float))
        largest = float(np.nanmax(apart, initial=0.0))
        scale = float(np.nanmax(np.abs(a.astype(float)), initial=0.0))
    if np.isnan(apart).any() and (np.isnan(a) != np.isnan(b)).any():
        largest = float("inf")
    return {"array": name, "difference": largest, "relative": largest / scale if scale else float("inf")}


def _settings(path: Path, contents: Contents, of_run: bool) -> dict[str, Any]:
    settings = {"model": contents.model, "training": contents.training}
    return {**settings, "run": checkpoint.read_run(path)} if of_run else settings


def _unequal(a: Any, b: Any, path: str) -> Iterator[dict[str, str]]:
    """The places in which two JSON values differ."""
    if isinstance(a, AnyDict) and isinstance(b, AnyDict):
        for key in dict.fromkeys([*a, *b]):
            yield from _unequal(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(a, AnyList) and isinstance(b, AnyList) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _unequal(x, y, f"{path}[{i}]")
    elif a != b and not (a != a and b != b):
        yield {"setting": path, "a": _short(a), "b": _short(b)}


def _short(value: Any) -> str:
    return text if len(text := str(value)) <= 60 else text[:57] + "..."


def average(sources: list[Path], output: Path) -> None:
    """Write the model whose weights are the mean of those of several model files.

    Raises:
        UserError: fewer than two, or a file that is not there.
        ValueError: they are of different architectures.
    """
    if len(sources) < 2:
        raise UserError("average needs at least two models.")
    files.check_model(output)
    model = average_weights([files.load(source, compile=False) for source in sources])
    output.parent.mkdir(parents=True, exist_ok=True)
    model.save(str(output))
