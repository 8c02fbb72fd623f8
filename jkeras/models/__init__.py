"""Models: graphs of layers that can be trained and saved."""

from typing import TYPE_CHECKING

from jkeras.models.clone import clone_model as clone_model
from jkeras.models.ensembles import average_outputs as average_outputs
from jkeras.models.ensembles import average_weights as average_weights
from jkeras.models.many import Members as Members
from jkeras.models.many import fit_many as fit_many
from jkeras.models.model import Model as Model
from jkeras.models.network import Network as Network
from jkeras.models.sequential import Sequential as Sequential
from jkeras.saving import load_model as load_model
from jkeras.saving import model_from_config as model_from_config
from jkeras.saving import model_from_json as model_from_json
from jkeras.saving import model_from_yaml as model_from_yaml
from jkeras.saving import save_model as save_model

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.engine.base_layer import Layer as Layer
    from jkeras.engine.input_layer import Input as Input
    from jkeras.engine.input_layer import InputLayer as InputLayer
