"""`import keras` as jkeras: what it finds, what stands in its way, and the undoing."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys

import pytest

import jkeras
from jkeras.compat import as_keras


@pytest.fixture(autouse=True)
def undo():
    """No test leaves a trace in the import system; what other tests have imported is set aside."""
    before = {name: m for name, m in sys.modules.items() if name.partition(".")[0] in ("keras", "tensorflow")}
    for name in before:
        del sys.modules[name]
    yield
    jkeras.uninstall_as_keras()
    for name in [n for n in sys.modules if n.partition(".")[0] in ("keras", "tensorflow")]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Another Keras, and a TensorFlow whose `keras` comes from it, both installed."""
    (tmp_path / "keras" / "layers").mkdir(parents=True)
    (tmp_path / "keras" / "__init__.py").write_text("__version__ = '3.0'\n")
    (tmp_path / "keras" / "layers" / "__init__.py").write_text("Dense = 'the other Dense'\n")
    (tmp_path / "keras" / "_tf.py").write_text("keras = 'for TensorFlow'\n")
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text(
        "def __getattr__(name):\n"
        "    if name == 'keras':\n"
        "        import keras._tf\n"
        "        return keras._tf.keras\n"
        "    raise AttributeError(name)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


SCRIPT = """
import keras
import keras.backend as K
from keras import layers, losses
from keras.layers import Dense
from keras.layers.core import Lambda
from keras.engine.topology import Layer
from keras.utils.np_utils import to_categorical
from keras.backend.tensorflow_backend import set_session
import keras.utils.generic_utils
"""


def test_a_script_finds_jkeras():
    names: dict = {}
    with jkeras.install_as_keras():
        exec(SCRIPT, names)
    keras = names["keras"]
    assert keras.__version__ == "2.2.4" and jkeras.__version__ != "2.2.4"
    assert names["Dense"] is jkeras.layers.Dense and names["layers"] is jkeras.layers
    assert names["K"] is jkeras.backend and names["Lambda"] is jkeras.layers.Lambda
    assert keras.Model is jkeras.Model and keras.utils.generic_utils is jkeras.utils.generic_utils
    assert "layers" in dir(keras)
    # The modules of jkeras have not become those of keras.
    assert jkeras.layers.__name__ == jkeras.layers.__spec__.name == "jkeras.layers"


def test_the_name_of_the_backend():
    from jkeras import backend as K

    with jkeras.install_as_keras(backend_name="tensorflow"):
        from keras.backend import _BACKEND
        from keras.backend import backend as name

        assert name() == K.backend() == _BACKEND == "tensorflow"
        with jkeras.install_as_keras():  # an inner one that does not ask leaves it
            assert K.backend() == "tensorflow"
    assert K.backend() == "jax"
    with jkeras.install_as_keras():
        assert K.backend() == "jax"
        jkeras.install_as_keras(backend_name="tensorflow")
        assert K.backend() == "tensorflow"
    with pytest.raises(ValueError, match="backend_name must be one of .*'theano'"):
        jkeras.install_as_keras(backend_name="theano")


UNCHANGED = """
import os
import numpy as np
import keras
from keras import backend as K
from keras.models import Sequential
from keras.layers import Dense, Lambda
from keras.utils import Sequence as Batches

PARENT = os.getpid()

class Rows(Batches):
    def __len__(self):
        return 2

    def __getitem__(self, i):
        from keras.utils import to_categorical
        assert os.getpid() != PARENT and keras.__version__ == '2.2.4'
        return np.full((4, 3), i, 'float32'), to_categorical([0] * 4, 1)

layers = [Dense(2, activation=K.tanh, input_dim=3), Lambda(lambda x: K.sum(x, 1, keepdims=True))]
model = Sequential(layers)
model.compile('sgd', 'mse')
model.fit_generator(Rows(), epochs=2, verbose=0, workers=1, use_multiprocessing=True)
print(keras.__version__, len(model.history.epoch), K.backend())
"""


@pytest.mark.parametrize("inside", [False, True])
def test_a_script_in_a_process_of_its_own(tmp_path, inside):
    """Unchanged; or with one line on top. `keras` is jkeras in its worker processes too."""
    script = tmp_path / "old.py"
    install = "import jkeras; jkeras.install_as_keras()\n"
    if inside:
        script.write_text(install + UNCHANGED)
        command = [sys.executable, script]
    else:
        script.write_text(UNCHANGED)
        run = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
        command = [sys.executable, "-c", install + run]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, env=path)
    assert done.stdout.split() == ["2.2.4", "2", "jax"], done.stderr


