"""Where the names of Keras 2.2.4 live here: one table, and an importer that makes the modules of other paths.

A module of Keras that has no file here (`jkeras.engine.topology`) comes into being when it is imported; it
looks its names up when they are asked for. A module that has a file may have further names of Keras in the
table: it says `__getattr__ = aliases.lazy(__name__)`. In both, the modules that Keras's modules import for
their own use (`K`) are there, too: `from keras.layers import *` gives a script `K`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType

ROOT = "jkeras"

_GLOBAL = " ".join(
    f"Global{kind}{n}D" for kind in ("AveragePooling", "MaxPooling", "AvgPool", "MaxPool") for n in (1, 2, 3)
)
_POOLING = " ".join(f"{kind}Pooling{n}D" for kind in ("Average", "Max") for n in (1, 2, 3))
_LAYER = {"engine.base_layer": "Layer", "engine.checks": "InputSpec", "engine.symbolic": "Node"}
_INPUT = {"engine.input_layer": "Input InputLayer"}
_LISTS = {"utils.generic_utils": "has_arg is_all_none slice_arrays to_list unpack_singleton"}
_SOURCES = {"utils.layer_utils": "get_source_inputs"}

# Modules that are names in the modules of Keras.
MODULES = {
    "K": "backend",
    "activations": "activations",
    "constraints": "constraints",
    "conv_utils": "utils.conv_utils",
    "initializers": "initializers",
    "interfaces": "legacy.interfaces",
    "regularizers": "regularizers",
}

_OURS = ("TYPE_CHECKING", "aliases", "annotations")  # of `import *`, what is not Keras's

# Names that cannot be here, and what to use instead.
_INSTEAD = {
    "tf": "there is no TensorFlow here; use the functions of jkeras.backend, or jax.numpy",
    "theano": "there is no Theano here; use the functions of jkeras.backend, or jax.numpy",
}

# Path of Keras, below the package → {module here: names, "*" for all of its public names}.
TABLE: dict[str, dict[str, str]] = {
    # Modules that have no file here.
    "backend.common": {"core.settings": "*"},
    "backend.tensorflow_backend": {"backend": "*"},
    "engine.network": {**_LAYER, **_INPUT, **_LISTS, **_SOURCES, "models": "Network"},
    "engine.saving": {
        "saving": "load_model model_from_config model_from_json model_from_yaml save_model",
        "utils.io_utils": "ask_to_proceed_with_overwrite",
    },
    "engine.sequential": {**_LAYER, **_INPUT, "models": "Model Sequential"},
    "engine.topology": {**_LAYER, **_INPUT, **_SOURCES, "models": "Network"},
    "engine.training": {**_LAYER, **_LISTS, "models": "Model Network"},
    "engine.training_arrays": {**_LISTS, "core.progbar": "Progbar"},
    "engine.training_generator": {
        **_LISTS,
        "core.progbar": "Progbar",
        "utils.data_utils": "GeneratorEnqueuer OrderedEnqueuer Sequence",
    },
    "engine.training_utils": {**_LISTS},
    "layers.convolutional_recurrent": {
        "layers.recurrent": "ConvRNN2D ConvLSTM2DCell ConvLSTM2D RNN Recurrent",
        "layers.legacy_layers": "ConvRecurrent2D",
        **_LAYER,
    },
    "layers.cudnn_recurrent": {"layers.recurrent": "CuDNNGRU CuDNNLSTM RNN", **_LAYER},
    "legacy": {},
    "legacy.interfaces": {"engine.interfaces": "*"},
    "legacy.layers": {"layers.legacy_layers": "*", **_LAYER, "utils.generic_utils": "to_list"},
    "objectives": {"losses": "*"},
    "utils.training_utils": {
        "utils.multi_gpu_utils": "multi_gpu_model",
        "models": "Model clone_model",
        "layers": "Lambda concatenate",
    },
    # Further names of modules that have a file.
    "backend": {"utils.generic_utils": "transpose_shape"},
    "engine": {**_LAYER, **_INPUT, **_SOURCES, "models": "Model Sequential Network"},
    "engine.base_layer": {**_LAYER, **_LISTS, "utils.layer_utils": "count_params"},
    "layers": {},
    "layers.convolutional": {
        "layers.pooling": _POOLING,
        "layers.global_pooling": _GLOBAL,
        "layers.legacy_layers": "AtrousConv1D AtrousConv2D AtrousConvolution1D AtrousConvolution2D",
        **_LAYER,
    },
    "layers.core": {"layers.lambda_layer": "Lambda", **_LAYER},
    "layers.pooling": {"layers.global_pooling": _GLOBAL, **_LAYER},
    "layers.recurrent": {"layers.legacy_layers": "ConvRecurrent2D Recurrent", **_LAYER},
    "models": {**_INPUT, "utils.generic_utils": "has_arg to_list"},
    "utils": {
        "utils.io_utils": "HDF5Matrix H5Dict h5dict",
        "utils.data_utils": "GeneratorEnqueuer OrderedEnqueuer Sequence",
        "utils.layer_utils": "convert_all_kernels_in_model get_source_inputs print_summary",
        "utils.multi_gpu_utils": "multi_gpu_model",
        "utils.vis_utils": "plot_model",
    },
}


def lazy(module: str) -> Callable:
    """A `__getattr__` for `module` that finds the names which the table gives it, and its submodules.

    What is found this way is also in `dir(module)` and, if the module does not say what is, in `import *`.

    Args:
        module: full name, `__name__` of the module that asks.

    Returns:
        The function; it raises AttributeError for a name that the table does not have.

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
        if name in MODULES:
            return _imported(MODULES[name])
        home = _home(TABLE[path], name)
        if home is not None:
            return getattr(home, name)
        if not name.startswith("_") and hasattr(here, "__path__"):
            if importlib.util.find_spec(f"{module}.{name}") is not None:
                return importlib.import_module(f"{module}.{name}")
        why = f": {_INSTEAD[name]}" if name in _INSTEAD else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{why}", name=name, obj=here)

    vars(here).setdefault("__dir__", __dir__)
    return __getattr__


def _home(homes: dict[str, str], name: str) -> ModuleType | None:
    """The module among `homes` that has `name`."""
    if name.startswith("_"):
        return None
    for path, names in homes.items():
        if names == "*" or name in names.split():
            home = _imported(path)
            if hasattr(home, name):
                return home
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


def names_of(path: str) -> list[str]:
    """The names that the table gives the module at `path` below the package, as far as they exist.

    Example:
        >>> names_of("utils.training_utils")[-2:]
        ['multi_gpu_model', 'regularizers']
    """
    found = set(MODULES) | {other.removeprefix(f"{path}.") for other in TABLE if other.startswith(f"{path}.")}
    for home, names in TABLE[path].items():
        module = _imported(home)
        listed = dir(module) if names == "*" else names.split()
        found |= {n for n in listed if not n.startswith("_") and hasattr(module, n)}
    return sorted(found)


class Importer:
    """Finds the modules of the table that have no file: a meta path finder behind Python's own."""

    @staticmethod
    def find_spec(fullname: str, path=None, target=None) -> ModuleSpec | None:
        """The spec of a module of the table, else None."""
        package, _, inner = fullname.partition(".")
        if package != ROOT or inner not in TABLE:
            return None
        has_children = any(other.startswith(f"{inner}.") for other in TABLE)
        return ModuleSpec(fullname, Importer, is_package=has_children)  # type: ignore[arg-type]

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
        sys.meta_path.append(Importer)
