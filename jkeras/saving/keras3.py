"""Configurations of tf.keras 2 and Keras 3 in the words of Keras 2.2.4.

What Keras 2.2.4 has no word for is left out where it has its default value, and is an error where it has not.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from jkeras import layers as known_layers
from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.engine.layer.config import argument_names

# Arguments of later Kerases, with the values, beside None, that mean what Keras 2.2.4 does.
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "sparse": (False,),
    "ragged": (False,),
    "optional": (False,),
    "groups": (1,),
    "keepdims": (False,),
    "rms_scaling": (False,),
    "use_cudnn": ("auto", True, False),
    "time_major": (False,),
    "synchronized": (False,),
    "renorm": (False,),
    "renorm_momentum": (0.99,),
    "fused": (None, True, False),
    "force_generator": (False,),
    "dilation_rate": (1, [1], [1, 1], [1, 1, 1]),
    "autocast": (True,),
    "data_format": ("channels_last",),
    "return_state": (False,),
    "unroll": (False,),
    "zero_output_for_mask": (False,),  # True is what Bidirectional sets for the layers in it
}
_FACTORS = {"Glorot": (1.0, "fan_avg"), "He": (2.0, "fan_in"), "Lecun": (1.0, "fan_in")}
_CLASSES = {"Functional": "Model"}
_ACTED = ("", "recurrent_")  # an activation, a recurrent_activation

End: TypeAlias = list[Any]  # [layer, node, tensor], perhaps [..., keyword arguments]


def is_later(config: Any) -> bool:
    """Whether the configuration of a model is in the words of tf.keras 2 or Keras 3."""
    if not isinstance(config, AnyDict) or not isinstance(config.get("config"), AnyDict):
        return False
    layers = config["config"].get("layers")
    if "module" in config or config.get("class_name") == "Functional":
        return True
    return isinstance(layers, AnyList) and any(_later_layer(layer) for layer in layers)


def _later_layer(layer: Any) -> bool:
    config = layer.get("config") if isinstance(layer, AnyDict) else None
    return isinstance(config, AnyDict) and (
        "module" in layer or "groups" in config or "ragged" in config or is_later(layer)
    )


def translated(config: Mapping[str, Any]) -> dict[str, Any]:
    """A model's configuration in the words of Keras 2.2.4.

    Args:
        config: `{"class_name", "config"}` as tf.keras 2 or Keras 3 writes it.

    Raises:
        ValueError: a layer does what this Keras cannot; the message names it.
    """
    name = _CLASSES.get(config["class_name"], config["class_name"])
    inside = dict(config["config"])
    inside.pop("dtype", None)
    if not isinstance(inside.get("layers"), AnyList):
        return {"class_name": name, "config": value_in_our_words(inside, "the model")}
    layers = [_layer(layer) for layer in inside["layers"]]
    _warn_of_masks(inside["layers"])
    if name == "Sequential":
        return {"class_name": name, "config": {"name": inside.get("name"), "layers": _chain(layers, inside)}}
    ends = {key: _ends(inside[key]) for key in ("input_layers", "output_layers")}
    nodes = [node for layer in inside["layers"] for node in layer.get("inbound_nodes", ())]
    _count_calls(layers, ends["output_layers"], any(isinstance(node, dict) for node in nodes))
    needed = _needed(layers, [end[0] for end in (*ends["output_layers"], *ends["input_layers"])])
    for layer in needed:
        _check_known(layer)
    found = {"name": inside.get("name"), "layers": needed, **ends}
    if isinstance(inside["output_layers"], AnyDict):
        found["output_keys"] = list(inside["output_layers"])
    return {"class_name": name, "config": found}


def _chain(layers: list[dict[str, Any]], inside: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers of a Sequential, whose first one says the shape of the input."""
    first: dict[str, Any] = layers[0]["config"] if layers else {}
    if "build_input_shape" in inside and "batch_input_shape" not in first:
        first["batch_input_shape"] = inside["build_input_shape"]
    kept = [layer for layer in layers if layer["class_name"] != "InputLayer"]
    if kept and len(kept) < len(layers):
        for key in ("batch_input_shape", "dtype"):
            if key in first:
                kept[0]["config"].setdefault(key, first[key])
    return kept


