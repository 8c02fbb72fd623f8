"""Callbacks of the training loop, as in `keras.callbacks`."""

from jkeras.callbacks.averages import SwapEMAWeights as SwapEMAWeights
from jkeras.callbacks.backup import BackupAndRestore as BackupAndRestore
from jkeras.callbacks.base import Callback as Callback
from jkeras.callbacks.base import CallbackList as CallbackList
from jkeras.callbacks.basic import BaseLogger as BaseLogger
from jkeras.callbacks.basic import History as History
from jkeras.callbacks.basic import LambdaCallback as LambdaCallback
from jkeras.callbacks.basic import TerminateOnNaN as TerminateOnNaN
from jkeras.callbacks.checkpoint import ModelCheckpoint as ModelCheckpoint
from jkeras.callbacks.logging import CSVLogger as CSVLogger
from jkeras.callbacks.logging import ProgbarLogger as ProgbarLogger
from jkeras.callbacks.logging import RemoteMonitor as RemoteMonitor
from jkeras.callbacks.run import RunCheckpoint as RunCheckpoint
from jkeras.callbacks.schedule import EarlyStopping as EarlyStopping
from jkeras.callbacks.schedule import LearningRateScheduler as LearningRateScheduler
from jkeras.callbacks.schedule import ReduceLROnPlateau as ReduceLROnPlateau
from jkeras.callbacks.tensorboard import TensorBoard as TensorBoard
from jkeras.core.progbar import Progbar as Progbar
