"""One generic `get_config`: the arguments of `__init__`, read from the attributes of the same name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from jkeras import activations, constraints, initializers, regularizers
from jkeras.core.types import AnyNumpy

KINDS: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
    "activation": activations,
}  # the module that reads and writes an argument, by the end of its name: `kernel_initializer`
BASE_ARGUMENTS: frozenset[str] = frozenset(
    (
        "self",
        "name",
        "trainable",
        "dtype",
        "input_shape",
        "batch_input_shape",
        "batch_size",
        "input_dtype",
        "weights",
    )
)


def argument_names(cls: type) -> Iterator[str]:
    """The named arguments of `__init__`, following `**kwargs` up the bases, base arguments left out."""
    seen: set[str] = set(BASE_ARGUMENTS)
    for base in cls.__mro__:
        init = vars(base).get("__init__")
        if init is None:
            continue
        parameters = inspect.signature(init).parameters.values()
        for parameter in parameters:
            if (
                parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
                and parameter.name not in seen
            ):
                seen.add(parameter.name)
                yield parameter.name
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return


def own_config(obj: object) -> dict[str, Any]:
    """The serialized arguments of `obj`.

    An argument that is kept under no attribute is left out, and one that Keras 2.2.4 lacks where it has the
    value that its class names in `unwritten`: the configuration is read there then.
    """
    unwritten: dict[str, Any] = getattr(type(obj), "unwritten", {})
    values = {name: getattr(obj, name) for name in argument_names(type(obj)) if hasattr(obj, name)}
    return {
        name: serialize_argument(name, value)
        for name, value in values.items()
        if name not in unwritten or value != unwritten[name]
    }


def serialize_argument(name: str, value: Any) -> Any:
    """An attribute as the plain Python value that a config keeps."""
    kind = None if value is None else KINDS.get(name.rsplit("_", 1)[-1])
    if kind is not None:
        return kind.serialize(value)
    if isinstance(value, (AnyNumpy, np.generic)):
        return cast("Any", value.tolist())
    return value
