from jkeras.engine.base_layer import Layer as Layer
from jkeras.engine.call.checks import InputSpec as InputSpec
from jkeras.engine.layer.hand_made import Node as Node
from jkeras.layers.recurrent import RNN as RNN
from jkeras.layers.recurrent import CuDNNGRU as CuDNNGRU
from jkeras.layers.recurrent import CuDNNLSTM as CuDNNLSTM
