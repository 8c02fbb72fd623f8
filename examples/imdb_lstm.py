"""IMDB's reviews (docstrings of Python, where ~/.keras/datasets/imdb.npz is not): an LSTM reads word by word.

The reviews are good or bad. The docstrings are of classes or of functions, in packages that are here anyway.
"""

from _common import Example, most_frequent
from _texts import reviews

from jkeras.layers import LSTM, Dense, Embedding
from jkeras.models import Sequential
from jkeras.preprocessing.sequence import pad_sequences

WORDS, LENGTH = 20_000, 80

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = reviews(WORDS, example.smoke)
x_train = pad_sequences(x_train, maxlen=LENGTH, truncating="post")
x_test = pad_sequences(x_test, maxlen=LENGTH, truncating="post")

model = Sequential()
model.add(Embedding(WORDS, 64))
model.add(LSTM(64, dropout=0.2, recurrent_dropout=0.2))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

history = model.fit(x_train, y_train, batch_size=32, epochs=example.size(8, 2), verbose=0).history
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.75)
