"""Utilities."""

from jkeras.core.random import set_random_seed as set_random_seed
from jkeras.core.registry import get_registered_name as get_registered_name
from jkeras.core.registry import get_registered_object as get_registered_object
from jkeras.core.registry import register_keras_serializable as register_keras_serializable
from jkeras.utils import data_utils as data_utils
from jkeras.utils import generic_utils as generic_utils
from jkeras.utils import np_utils as np_utils
from jkeras.utils.data_utils import get_file as get_file
from jkeras.utils.generic_utils import CustomObjectScope as CustomObjectScope
from jkeras.utils.generic_utils import Progbar as Progbar
from jkeras.utils.generic_utils import custom_object_scope as custom_object_scope
from jkeras.utils.generic_utils import deserialize_keras_object as deserialize_keras_object
from jkeras.utils.generic_utils import get_custom_objects as get_custom_objects
from jkeras.utils.generic_utils import serialize_keras_object as serialize_keras_object
from jkeras.utils.multi_gpu_utils import multi_gpu_model as multi_gpu_model
from jkeras.utils.np_utils import normalize as normalize
from jkeras.utils.np_utils import to_categorical as to_categorical
from jkeras.utils.parts import pack_x_y_sample_weight as pack_x_y_sample_weight
from jkeras.utils.parts import split_dataset as split_dataset
from jkeras.utils.parts import unpack_x_y_sample_weight as unpack_x_y_sample_weight
