"""Regression: the median price of houses in Boston's districts, from 13 numbers about each district.

The data come with `mlxtend` (`pip install 'jkeras[examples]'`). As 506 rows are few, there are 4 folds: each
district is judged by a network that has not seen it.
"""

import sys

import numpy as np
from _common import Example

from jkeras import regularizers
from jkeras.layers import Dense
from jkeras.models import Sequential

FOLDS = 4

example = Example(__doc__)
try:
    from mlxtend.data import boston_housing_data
except ImportError:
    sys.exit("The data come with mlxtend: pip install 'jkeras[examples]'.")

x, price = boston_housing_data()  # (506, 13), in thousands of dollars
fold = np.random.RandomState(0).permutation(len(x)) % FOLDS


def network():
    model = Sequential()
    model.add(Dense(64, activation="relu", input_dim=13, kernel_regularizer=regularizers.l2(1e-3)))
    model.add(Dense(64, activation="relu", kernel_regularizer=regularizers.l2(1e-3)))
    model.add(Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


def standardized(train, test):
    """Both with the mean and the deviation of `train`; the test rows must not be seen."""
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


errors, linear, losses = [], [], np.zeros(example.size(100, 5))
for k in range(FOLDS):
    x_train, x_test = standardized(x[fold != k], x[fold == k])
    y_train, y_test = price[fold != k], price[fold == k]
    model = network()
    history = model.fit(x_train, y_train, epochs=len(losses), batch_size=16, verbose=0).history
    losses += np.array(history["loss"]) / FOLDS
    errors.append(model.evaluate(x_test, y_test, verbose=0)[1])
    weights = np.linalg.lstsq(np.c_[x_train, np.ones(len(x_train))], y_train, rcond=None)[0]
    linear.append(np.mean(np.abs(np.c_[x_test, np.ones(len(x_test))] @ weights - y_test)))

example.finish(
    "mean absolute error in $1000",
    np.mean(errors),
    losses,
    baseline=("mean absolute error of linear regression", np.mean(linear)),
    at_most=2.8,
)