def test_what_jkeras_does_not_have():
    with jkeras.install_as_keras():
        with pytest.raises(
            ModuleNotFoundError, match=r"has no jkeras\.nothing.*uninstall_as_keras"
        ) as caught:
            importlib.import_module("keras.nothing")
        assert caught.value.name == "keras.nothing"
        with pytest.raises(ImportError, match="cannot import name 'Denze'"):
            exec("from keras.layers import Denze")
        with pytest.raises(AttributeError, match="no attribute 'tf_keras'"):
            _ = importlib.import_module("keras").tf_keras


def test_undoing():
    found = importlib.util.find_spec("keras")
    jkeras.install_as_keras()
    assert importlib.import_module("keras").layers is jkeras.layers
    jkeras.uninstall_as_keras()
    assert not [name for name in sys.modules if name.partition(".")[0] == "keras"]
    assert importlib.util.find_spec("keras") == found
    jkeras.uninstall_as_keras()  # a second time does nothing


def test_blocks_nest():
    with jkeras.install_as_keras():
        with jkeras.install_as_keras():
            pass
        assert importlib.import_module("keras").layers is jkeras.layers
    assert as_keras.Finder not in sys.meta_path


def test_undone_after_an_error():
    with pytest.raises(ZeroDivisionError), jkeras.install_as_keras():
        _ = 1 / 0
    assert as_keras.Finder not in sys.meta_path


def test_another_keras_that_is_only_installed_stays_out_of_sight(other):
    with jkeras.install_as_keras():
        assert importlib.import_module("keras.layers") is jkeras.layers
    assert importlib.import_module("keras.layers").Dense == "the other Dense"


def test_another_keras_that_was_imported_first(other):
    first = importlib.import_module("keras")
    layers = importlib.import_module("keras.layers")
    with pytest.raises(RuntimeError, match=r"imported already, from .*keras.__init__\.py.*replace=True"):
        jkeras.install_as_keras()
    assert sys.modules["keras"] is first and as_keras.Finder not in sys.meta_path

    with jkeras.install_as_keras(replace=True):
        assert importlib.import_module("keras.layers") is jkeras.layers
        assert layers.Dense == "the other Dense"  # what was bound stays
    assert sys.modules["keras"] is first and sys.modules["keras.layers"] is layers
    assert importlib.import_module("keras.layers").Dense == "the other Dense"


def test_tensorflow_keeps_its_own_keras(other):
    tf = importlib.import_module("tensorflow")
    with jkeras.install_as_keras(), pytest.raises(ModuleNotFoundError, match="tf.keras may be looking for"):
        _ = tf.keras
    assert tf.keras == "for TensorFlow"
    with jkeras.install_as_keras(replace=True):
        assert sys.modules["tensorflow"] is tf and tf.__name__ == "tensorflow"


def test_keras_imported_by_someone_else_in_between(other):
    """`import jkeras` and the installation in either order around other imports of the script."""
    sys.modules.pop("tensorflow", None)
    jkeras.install_as_keras()
    importlib.import_module("tensorflow")  # does not need keras to be imported
    assert importlib.import_module("keras").__version__ == "2.2.4"


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        ("src.layers.core", "write the public path"),
        ("legacy.saving", "jkeras.models.load_model"),
        ("distribution", "compile\\(devices="),
        ("applications.efficientnet", "has the models of Keras 2.2.4"),
    ],
)
def test_a_module_of_keras_3_says_what_to_write(module, advice):
    with jkeras.install_as_keras(version=3), pytest.raises(ModuleNotFoundError, match=advice):
        importlib.import_module(f"keras.{module}")
