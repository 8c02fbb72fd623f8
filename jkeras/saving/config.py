"""Architectures as JSON and YAML text, in the words of Keras 2.2.4."""

# pyright: reportUnknownVariableType=false
from __future__ import annotations

import json
from typing import Any

import yaml

from jkeras.core.names import function_name
from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyScalar
from jkeras.engine.tree import walk
from jkeras.layers.serialization import deserialize
from jkeras.saving import bytecode
from jkeras.saving.contents import KERAS_BACKEND, KERAS_VERSION
from jkeras.saving.limits import VALUES, bounded, few_layers, line, parse_json, telling

_MARKS = "jkeras_functions"
_TUPLE = "tag:yaml.org,2002:python/tuple"


def model_config(model: Any) -> dict[str, Any]:
    """`{"class_name", "config"}` of a model, as plain JSON values."""
    return json.loads(json.dumps(_named(model), default=json_value))


def json_value(value: Any) -> Any:
    """A value that JSON does not know as one that it does: numpy's, objects with a config, functions by name.

    Raises:
        TypeError: there is no such value.
    """
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, AnyNumpy):
        return value.tolist()
    if isinstance(value, AnyScalar):
        return value.item()
    if hasattr(value, "__name__") or callable(value):
        return function_name(value)
    raise TypeError(
        f"a config can hold numbers, text, lists, dicts and objects with a get_config; got {value!r}."
    )


def model_to_json(model: Any, **kwargs: Any) -> str:
    """The architecture of a model as JSON text.

    Args:
        model: a `Model` or `Sequential`.
        **kwargs: passed on to `json.dumps` (`indent=2` …).

    Returns:
        Text for `model_from_json`; Keras 2.2.4 reads it too.

    Raises:
        TypeError: a layer's config holds something that JSON cannot.

    Keras 2.2.4: keras/engine/network.py Network.to_json

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> model_to_json(model)[:67]
        '{"class_name": "Sequential", "config": {"name": "m", "layers": [{"c'
    """
    kwargs.setdefault("default", json_value)
    return json.dumps(_stamped(model), **kwargs)


def model_from_json(
    json_string: str, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """A new, uncompiled model from `model_to_json`'s text.

    Args:
        json_string: the text.
        custom_objects: classes and functions by the names that the text uses.
        safe_mode: False allows running Python bytecode that the text holds for `Lambda` layers.

    Returns:
        The model, with fresh weights.

    Raises:
        ValueError: the text is not JSON, or not that of a model; a class is unknown.

    Keras 2.2.4: keras/engine/saving.py model_from_json

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> model_from_json(model_to_json(model)).output_shape
        (None, 2)
    """
    config = parse_json(json_string, "what model_from_json got, instead of the text of model.to_json(),")
    return model_from_config(config, custom_objects, safe_mode)


def model_to_yaml(model: Any, **kwargs: Any) -> str:
    """The architecture of a model as YAML text (tuples in the form that Keras wrote, `!!python/tuple`).

    Args:
        model: a `Model` or `Sequential`.
        **kwargs: passed on to `yaml.dump`.

    Keras 2.2.4: keras/engine/network.py Network.to_yaml

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> model_to_yaml(model).splitlines()[:3]
        ['backend: tensorflow', 'class_name: Sequential', 'config:']
    """
    kwargs.setdefault("Dumper", _Dumper)
    return yaml.dump(_stamped(model), **kwargs)


def model_from_yaml(
    yaml_string: str, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """A new, uncompiled model from `model_to_yaml`'s text, of which only plain values and tuples are built.

    Args:
        yaml_string: the text.
        custom_objects: classes and functions by the names that the text uses.
        safe_mode: False allows running Python bytecode that the text holds for `Lambda` layers.

    Raises:
        ValueError: the text is not YAML, asks for Python objects, or is not that of a model; a class is
            unknown.

    Keras 2.2.4: keras/engine/saving.py model_from_yaml

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> model_from_yaml(model_to_yaml(model)).output_shape
        (None, 2)
    """
    return model_from_config(parse_yaml(yaml_string), custom_objects, safe_mode)


def parse_yaml(text: str) -> Any:
    """The plain values and tuples of a YAML text.

    Example:
        >>> parse_yaml("shape: !!python/tuple [null, 4]")
        {'shape': (None, 4)}

    Raises:
        ValueError: it is not YAML, or asks for Python objects.
    """
    try:
        return bounded(yaml.load(text, Loader))  # noqa: S506 (a SafeLoader that also knows tuples)
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, RecursionError) as e:
        raise ValueError(f"model_from_yaml expects the YAML text of model.to_yaml(): {line(e)}") from e


def model_from_config(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """A new, uncompiled model from `{"class_name", "config"}`.

    Raises:
        TypeError: `config` is not a dict.
        ValueError: a class is unknown, or a `Lambda` holds code that may not be run.

    Keras 2.2.4: keras/engine/saving.py model_from_config
    """
    if isinstance(config, AnyList):
        raise TypeError(
            "`model_from_config` expects a dictionary, not a list. Maybe you meant to use "
            "`Sequential.from_config(config)`?"
        )
    if not isinstance(config, AnyDict) or "class_name" not in config or "config" not in config:
        raise ValueError(
            f"the config of a model is a dict with 'class_name' and 'config'; got {str(config)[:200]!r}."
        )
    marks: list[Any] = config.get(_MARKS) or []
    config = {"class_name": config["class_name"], "config": config["config"]}
    with telling("the config", "what it describes cannot be built here"):
        config = few_layers(bounded(config))
        config = bytecode.resolve(config, custom_objects or {}, safe_mode, [str(m) for m in marks])
        return deserialize(config, custom_objects=custom_objects)


def _named(model: Any) -> dict[str, Any]:
    return {"class_name": type(model).__name__, "config": bytecode.with_arrays(model.get_config())}


def _stamped(model: Any) -> dict[str, Any]:
    return with_marks(_named(model), bytecode.marks_of(layer for _, layer in walk(model))) | {
        "keras_version": KERAS_VERSION,
        "backend": KERAS_BACKEND,
    }


def with_marks(config: dict[str, Any], marks: list[str]) -> dict[str, Any]:
    """A config beside which stands what functions its `Lambda` layers mean; Keras passes over that."""
    return config | {_MARKS: marks} if marks else config


class Loader(yaml.SafeLoader):
    """Plain values, and tuples; merged keys (`<<`) may not multiply."""

    def flatten_mapping(self, node: Any) -> None:
        super().flatten_mapping(node)
        if len(node.value) > VALUES // 100:
            raise ValueError(f"a mapping has {len(node.value)} keys after merging others into it.")


def _construct_tuple(loader: Any, node: Any) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node, deep=True))


class _Dumper(yaml.SafeDumper):
    """Plain values, tuples, and what `json_value` turns into plain values."""


def _represent(dumper: Any, value: object) -> Any:
    return dumper.represent_data(json_value(value))


Loader.add_constructor(_TUPLE, _construct_tuple)
_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_sequence(_TUPLE, value))
_Dumper.add_multi_representer(object, _represent)
_Dumper.add_multi_representer(str, lambda dumper, value: dumper.represent_str(str(value)))
