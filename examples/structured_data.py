"""Structured data: columns of numbers, of words and of codes, each made ready by a layer of its own.

The rows are made up: who buys depends on age and income, on the town and the kind of day, and on chance.
Layers on the host turn words and codes into numbers; the model takes all columns by name.
"""

import numpy as np
from _common import Example

from jkeras import layers, losses, metrics
from jkeras.models import Model

TOWNS, DAYS = ["Bern", "Oslo", "Rome", "Turin", "York"], [11, 12, 17]

example = Example(__doc__)
count = example.size(6000, 800)
columns = {
    "age": np.random.randint(18, 90, count).astype("float32"),
    "income": np.random.lognormal(3, 0.5, count).astype("float32"),
    "town": np.random.choice(TOWNS, count),
    "day": np.random.choice(DAYS, count),
}
likes = np.array([1.5, -1.5, 0.5, -0.5, 0.0])[np.searchsorted(TOWNS, columns["town"])]
likes = likes + (columns["day"] == 17) * 1.5 + (columns["age"] - 50) / 20 - np.log(columns["income"] / 20)
bought = (np.random.random(count) < 1 / (1 + np.exp(-2 * likes))).astype("float32")

lookups = {
    "town": layers.StringLookup(output_mode="one_hot"),
    "day": layers.IntegerLookup(output_mode="one_hot"),
}
for name, lookup in lookups.items():
    lookup.adapt(columns[name])
coded = {name: lookups[name](column) if name in lookups else column for name, column in columns.items()}
border = count * 4 // 5
train, test = ({n: c[rows] for n, c in coded.items()} for rows in (np.s_[:border], np.s_[border:]))

inputs = {name: layers.Input(np.shape(column)[1:] or (1,), name=name) for name, column in train.items()}
ready = []
for name, tensor in inputs.items():
    if name not in lookups:
        scale = layers.Normalization()
        scale.adapt(train[name][:, None])
        tensor = scale(tensor)
    ready.append(tensor)
x = layers.Dense(32, activation="relu")(layers.concatenate(ready))
model = Model(list(inputs.values()), layers.Dense(1)(layers.Dropout(0.2)(x)))
model.compile(
    optimizer="adam",
    loss=losses.BinaryCrossentropy(from_logits=True),
    metrics=[metrics.AUC(from_logits=True, name="auc")],
)
history = model.fit(train, bought[:border], epochs=example.size(15, 3), verbose=0).history
area = model.evaluate(test, bought[border:], verbose=0, return_dict=True)["auc"]
example.finish("test AUC", area, history["loss"], baseline=("the AUC of guessing", 0.5), at_least=0.85)
