"""MNIST (5,000 images of it, or 8x8 digits, where ~/.keras/datasets/mnist.npz is not): two convolutions."""

from _common import Example, mnist, most_frequent

from jkeras import backend as K
from jkeras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from jkeras.models import Sequential
from jkeras.optimizers import Adadelta
from jkeras.utils import to_categorical

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = mnist()
guess = most_frequent(y_train, y_test)
axis = 1 if K.image_data_format() == "channels_first" else -1
rows = example.size(len(x_train), 300)
x_train, x_test = (a[:, None] if axis == 1 else a[..., None] for a in (x_train[:rows], x_test[:rows]))
y_train, y_test = to_categorical(y_train[:rows], 10), to_categorical(y_test[:rows], 10)

model = Sequential()
model.add(Conv2D(32, kernel_size=(3, 3), activation="relu", input_shape=x_train.shape[1:]))
model.add(Conv2D(64, (3, 3), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(128, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer=Adadelta(), metrics=["accuracy"])

history = model.fit(x_train, y_train, batch_size=128, epochs=example.size(12, 2), verbose=0).history
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.95)
