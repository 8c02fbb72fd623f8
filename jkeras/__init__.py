"""jkeras: the Keras 2 API as pure functions on JAX.

Submodules are imported when they are first used, so that `import jkeras` costs little more than `import jax`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from jkeras.compat import module_aliases
from jkeras.core import display as _display
from jkeras.core import tracebacks as _tracebacks
from jkeras.version import __version__ as __version__

if TYPE_CHECKING:
    from jkeras import activations as activations
    from jkeras import applications as applications
    from jkeras import backend as backend
    from jkeras import callbacks as callbacks
    from jkeras import config as config
    from jkeras import constraints as constraints
    from jkeras import core as core
    from jkeras import datasets as datasets
    from jkeras import debug as debug
    from jkeras import engine as engine
    from jkeras import export as export
    from jkeras import initializers as initializers
    from jkeras import layers as layers
    from jkeras import losses as losses
    from jkeras import metrics as metrics
    from jkeras import mixed_precision as mixed_precision
    from jkeras import models as models
    from jkeras import ops as ops
    from jkeras import optimizers as optimizers
    from jkeras import preprocessing as preprocessing
    from jkeras import random as random
    from jkeras import regularizers as regularizers
    from jkeras import saving as saving
    from jkeras import serving as serving
    from jkeras import training as training
    from jkeras import utils as utils
    from jkeras import visualization as visualization
    from jkeras import wrappers as wrappers
    from jkeras.backend import name_scope as name_scope
    from jkeras.compat.as_keras import install_as_keras as install_as_keras
    from jkeras.compat.as_keras import uninstall_as_keras as uninstall_as_keras
    from jkeras.core.types import INFERENCE as INFERENCE
    from jkeras.core.types import Ctx as Ctx
    from jkeras.core.types import Out as Out
    from jkeras.core.types import Pair as Pair
    from jkeras.engine.input_layer import Input as Input
    from jkeras.engine.tensors.symbolic import KerasTensor as KerasTensor
    from jkeras.engine.tensors.variable import Variable as Variable
    from jkeras.initializers import Initializer as Initializer
    from jkeras.layers import InputSpec as InputSpec
    from jkeras.layers import Layer as Layer
    from jkeras.losses import Loss as Loss
    from jkeras.metrics import Metric as Metric
    from jkeras.models import Model as Model
    from jkeras.models import Sequential as Sequential
    from jkeras.models import fit_many as fit_many
    from jkeras.optimizers import Optimizer as Optimizer
    from jkeras.regularizers import Regularizer as Regularizer

_MODULES = frozenset(
    "activations applications backend callbacks config constraints core datasets debug engine export "
    "initializers layers legacy losses metrics mixed_precision models ops optimizers preprocessing random "
    "regularizers saving serving training utils visualization wrappers".split()
)
_HOMES = {
    "install_as_keras": "compat.as_keras",
    "uninstall_as_keras": "compat.as_keras",
    "INFERENCE": "core.types",
    "Ctx": "core.types",
    "Out": "core.types",
    "Pair": "core.types",
    "Input": "engine.input_layer",
    "Model": "models",
    "fit_many": "models",
    "Sequential": "models",
    "Initializer": "initializers",
    "InputSpec": "layers",
    "KerasTensor": "engine.tensors.symbolic",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Variable": "engine.tensors.variable",
    "name_scope": "backend",
}

module_aliases.install()
_tracebacks.install()
_display.set_drawer(lambda thing: importlib.import_module("jkeras.visualization.notebook").html(thing))


if not TYPE_CHECKING:  # a checker would take every misspelled name for one of them

    def __getattr__(name: str):
        if name in _MODULES:
            return importlib.import_module(f"jkeras.{name}")
        if name in _HOMES:
            value = globals()[name] = getattr(importlib.import_module(f"jkeras.{_HOMES[name]}"), name)
            return value
        raise module_aliases.missing(__name__, name, __dir__)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_HOMES})
