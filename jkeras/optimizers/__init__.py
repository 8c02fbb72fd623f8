"""Optimizers of Keras 2.2.4, and any optax transformation, as one kind of object."""

from jkeras.optimizers._builtin import SGD as SGD
from jkeras.optimizers._builtin import Adadelta as Adadelta
from jkeras.optimizers._builtin import Adagrad as Adagrad
from jkeras.optimizers._builtin import Adam as Adam
from jkeras.optimizers._builtin import Adamax as Adamax
from jkeras.optimizers._builtin import Nadam as Nadam
from jkeras.optimizers._builtin import RMSprop as RMSprop
from jkeras.optimizers._builtin import TFOptimizer as TFOptimizer
from jkeras.optimizers._builtin import adadelta as adadelta
from jkeras.optimizers._builtin import adagrad as adagrad
from jkeras.optimizers._builtin import adam as adam
from jkeras.optimizers._builtin import adamax as adamax
from jkeras.optimizers._builtin import nadam as nadam
from jkeras.optimizers._builtin import rmsprop as rmsprop
from jkeras.optimizers._builtin import sgd as sgd
from jkeras.optimizers._get import deserialize as deserialize
from jkeras.optimizers._get import get as get
from jkeras.optimizers._get import serialize as serialize
from jkeras.optimizers._keras import KerasState as KerasState
from jkeras.optimizers._keras import Step as Step
from jkeras.optimizers._keras import clip_norm as clip_norm
from jkeras.optimizers._optimizer import Optimizer as Optimizer
from jkeras.optimizers._state import Binding as Binding
from jkeras.optimizers._state import Hyper as Hyper
from jkeras.optimizers._wrapped import OptaxOptimizer as OptaxOptimizer
