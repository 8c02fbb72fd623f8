"""Recurrent layers and cells."""

from jkeras.layers.recurrent.base import RNN as RNN
from jkeras.layers.recurrent.cells import GRUCell as GRUCell
from jkeras.layers.recurrent.cells import LSTMCell as LSTMCell
from jkeras.layers.recurrent.cells import SimpleRNNCell as SimpleRNNCell
from jkeras.layers.recurrent.stacked import StackedRNNCells as StackedRNNCells
from jkeras.layers.recurrent.standard import GRU as GRU
from jkeras.layers.recurrent.standard import LSTM as LSTM
from jkeras.layers.recurrent.standard import SimpleRNN as SimpleRNN
