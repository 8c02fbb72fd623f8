"""A vision transformer on the handwritten digits: patches of an image as a sequence."""

import numpy as np
from _common import Example, digits, most_frequent

from jkeras import layers, losses, metrics, optimizers
from jkeras.models import Model

PATCH, WIDTH, HEADS = 2, 32, 4

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()

images = layers.Input(shape=(8, 8, 1))
patches = layers.Conv2D(WIDTH, PATCH, strides=PATCH)(images)
x = layers.Reshape((-1, WIDTH))(patches)
x = x + layers.Embedding((8 // PATCH) ** 2, WIDTH)(np.arange((8 // PATCH) ** 2)[None])
for _ in range(example.size(2, 1)):
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = x + layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=0.1)(y, y)
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = x + layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="gelu")(y))
x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
model = Model(images, layers.Dense(10)(layers.Dropout(0.2)(x)))

model.compile(
    optimizer=optimizers.AdamW(learning_rate=3e-3, weight_decay=1e-3),
    loss=losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[metrics.SparseCategoricalAccuracy(name="accuracy")],
)
epochs = example.size(25, 2)
history = model.fit(x_train[..., None], y_train, batch_size=64, epochs=epochs, verbose=0).history
accuracy = model.evaluate(x_test[..., None], y_test, verbose=0, return_dict=True)["accuracy"]
example.finish(
    "test accuracy", accuracy, history["loss"], baseline=most_frequent(y_train, y_test), at_least=0.9
)
