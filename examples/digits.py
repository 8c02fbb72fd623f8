"""The job of digits.yaml as a script: a small convolutional network on handwritten digits."""

from jkeras.callbacks import ReduceLROnPlateau
from jkeras.datasets import digits
from jkeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from jkeras.models import Sequential
from jkeras.optimizers import Adam
from jkeras.utils import set_random_seed

set_random_seed(0)
(x_train, y_train), (x_test, y_test) = digits.load_data()
x_train, x_test = x_train[..., None], x_test[..., None]  # (rows, 8, 8, 1)

model = Sequential(
    [
        BatchNormalization(momentum=0.9, input_shape=(8, 8, 1)),  # pixels run from 0 to 16
        Conv2D(32, 3, padding="same", activation="relu"),
        Conv2D(32, 3, activation="relu"),
        MaxPooling2D(2),
        Dropout(0.25),
        Flatten(),
        Dense(64, activation="relu"),
        Dropout(0.5),
        Dense(10, activation="softmax"),
    ]
)
model.compile(Adam(lr=0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()
slower = ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=4)
model.fit(x_train, y_train, batch_size=32, epochs=30, validation_split=0.1, callbacks=[slower])
model.save("digits.h5")
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test loss: {loss:.4f} - acc: {accuracy:.4f}")
