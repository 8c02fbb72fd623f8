"""Stateful LSTMs remember from batch to batch what one batch does not show.

Each of 32 streams comes in pieces of 8 steps. Only the very first step says which of 4 classes a stream has;
all other steps are noise. In the later pieces nothing but the state tells the classes apart.
"""

import numpy as np
from _common import Example

from jkeras.layers import LSTM, Dense
from jkeras.models import Sequential
from jkeras.utils import to_categorical

STREAMS, STEPS, CLASSES, PIECES = 32, 8, 4, 3
rng = np.random.RandomState(0)


def streams():
    """Pieces (PIECES, STREAMS, STEPS, CLASSES) and one-hot classes (STREAMS, CLASSES)."""
    x = rng.normal(0, 0.3, (PIECES, STREAMS, STEPS, CLASSES))
    y = to_categorical(rng.randint(CLASSES, size=STREAMS), CLASSES)
    x[0, :, 0] = y
    return x, y


example = Example(__doc__)
model = Sequential()
model.add(LSTM(16, return_sequences=True, stateful=True, batch_input_shape=(STREAMS, STEPS, CLASSES)))
model.add(LSTM(16, return_sequences=True, stateful=True))
model.add(LSTM(16, stateful=True))
model.add(Dense(CLASSES, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])

losses = []
for _ in range(example.size(400, 30)):
    pieces, classes = streams()
    model.reset_states()
    losses.append(np.mean([model.train_on_batch(piece, classes)[0] for piece in pieces]))

remembered, forgotten = [], []
for _ in range(10):
    pieces, classes = streams()
    model.reset_states()
    remembered.append([model.test_on_batch(piece, classes)[1] for piece in pieces][-1])
    model.reset_states()
    forgotten.append(model.test_on_batch(pieces[-1], classes)[1])
alone = "accuracy on the last piece without the state", np.mean(forgotten)
example.finish(
    "accuracy on the last piece with the state", np.mean(remembered), losses, baseline=alone, at_least=0.95
)
