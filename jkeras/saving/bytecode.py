"""Lambda layers in files: arrays among arguments; bytecode, which runs only where the caller allows it."""

from __future__ import annotations

import base64
import binascii
import marshal
import types
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jkeras import backend
from jkeras.core import functions
from jkeras.core.registry import get_custom_objects
from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.layers.lambda_layer import PREFIX, Lambda, packed


def resolve(
    config: Any, custom_objects: Mapping[str, Any], safe_mode: bool, marks: Collection[str] = ()
) -> Any:
    """A copy of a config in which every `Lambda` has a function that may be used.

    Args:
        config: any part of a model's config.
        custom_objects: an entry with the name of a Lambda layer is its function.
        safe_mode: False decodes bytecode.
        marks: fingerprints of the functions that may be called by name beside the custom objects.

    Returns:
        The copy.

    Raises:
        ValueError: a Lambda holds bytecode, and neither `custom_objects` nor `safe_mode` says what to do; or
            the bytecode is not of this Python; or it names a function that is none of the allowed ones.
    """
    if isinstance(config, (AnyList, AnyTuple)):
        return type(config)(resolve(v, custom_objects, safe_mode, marks) for v in config)
    if not isinstance(config, AnyDict):
        return config
    config = {key: resolve(value, custom_objects, safe_mode, marks) for key, value in config.items()}
    if config.get("class_name") == "Lambda" and isinstance(config.get("config"), AnyDict):
        config["config"] = _with_functions(config["config"], custom_objects, safe_mode)
    if isinstance(config.get("config"), AnyDict) and "function_type" in config["config"]:
        config["config"] = _with_named(config["config"], custom_objects, marks)
    return config


def marks_of(layers: Iterable[Any]) -> list[str]:
    """The fingerprints of the functions that the configs of `layers` mention by name."""
    lambdas = [layer for layer in layers if isinstance(layer, Lambda)]
    found = [f for layer in lambdas for f in (layer.function, layer.declared_shape, layer.mask)]
    named = [f for f in found if callable(f) and getattr(f, "__name__", "<lambda>") != "<lambda>"]
    return sorted({functions.remember(f) for f in named})


def _with_named(
    config: dict[str, Any], custom_objects: Mapping[str, Any], marks: Collection[str]
) -> dict[str, Any]:
    """Functions by name are those of the fingerprints: not any that this process happens to have used."""
    known = [f for f in map(functions.recall, marks) if f is not None]
    custom_objects = {**get_custom_objects(), **custom_objects}
    kinds = {"function": config.get("function_type"), "output_shape": config.get("output_shape_type")}
    for key, kind in (kinds | {"mask": "function"}).items():
        name = config.get(key)
        if kind != "function" or not isinstance(name, str) or name in custom_objects:
            continue
        config[key] = next((f for f in known if getattr(f, "__name__", None) == name), None)
        if config[key] is None:
            raise ValueError(
                f"The Lambda layer {config.get('name')!r} names the function {name!r} (its {key}), which is "
                "not the one that it was saved with in this process. Pass it, if it is your own: "
                f"custom_objects={{{name!r}: {name}}}."
            )
    return config


def with_arrays(config: Any) -> Any:
    """A copy of a config in which the arguments of every `Lambda` are as files keep them."""
    if isinstance(config, (AnyList, AnyTuple)):
        return (list if isinstance(config, AnyList) else tuple)(with_arrays(v) for v in config)
    if not isinstance(config, AnyDict):
        return config
    config = {key: with_arrays(value) for key, value in config.items()}
    if config.get("class_name") == "Lambda" and isinstance(config.get("config"), AnyDict):
        config["config"] = config["config"] | {"arguments": packed(config["config"].get("arguments"))}
    return config


def _with_functions(
    config: dict[str, Any], custom_objects: Mapping[str, Any], safe_mode: bool
) -> dict[str, Any]:
    name = config.get("name")
    given = custom_objects.get(name) if isinstance(name, str) else None
    if callable(given):
        config["function"] = given
    for key in ("function", "output_shape"):
        contents = config.get(key)
        if config.get(f"{key}_type") == "lambda" and not callable(contents) and not _is_fingerprint(contents):
            if safe_mode:
                raise ValueError(
                    f"The Lambda layer {name!r} holds Python bytecode (its {key}), which is not run: a file "
                    "could hold any program. Pass the function by the layer's name, "
                    f"custom_objects={{{name!r}: function}}, or, if you trust the origin of the file, "
                    "safe_mode=False."
                )
            config[key] = _decode(contents, name, custom_objects)
    return config


def _is_fingerprint(contents: Any) -> bool:
    return (
        isinstance(contents, (AnyList, AnyTuple)) and bool(contents) and str(contents[0]).startswith(PREFIX)
    )


def _decode(contents: Any, name: Any, custom_objects: Mapping[str, Any]) -> types.FunctionType:
    """The function in Keras's `[base64 of marshalled code, defaults, closure]`."""
    try:
        text, defaults, closure = contents
        return function(decode(text), defaults, closure, {**_names(), **custom_objects})
    except (ValueError, TypeError, EOFError, AttributeError, UnicodeError, binascii.Error) as e:
        raise ValueError(
            f"The bytecode of the Lambda layer {name!r} cannot be read here ({e}): bytecode fits only the "
            f"version of Python that wrote it. Pass the function itself: custom_objects={{{name!r}: "
            "function}}."
        ) from e


def _names() -> dict[str, Any]:
    return {"K": backend, "np": np, "jnp": jnp}


def decode(text: str) -> types.CodeType:
    """The code in base64 of marshalled code; whoever calls this trusts where it comes from."""
    code = marshal.loads(base64.decodebytes(text.encode("ascii")))
    if not isinstance(code, types.CodeType):
        raise TypeError(f"a {type(code).__name__} in the place of code")
    return code


def function(
    code: types.CodeType,
    defaults: Iterable[Any] | None,
    closure: Iterable[Any] | None,
    names: dict[str, Any] | None = None,
) -> types.FunctionType:
    """A function of code, defaults, the values (or cells) of its closure, and its global names."""
    cells = tuple(v if isinstance(v, types.CellType) else types.CellType(v) for v in closure or ())
    names = _names() if names is None else names
    return types.FunctionType(code, names, code.co_name, tuple(defaults) if defaults else None, cells)