def _ends(value: Any) -> list[End]:
    """Inputs or outputs of a model as a list of [layer, node, tensor]."""
    if isinstance(value, AnyDict):
        value = list(value.values())
    if len(value) == 3 and isinstance(value[0], str) and not isinstance(value[1], (AnyList, str)):
        value = [value]
    return [
        end
        for item in value
        for end in (_ends(item) if isinstance(item[0], (AnyList, AnyDict)) else [list(item)])
    ]


def _warn_of_masks(layers: list[Mapping[str, Any]]) -> None:
    """Say it where masked steps come out of Bidirectional as zeros in later Kerases."""
    masks = any(la["class_name"] == "Masking" or la["config"].get("mask_zero") for la in layers)
    for layer in layers:
        inner = layer["config"].get("layer") if layer["class_name"] == "Bidirectional" else None
        if masks and isinstance(inner, AnyDict) and inner["config"].get("return_sequences"):
            warnings.warn(
                f"Bidirectional {layer['config'].get('name')!r} "
                "gives zeros at masked steps in later Kerases, and the last output before them in Keras "
                "2.2.4 and here: layers that heed the mask do not see it.",
                stacklevel=8,
            )


def _count_calls(layers: list[dict[str, Any]], outputs: list[End], in_keras_3: bool) -> None:
    """Number the calls of inner models as Keras 2.2.4, whose models make a first call when they are built.

    Keras 3 counts that one in the outputs of a model only, and not of a Sequential; tf.keras everywhere, or
    nowhere.
    """
    refs = [inbound for layer in layers for node in layer["inbound_nodes"] for inbound in node]
    for layer in layers:
        if "layers" not in layer["config"]:
            continue
        counted = in_keras_3 and layer["class_name"] == "Model"
        own = [ref for ref in refs + ([] if counted else outputs) if ref[0] == layer["name"]]
        if own and (in_keras_3 or max(ref[1] for ref in own) < len(layer["inbound_nodes"])):
            for ref in own:
                ref[1] += 1


def _needed(layers: list[dict[str, Any]], outputs: list[str]) -> list[dict[str, Any]]:
    """The layers that the outputs depend on: masks that Keras 3 computes by layers of their own fall away."""
    by_name = {layer["name"]: layer for layer in layers}
    wanted: set[str] = set()
    stack = list(outputs)
    while stack:
        name = stack.pop()
        if name in wanted or name not in by_name:
            continue
        wanted.add(name)
        stack += [inbound[0] for node in by_name[name]["inbound_nodes"] for inbound in node]
    return [layer for layer in layers if layer["name"] in wanted]


