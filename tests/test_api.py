"""The public names of Keras 2.2.4, with their parameters and defaults, as recorded from it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json

import pytest

from tests import golden

API = golden.json("api-2.2.4")["modules"]
# Every module that can be imported, with the classes and functions in it, its own and imported ones.
PATHS = golden.json("paths")

# The inside of Keras, or of TensorFlow's graphs, which has no counterpart here.
INTERNAL = {
    "keras.engine.network": "ask_to_proceed_with_overwrite print_layer_summary",
    "keras.engine.saving": """
        h5dict ask_to_proceed_with_overwrite HDF5_OBJECT_HEADER_LIMIT pickle_model unpickle_model
        load_attributes_from_hdf5_group save_attributes_to_hdf5_group preprocess_weights_for_loading
        load_weights_from_hdf5_group load_weights_from_hdf5_group_by_name save_weights_to_hdf5_group
    """,
    "keras.utils.io_utils": "ask_to_proceed_with_overwrite HDF5_OBJECT_HEADER_LIMIT",
}
# What stands between a legacy argument and its new name (`keras.legacy.interfaces`) is one function here.
INTERNAL["keras.legacy.interfaces"] = " ".join(
    n for n in API["keras.legacy.interfaces"]["functions"] if "preprocess" in n
)

# Names that a module of Keras merely imports for its own use.
INCIDENTAL = """
    deserialize_keras_object serialize_keras_object has_arg to_list is_all_none transpose_shape
    unpack_singleton count_params ask_to_proceed_with_overwrite
""".split()

# Names that a module with a file here would only pass on.
SEEN = ("InputSpec", "Lambda", "Layer", "clone_model", "concatenate")

# Classes that Keras keeps for itself, or that only exist to refuse: their names are enough.
OPAQUE = ("Node", "Recurrent", "ConvRecurrent2D")
# Methods by which Keras's layers and models work inside; the formula of a layer is its `pure()` here.
INNER_METHODS = """
    assert_input_compatibility run_internal_graph call get_initial_state input_conv recurrent_conv
    get_losses_for get_updates_for
""".split()

# What differs on purpose, and why.
DIFFERENT = {
    "keras.callbacks.TensorBoard.on_train_end",  # its parameter has the name that all other hooks give it
    "keras.engine.Layer.add_weight",  # the initializer that a layer gets if it names none is its default
    "keras.engine.base_layer.Layer.add_weight",
    "keras.layers.Wrapper.build",  # the shape is known when a layer is built
    # Only a Model can be saved.
    *(f"keras.engine.network.Network.{n}" for n in "load_weights save save_weights to_json to_yaml".split()),
}

# Keras 2.2.5 put an argument in between, and its documents print it so.
INSERTED = ("fit_generator", "evaluate_generator", "predict_generator")

PARAMETERS = {"positional_or_keyword", "keyword_only"}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


REQUIRED = "required"


def is_file(module: str) -> bool:
    """Whether `module` has a file of its own here, and so only its own names."""
    found = importlib.util.find_spec("j" + module)
    return found is not None and found.has_location and not found.submodule_search_locations


def public_names(module: str):
    """(name, what was recorded about it); what a module merely imports counts where it has no file here."""
    content = API[module]
    internal = INTERNAL.get(module, "").split()
    for kind in ("classes", "functions", "aliases", "constants"):
        for name, about in content[kind].items():
            own = kind in ("aliases", "constants") or about.get("home")
            if name not in internal and (own or not is_file(module) and name not in INCIDENTAL):
                yield name, about if isinstance(about, dict) else {}


def ours(module: str):
    return importlib.import_module("j" + module)


def recorded_default(parameter: dict):
    value = parameter.get("default", REQUIRED)
    return value["repr"] if isinstance(value, dict) and "repr" in value else value


def default_here(parameter: inspect.Parameter):
    value = parameter.default
    if value is inspect.Parameter.empty:
        return REQUIRED
    if callable(value):
        return value.__name__
    return json.loads(json.dumps(value))  # tuples are lists in the recording


def differences(where: str, recorded: list, function) -> list[str]:
    """What a call that fits Keras's signature would find changed: names by position, and defaults."""
    try:
        here = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    except ValueError:  # a named tuple or the like
        return [f"{where}: no signature"]
    named = [p for p in recorded if p["kind"] in PARAMETERS]
    found = []
    for i, parameter in enumerate(named):
        match = here[i] if i < len(here) and here[i].kind in NAMED else None
        if match is None or match.name != parameter["name"]:
            found.append(f"{where}: parameter {i} should be {parameter['name']}, is {match}")
        elif recorded_default(parameter) not in (REQUIRED, default_here(match)):
            found.append(f"{where}: {match} should have the default {recorded_default(parameter)!r}")
    return found


def of_class(where: str, about: dict, thing) -> list[str]:
    found = differences(where, about["init"], thing.__init__)
    for name, its in about["methods"].items():
        if name in INNER_METHODS or f"{where}.{name}" in DIFFERENT:
            continue
        if not hasattr(thing, name):
            found.append(f"{where} has no {name}")
        elif its["kind"] == "method" and its["own"] and name not in INSERTED:
            found += differences(f"{where}.{name}", its["params"], getattr(thing, name))
    # What can be set may be an attribute of the object, and recurrent layers pass on what their cells have.
    read_only = [p for p, its in about["properties"].items() if not its.get("settable")]
    if hasattr(thing, "__getattr__"):
        return found
    return found + [f"{where} has no {p}" for p in read_only if not hasattr(thing, p)]


@pytest.mark.parametrize("module", API)
def test_names(module):
    found = ours(module)
    assert not [name for name, _ in public_names(module) if not hasattr(found, name)]


@pytest.mark.parametrize("module", PATHS)
def test_every_path_can_be_imported(module):
    found = ours(module)
    internal = INTERNAL.get(module, "").split()
    missing = {name for name in PATHS[module] if not hasattr(found, name)}
    assert not missing - {*internal, *INCIDENTAL, *SEEN}


@pytest.mark.parametrize("module", API)
def test_signatures(module):
    home, found = ours(module), []
    for name, about in public_names(module):
        where, thing = f"{module}.{name}", getattr(home, name)
        if about.get("type") == "function":
            found += differences(where, about["params"], thing)
        elif about.get("type") == "class" and about.get("home") and name not in OPAQUE:
            found += of_class(where, about, thing)
    assert not found, "\n".join(found)
