"""Words, an LSTM, a sigmoid: is a sentence friendly, where "not" turns the meaning of the next word around?

The sentences are made by that rule, so the right answer is known; they have 3 to 10 words and are padded with
zeros, which the mask hides from the LSTM.
"""

import numpy as np
from _common import Example, most_frequent

from jkeras.layers import LSTM, Dense, Dropout, Embedding
from jkeras.models import Sequential

NOT, WORDS, LONGEST = 1, 20, 10  # words 2 to 10 are friendly, 11 to 19 are not, 0 is padding


def sentences(count, rng):
    """Word numbers (count, LONGEST), and 1 for a sentence with more friendly meanings than others."""
    x = rng.randint(2, WORDS, (count, LONGEST))
    x[rng.rand(count, LONGEST) < 0.3] = NOT
    x[np.arange(LONGEST) >= rng.randint(3, LONGEST + 1, (count, 1))] = 0
    meaning = np.where(x > 10, -1, 1) * (x > NOT)
    meaning[:, 1:] *= np.where(x[:, :-1] == NOT, -1, 1)
    return x, (meaning.sum(axis=1) > 0).astype(int)


example = Example(__doc__)
rng = np.random.RandomState(0)
x_train, y_train = sentences(example.size(6000, 1000), rng)
x_test, y_test = sentences(1000, rng)

model = Sequential()
model.add(Embedding(WORDS, 8, mask_zero=True, input_length=LONGEST))
model.add(LSTM(32))
model.add(Dropout(0.2))
model.add(Dense(1, activation="sigmoid"))

model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=example.size(15, 3), verbose=0).history

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.95)
