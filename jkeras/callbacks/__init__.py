"""Callbacks of the training loop, as in `keras.callbacks`."""

from jkeras.callbacks.base import Callback as Callback
from jkeras.callbacks.base import CallbackList as CallbackList
from jkeras.callbacks.basic import BaseLogger as BaseLogger
from jkeras.callbacks.basic import History as History
from jkeras.callbacks.basic import LambdaCallback as LambdaCallback
from jkeras.callbacks.basic import TerminateOnNaN as TerminateOnNaN
