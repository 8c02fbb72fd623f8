"""Names that modules of Keras 2.2.4 import for themselves; `from keras.callbacks import *` brings it along.

Packages come to lean on it: a file that names `np`, `os` or `deque` without importing them.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util

# Names that are not those of the module itself: where they come from, `module:name`.
_ORIGINS = {
    "HTTPError": "urllib.error:HTTPError",
    "Iterable": "collections.abc:Iterable",
    "OrderedDict": "collections:OrderedDict",
    "ThreadPool": "multiprocessing.pool:ThreadPool",
    "URLError": "urllib.error:URLError",
    "abstractmethod": "abc:abstractmethod",
    "assert_allclose": "numpy.testing:assert_allclose",
    "backend": "jkeras.backend",
    "cbks": "jkeras.callbacks",
    "closing": "contextlib:closing",
    "defaultdict": "collections:defaultdict",
    "deque": "collections:deque",
    "layer_module": "jkeras.layers",
    "layers": "jkeras.layers",
    "losses": "jkeras.losses",
    "metrics_module": "jkeras.metrics",
    "models": "jkeras.models",
    "mp": "multiprocessing",
    "namedtuple": "collections:namedtuple",
    "network": "jkeras.engine.network",
    "np": "numpy",
    "optimizers": "jkeras.optimizers",
    "python_types": "types",
    "recurrent": "jkeras.layers.recurrent",
    "saving": "jkeras.engine.saving",
    "training_arrays": "jkeras.engine.training_arrays",
    "training_generator": "jkeras.engine.training_generator",
    "urlopen": "urllib.request:urlopen",
    "urlretrieve": "urllib.request:urlretrieve",
    "utils": "jkeras.utils",
    **{f"py_{name}": f"builtins:{name}" for name in ("all", "any", "slice", "sum")},
}

# By module of Keras; a package of ours that is one file there brings the same.
_NAMES = {
    "activations": "six warnings",
    "applications": "backend layers models utils keras_applications",
    "backend": "np os sys json importlib defaultdict py_all py_any py_slice py_sum",
    "backend.common": "np",
    "backend.tensorflow_backend": "np os defaultdict py_all py_any py_slice py_sum",
    "callbacks": "np os csv json time warnings sys io six requests deque OrderedDict Iterable",
    "constraints": "six",
    "engine.base_layer": "copy re",
    "engine.network": "np copy json os h5py warnings yaml saving",
    "engine.saving": "np json os h5py warnings yaml optimizers",
    "engine.sequential": "copy h5py warnings layer_module network",
    "engine.training": "np copy warnings losses metrics_module optimizers training_arrays training_generator",
    "engine.training_arrays": "np cbks",
    "engine.training_generator": "np warnings cbks",
    "engine.training_utils": "np copy warnings losses",
    "initializers": "np six",
    "layers": "np copy warnings namedtuple python_types",
    "layers.convolutional_recurrent": "np warnings",
    "layers.core": "np copy warnings python_types",
    "layers.cudnn_recurrent": "namedtuple",
    "layers.noise": "np",
    "layers.recurrent": "np warnings",
    "layers.wrappers": "copy recurrent",
    "legacy.interfaces": "np six functools warnings",
    "legacy.layers": "np warnings",
    "losses": "six",
    "metrics": "six",
    "models": "h5py",
    "objectives": "six",
    "optimizers": "six copy",
    "regularizers": "six",
    "utils.data_utils": "np os sys time random hashlib shutil six tarfile threading multiprocessing mp "
    "zipfile queue warnings abstractmethod closing HTTPError URLError ThreadPool urlopen urlretrieve",
    "utils.generic_utils": "np sys time collections binascii codecs inspect marshal six python_types",
    "utils.io_utils": "np h5py pickle six sys defaultdict",
    "utils.layer_utils": "np",
    "utils.np_utils": "np",
    "utils.test_utils": "np assert_allclose",
    "utils.vis_utils": "os pydot",
    "wrappers.scikit_learn": "np copy types",
}


def names(path: str) -> list[str]:
    """The names that the module of Keras at `path` has from outside, as far as it is installed here.

    Example:
        >>> names("optimizers")[-1]
        'copy'
    """
    return [name for name in _NAMES.get(path, "").split() if _is_installed(_ORIGINS.get(name, name))]


def find(path: str, name: str):
    """The module, class or function that the module of Keras at `path` calls `name`.

    Example:
        >>> find("callbacks", "deque")
        <class 'collections.deque'>
    """
    module, _, inner = _ORIGINS.get(name, name).partition(":")
    home = builtins if module == "builtins" else importlib.import_module(module)
    return getattr(home, inner) if inner else home


def _is_installed(origin: str) -> bool:
    return importlib.util.find_spec(origin.partition(":")[0].partition(".")[0]) is not None
