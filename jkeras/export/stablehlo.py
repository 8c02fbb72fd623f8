"""Exported models: a network as one StableHLO program in a file, which runs without the code of its
layers."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import datetime
import hashlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import msgpack
import numpy as np
from jax import export

from jkeras.core import extras
from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import AnyDict
from jkeras.export.program import Sizes, for_any_sizes, inference
from jkeras.export.proof import Run
from jkeras.export.signature import DEFAULT, Signature
from jkeras.saving.limits import regular, telling

FORMAT = "jkeras.stablehlo/1"
PLATFORMS = ("cpu", "cuda")
_PROMISED = datetime.timedelta(days=180)  # how long jax promises to run a program that it has written


def write(model: Any, signature: Signature, road: str, path: Path) -> tuple[str, ...]:
    """Write the inference of a model as a program for any batch size, and any length where the model takes
    any.

    Args:
        model: a built model.
        signature: names of its inputs and outputs.
        road: the only one.
        path: of the file.

    Returns:
        What sizes must be, where jax had to know.
    """
    _can("model.export")
    values, function = inference(model)

    def run(*xs: Any) -> list[Any]:
        return function(values, *xs)

    def make(sizes: Sizes) -> bytes:
        made = export.export(jax.jit(run), platforms=PLATFORMS)(*sizes.specs(signature))
        return bytes(made.serialize())

    program, sizes = for_any_sizes(signature, make)
    notes = {
        "format": FORMAT,
        **signature.notes(road=road, platforms=list(PLATFORMS), sizes=list(sizes.constraints)),
        "config": _config(model),
        "sha256": hashlib.sha256(program).hexdigest(),
        "program": program,
    }
    packed: Any = msgpack.packb(notes)
    path.write_bytes(packed)
    return sizes.constraints


def _can(what: str) -> None:
    """jax writes and reads programs with a package that it does not install."""
    extras.module("flatbuffers", "stablehlo", what)


def _config(model: Any) -> str | None:
    """The architecture as JSON, if the model is a graph of layers that have one."""
    try:
        return model.to_json()
    except (NotImplementedError, TypeError, ValueError, AttributeError):
        return None


class Exported:
    """A program that was read from a file: called on arrays it gives the outputs of the model.

    Args:
        notes: what the file says of it.
        program: the program.

    Attributes:
        inputs, outputs: `{name: (shape, dtype)}`, with None for sizes that may be any.
        signature: the name of the computation.
        config: the architecture as `model.to_json()` gave it, or None: the program needs none.
        created, versions: of the file.
        platforms: what the program was written for.
        good_until: until when jax promises to run it, in later versions than it was written with.
        program: the function of jax behind it: an array for each input, outputs as a list.
    """

    def __init__(self, notes: Mapping[str, Any], program: Any):
        self.created, self.versions = str(notes["created"]), dict(notes["versions"])
        self.signature, self.config = str(notes.get("signature", DEFAULT)), notes.get("config")
        self.platforms: tuple[str, ...] = tuple(program.platforms)
        self.good_until = datetime.datetime.fromisoformat(self.created) + _PROMISED
        self.inputs, self.outputs = (
            {str(e["name"]): (tuple(e["shape"]), str(e["dtype"])) for e in notes[key]}
            for key in ("inputs", "outputs")
        )
        self.program = jax.jit(program.call)

    def __call__(self, *xs: Any, **named: Any) -> Any:
        """The outputs for a batch.

        Args:
            xs: an array for each input, or one dict by their names.
            named: the inputs by their names.

        Returns:
            A numpy array, or a list of them.

        Raises:
            ValueError: an input is missing, unknown, or of another shape.
        """
        given = dict(xs[0]) if len(xs) == 1 and isinstance(xs[0], AnyDict) else named
        values = [given[n] for n in self.inputs if n in given] if given else list(xs)
        if len(values) != len(self.inputs) or set(given) - set(self.inputs):
            raise ValueError(
                f"This program takes the inputs {list(self.inputs)}; got {list(given) or len(xs)}."
            )
        arrays = [self._checked(name, value) for name, value in zip(self.inputs, values, strict=True)]
        return unpacked([np.asarray(y) for y in as_list(self.program(*arrays))])

    def _checked(self, name: str, value: Any) -> Any:
        shape, dtype = self.inputs[name]
        array = np.asarray(value)
        fits = array.ndim == len(shape) and all(
            d in (None, n) for d, n in zip(shape, array.shape, strict=True)
        )
        if not fits or not np.can_cast(array.dtype, dtype, "same_kind"):
            raise ValueError(
                f"The input {name!r} should be {dtype} of shape {shape}; got {array.dtype} of shape "
                f"{array.shape}."
            )
        return array.astype(dtype)


def load(path: str | os.PathLike[str]) -> Exported:
    """Read a program that `model.export` has written; no code of the file's own is run, and no layer is
    needed.

    jax promises to run what it has written for half a year; older files get a warning, and may still run.

    Args:
        path: of the file.

    Returns:
        An `Exported`: called on arrays it gives the outputs of the model.

    Raises:
        ValueError: the file is no such program, or damaged.

    Example:
        >>> import jkeras, tempfile
        >>> model = jkeras.Sequential([jkeras.Input((3,), name="x"), jkeras.layers.Dense(2, name="y")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = model.export(f"{folder}/model.stablehlo")
        ...     run = load(f"{folder}/model.stablehlo")
        >>> run.inputs, run(np.ones((5, 3))).shape
        ({'x': ((None, 3), 'float32')}, (5, 2))
    """
    _can("jkeras.export.load")
    content = regular(path).read_bytes()
    with telling(path, "this is no program that jkeras has exported"):
        notes: Any = msgpack.unpackb(content)
        if not isinstance(notes, AnyDict) or notes.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        if hashlib.sha256(notes["program"]).hexdigest() != notes["sha256"]:
            raise ValueError("its digest does not match: it is damaged")
        exported = Exported(notes, export.deserialize(bytearray(notes["program"])))
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(exported.created)
    if age > _PROMISED:
        warnings.warn(
            f"{path} was written {age.days} days ago with jax {exported.versions.get('jax')}: jax promises "
            "to run a program for half a year. Export the model again.",
            stacklevel=2,
        )
    return exported


def opened(path: Path, signature: Signature) -> Run:
    """A file as a function of arrays."""
    program = load(path).program
    return lambda xs: [np.asarray(y) for y in jax.tree.leaves(program(*xs))]
