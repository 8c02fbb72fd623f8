"""The table of Keras's paths and names, and the importer behind it."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest

import jkeras
from jkeras.compat import imported_names, module_aliases


@pytest.mark.parametrize("path", module_aliases.TABLE)
def test_every_home_of_the_table_has_the_name(path):
    module = importlib.import_module(f"jkeras.{path}")
    for name in module_aliases.names_of(path):
        assert hasattr(module, name), name


@pytest.mark.parametrize(
    "path, name, home",
    [
        ("engine", "Layer", "layers"),
        ("engine.topology", "Input", "layers"),
        ("engine.training", "Model", "models"),
        ("legacy.layers", "MaxoutDense", "layers"),
        ("legacy.interfaces", "legacy_dense_support", "compat.legacy_interfaces"),
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


@pytest.mark.parametrize(
    "module, names",
    [
        ("callbacks", "np os csv json time warnings sys io deque OrderedDict Iterable K Callback"),
        ("layers", "np copy warnings namedtuple python_types func_dump func_load Layer Dense"),
        ("layers.core", "np copy warnings func_load Lambda"),
        ("models", "h5py Input Sequential"),
        ("backend", "np os sys json py_sum py_all dot"),
        ("optimizers", "copy SGD"),
        ("engine.topology", "Layer InputLayer Network"),
        ("engine.training", "np copy warnings losses optimizers metrics_module standardize_input_data Model"),
        ("utils.generic_utils", "np sys time marshal inspect Progbar func_dump"),
        ("utils.data_utils", "np os time threading multiprocessing queue urlopen Sequence"),
        ("utils.test_utils", "np layer_test get_test_data assert_allclose Input Model has_arg K"),
        ("initializers", "np glorot_uniform"),
    ],
)
def test_import_star_has_what_the_module_of_keras_imports(module, names):
    found: dict = {}
    exec(f"from jkeras.{module} import *", found)
    assert not [name for name in names.split() if name not in found]
    assert found.get("np", np) is np and "jkeras" not in found


def test_what_a_module_imports_is_no_hint():
    with pytest.raises(AttributeError) as caught:
        _ = jkeras.callbacks.tim
    assert "'time'" not in str(caught.value)


def test_names_that_are_imported_exist():
    for path in imported_names._NAMES:
        for name in imported_names.names(path):
            assert imported_names.find(path, name) is not None


@pytest.mark.parametrize(
    "path, names",
    [
        ("backend", "_BACKEND"),
        (
            "backend.tensorflow_backend",
            "_get_available_gpus _has_nchw_support _to_tensor _preprocess_conv1d_input _preprocess_padding "
            "_preprocess_conv2d_input _preprocess_conv3d_input _regular_normalize_batch_in_training",
        ),
        ("engine.base_layer", "_collect_input_shape _collect_previous_mask _to_snake_case object_list_uid"),
        ("engine.network", "_make_node_key _map_graph_network object_list_uid"),
        ("layers.convolutional", "_Conv _Cropping _SeparableConv _UpSampling _ZeroPadding"),
        (
            "layers.pooling",
            "_Pooling1D _Pooling2D _Pooling3D _GlobalPooling1D _GlobalPooling2D _GlobalPooling3D",
        ),
        ("layers.merge", "_Merge"),
        ("layers.recurrent", "_generate_dropout_mask _standardize_args"),
        ("layers.convolutional_recurrent", "_generate_dropout_mask _standardize_args"),
        ("layers.cudnn_recurrent", "_CuDNNRNN"),
        ("models", "_clone_functional_model _clone_sequential_model"),
        ("utils.data_utils", "_hash_file"),
        ("utils.generic_utils", "_GLOBAL_CUSTOM_OBJECTS object_list_uid"),
        ("utils.multi_gpu_utils", "_get_available_devices _normalize_device_name"),
    ],
)
def test_names_of_the_inside(path, names):
    module = importlib.import_module(f"jkeras.{path}")
    assert not [name for name in names.split() if not hasattr(module, name)]
    found: dict = {}
    exec(f"from jkeras.{path} import *", found)
    assert not {*names.split()} & found.keys() - {"object_list_uid"}  # not by `import *`, as everywhere


def test_the_live_dict_of_custom_objects():
    from jkeras.utils.generic_utils import _GLOBAL_CUSTOM_OBJECTS, get_custom_objects

    assert _GLOBAL_CUSTOM_OBJECTS is get_custom_objects()


def test_submodules_are_attributes():
    """In a process of its own, where nothing has imported them yet."""
    code = (
        "import jkeras\n"
        "assert jkeras.backend.tensorflow_backend.set_session is jkeras.backend.set_session\n"
        "assert jkeras.legacy.layers.MaxoutDense is jkeras.layers.MaxoutDense\n"
        "assert jkeras.engine.topology.Layer is jkeras.layers.Layer\n"
        "assert jkeras.preprocessing.image.ImageDataGenerator and jkeras.preprocessing.sequence\n"
        "import jkeras.engine.training as T, inspect, pickle, pydoc\n"
        "assert T.Model is jkeras.Model and ('Model', T.Model) in inspect.getmembers(T)\n"
        "assert pickle.loads(pickle.dumps(T.Model)) is T.Model and 'Model' in pydoc.render_doc(T)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "module, name, hint",
    [
        ("jkeras.layers", "Conv2d", "Here it is 'Conv2D'"),  # a package
        ("jkeras.layers.noise", "GausianNoise", "Did you mean .*'GaussianNoise'"),  # a file
        ("jkeras.engine.topology", "Layr", "Did you mean .*'Layer'"),  # neither
        ("jkeras.losses", "KLDivergense", "Did you mean .*'KLDivergence'"),
        ("jkeras.layers", "tf", "no TensorFlow here: use .*jax.numpy"),
        ("jkeras", "Modell", "Did you mean 'Model'"),
        ("jkeras.layers.core", "Dens", "Did you mean 'Dense'"),
        ("jkeras.engine.saving", "load_modl", "Did you mean 'load_model'"),
        ("jkeras", "layer", "Did you mean 'layers'"),
    ],
)
def test_a_missing_name_is_an_error_that_tells_close_ones(module, name, hint):
    home = importlib.import_module(module)
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'.*{hint}"):
        getattr(home, name)
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from '{module}'"):
        exec(f"from {module} import {name}")
    assert not hasattr(home, name)


def test_a_module_that_cannot_be_imported_is_no_attribute(monkeypatch):
    def broken(path, name):
        raise ImportError("cannot load libhdf5")

    monkeypatch.setattr(module_aliases.imported_names, "find", broken)
    with pytest.raises(AttributeError, match="jkeras.models.h5py cannot be imported: cannot load libhdf5"):
        _ = jkeras.models.h5py


def test_only_paths_of_keras_look_names_up():
    def has(name):
        return "__getattr__" in vars(importlib.import_module(name))

    assert all(has(f"jkeras.{path}") for path in module_aliases.KERAS)
    ours = "core.types engine.graph engine.layer.weights layers.global_pooling training.run.loop saving.seal"
    assert not [name for name in ours.split() if has(f"jkeras.{name}")]
    assert set(module_aliases.TABLE) <= module_aliases.KERAS


def test_what_is_missing_is_missing_for_python_too():
    from jkeras.layers import noise

    assert not hasattr(noise, "Foo") and getattr(noise, "__path__", None) is None
    assert inspect.getsource(noise.GaussianNoise).startswith("class GaussianNoise")
    with pytest.raises(ImportError) as caught:
        from jkeras.layers.noise import Foo as Foo
    assert (caught.value.name, caught.value.path) == ("jkeras.layers.noise", noise.__file__)


@pytest.mark.parametrize(
    "path",
    "engine engine.topology engine.base_layer legacy.layers layers layers.advanced_activations "
    "layers.convolutional layers.core layers.embeddings layers.local layers.noise layers.normalization "
    "layers.recurrent layers.wrappers".split(),
)
def test_what_modules_of_keras_import_is_in_them(path):
    module = importlib.import_module(f"jkeras.{path}")
    assert module.InputSpec is jkeras.layers.InputSpec and module.Layer is jkeras.layers.Layer
    assert module.K is jkeras.backend and module.to_list is jkeras.utils.generic_utils.to_list
    assert module.initializers is jkeras.initializers


def test_only_what_is_of_keras_has_the_names_of_keras():
    from jkeras.training.data import samples

    assert not hasattr(samples, "K") and not hasattr(jkeras.losses, "InputSpec")


def test_unknown_paths():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'jkeras\.engine\.nothing'"):
        importlib.import_module("jkeras.engine.nothing")
    with pytest.raises(ModuleNotFoundError, match="is not a package"):
        importlib.import_module("jkeras.objectives.deeper")


def test_import_jkeras_stays_light():
    code = "import sys, jkeras; print(*(m for m in sys.modules if m.startswith(('jkeras', 'jax', 'numpy'))))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(out.split()) == {
        "jkeras",
        *(
            f"jkeras.{n}"
            for n in "compat compat.imported_names compat.later_names compat.module_aliases core "
            "core.display core.frames core.tracebacks version".split()
        ),
    }


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
