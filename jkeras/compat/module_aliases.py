"""The homes of Keras's names here: one table, and the importer of this package, which reads it.

A module of Keras that has no file here (`jkeras.engine.topology`) comes into being when it is imported. It,
and the modules of Keras that have a file, look the names that they do not have themselves up in the table,
and among what Keras's modules import for their own use: `from keras.layers import *` gives a script `K`. A
name that is nowhere is an AttributeError that tells those most like it. Our own modules are plain ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from jkeras.compat import imported_names, later_names

ROOT = "jkeras"

_GLOBAL = " ".join(
    f"Global{kind}{n}D" for kind in ("AveragePooling", "MaxPooling", "AvgPool", "MaxPool") for n in (1, 2, 3)
)
_POOLING = " ".join(f"{kind}Pooling{n}D" for kind in ("Average", "Max") for n in (1, 2, 3))
_POOLING_BASES = " ".join(f"_{kind}Pooling{n}D" for kind in ("", "Global") for n in (1, 2, 3))
_INPUT = {"engine.input_layer": "Input InputLayer"}
_SOURCES = {"utils.layer_utils": "get_source_inputs"}
_TRANSPOSES = "Convolution1DTranspose=Conv1DTranspose Convolution3DTranspose=Conv3DTranspose"
_DROPOUT = "_generate_dropout_mask _standardize_args"
_FUNCTIONS = {"utils.generic_utils": "func_dump func_load", "engine.layer.keras_internals": "object_list_uid"}
_DEVICES = "_get_available_devices _normalize_device_name"
_TENSORFLOW = {
    "keras_internals.backend": "_get_available_gpus _has_nchw_support _to_tensor _preprocess_conv1d_input "
    "_preprocess_conv2d_input _preprocess_conv3d_input _preprocess_padding tf",
    "backend.nn": "_regular_normalize_batch_in_training=normalize_batch_in_training "
    "_broadcast_normalize_batch_in_training=normalize_batch_in_training",
}

_PACKAGES = {
    "applications": "densenet imagenet_utils inception_resnet_v2 inception_v3 mobilenet mobilenet_v2 "
    "mobilenetv2 nasnet resnet50 vgg16 vgg19 xception",
    "backend": "common tensorflow_backend",
    "datasets": "boston_housing cifar cifar10 cifar100 fashion_mnist imdb mnist reuters",
    "engine": "base_layer input_layer network saving sequential topology training training_arrays "
    "training_generator training_utils",
    "layers": "advanced_activations convolutional convolutional_recurrent core cudnn_recurrent embeddings "
    "local merge noise normalization pooling recurrent wrappers",
    "legacy": "interfaces layers",
    "preprocessing": "image sequence text",
    "utils": "conv_utils data_utils generic_utils io_utils layer_utils multi_gpu_utils np_utils test_utils "
    "training_utils vis_utils",
    "wrappers": "scikit_learn",
}

# The modules and packages of Keras.
KERAS = frozenset(
    (
        *"activations callbacks constraints initializers losses metrics models objectives optimizers".split(),
        "regularizers",
        *_PACKAGES,
        *(f"{package}.{name}" for package, names in _PACKAGES.items() for name in names.split()),
    )
)

# What modules of Keras import for their own use, and scripts take from there: modules, in all of them, ...
MODULES = {
    "K": "backend",
    "activations": "activations",
    "constraints": "constraints",
    "conv_utils": "utils.conv_utils",
    "initializers": "initializers",
    "interfaces": "legacy.interfaces",
    "regularizers": "regularizers",
}

# ... and names, in all modules of these packages.
_BUILDERS = ("engine", "layers", "legacy", "models")
_COMMON = {
    "engine.base_layer": "Layer",
    "engine.call.checks": "InputSpec",
    "engine.layer.hand_made": "Node",
    "utils.generic_utils": "deserialize_keras_object has_arg is_all_none serialize_keras_object slice_arrays "
    "to_list transpose_shape unpack_singleton",
}

_OURS = ("TYPE_CHECKING", "aliases", "annotations")  # of `import *`, what is not Keras's

# Names that cannot be here, and what to use instead.
# Where a name is looked for that a script asks for in another module.
_PUBLIC = (
    "layers models optimizers losses metrics callbacks initializers regularizers constraints utils".split()
)
_INSTEAD = {
    "tf": " There is no TensorFlow here: use the functions of jkeras.backend, or jax.numpy.",
    "theano": " There is no Theano here: use the functions of jkeras.backend, or jax.numpy.",
}

# Path of Keras, below the package → {module here: names, "*" for all of its public names}. Names with
# `_` are of Keras's inside, and packages lean on them; `theirs=ours` is said where the name here is another.
TABLE: dict[str, dict[str, str]] = {
    # Modules that have no file here.
    "backend.common": {"core.settings": "*"},
    "backend.tensorflow_backend": {"backend": "*", **_TENSORFLOW},
    "engine.network": {
        **_INPUT,
        **_SOURCES,
        "models": "Network",
        "engine.layer.keras_internals": "_make_node_key=node_key object_list_uid",
        "models.keras_graph": "_map_graph_network=map_graph_network",
        "utils.io_utils": "ask_to_proceed_with_overwrite",
    },
    "engine.saving": {
        "saving": "load_model model_from_config model_from_json model_from_yaml save_model",
        "keras_internals.hdf5_groups": "*",
        "utils.io_utils": "ask_to_proceed_with_overwrite h5dict",
    },
    "engine.sequential": {**_INPUT, "models": "Model Sequential"},
    "engine.topology": {**_INPUT, **_SOURCES, "models": "Network", "keras_internals.hdf5_groups": "*"},
    "engine.training": {"models": "Model Network", "keras_internals.training_utils": "*"},
    "engine.training_arrays": {
        "core.progbar": "Progbar",
        "keras_internals.training_loops": "fit_loop predict_loop test_loop",
        "keras_internals.training_utils": "batch_shuffle check_num_samples make_batches",
    },
    "engine.training_generator": {
        "core.progbar": "Progbar",
        "keras_internals.training_loops": "fit_generator evaluate_generator predict_generator",
        "keras_internals.training_utils": "iter_sequence_infinite",
        "utils.data_utils": "GeneratorEnqueuer OrderedEnqueuer Sequence",
    },
    "engine.training_utils": {"keras_internals.training_utils": "*"},
    "layers.convolutional_recurrent": {
        "keras_internals.layer_bases": _DROPOUT,
        "layers.recurrent": "ConvRNN2D ConvLSTM2DCell ConvLSTM2D RNN Recurrent",
        "layers.legacy_layers": "ConvRecurrent2D",
    },
    "layers.cudnn_recurrent": {
        "layers.recurrent": "CuDNNGRU CuDNNLSTM RNN",
        "layers.recurrent.cudnn": "_CuDNNRNN=_CuDNN",
    },
    "legacy": {},
    "legacy.interfaces": {"compat.legacy_interfaces": "*"},
    "legacy.layers": {"layers.legacy_layers": "*"},
    "objectives": {"losses": "*"},
    "utils.training_utils": {
        "utils.multi_gpu_utils": "multi_gpu_model",
        "keras_internals.utils": _DEVICES,
        "models": "Model clone_model",
        "layers": "Lambda concatenate",
    },
    # Further names of modules that have a file.
    "backend": {
        "compat.as_keras": "_BACKEND=_backend",
        "keras_internals.backend": "tf",
        "utils.generic_utils": "transpose_shape",
    },
    "engine": {**_INPUT, **_SOURCES, "models": "Model Sequential Network"},
    "activations": {"engine.base_layer": "Layer"},
    "callbacks": {"keras_internals.training_utils": "standardize_input_data"},
    "engine.base_layer": {
        "core.names": "_to_snake_case=snake_case",
        "engine.layer.keras_internals": "_collect_input_shape=collect_input_shape object_list_uid "
        "_collect_previous_mask=collect_previous_mask",
        "utils.layer_utils": "count_params",
    },
    "layers.convolutional": {
        "keras_internals.layer_bases": "_Conv _Cropping _SeparableConv _UpSampling _ZeroPadding",
        "layers.pooling": _POOLING,
        "layers.global_pooling": _GLOBAL,
        "layers.legacy_layers": "AtrousConv1D AtrousConv2D AtrousConvolution1D AtrousConvolution2D",
    },
    "layers": {**_FUNCTIONS, "layers.convolutional": _TRANSPOSES},
    "layers.core": {"layers.lambda_layer": "Lambda", **_FUNCTIONS},
    "layers.pooling": {"layers.global_pooling": _GLOBAL, "keras_internals.layer_bases": _POOLING_BASES},
    "layers.recurrent": {
        "layers.legacy_layers": "ConvRecurrent2D Recurrent",
        "keras_internals.layer_bases": _DROPOUT,
    },
    "layers.wrappers": {"engine.layer.keras_internals": "object_list_uid"},
    "models": {
        **_INPUT,
        "models.clone": "_clone_functional_model=clone_model _clone_sequential_model=clone_model",
    },
    "preprocessing": {
        "preprocessing.batches": "timeseries_dataset_from_array",
        "preprocessing.directories": "image_dataset_from_directory text_dataset_from_directory",
    },
    "optimizers": {"utils.generic_utils": "deserialize_keras_object serialize_keras_object"},
    "utils": {
        "utils.io_utils": "HDF5Matrix H5Dict h5dict",
        "utils.data_utils": "GeneratorEnqueuer OrderedEnqueuer Sequence",
        "utils.layer_utils": "convert_all_kernels_in_model get_source_inputs print_summary",
        "backend": "clear_session is_keras_tensor standardize_dtype",
        "core.sequence": "OwnBatches PyDataset",
        "preprocessing.batches": "timeseries_dataset_from_array",
        "preprocessing.directories": "image_dataset_from_directory text_dataset_from_directory",
        "preprocessing.image": "array_to_img img_to_array load_img save_img",
        "preprocessing.sequence": "pad_sequences",
        "utils.multi_gpu_utils": "multi_gpu_model",
        "utils.vis_utils": "model_to_dot plot_model",
    },
    "utils.data_utils": {
        "keras_internals.utils": "_extract_archive _hash_file get_index init_pool init_pool_generator "
        "next_sample",
        "utils.generic_utils": "Progbar",
    },
    "utils.generic_utils": {
        "core.registry": "_GLOBAL_CUSTOM_OBJECTS=_custom_objects",
        "engine.layer.keras_internals": "object_list_uid",
    },
    "utils.multi_gpu_utils": {
        "keras_internals.utils": _DEVICES,
        "utils.generic_utils": "to_list",
        "models": "clone_model",
        "layers": "Lambda concatenate",
    },
    "wrappers.scikit_learn": {"utils.generic_utils": "to_list"},
    "utils.test_utils": {"layers": "Input", "models": "Model", "utils.generic_utils": "has_arg"},
}


def lazy(module: str) -> Callable[..., Any]:
    """A `__getattr__` for `module` that finds the names which the table gives it, and its submodules.

    Names that are found this way are also in `dir(module)` and, if the module does not say what is, in
    `import *`.

    Args:
        module: full name, `__name__` of the module that asks.

    Returns:
        The function; it raises the AttributeError of `missing` for a name that is nowhere, or whose module
        cannot be imported.

    Example:
        >>> lazy("jkeras.engine")("Layer").__name__
        'Layer'
    """
    path = module.removeprefix(f"{ROOT}.")
    here = sys.modules[module]

    def __dir__() -> list[str]:
        return sorted({*vars(here), *names_of(path)})

    def __getattr__(name: str):
        if name == "__all__":
            return [n for n in __dir__() if not n.startswith("_") and n not in _OURS]
        try:
            held = _further(here, path, name)
        except ImportError as error:
            raise AttributeError(f"{module}.{name} cannot be imported: {error}", name=name) from error
        if held is None:
            raise missing(module, name, __dir__)
        return held[0]

    vars(here).setdefault("__dir__", __dir__)
    return __getattr__


def _further(here: ModuleType, path: str, name: str) -> tuple[Any, ...] | None:
    """The value of a name that the module at `path` does not have itself, as a tuple of one, or None."""
    if name in MODULES:
        return (_imported(MODULES[name]),)
    held = _listed_value(path, name)
    if held is not None:
        return held
    if name in imported_names.names(path):
        return (imported_names.find(path, name),)
    full = f"{here.__name__}.{name}"
    if name.startswith("_") or "__path__" not in vars(here) or importlib.util.find_spec(full) is None:
        return None
    return (importlib.import_module(full),)


def missing(module: str, name: str, names: Callable[[], Iterable[str]]) -> AttributeError:
    """The error for a name that a module does not have, for its `__getattr__` to raise.

    Args:
        module: full name.
        name: what was asked for.
        names: gives what there is.

    Returns:
        An AttributeError that says what to use instead: what the module's `_RENAMED` says, or the names most
        like the one asked for. `from module import name` is Python's own ImportError, which from Python 3.12
        on suggests a name in `dir(module)`.

    Example:
        >>> print(missing("jkeras.core", "Dens", lambda: ["Dense", "Permute"]))
        module 'jkeras.core' has no attribute 'Dens'. Did you mean 'Dense'?
    """
    hint = "" if name.startswith("_") else _hint(sys.modules[module], name, names())
    return AttributeError(f"module {module!r} has no attribute {name!r}.{hint}", name=name)


def _hint(here: ModuleType, name: str, names: Iterable[str]) -> str:
    own = vars(here)
    renamed = own.get("_RENAMED", {})
    advice = later_names.instead(here.__name__.removeprefix(ROOT).removeprefix("."), name)
    if advice is not None:
        return f" It is in Keras 3, and not here: {advice}."
    if name in _INSTEAD or name in renamed:
        return _INSTEAD.get(name) or f" In Keras 2.2.4 use {renamed[name]}."
    foreign = imported_names.names(here.__name__.removeprefix(f"{ROOT}."))
    ours = (n for n in names if n not in foreign and (n not in own or _origin(own[n]).startswith(ROOT)))
    if home := _other_home(here, name):
        return f" It is {home}.{name}."
    ours = [n for n in ours if not (name[:1].isupper() and _is_module(here, n))]
    alike = [n for n in ours if n[:1].isupper() == name[:1].isupper()]  # a class for a class
    registry = importlib.import_module("jkeras.core.registry")  # late: `import jkeras` is to stay light
    found: Iterator[str] = (registry.suggest(name, dict.fromkeys(names, object)) for names in (alike, ours))
    return next((text for text in found if text), "")


def _other_home(here: ModuleType, name: str) -> str | None:
    """The public module that has a name which is asked for in the wrong one."""
    homes = (f"{ROOT}.{home}" for home in _PUBLIC)
    return next((h for h in homes if h != here.__name__ and name in dir(importlib.import_module(h))), None)


def _is_module(here: ModuleType, name: str) -> bool:
    return isinstance(vars(here).get(name), ModuleType) or (
        "__path__" in vars(here) and importlib.util.find_spec(f"{here.__name__}.{name}") is not None
    )


def _origin(value: Any) -> str:
    return str(getattr(value, "__module__", None) or getattr(value, "__name__", ""))


def _homes(path: str) -> list[tuple[str, str]]:
    """(home, names) of a module's further names: the table, then what Keras's modules import."""
    common = _COMMON if path.partition(".")[0] in _BUILDERS else {}
    return [(home, names) for home, names in (*TABLE.get(path, {}).items(), *common.items()) if home != path]


def _listed(names: str) -> dict[str, str]:
    """{name in Keras: name here}."""
    pairs = (name.partition("=") for name in names.split())
    return {theirs: ours or theirs for theirs, _, ours in pairs}


def _listed_value(path: str, name: str) -> tuple[Any, ...] | None:
    """The value that the module at `path` gets as `name` from another, as a tuple of one, or None."""
    for home, names in _homes(path):
        public = names == "*" and not name.startswith("_")
        ours = name if public else _listed(names).get(name)
        module = _imported(home) if ours is not None else None
        if ours is not None and hasattr(module, ours):
            return (getattr(module, ours),)
    return None


def _imported(path: str) -> ModuleType | None:
    """The module here at `path`; None where there is none."""
    full = f"{ROOT}.{path}"
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        return None


def _public(module: Any) -> list[str]:
    """The names of a module that are not what it imports from elsewhere."""
    values = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return [
        name
        for name, value in values.items()
        if not isinstance(value, ModuleType) and (not _origin(value) or _origin(value).startswith(ROOT))
    ]


def names_of(path: str) -> list[str]:
    """The names that the table gives the module at `path` below the package, as far as they exist.

    Example:
        >>> names_of("utils.training_utils")[-2:]
        ['multi_gpu_model', 'regularizers']
    """
    known = {other.removeprefix(f"{path}.") for other in TABLE if other.startswith(f"{path}.")}
    known |= set(imported_names.names(path))
    known |= set(MODULES)
    for home, names in _homes(path):
        module = _imported(home)
        listed = {n: n for n in _public(module)} if names == "*" else _listed(names)
        known |= {theirs for theirs, ours in listed.items() if hasattr(module, ours)}
    return sorted(known)


class Source(SourceFileLoader):
    """Loads a module of Keras from its file here; it finds further names when they are asked for."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; a `__getattr__` that it has itself takes the place of ours."""
        vars(module)["__getattr__"] = lazy(module.__name__)
        super().exec_module(module)


class Importer:
    """Finds the modules of this package: a meta path finder before Python's own, which it asks for files."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of a module that has a file, or that is in the table; else None."""
        package, _, inner = fullname.partition(".")
        if package != ROOT or not inner:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        told = inner in KERAS or inner in later_names.MODULES
        if spec is not None and told and type(spec.loader) is SourceFileLoader:
            spec.loader = Source(spec.loader.name, spec.loader.path)
        elif spec is None and inner in TABLE:
            has_children = any(other.startswith(f"{inner}.") for other in TABLE)
            spec = ModuleSpec(fullname, Importer, is_package=has_children)  # type: ignore[arg-type]
        return spec

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Python's own empty module will do."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Let the module find its names when they are asked for, `__all__` (of `import *`) too."""
        name = module.__name__
        module.__doc__ = f"The names of Keras's {name.removeprefix(f'{ROOT}.')}, which live elsewhere here."
        vars(module)["__getattr__"] = lazy(name)


def install() -> None:
    """Put the importer on Python's list, once."""
    if Importer not in sys.meta_path:
        sys.meta_path.insert(0, Importer)
