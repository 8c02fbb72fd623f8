"""Records compiled models of the real Keras 3: `python tests/golden/record_keras3_compiled.py FOLDER`.

Writes `compiled.zip.xz`: for each way to compile a `.keras` file after two epochs, with the metrics then and
the losses of the next two; a model whose outputs are those of an inner one; and `arguments.json.xz`: what
the constructors of Keras 3's layers take.
"""

import inspect
import io
import json
import lzma
import os
import sys
import zipfile

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from keras import layers as L
from keras import losses, metrics, optimizers

draw = np.random.RandomState(0)
X, Y = draw.normal(size=(2, 24, 4)).astype("float32"), draw.normal(size=(24, 2)).astype("float32")
BITS = draw.randint(0, 2, (24, 2)).astype("float32")
SCHEDULE = optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)
WAYS = {
    "adamw": (optimizers.AdamW(0.01, weight_decay=0.02), "mse", [], Y),
    "lion": (optimizers.Lion(0.01), losses.Huber(), [metrics.RootMeanSquaredError()], Y),
    "lamb": (optimizers.Lamb(0.01), losses.LogCosh(), ["mae"], Y),
    "decayed": (optimizers.Adam(0.01, weight_decay=0.1), "mae", ["mse"], Y),
    "clipped": (optimizers.SGD(0.1, global_clipnorm=0.2), "mse", [], Y),
    "schedule": (optimizers.SGD(SCHEDULE), "mse", [], Y),
    "logits": (
        optimizers.RMSprop(0.01),
        losses.BinaryCrossentropy(from_logits=True),
        [
            metrics.AUC(from_logits=True),
            metrics.Precision(thresholds=0.3),
            metrics.FBetaScore("micro", beta=2.0),
        ],
        BITS,
    ),
    "smooth": (
        "sgd",
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        ["accuracy", metrics.TopKCategoricalAccuracy(1)],
        BITS,
    ),
    "ftrl": (optimizers.Ftrl(0.1), "mse", [], Y),
    "adafactor": (optimizers.Adafactor(0.1), "mse", [], Y),
    "muon": (optimizers.Muon(0.01), "mse", [], Y),
    "free": (optimizers.ScheduleFreeAdamW(0.1), "mse", [], Y),
    "each_clipped": (optimizers.SGD(0.1, clipnorm=0.2), "mse", [], Y),
}


def compiled(archive):
    for number, (name, (optimizer, loss, measured, y)) in enumerate(WAYS.items()):
        keras.utils.set_random_seed(number)
        model = keras.Sequential(
            [L.Input((4,)), L.Dense(3, activation="tanh"), L.BatchNormalization(), L.Dense(2)]
        )
        model.compile(optimizer, loss, metrics=measured, weighted_metrics=["mape"])
        model.fit(X[0], y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        model.save(f"{name}.keras")
        archive.write(f"{name}.keras")
        values = model.evaluate(X[0], y, batch_size=24, verbose=0)
        values = np.concatenate([np.ravel(v) for v in np.atleast_1d(np.array(values, object))])
        history = model.fit(X[0], y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
        buffer = io.BytesIO()
        np.savez(buffer, x=X[0], y=y, loss=history["loss"], values=values.astype(float))
        archive.writestr(f"{name}.npz", buffer.getvalue())


def inner(archive):
    keras.utils.set_random_seed(0)
    i, j = keras.Input((4,)), keras.Input((4,))
    core = keras.Model([i, j], [L.Add()([i, j]), L.Dense(2)(j)], name="core")
    chain = keras.Sequential([L.Input((4,)), L.Dense(4)], name="chain")
    u, v = keras.Input((4,)), keras.Input((4,))
    one, two = core([u, v]), core([v, u])
    ends = [L.Subtract()([one[0], chain(u)]), two[1], chain(chain(v))]
    model = keras.Model([u, v], ends)
    model.save("inner.keras")
    archive.write("inner.keras")
    buffer = io.BytesIO()
    np.savez(buffer, x0=X[0], x1=X[1], **{f"y{k}": np.asarray(y) for k, y in enumerate(model([X[0], X[1]]))})
    archive.writestr("inner.npz", buffer.getvalue())


def arguments():
    """Layer → the names that its constructor takes, "*" where it takes those of `Layer` too."""
    found = {}
    for name, layer in vars(L).items():
        if inspect.isclass(layer) and issubclass(layer, L.Layer):
            taken = {}
            for cls in layer.__mro__:
                if cls is L.Layer:
                    break
                if "__init__" in vars(cls):
                    taken |= inspect.signature(cls.__init__).parameters
                    if not any(p.kind is p.VAR_KEYWORD for p in taken.values()):
                        break
            more = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(layer.__init__).parameters.values())
            found[name] = sorted(set(taken) - {"self", "args", "kwargs"}) + ["*"] * more
    return found


def main(folder):
    os.chdir(folder)
    with zipfile.ZipFile("compiled.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        compiled(archive)
        inner(archive)
    for name, content in (
        ("compiled.zip", open("compiled.zip", "rb").read()),
        ("arguments.json", json.dumps(arguments(), indent=0).encode()),
    ):
        with lzma.open(name + ".xz", "wb", preset=9) as file:
            file.write(content)


if __name__ == "__main__":
    main(sys.argv[1])
