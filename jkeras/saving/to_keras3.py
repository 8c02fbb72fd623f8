"""Models in the words of Keras 3, for its `.keras` files.

What Keras 3 lacks, or computes in another way under the same name, is refused by name: nothing is written
that would give other numbers there.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from jkeras import activations, constraints, initializers, layers, regularizers
from jkeras.core.types import AnyDict, AnyList
from jkeras.engine.tensors.variable import numpy_views
from jkeras.saving import compiled, keras3_training, later_optimizer, places
from jkeras.saving.config import model_config
from jkeras.saving.contents import Contents

# Layers of Keras 2.2.4 that Keras 3 does not have, or not on every backend.
_ABSENT = {
    *("ThresholdedReLU", "LocallyConnected1D", "LocallyConnected2D", "CuDNNGRU", "CuDNNLSTM", "ConvRNN2D"),
    *(
        "ConvLSTM2DCell",
        "Highway",
        "MaxoutDense",
        "Recurrent",
        "ConvRecurrent2D",
        "TimeDistributedDense",
        "Pure",
    ),
}
_CODE = "is code of yours, which Keras 3 reads only where it is registered"
_TABLES = "keeps its words in tables of TensorFlow there"
# Arguments that Keras 3 lacks, with the values at which nothing is lost; None: at all.
_DROPPED: dict[str, tuple[Any, ...] | None] = {
    "implementation": None,
    "input_length": None,
    "batch_input_shape": None,
    "input_dtype": (None,),
    "batch_size": None,
    "num_constants": None,
}
_NOT_TAKEN = {  # by the constructors there
    "Discretization": ("trainable",),
    **{f"SpatialDropout{n}D": ("trainable", "noise_shape") for n in (1, 2, 3)},
}
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
_KINDS: dict[str, tuple[str, Any]] = {
    "initializer": ("keras.initializers", initializers),
    "regularizer": ("keras.regularizers", regularizers),
    "constraint": ("keras.constraints", constraints),
}
_RECURRENT = {"RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional"}
_ATTENDING = {"MultiHeadAttention", "GroupQueryAttention"}
_MODELS = {"Model": ("keras.src.models.functional", "Functional"), "Sequential": ("keras", "Sequential")}


def contents_of(model: Any, include_optimizer: bool = True) -> Contents:
    """Contents of a `.keras` file of a model.

    Args:
        model: a built `Model` or `Sequential`.
        include_optimizer: also how it was compiled, and the optimizer's state.

    Raises:
        ValueError: a layer is none of Keras 3, or has other numbers there.
        NotImplementedError: the model is a subclassed one.
    """
    contents = Contents(model=_model(model, model_config(model), f"model {model.name!r}"))
    at = dict(places.weights_by_place(model, {}))
    contents.places = dict(zip(at, numpy_views(at.values()), strict=True))
    if include_optimizer and getattr(model, "optimizer", None) is not None:
        _add_training(model, contents)
    return contents


def _add_training(model: Any, contents: Contents) -> None:
    kept, lost = Contents(), "how the model was compiled"
    compiled.add_training(model, kept)
    try:
        contents.training = keras3_training.written(kept)
        lost = "where the optimizer stood"
        contents.optimizer = later_optimizer.listed(model.optimizer)
    except ValueError as error:
        warnings.warn(f"The .keras file does not say {lost}, because {error}.", stacklevel=7)


def _model(model: Any, words: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A model, from its object and its configuration in the words of Keras 2.2.4."""
    if words["class_name"] not in _MODELS:
        raise ValueError(f"{where} is of the class {words['class_name']}, which {_CODE}.")
    module, name = _MODELS[words["class_name"]]
    config, inner = words["config"], {layer.name: layer for layer in model.layers}
    _warn_of_masks(model)
    written = {"name": config["name"], "trainable": bool(model.trainable)}
    if name == "Sequential":
        parts = [layer_of_keras_3(inner[layer["config"]["name"]], layer) for layer in config["layers"]]
        if parts[0]["class_name"] != "InputLayer":
            given = config.get("input_layer") or {"name": f"{model.layers[0].name}_input"}
            parts.insert(0, _input(model, given["name"]))
        written["layers"] = parts
    else:
        shapes = _Shapes(model)
        written["layers"] = [
            {
                **layer_of_keras_3(inner[layer["name"]], layer),
                "name": layer["name"],
                "inbound_nodes": [
                    _call(layer["class_name"], node, shapes, f"layer {layer['name']!r}")
                    for node in layer["inbound_nodes"]
                ],
            }
            for layer in config["layers"]
        ]
        outputs = [shapes.end(place) for place in config["output_layers"]]
        written["input_layers"] = _alone(config["input_layers"])
        written["output_layers"] = _alone(outputs)
        if keys := config.get("output_keys"):
            written["output_layers"] = dict(zip(keys, outputs, strict=True))
    return {"module": module, "class_name": name, "config": written, "registered_name": name}


