"""An ensemble with its uncertainty: members trained in one program, and what they disagree on."""

import numpy as np
from _research import smoke, tell

import jkeras
from jkeras import layers

rng = np.random.RandomState(0)
x = np.concatenate([rng.uniform(-2, -0.5, (64, 1)), rng.uniform(0.5, 2, (64, 1))]).astype("float32")
y = np.sin(2 * x) + 0.05 * rng.randn(*x.shape).astype("float32")
model = jkeras.Sequential([jkeras.Input((1,)), layers.Dense(64, activation="relu"), layers.Dense(1)])
model.compile(jkeras.optimizers.Adam(lr=0.01), "mse", devices=1)
many = jkeras.fit_many(model, x, y, 32, epochs=3 if smoke else 300, seeds=range(8))
grid = np.linspace(-3, 3, 13, dtype="float32")[:, None]
votes = many.predict(grid)  # (members, rows, 1)
for at, mean, deviation in zip(grid[:, 0], votes.mean(0)[:, 0], votes.std(0)[:, 0], strict=True):
    print(f"{at:5.1f}  {mean:6.2f} ± {deviation:.2f}")
tell([[member.history["loss"][i] for member in many] for i in range(len(many[0].history["loss"]))])
