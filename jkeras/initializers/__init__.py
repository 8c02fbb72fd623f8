"""Initializers: how the first values of weights are drawn."""

# pyright: reportUnusedImport=false

from jkeras.core.registry import deserialize_keras_object as deserialize_keras_object
from jkeras.core.registry import serialize_keras_object as serialize_keras_object
from jkeras.initializers.arrays import fans as _compute_fans  # noqa: F401 (scripts import Keras's name)
from jkeras.initializers.classes import Constant as Constant
from jkeras.initializers.classes import Identity as Identity
from jkeras.initializers.classes import Identity as IdentityInitializer  # noqa: F401 (further names of Keras 3)
from jkeras.initializers.classes import Initializer as Initializer
from jkeras.initializers.classes import Ones as Ones
from jkeras.initializers.classes import Orthogonal as Orthogonal
from jkeras.initializers.classes import Orthogonal as OrthogonalInitializer  # noqa: F401
from jkeras.initializers.classes import RandomNormal as RandomNormal
from jkeras.initializers.classes import RandomUniform as RandomUniform
from jkeras.initializers.classes import TruncatedNormal as TruncatedNormal
from jkeras.initializers.classes import VarianceScaling as VarianceScaling
from jkeras.initializers.classes import VarianceScaling as variance_scaling  # noqa: F401, N813
from jkeras.initializers.classes import Zeros as Zeros
from jkeras.initializers.classes import constant as constant
from jkeras.initializers.classes import identity as identity
from jkeras.initializers.classes import normal as normal
from jkeras.initializers.classes import one as one
from jkeras.initializers.classes import ones as ones
from jkeras.initializers.classes import orthogonal as orthogonal
from jkeras.initializers.classes import random_normal as random_normal
from jkeras.initializers.classes import random_uniform as random_uniform
from jkeras.initializers.classes import truncated_normal as truncated_normal
from jkeras.initializers.classes import uniform as uniform
from jkeras.initializers.classes import zero as zero
from jkeras.initializers.classes import zeros as zeros
from jkeras.initializers.lookup import deserialize as deserialize
from jkeras.initializers.lookup import draw as draw
from jkeras.initializers.lookup import get as get
from jkeras.initializers.lookup import serialize as serialize
from jkeras.initializers.named import GlorotNormal as GlorotNormal
from jkeras.initializers.named import GlorotUniform as GlorotUniform
from jkeras.initializers.named import HeNormal as HeNormal
from jkeras.initializers.named import HeUniform as HeUniform
from jkeras.initializers.named import LecunNormal as LecunNormal
from jkeras.initializers.named import LecunUniform as LecunUniform
from jkeras.initializers.scaled import glorot_normal as glorot_normal
from jkeras.initializers.scaled import glorot_uniform as glorot_uniform
from jkeras.initializers.scaled import he_normal as he_normal
from jkeras.initializers.scaled import he_uniform as he_uniform
from jkeras.initializers.scaled import lecun_normal as lecun_normal
from jkeras.initializers.scaled import lecun_uniform as lecun_uniform