def _input(model: Any, name: str) -> dict[str, Any]:
    """The first layer of a Sequential, which Keras 3 writes down."""
    tensors = model.inputs
    if len(tensors) != 1:
        raise ValueError(
            f"model {model.name!r}: a Sequential with {len(tensors)} inputs is none of Keras 3; make a Model."
        )
    shape = [None if n is None else int(n) for n in model.input_shape]
    config = {"batch_shape": shape, "dtype": str(tensors[0].dtype), "sparse": False, "ragged": False}
    config |= {"name": name, "optional": False}
    return _words("keras.layers", "InputLayer", config)


def _words(module: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": dict(config), "registered_name": None}


class _Shapes:
    """The outputs of all calls in a model, as a configuration names them."""

    def __init__(self, model: Any):
        self._outputs: dict[tuple[str, int], list[Any]] = {}
        self._first: dict[str, int] = {}
        self._graphs = {layer.name for layer in model.layers if type(layer).__name__ == "Model"}
        for layer in model.layers:
            self._first[layer.name] = 1 if getattr(layer, "_graph", None) is not None else 0
            nodes = [node for node in layer.inbound_nodes if node in model._graph.layer_nodes]
            self._outputs |= {(layer.name, i): node.outputs for i, node in enumerate(nodes)}

    def history(self, place: list[Any]) -> list[Any]:
        """[layer, call, tensor] as Keras 3 counts calls: the one that a model makes of itself is none."""
        return [place[0], place[1] - self._first[place[0]], place[2]]

    def end(self, place: list[Any]) -> list[Any]:
        """The same of an output: there Keras 3 counts that call of a `Model`, but not of a `Sequential`."""
        return list(place) if place[0] in self._graphs else self.history(place)

    def tensor(self, place: list[Any]) -> dict[str, Any]:
        """A tensor between two layers."""
        history = self.history(place)
        tensor = self._outputs[history[0], history[1]][history[2]]
        shape = [None if n is None else int(n) for n in tensor.shape]
        config = {"shape": shape, "dtype": str(tensor.dtype), "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}


def _alone(ends: list[Any]) -> list[Any]:
    return ends[0] if len(ends) == 1 else ends


def _call(class_name: str, node: list[list[Any]], shapes: _Shapes, where: str) -> dict[str, Any]:
    """One call of a layer, with its tensors as the call there takes them."""
    tensors = [shapes.tensor(place) for place in node]
    kwargs: dict[str, Any] = {}
    for place in node:
        kwargs |= place[3] if len(place) > 3 else {}
    if "constants" in kwargs:
        raise ValueError(f"{where} is called with constants, which recurrent layers of Keras 3 do not take.")
    if class_name.endswith(("Cell", "RNNCells")):
        raise ValueError(f"{where}: {class_name} is called by itself; in Keras 3 a cell stands in an RNN.")
    args: list[Any] = [tensors]
    if class_name in _RECURRENT or len(tensors) == 1:
        args, states = tensors[:1], tensors[1:]
        kwargs |= {"initial_state": states} if states else {}
    elif class_name in _ATTENDING:
        args, masks = tensors[:3], tensors[3:]
        kwargs |= {"attention_mask": masks[0]} if masks else {}
    return {"args": args, "kwargs": kwargs}


def _warn_of_masks(model: Any) -> None:
    """Say it where masked steps come out of Bidirectional as zeros in Keras 3."""
    if not any(type(la).__name__ == "Masking" or getattr(la, "mask_zero", False) for la in model.layers):
        return
    for layer in model.layers:
        if type(layer).__name__ == "Bidirectional" and layer.return_sequences:
            warnings.warn(
                f"Bidirectional {layer.name!r} gives zeros at masked steps in Keras 3, and the last output "
                "before them here: layers that heed the mask do not see it.",
                stacklevel=7,
            )


def layer_of_keras_3(layer: Any, words: Mapping[str, Any]) -> dict[str, Any]:
    """One layer.

    Args:
        layer: the object.
        words: `{"class_name", "config"}` in the words of Keras 2.2.4.

    Raises:
        ValueError: Keras 3 does not have it, or computes it in another way.
    """
    name, where = words["class_name"], f"layer {layer.name!r}"
    if getattr(layers, name, None) is not type(layer):
        if name in _MODELS and hasattr(layer, "layers"):
            return _model(layer, words, where)
        raise ValueError(f"{where} is of the class {name}, which {_CODE}.")
    if name in _ABSENT:
        raise ValueError(f"{where} is of the class {name}, which Keras 3 does not have.")
    if "/" in layer.name:
        raise ValueError(f"{where}: names of Keras 3 have no '/'; give the layer another one.")
    if name == "InputLayer":
        config = {"batch_shape": words["config"]["batch_input_shape"], "ragged": False, "optional": False}
        config |= {key: words["config"][key] for key in ("dtype", "sparse", "name")}
        return _words("keras.layers", name, config)
    if name == "Lambda":
        raise ValueError(f"{where} is a Lambda: a function, which a .keras file does not hold.")
    if name in ("StringLookup", "TextVectorization"):
        raise ValueError(f"{where}: {name} {_TABLES}, which a file for all backends does not hold.")
    _check_numbers(name, words["config"], where)
    return _words("keras.layers", name, _arguments(layer, words["config"], where))


def _check_numbers(name: str, config: Mapping[str, Any], where: str) -> None:
    """Refuse what Keras 3 computes in another way under the same name."""
    if "hard_sigmoid" in (config.get("activation"), config.get("recurrent_activation")):
        raise ValueError(
            f"{where}: hard_sigmoid is relu6(x + 3) / 6 in Keras 3, and 0.2 x + 0.5 cut to [0, 1] here: the "
            "numbers would be others. Train with recurrent_activation='sigmoid', say."
        )
    if name == "UpSampling2D" and config.get("interpolation", "nearest") != "nearest":
        raise ValueError(f"{where} enlarges by {config['interpolation']!r} from other points in Keras 3.")
    if name == "RandomCrop":
        raise ValueError(f"{where}: RandomCrop of Keras 3 leaves images as they are outside of training.")


def _arguments(layer: Any, config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The arguments of a layer."""
    written: dict[str, Any] = {}
    parts = _parts(layer)
    for key, value in config.items():
        if key in _NOT_TAKEN.get(type(layer).__name__, ()):
            continue
        if key in _DROPPED:
            allowed = _DROPPED[key]
            if allowed is not None and value not in allowed:
                raise ValueError(f"{where}: {type(layer).__name__} of Keras 3 has no argument {key!r}.")
            continue
        at = _RENAMED.get((type(layer).__name__, key), key)
        if key in parts:
            inner = parts[key]
            several = isinstance(inner, AnyList)
            pairs = zip(inner, value, strict=True) if several else [(inner, value)]
            made = [layer_of_keras_3(part, words) for part, words in pairs]
            written[at] = made if several else made[0]
        else:
            written[at] = _value(key, value, where)
    return written


def _parts(layer: Any) -> dict[str, Any]:
    """The layers that stand in the configuration of another one, by its argument."""
    if hasattr(layer, "forward_layer"):
        return {"layer": layer.layer if hasattr(layer, "layer") else layer.forward_layer}
    found = {key: part for key in ("layer", "cell") if hasattr(part := getattr(layer, key, None), "weights")}
    return found | ({"cells": list(layer.cells)} if hasattr(layer, "cells") else {})


def _value(key: str, value: Any, where: str) -> Any:
    """An argument: objects with the module in which Keras 3 has their class."""
    module, ours = _KINDS.get(key.rpartition("_")[2], ("", None))
    if isinstance(value, AnyDict) and "class_name" in value:
        name, config = value["class_name"], value["config"]
        if ours is None or not inspect.isclass(getattr(ours, name, None)):
            raise ValueError(f"{where}: {key} is {name}, which {_CODE}.")
        if name == "VarianceScaling" and config.get("distribution") == "normal":
            config = {**config, "distribution": "truncated_normal"}
        return _words(module, name, config)
    if isinstance(value, str) and ours is not None and not hasattr(ours, value):
        raise ValueError(f"{where}: {key} is the function {value}, which {_CODE}.")
    if isinstance(value, str) and (key == "activation" or key.endswith("_activation")):
        if not callable(getattr(activations, value, None)):
            raise ValueError(f"{where}: the activation {value!r} is a function that {_CODE[3:]}.")
    return value
