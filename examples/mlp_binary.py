"""A multilayer perceptron with one sigmoid: is the handwritten digit odd?"""

from _common import Example, digits, most_frequent

from jkeras.layers import Dense, Dropout, Flatten
from jkeras.models import Sequential

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()
odd_train, odd_test = y_train % 2, y_test % 2

model = Sequential()
model.add(Flatten(input_shape=(8, 8)))
model.add(Dense(64, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(64, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(1, activation="sigmoid"))

model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
history = model.fit(x_train, odd_train, epochs=example.size(30, 3), batch_size=32, verbose=0).history

loss, accuracy = model.evaluate(x_test, odd_test, verbose=0)
guess = most_frequent(odd_train, odd_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.96)
