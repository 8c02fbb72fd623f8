"""A convolutional network in the manner of VGG: pairs of 3x3 convolutions, then pooling."""

from _common import Example, mnist, most_frequent

from jkeras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from jkeras.models import Sequential
from jkeras.optimizers import SGD

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = mnist()  # or 8x8 digits: see _common.py
x_train, x_test = x_train[..., None], x_test[..., None]  # (rows, height, width, 1)

model = Sequential()
model.add(Conv2D(16, (3, 3), activation="relu", padding="same", input_shape=x_train.shape[1:]))
model.add(Conv2D(16, (3, 3), activation="relu", padding="same"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))

model.add(Conv2D(32, (3, 3), activation="relu", padding="same"))
model.add(Conv2D(32, (3, 3), activation="relu", padding="same"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))

model.add(Flatten())
model.add(Dense(128, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))

sgd = SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss="sparse_categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=example.size(15, 2), verbose=0).history

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.96)
