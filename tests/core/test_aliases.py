"""The table of Keras's paths and names, and the importer behind it."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import jkeras
from jkeras.core import aliases


@pytest.mark.parametrize("path", aliases.TABLE)
def test_every_home_of_the_table_has_the_name(path):
    module = importlib.import_module(f"jkeras.{path}")
    for name in aliases.names_of(path):
        assert hasattr(module, name), name


@pytest.mark.parametrize(
    "path, name, home",
    [
        ("engine", "Layer", "layers"),
        ("engine.topology", "Input", "layers"),
        ("engine.training", "Model", "models"),
        ("legacy.layers", "MaxoutDense", "layers"),
        ("legacy.interfaces", "legacy_dense_support", "engine.interfaces"),
        ("layers.convolutional", "MaxPooling2D", "layers"),
        ("layers.core", "Lambda", "layers"),
        ("layers.pooling", "GlobalMaxPooling1D", "layers"),
        ("layers.recurrent", "Recurrent", "layers"),
        ("models", "Input", "layers"),
        ("objectives", "mean_squared_error", "losses"),
        ("backend.tensorflow_backend", "set_session", "backend"),
        ("utils.training_utils", "multi_gpu_model", "utils"),
    ],
)
def test_a_name_is_the_same_object_everywhere(path, name, home):
    found = getattr(importlib.import_module(f"jkeras.{path}"), name)
    assert found is getattr(importlib.import_module(f"jkeras.{home}"), name)


def test_import_star():
    names: dict = {}
    exec("from jkeras.engine.topology import *\nfrom jkeras.objectives import *", names)
    assert {"Layer", "Input", "InputSpec", "mean_squared_error", "hinge"} <= names.keys()
    assert "aliases" not in names


@pytest.mark.parametrize(
    "module, others",
    [
        ("layers", "Dense core Lambda activations initializers conv_utils interfaces"),
        ("layers.core", "Dense Lambda"),
        ("models", "Sequential Input load_model"),
        ("engine", "Layer Input topology training"),
        ("utils", "to_categorical Sequence multi_gpu_model HDF5Matrix"),
        ("backend", "sum tensorflow_backend common"),
    ],
)
def test_import_star_and_dir_have_what_keras_has(module, others):
    """`K` among it, which many a script got from `from keras.layers import *`."""
    names: dict = {}
    exec(f"from jkeras.{module} import *", names)
    assert names["K"] is jkeras.backend
    assert set(others.split()) <= names.keys() & set(dir(importlib.import_module(f"jkeras.{module}")))
    assert not {"aliases", "TYPE_CHECKING"} & names.keys()


def test_submodules_are_attributes():
    """In a process of its own, where nothing has imported them yet."""
    code = (
        "import jkeras\n"
        "assert jkeras.backend.tensorflow_backend.set_session is jkeras.backend.set_session\n"
        "assert jkeras.legacy.layers.MaxoutDense is jkeras.layers.MaxoutDense\n"
        "assert jkeras.engine.topology.Layer is jkeras.layers.Layer\n"
        "import jkeras.engine.training as T, inspect, pickle, pydoc\n"
        "assert T.Model is jkeras.Model and ('Model', T.Model) in inspect.getmembers(T)\n"
        "assert pickle.loads(pickle.dumps(T.Model)) is T.Model and 'Model' in pydoc.render_doc(T)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_and_paths():
    with pytest.raises(ImportError, match="cannot import name 'Tensorrr'"):
        exec("from jkeras.engine.topology import Tensorrr")
    with pytest.raises(AttributeError, match=r"module 'jkeras\.models' has no attribute 'Layr'"):
        _ = jkeras.models.Layr
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'jkeras\.engine\.nothing'"):
        importlib.import_module("jkeras.engine.nothing")
    with pytest.raises(AttributeError, match="no TensorFlow here; use .*jax.numpy"):
        _ = jkeras.backend.tf
    with pytest.raises(ModuleNotFoundError, match="is not a package"):
        importlib.import_module("jkeras.objectives.deeper")


def test_import_jkeras_stays_light():
    code = "import sys, jkeras; print(*(m for m in sys.modules if m.startswith(('jkeras', 'jax', 'numpy'))))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(out.split()) == {"jkeras", "jkeras.core", "jkeras.core.aliases", "jkeras.version"}


def test_layers_written_for_keras_1_decorators():
    from jkeras.legacy import interfaces

    class Thrice(jkeras.layers.Dense):
        @interfaces.legacy_dense_support
        def __init__(self, units, **kwargs):
            super().__init__(3 * units, **kwargs)

    with pytest.warns(
        UserWarning, match=r"Update your `Thrice` call to the Keras 2 API: `Thrice\(units=2\)`"
    ):
        assert Thrice(output_dim=2).units == 6

    seen = []

    def preprocess(args, kwargs):
        seen.append(len(args))
        kwargs["by"] = kwargs.pop("factor")
        return args, kwargs, [("by", "factor")]

    class Scale:
        @interfaces.generate_legacy_interface(["by"], preprocessor=preprocess)
        def __init__(self, by):
            self.by = by

    with pytest.warns(UserWarning, match="Scale"):
        assert Scale(factor=2).by == 2
    assert seen == [1]  # with `self`, as in Keras
    with pytest.raises(TypeError, match="legacy keyword argument `nb` and the Keras 2 keyword argument `n`"):
        interfaces.raise_duplicate_arg_error("nb", "n")
