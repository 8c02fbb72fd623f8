"""Losses: functions of (y_true, y_pred) with one value per sample, and objects that hold their arguments."""

from jkeras.core.registry import deserialize_keras_object as deserialize_keras_object
from jkeras.core.registry import serialize_keras_object as serialize_keras_object
from jkeras.losses.crossentropy import BCE as BCE
from jkeras.losses.crossentropy import KLD as KLD
from jkeras.losses.crossentropy import bce as bce
from jkeras.losses.crossentropy import binary_crossentropy as binary_crossentropy
from jkeras.losses.crossentropy import binary_focal_crossentropy as binary_focal_crossentropy
from jkeras.losses.crossentropy import categorical_crossentropy as categorical_crossentropy
from jkeras.losses.crossentropy import categorical_focal_crossentropy as categorical_focal_crossentropy
from jkeras.losses.crossentropy import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from jkeras.losses.crossentropy import ctc as ctc
from jkeras.losses.crossentropy import kl_divergence as kl_divergence
from jkeras.losses.crossentropy import kld as kld
from jkeras.losses.crossentropy import kullback_leibler_divergence as kullback_leibler_divergence
from jkeras.losses.crossentropy import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from jkeras.losses.crossentropy_classes import CTC as CTC
from jkeras.losses.crossentropy_classes import BinaryCrossentropy as BinaryCrossentropy
from jkeras.losses.crossentropy_classes import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from jkeras.losses.crossentropy_classes import CategoricalCrossentropy as CategoricalCrossentropy
from jkeras.losses.crossentropy_classes import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from jkeras.losses.crossentropy_classes import (
    CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
)
from jkeras.losses.crossentropy_classes import Dice as Dice
from jkeras.losses.crossentropy_classes import KLDivergence as KLDivergence
from jkeras.losses.crossentropy_classes import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from jkeras.losses.crossentropy_classes import Tversky as Tversky
from jkeras.losses.lookup import deserialize as deserialize
from jkeras.losses.lookup import get as get
from jkeras.losses.lookup import serialize as serialize
from jkeras.losses.loss import Loss as Loss
from jkeras.losses.loss import LossFunctionWrapper as LossFunctionWrapper
from jkeras.losses.margins import categorical_hinge as categorical_hinge
from jkeras.losses.margins import circle as circle
from jkeras.losses.margins import hinge as hinge
from jkeras.losses.margins import squared_hinge as squared_hinge
from jkeras.losses.overlaps import dice as dice
from jkeras.losses.overlaps import tversky as tversky
from jkeras.losses.regression import MAE as MAE
from jkeras.losses.regression import MAPE as MAPE
from jkeras.losses.regression import MSE as MSE
from jkeras.losses.regression import MSLE as MSLE
from jkeras.losses.regression import cosine as cosine
from jkeras.losses.regression import cosine_proximity as cosine_proximity
from jkeras.losses.regression import cosine_similarity as cosine_similarity
from jkeras.losses.regression import huber as huber
from jkeras.losses.regression import log_cosh as log_cosh
from jkeras.losses.regression import logcosh as logcosh
from jkeras.losses.regression import mae as mae
from jkeras.losses.regression import mape as mape
from jkeras.losses.regression import mean_absolute_error as mean_absolute_error
from jkeras.losses.regression import mean_absolute_percentage_error as mean_absolute_percentage_error
from jkeras.losses.regression import mean_squared_error as mean_squared_error
from jkeras.losses.regression import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from jkeras.losses.regression import mse as mse
from jkeras.losses.regression import msle as msle
from jkeras.losses.regression import poisson as poisson
from jkeras.losses.regression_classes import CategoricalHinge as CategoricalHinge
from jkeras.losses.regression_classes import Circle as Circle
from jkeras.losses.regression_classes import CosineSimilarity as CosineSimilarity
from jkeras.losses.regression_classes import Hinge as Hinge
from jkeras.losses.regression_classes import Huber as Huber
from jkeras.losses.regression_classes import LogCosh as LogCosh
from jkeras.losses.regression_classes import MeanAbsoluteError as MeanAbsoluteError
from jkeras.losses.regression_classes import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from jkeras.losses.regression_classes import MeanSquaredError as MeanSquaredError
from jkeras.losses.regression_classes import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from jkeras.losses.regression_classes import Poisson as Poisson
from jkeras.losses.regression_classes import SquaredHinge as SquaredHinge
