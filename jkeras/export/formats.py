"""The formats, the roads to each, and the choice among them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from jkeras.core import atomic
from jkeras.export import onnx, proof, saved_model, stablehlo, tflite
from jkeras.export.alone import culprit
from jkeras.export.report import Report
from jkeras.export.signature import DEFAULT, Signature, plain, signature_of

_OPERATOR = re.compile(r"'?\w+\.\w+'? op .*")
Write: TypeAlias = Callable[[Any, Signature, str, Path], tuple[str, ...]]


class Road(NamedTuple):
    """A way to a format.

    Args:
        name: as reports say it.
        rows: the size of batches that the file takes; None: any.
    """

    name: str
    rows: int | None = None


class Format(NamedTuple):
    """A kind of file.

    Args:
        ending: of its name; "" is a folder with a folder for each version.
        roads: to it, the one whose files run in most places first.
        write: writes a file by the name of a road; its remarks.
        opened: a file as the real runtime runs it.
        exact: whether outputs must be those of the model.
        way_out: what else can be done.
    """

    ending: str
    roads: tuple[Road, ...]
    write: Write
    opened: Callable[[Path, Signature], proof.Run]
    exact: bool
    way_out: str


_TENSORFLOW = (Road("tf-keras"), Road("jax2tf"))
_PHONE = (*_TENSORFLOW, Road("tf-keras", 1), Road("jax2tf", 1))
_PROGRAM = "format='stablehlo' takes every layer that jax can run for any batch size."
_ELSEWHERE = f"format='saved_model' takes more layers; {_PROGRAM}"
FORMATS = {
    "stablehlo": Format(
        ".stablehlo",
        (Road("jax.export"),),
        stablehlo.write,
        stablehlo.opened,
        True,
        "A layer of it needs a fixed size: give its Input one, Input(batch_shape=(32, ...)).",
    ),
    "saved_model": Format("", _TENSORFLOW, saved_model.write, saved_model.opened, True, _PROGRAM),
    "frozen_pb": Format(
        ".pb", _TENSORFLOW, saved_model.write_frozen, saved_model.opened_frozen, True, _PROGRAM
    ),
    "tflite": Format(".tflite", _PHONE, tflite.write, tflite.opened, True, _ELSEWHERE),
    "tflite_int8": Format(".tflite", _PHONE, tflite.write_small, tflite.opened, False, _ELSEWHERE),
    "onnx": Format(
        ".onnx",
        (Road("tf-keras, tf2onnx"), Road("jax2onnx")),
        onnx.write,
        onnx.opened,
        True,
        'The road by tf-keras (pip install "jkeras[tensorflow]") takes Keras\'s own layers, masks and both '
        f"directions too; {_ELSEWHERE}",
    ),
}


def write(
    model: Any,
    path: str | os.PathLike[str],
    format: str | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    signature: str = DEFAULT,
    sample: Any = None,
) -> Report:
    """Write a model for inference, by the first road whose file gives what the model gives.

    Args:
        model: a built model.
        path: the file; of a SavedModel the folder, in which the next version is made.
        format: a key of `FORMATS`; default: as the ending of `path` says.
        inputs, outputs: other names; default: those of the layers.
        signature: the name of the computation.
        sample: rows to compare file and model on; default: random numbers.

    Returns:
        What was written, by which road, and how far it is from the model.

    Raises:
        ValueError: an unknown format, a model that keeps states, or one that no road leads from.
        ImportError: a package that the format needs is missing.
        OSError: the target cannot be written.
    """
    name = _format(Path(path), format)
    kind = FORMATS[name]
    own = signature_of(model, None, None, signature)
    asked = signature_of(model, inputs, outputs, signature)
    asked = asked if name == "stablehlo" else plain(asked, own)
    with _place(kind, Path(path)) as (part, place):
        proven = proof.batches(model, asked, sample)
        report = _first(model, asked, name, part, proven)
        return report._replace(path=str(place()))


def _format(path: Path, format: str | None) -> str:
    """The format that was asked for, by its name or the ending of the file.

    Raises:
        ValueError: there is none, or name and ending do not fit.
    """
    by_ending = {kind.ending: name for name, kind in reversed(FORMATS.items())}
    if format is None and path.suffix in by_ending and path.suffix:
        return by_ending[path.suffix]
    if format not in FORMATS:
        said = f"{path}: no format has the ending {path.suffix!r}" if format is None else f"got {format!r}"
        raise ValueError(f"`format` should be one of {', '.join(FORMATS)}; {said}.")
    if path.suffix in by_ending and path.suffix not in ("", FORMATS[format].ending):
        raise ValueError(f"{path}: a file of format {format!r} should not end as {by_ending[path.suffix]!r}.")
    return format


@contextlib.contextmanager
def _place(kind: Format, path: Path) -> Generator[tuple[Path, Callable[[], Path]]]:
    """The place to write in, and the function that puts it where it belongs; the target is checked here."""
    if not kind.ending:
        with saved_model.next_version(path) as pair:
            yield pair
    else:
        with atomic.replacing(path) as part:
            yield part, lambda: path


def _first(model: Any, signature: Signature, name: str, part: Path, proven: Sequence[proof.Batch]) -> Report:
    """Write by one road after the other, until a file is right."""
    kind = FORMATS[name]
    refused: dict[str, str] = {}
    missing: ImportError | None = None
    for road in kind.roads:
        fixed = signature.inputs[0].shape[0]
        if road.rows and fixed is not None:
            continue
        said = road.name + (f", batches of {road.rows}" if road.rows else "")
        asked = signature.with_rows(road.rows)
        try:
            remarks = kind.write(model, asked, road.name, part)
            measured = proof.measure(kind.opened(part, asked), proven, road.rows)
            differences = dict(zip((e.name for e in asked.outputs), measured.differences, strict=True))
            if kind.exact and not measured.is_close:
                raise ValueError(f"its outputs are off by {max(measured.differences):.1e}")
            return Report(str(part), name, said, asked, differences, measured.agreement, remarks, refused)
        except ImportError as error:
            missing, refused[said] = error, str(error)
        except Exception as error:  # converters have many
            refused[said] = _short(error)
        _empty(part)
    if missing and all("jkeras[" in reason for reason in refused.values()):
        raise missing
    raise _refusal(model, name, part, refused)


def _refusal(model: Any, name: str, part: Path, refused: dict[str, str]) -> ValueError:
    """The error that says why no road leads to a format, by which layer, and what else can be done."""
    kind = FORMATS[name]

    def lone(layer: Any, ends: Signature) -> None:
        _empty(part)
        kind.write(layer, ends, kind.roads[-1].name, part)

    reasons = "; ".join(f"{road}: {reason}" for road, reason in refused.items())
    return ValueError(
        f"Model {model.name!r} cannot be exported as {name!r}.{culprit(model, lone)} By {reasons}. "
        f"{kind.way_out}"
    )


def _short(error: Exception) -> str:
    """The line of what a converter says that names an operator, or the first one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((hit[0] for line in lines if (hit := _OPERATOR.search(line))), (lines or [""])[0])
    return f"{type(error).__name__}: {told[:200]}"


def _empty(part: Path) -> None:
    """Nothing of the last road is left to the next one."""
    if not part.is_dir():
        return
    for folder, _, names in os.walk(part, topdown=False):
        for name in names:
            os.unlink(os.path.join(folder, name))
        if Path(folder) != part:
            os.rmdir(folder)