def layer_in_our_words(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a layer by itself, as `layers.deserialize` reads it.

    Args:
        config: `{"class_name", "config"}` as tf.keras 2 or Keras 3 writes it.

    Raises:
        ValueError: the layer does what this Keras cannot; the message names it.
    """
    found = _layer(config)
    return {key: found[key] for key in ("class_name", "config")}


def _layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    """One layer of a model."""
    where = f"layer {layer['config'].get('name', layer.get('name'))!r}"
    if isinstance(layer["config"].get("layers"), AnyList):
        result = translated(layer)
    else:
        if "module" in layer and "hard_sigmoid" in (layer["config"].get(f"{of}activation") for of in _ACTED):
            raise ValueError(
                f"{where}: hard_sigmoid is relu6(x + 3) / 6 in Keras 3, and 0.2 x + 0.5 cut to [0, 1] in "
                "Keras 2.2.4 and here: the numbers would be others."
            )
        result = {
            "class_name": layer["class_name"],
            "config": _arguments(layer["class_name"], layer["config"], where),
        }
        result["module"] = layer.get("module", "")
    if "inbound_nodes" in layer:
        result["name"] = layer.get("name", layer["config"].get("name"))
        result["inbound_nodes"] = [_node(node, layer["class_name"], where) for node in layer["inbound_nodes"]]
    return result


def _check_known(layer: dict[str, Any]) -> None:
    if ".ops." in layer.pop("module", ""):
        raise ValueError(
            f"{layer['name']!r} is the Keras 3 operation {layer['class_name']}, "
            "which is no layer of Keras 2.2.4: build the model with a Lambda or a merge layer in its "
            "place and load the weights by name."
        )


def _node(node: Any, class_name: str, where: str) -> list[End]:
    """One call of a layer: [[layer, node, tensor, keyword arguments], …]."""
    tensors, kwargs = _call(node) if isinstance(node, AnyDict) else _call_of_tf_keras(node)
    kwargs.pop("mask", None)  # masks go with the tensors
    states: Any = kwargs.pop("initial_state", None) or []
    if states and not isinstance(next(_flat(states)), dict):
        raise ValueError(f"{where} was called with initial_state in the form of tf.keras: {states!r:.200}.")
    tensors += map(_history, _flat(states))
    kwargs = {key: value for key, value in kwargs.items() if value is not None}
    if kwargs.get("training") is False and class_name not in ("BatchNormalization", "Dropout"):
        del kwargs["training"]
    if kwargs.get("training") and _prepares_data(class_name):  # its default in Keras 3, where the phase rules
        del kwargs["training"]
    for key, value in kwargs.items():
        if any(map(_is_tensor, _flat([value]))):
            raise ValueError(
                f"{where} was called with a tensor as {key}=, which its call does not take here."
            )
    return [[*tensor, kwargs] for tensor in tensors if tensor is not None]


def _call(node: Mapping[str, Any]) -> tuple[list[End | None], dict[str, Any]]:
    """The tensors and the keyword arguments of a call, as Keras 3 writes it."""
    kwargs: dict[str, Any] = dict(node.get("kwargs") or {})
    return [_history(t) for t in _flat([node["args"], _attended(node, kwargs)])], kwargs


def _call_of_tf_keras(node: Any) -> tuple[list[End | None], dict[str, Any]]:
    """The same of tf.keras 2: [name, node, tensor, kwargs] for each tensor, or one such list by itself."""
    items: list[Any] = [node] if isinstance(node[0], str) else node
    kwargs: dict[str, Any] = {}
    for item in items:
        kwargs |= item[3] if len(item) > 3 else {}
    return [[*item[:3]] for item in items], kwargs


def _is_tensor(value: object) -> bool:
    return isinstance(value, AnyDict) and value.get("class_name") == "__keras_tensor__"


def _prepares_data(class_name: str) -> bool:
    return getattr(known_layers, class_name, object).__module__.startswith("jkeras.layers.preprocessing.")


def _attended(node: Mapping[str, Any], kwargs: dict[str, Any]) -> list[Any]:
    """The inputs of an attention layer that were given by name: a mask is the fourth one."""
    named = {key: kwargs.pop(key) for key in ("query", "value", "key", "attention_mask") if key in kwargs}
    mask = named.pop("attention_mask", None)
    inputs = [tensor for tensor in _flat([list(named.values())]) if tensor is not None]
    if mask is not None:
        before = [tensor for tensor in _flat(node["args"]) if _history(tensor)] + inputs
        inputs += [before[1], mask] if len(before) == 2 else [mask]
    return inputs


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (AnyList, AnyTuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _history(tensor: Any) -> End | None:
    if isinstance(tensor, AnyDict) and tensor.get("class_name") == "__keras_tensor__":
        return list(tensor["config"]["keras_history"])
    return None


def _arguments(class_name: str, config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The arguments of a layer."""
    if class_name == "Bidirectional":  # the directions are the layer and its mirror image
        inner = {
            key: value for key, value in config["layer"]["config"].items() if key != "zero_output_for_mask"
        }
        config = {**config, "layer": {**config["layer"], "config": inner}}
        config.pop("backward_layer", None)
    values = {key: value_in_our_words(value, where) for key, value in config.items()}
    renamed = {"batch_shape": "batch_input_shape", "negative_slope": "alpha"}
    if class_name != "LeakyReLU":
        renamed.pop("negative_slope")
    values = {renamed.get(key, key): value for key, value in values.items()}
    for part in ("layer", "cell"):
        if isinstance(values.get(part), AnyDict):
            values[part] = _layer(config[part])
            values[part].pop("module", None)
    if class_name == "BatchNormalization" and isinstance(values.get("axis"), AnyList):
        [values["axis"]] = values["axis"]
    if isinstance(values.get("cells"), AnyList):
        values["cells"] = [_layer(cell) for cell in config["cells"]]
    _check_numbers(class_name, values, where)
    cls = getattr(known_layers, class_name, None)
    return values if cls is None else _without_defaults(cls, values, where)


def _check_numbers(class_name: str, values: dict[str, Any], where: str) -> None:
    """Refuse what a later Keras computes in another way under the same name."""
    if class_name == "UpSampling2D" and values.get("interpolation", "nearest") != "nearest":
        raise ValueError(
            f"{where} enlarges by {values['interpolation']!r}, which later Kerases compute from the "
            "centres of the pixels and Keras 2.2.4 from their corners: the numbers would be others."
        )


def _without_defaults(cls: type, values: dict[str, Any], where: str) -> dict[str, Any]:
    base = {
        "name",
        "trainable",
        "dtype",
        "batch_input_shape",
        "batch_size",
        "input_dtype",
        "activity_regularizer",
    }
    own = base | set(inspect.signature(cls).parameters)
    inherited = set(argument_names(cls))  # through `**kwargs`, or not at all
    for key in [key for key in values if key not in own]:
        value = values[key]
        plain = value is None or key.startswith("_") or value in _DEFAULTS.get(key, ())
        if key in inherited and not plain:
            continue
        del values[key]
        if not plain:
            raise ValueError(
                f"{where}: {cls.__name__} of Keras 2.2.4 has no argument {key!r}, which is {value!r}."
            )
    return values


def value_in_our_words(value: Any, where: str) -> Any:
    """A value of a configuration: objects by class name and config, functions and number types by name."""
    if isinstance(value, AnyList):
        return [value_in_our_words(item, where) for item in value]
    if not isinstance(value, AnyDict):
        return value
    if "class_name" not in value or "config" not in value:
        return {key: value_in_our_words(item, where) for key, item in value.items()}
    name, config = value["class_name"], value["config"]
    if name in ("DTypePolicy", "Policy"):
        return _dtype(config["name"], where)
    if name in ("__numpy__", "__tensor__"):
        return config["value"]
    if name == "__tuple__":
        return value_in_our_words(value.get("items", config), where)
    if name == "function":
        return config if isinstance(config, str) else config.get("name")
    if name == "__lambda__":
        raise ValueError(f"{where} holds Python bytecode, which is never run from a file of this kind.")
    config = value_in_our_words(config, where) if isinstance(config, AnyDict) else config
    return _object(str(value.get("registered_name") or name).rpartition(">")[2], config)


def _dtype(name: str, where: str) -> str:
    if name.startswith("mixed"):
        raise ValueError(f"{where} computes in {name}: jkeras has no such policy for a single layer.")
    return name


def _object(name: str, config: Any) -> dict[str, Any]:
    """An initializer, regularizer or the like."""
    for family, (scale, mode) in _FACTORS.items():
        for end, distribution in (("Uniform", "uniform"), ("Normal", "normal")):
            if name == family + end:
                config = {"scale": scale, "mode": mode, "distribution": distribution, "seed": _seed(config)}
                return {"class_name": "VarianceScaling", "config": config}
    if name == "VarianceScaling":
        drawn = str(config.get("distribution", "normal")).replace("truncated_", "")
        keep = {key: config[key] for key in ("scale", "mode") if key in config}
        return {"class_name": name, "config": {**keep, "distribution": drawn, "seed": _seed(config)}}
    if name in ("L1", "L2"):
        config = {"l1": config.get("l1", 0.0), "l2": config.get("l2", 0.0)}
        name = "L1L2"
    if isinstance(config, AnyDict) and isinstance(config.get("seed"), AnyDict):
        config = {**config, "seed": None}
    return {"class_name": name, "config": config}


def _seed(config: Mapping[str, Any]) -> int | None:
    seed = config.get("seed")
    return seed if isinstance(seed, int) else None
