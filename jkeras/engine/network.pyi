from jkeras.engine.base_layer import Layer as Layer
from jkeras.engine.call.checks import InputSpec as InputSpec
from jkeras.engine.input_layer import Input as Input
from jkeras.engine.input_layer import InputLayer as InputLayer
from jkeras.engine.layer.hand_made import Node as Node
from jkeras.models import Network as Network
from jkeras.utils.layer_utils import get_source_inputs as get_source_inputs
