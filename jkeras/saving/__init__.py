"""Files of models, weights, runs (HDF5 in the layout of Keras 2.2.4, msgpack), architectures (JSON, YAML)."""

from jkeras.core.registry import CustomObjectScope as CustomObjectScope
from jkeras.core.registry import custom_object_scope as custom_object_scope
from jkeras.core.registry import deserialize_keras_object as deserialize_keras_object
from jkeras.core.registry import get_custom_objects as get_custom_objects
from jkeras.core.registry import get_registered_name as get_registered_name
from jkeras.core.registry import get_registered_object as get_registered_object
from jkeras.core.registry import register_keras_serializable as register_keras_serializable
from jkeras.core.registry import serialize_keras_object as serialize_keras_object
from jkeras.saving.checkpoint import Checkpoint as Checkpoint
from jkeras.saving.checkpoint import latest as latest
from jkeras.saving.checkpoint import list_checkpoints as list_checkpoints
from jkeras.saving.checkpoint import read_run as read_run
from jkeras.saving.checkpoint import restore as restore
from jkeras.saving.checkpoint import save_checkpoint as save_checkpoint
from jkeras.saving.checkpoint import write_run as write_run
from jkeras.saving.config import model_from_config as model_from_config
from jkeras.saving.config import model_from_json as model_from_json
from jkeras.saving.config import model_from_yaml as model_from_yaml
from jkeras.saving.config import model_to_json as model_to_json
from jkeras.saving.config import model_to_yaml as model_to_yaml
from jkeras.saving.matching import Report as Report
from jkeras.saving.model_io import load_model as load_model
from jkeras.saving.model_io import load_weights as load_weights
from jkeras.saving.model_io import save_model as save_model
from jkeras.saving.model_io import save_weights as save_weights
