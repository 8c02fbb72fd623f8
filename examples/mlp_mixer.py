"""An MLP-mixer on the handwritten digits: dense layers over patches and over features take turns.

`Mixing` is a layer of layers; a config makes it anew.
"""

from _common import Example, digits, most_frequent

from jkeras import layers
from jkeras.layers import Layer
from jkeras.models import Sequential

PATCHES, WIDTH = 16, 32


class Mixing(Layer):
    """x + mlp over patches, then + mlp over features, of normalized inputs."""

    def __init__(self, hidden, **kwargs):
        super().__init__(**kwargs)
        self.hidden = hidden

    def build(self, input_shape):
        _, patches, features = input_shape
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.wide = [layers.Dense(self.hidden, activation="gelu") for _ in range(2)]
        self.back = [layers.Dense(size) for size in (patches, features)]
        super().build(input_shape)

    def call(self, x):
        y = self.norms[0](x).transpose((0, 2, 1))
        x = x + self.back[0](self.wide[0](y)).transpose((0, 2, 1))
        return x + self.back[1](self.wide[1](self.norms[1](x)))

    def get_config(self):
        return super().get_config() | {"hidden": self.hidden}


example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()
model = Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(WIDTH, 2, strides=2),
        layers.Reshape((PATCHES, WIDTH)),
        *[Mixing(32) for _ in range(example.size(2, 1))],
        layers.GlobalAveragePooling1D(),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train[..., None], y_train, batch_size=64, epochs=example.size(30, 3), verbose=0).history
accuracy = model.evaluate(x_test[..., None], y_test, verbose=0, return_dict=True)["accuracy"]
example.finish(
    "test accuracy", accuracy, history["loss"], baseline=most_frequent(y_train, y_test), at_least=0.9
)
