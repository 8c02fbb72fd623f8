"""Forecasting: the next value of a noisy series from the last thirty, by an LSTM over windows.

Windows come from `timeseries_dataset_from_array`, values from `Normalization`. The figure is the mean error
on the last fifth of the series; to expect the last value again has more.
"""

import numpy as np
from _common import Example

from jkeras import layers, utils
from jkeras.models import Sequential

SEEN = 30

example = Example(__doc__)
time = np.arange(example.size(4000, 600))
series = np.sin(time / 5) + 0.5 * np.sin(time / 17) + 0.1 * np.random.normal(size=len(time)) + 10
series = series.astype("float32")[:, None]
border = len(series) * 4 // 5

scale = layers.Normalization(axis=-1)
scale.adapt(series[:border])
values = np.asarray(scale(series))


def windows(part, shuffle):
    return utils.timeseries_dataset_from_array(
        part[:-1], part[SEEN:], sequence_length=SEEN, batch_size=64, shuffle=shuffle
    )


model = Sequential([layers.Input((SEEN, 1)), layers.LSTM(16), layers.Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
history = model.fit(windows(values[:border], True), epochs=example.size(15, 3), verbose=0).history
error = model.evaluate(windows(values[border:], False), verbose=0, return_dict=True)["mean_absolute_error"]
held = values[border:]
again = "the error of the last value again", float(np.mean(np.abs(held[SEEN:] - held[SEEN - 1 : -1])))
example.finish("test error", error, history["loss"], baseline=again, at_most=0.15)
