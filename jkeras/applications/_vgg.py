"""The VGG networks: five blocks of 3x3 convolutions, halved in size after each."""

from __future__ import annotations

from jkeras.applications._network import File, Request
from jkeras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from jkeras.models import Model


def vgg(request: Request, name: str, depths: tuple[int, ...], top: File, no_top: File) -> Model:
    """A VGG network.

    Args:
        request: what the caller asks for.
        name: of the model.
        depths: how many convolutions there are in each block.
        top, no_top: the published weights.
    """
    x = image = request.image()
    for block, (depth, filters) in enumerate(zip(depths, (64, 128, 256, 512, 512), strict=True), 1):
        for i in range(1, depth + 1):
            x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
        x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if request.include_top:
        x = Flatten(name="flatten")(x)
        x = Dense(4096, activation="relu", name="fc1")(x)
        x = Dense(4096, activation="relu", name="fc2")(x)
        x = Dense(request.classes, activation="softmax", name="predictions")(x)
    else:
        x = request.pool(x)
    return request.model(image, x, name, top, no_top)
