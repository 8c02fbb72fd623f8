"""Recurrent layers and cells."""

from typing import TYPE_CHECKING

from jkeras.layers.recurrent.base import RNN as RNN
from jkeras.layers.recurrent.cells import GRUCell as GRUCell
from jkeras.layers.recurrent.cells import LSTMCell as LSTMCell
from jkeras.layers.recurrent.cells import SimpleRNNCell as SimpleRNNCell
from jkeras.layers.recurrent.convolutional import ConvLSTM1D as ConvLSTM1D
from jkeras.layers.recurrent.convolutional import ConvLSTM2D as ConvLSTM2D
from jkeras.layers.recurrent.convolutional import ConvLSTM2DCell as ConvLSTM2DCell
from jkeras.layers.recurrent.convolutional import ConvLSTM3D as ConvLSTM3D
from jkeras.layers.recurrent.convolutional import ConvRNN2D as ConvRNN2D
from jkeras.layers.recurrent.cudnn import CuDNNGRU as CuDNNGRU
from jkeras.layers.recurrent.cudnn import CuDNNLSTM as CuDNNLSTM
from jkeras.layers.recurrent.stacked import StackedRNNCells as StackedRNNCells
from jkeras.layers.recurrent.standard import GRU as GRU
from jkeras.layers.recurrent.standard import LSTM as LSTM
from jkeras.layers.recurrent.standard import SimpleRNN as SimpleRNN

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.layers.recurrent.legacy import Recurrent as Recurrent
