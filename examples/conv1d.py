"""Convolutions over time: an image is read as the series of its 64 pixels, line by line; is the digit odd?"""

from _common import Example, digits, most_frequent

from jkeras.layers import Conv1D, Dense, Dropout, GlobalAveragePooling1D, MaxPooling1D
from jkeras.models import Sequential

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()
x_train, x_test = x_train.reshape(-1, 64, 1), x_test.reshape(-1, 64, 1)  # (rows, steps, channels)

model = Sequential()
model.add(Conv1D(32, 3, activation="relu", input_shape=(64, 1)))
model.add(Conv1D(32, 3, activation="relu"))
model.add(MaxPooling1D(3))
model.add(Conv1D(64, 3, activation="relu"))
model.add(Conv1D(64, 3, activation="relu"))
model.add(GlobalAveragePooling1D())
model.add(Dropout(0.2))
model.add(Dense(1, activation="sigmoid"))

model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
epochs = example.size(25, 2)
history = model.fit(x_train, y_train % 2, batch_size=16, epochs=epochs, verbose=0).history

loss, accuracy = model.evaluate(x_test, y_test % 2, verbose=0)
guess = most_frequent(y_train % 2, y_test % 2)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.95)
