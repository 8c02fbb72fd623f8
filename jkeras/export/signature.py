"""Names, shapes and dtypes of what goes into an exported model and what comes out."""

from __future__ import annotations

import datetime
import keyword
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from jkeras.version import __version__

DEFAULT = "serving_default"  # what TensorFlow Serving computes when a request names nothing
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Endpoint(NamedTuple):
    """One input or output; None in its shape stands for sizes that may be any."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Signature(NamedTuple):
    """The names under which a model is asked.

    Args:
        name: of the computation.
        inputs, outputs: in the order of the model.
    """

    name: str
    inputs: tuple[Endpoint, ...]
    outputs: tuple[Endpoint, ...]

    def with_rows(self, rows: int | None) -> Signature:
        """The same, for batches of so many rows; None leaves them as they are."""
        if rows is None:
            return self
        inputs, outputs = (
            tuple(e._replace(shape=(rows, *e.shape[1:])) for e in ends)
            for ends in (self.inputs, self.outputs)
        )
        return Signature(self.name, inputs, outputs)

    def notes(self, **more: Any) -> dict[str, Any]:
        """A description of a file for itself: date, versions, names, shapes, dtypes."""
        return {
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "versions": {"jkeras": __version__, "jax": jax.__version__},
            "signature": self.name,
            "inputs": [{**e._asdict(), "shape": list(e.shape)} for e in self.inputs],
            "outputs": [{**e._asdict(), "shape": list(e.shape)} for e in self.outputs],
            **more,
        }


def signature_of(
    model: Any,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    name: str = DEFAULT,
) -> Signature:
    """The signature of a built model.

    Args:
        model: a built model.
        inputs, outputs: other names; default: those of the layers.
        name: of the computation.

    Raises:
        ValueError: the model keeps states between batches, or a list of names does not fit.
    """
    if model.stateful:
        kept = [layer.name for layer in model.layers if layer.stateful]
        raise ValueError(
            f"Model {model.name!r} keeps states from batch to batch (its layers {kept}), which a program in "
            "a file cannot: rebuild it with stateful=False, or take the states as inputs and outputs."
        )
    given, made = model.signature
    return Signature(
        name,
        _named(given, inputs, model._fed_names(), "inputs"),
        _named(made, outputs, model.output_names, "outputs"),
    )


def _named(
    tensors: Sequence[Any], wanted: Sequence[str] | None, own: Sequence[str], what: str
) -> tuple[Endpoint, ...]:
    names = list(own if wanted is None else wanted)
    if len(set(names)) != len(own) or len(names) != len(own):
        raise ValueError(f"`{what}` should be a name for each of {list(own)}, all different; got {names}.")
    return tuple(Endpoint(n, tuple(t.shape), str(t.dtype)) for n, t in zip(names, tensors, strict=True))


def plain(signature: Signature, own: Signature) -> Signature:
    """The signature with names that TensorFlow and ONNX keep as they are: letters, digits, `_`.

    Args:
        signature: as asked for.
        own: with the names of the layers: where these were kept, other signs become `_`, `in` becomes `in_`.

    Raises:
        ValueError: a name that was asked for has other signs, or one stands for an input and an output.
    """
    if not signature.name.isprintable() or not signature.name:
        raise ValueError(f"`signature` should be a name; got {signature.name!r}.")
    ends: list[tuple[Endpoint, ...]] = []
    for what in ("inputs", "outputs"):
        asked, layers = getattr(signature, what), getattr(own, what)
        kept = [e if e.name != o.name else _as_plain(e) for e, o in zip(asked, layers, strict=True)]
        for e in kept:
            if not _PLAIN.fullmatch(e.name) or keyword.iskeyword(e.name):
                raise ValueError(
                    f"`{what}`: TensorFlow and ONNX take names of the letters a to z, digits and _, and no "
                    f"words of Python; got {e.name!r}. Give {what}=[...] names of these."
                )
        ends.append(tuple(kept))
    names = [e.name for part in ends for e in part]
    if len(set(names)) != len(names):
        raise ValueError(
            f"Inputs and outputs need names that all differ; got {names}. Give inputs=[...] or outputs=[...]."
        )
    return Signature(signature.name, ends[0], ends[1])


def _as_plain(end: Endpoint) -> Endpoint:
    name = re.sub(r"[^\w]", "_", end.name, flags=re.ASCII) if end.name.isascii() else end.name
    if keyword.iskeyword(name):  # TensorFlow makes parameters of the names
        name += "_"
    return end._replace(name=f"_{name}" if name[:1].isdigit() else name)
