"""Exported models: a network as one StableHLO program in a file, which runs without the code of its
layers."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import datetime
import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import msgpack
import numpy as np
from jax import export

from jkeras.core import atomic
from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import AnyDict
from jkeras.saving.limits import telling
from jkeras.version import __version__

FORMAT = "jkeras.stablehlo/1"
PLATFORMS = ("cpu", "cuda")
_PROMISED = datetime.timedelta(days=180)  # how long jax promises to run a program that it has written


def write(
    model: Any,
    path: str | os.PathLike[str],
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> None:
    """Write the inference of a model as a program for any batch size, and any length where the model takes
    any.

    Args:
        model: a built model.
        path: of the file.
        inputs, outputs: other names for its inputs and outputs; default: those of the layers.

    Raises:
        ValueError: the model keeps states between batches, a list of names does not fit, or jax cannot make
            one program for all sizes.
    """
    if model.stateful:
        raise ValueError(
            f"Model {model.name!r} keeps states from batch to batch, which a program in a file cannot: "
            "rebuild it with stateful=False."
        )
    given, made = model.signature
    names = _names(inputs, model.input_names, "inputs"), _names(outputs, model.output_names, "outputs")
    params, state = model.values()
    apply = model.pure().apply

    def run(*xs: Any) -> list[Any]:
        return jax.tree.leaves(apply(params, state, unpacked(list(xs))).y)

    scope, specs = export.SymbolicScope(), []
    for number, tensor in enumerate(given):
        sizes = [str(d) if d else f"n{number}_{axis}" for axis, d in enumerate(tensor.shape)]
        sizes[0] = str(tensor.shape[0] or "batch")
        shape = export.symbolic_shape(", ".join(sizes), scope=scope)
        specs.append(jax.ShapeDtypeStruct(shape, np.dtype(tensor.dtype)))
    try:
        program = export.export(jax.jit(run), platforms=PLATFORMS)(*specs).serialize()
    except Exception as error:
        raise ValueError(
            f"Model {model.name!r} cannot be exported for all batch sizes: {error} A layer of it needs a "
            "fixed size: give its Input one, Input(batch_shape=(32, ...))."
        ) from error
    notes = {
        "format": FORMAT,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {"jkeras": __version__, "jax": jax.__version__},
        "inputs": [_described(n, t) for n, t in zip(names[0], given, strict=True)],
        "outputs": [_described(n, t) for n, t in zip(names[1], made, strict=True)],
        "sha256": hashlib.sha256(program).hexdigest(),
        "program": bytes(program),
    }
    packed: Any = msgpack.packb(notes)
    atomic.write_bytes(path, packed)


def _names(wanted: Sequence[str] | None, own: Sequence[str], what: str) -> list[str]:
    names = list(own if wanted is None else wanted)
    if len(set(names)) != len(own):
        raise ValueError(f"`{what}` should be a name for each of {list(own)}, all different; got {names}.")
    return names


def _described(name: str, tensor: Any) -> dict[str, Any]:
    return {"name": name, "shape": list(tensor.shape), "dtype": str(tensor.dtype)}


class Exported:
    """A program that was read from a file: called on arrays it gives the outputs of the model.

    Args:
        notes: what the file says of it.
        program: the program.

    Attributes:
        inputs, outputs: `{name: (shape, dtype)}`, with None for sizes that may be any.
        created, versions: of the file.
        program: the function of jax behind it: an array for each input, outputs as a list.
    """

    def __init__(self, notes: Mapping[str, Any], program: Any):
        self.created, self.versions = str(notes["created"]), dict(notes["versions"])
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
        ...     model.export(f"{folder}/model.stablehlo")
        ...     run = load(f"{folder}/model.stablehlo")
        >>> run.inputs, run(np.ones((5, 3))).shape
        ({'x': ((None, 3), 'float32')}, (5, 2))
    """
    with open(path, "rb") as file:
        content = file.read()
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
