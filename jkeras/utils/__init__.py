"""Utilities."""

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.backend import clear_session as clear_session
    from jkeras.core.sequence import OwnBatches as OwnBatches
    from jkeras.core.sequence import PyDataset as PyDataset
    from jkeras.preprocessing.batches import timeseries_dataset_from_array as timeseries_dataset_from_array
    from jkeras.preprocessing.directories import image_dataset_from_directory as image_dataset_from_directory
    from jkeras.preprocessing.directories import text_dataset_from_directory as text_dataset_from_directory
    from jkeras.preprocessing.image import array_to_img as array_to_img
    from jkeras.preprocessing.image import img_to_array as img_to_array
    from jkeras.preprocessing.image import load_img as load_img
    from jkeras.preprocessing.image import save_img as save_img
    from jkeras.preprocessing.sequence import pad_sequences as pad_sequences
    from jkeras.utils.data_utils import GeneratorEnqueuer as GeneratorEnqueuer
    from jkeras.utils.data_utils import OrderedEnqueuer as OrderedEnqueuer
    from jkeras.utils.data_utils import Sequence as Sequence
    from jkeras.utils.io_utils import H5Dict as H5Dict
    from jkeras.utils.io_utils import HDF5Matrix as HDF5Matrix
    from jkeras.utils.layer_utils import convert_all_kernels_in_model as convert_all_kernels_in_model
    from jkeras.utils.layer_utils import get_source_inputs as get_source_inputs
    from jkeras.utils.layer_utils import print_summary as print_summary
    from jkeras.utils.vis_utils import model_to_dot as model_to_dot
    from jkeras.utils.vis_utils import plot_model as plot_model
