from jkeras.engine.base_layer import Layer as Layer
from jkeras.engine.call.checks import InputSpec as InputSpec
from jkeras.engine.layer.hand_made import Node as Node
from jkeras.saving import load_model as load_model
from jkeras.saving import model_from_config as model_from_config
from jkeras.saving import model_from_json as model_from_json
from jkeras.saving import model_from_yaml as model_from_yaml
from jkeras.saving import save_model as save_model
