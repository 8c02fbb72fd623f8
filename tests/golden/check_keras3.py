"""Whether the real Keras 3 reads what jkeras writes, and predicts the same: not a part of the tests.

    PYTHONPATH=. python tests/golden/check_keras3.py write FOLDER       # all layers, graphs, optimizers
    python tests/golden/check_keras3.py read FOLDER                     # an environment with Keras 3 and jax

Both print what does not fit; the first also what Keras 3 lacks, layer by layer.
"""

import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np

draw = np.random.RandomState(0)
X, Y = draw.normal(size=(24, 4)).astype("float32"), draw.normal(size=(24, 2)).astype("float32")
RECURRENT = ("LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM2D", "StackedRNNCells")


def layers(folder):
    """A model of each row of the contract table, with its outputs."""
    from jkeras import layers as L
    from jkeras.models import Model
    from tests.contract.cases import CASES

    counts = {}
    for case in CASES:
        counts[case.name] = counts.get(case.name, 0) + 1
        name, kind = f"{case.name}_{counts[case.name]}", "int32" if case.kind == "index" else "float32"
        inputs = [L.Input(shape, dtype=kind) for shape in case.shapes]
        first = [L.Masking()(inputs[0]), *inputs[1:]] if case.mask else inputs
        made = case.make()
        words = {"class_name": type(made).__name__, "config": made.get_config()}
        if "hard_sigmoid" in str(words) and name.startswith(RECURRENT):  # is another function in Keras 3
            made = L.deserialize(json.loads(json.dumps(words).replace("hard_sigmoid", "sigmoid")))
        model = Model(inputs, made(first if len(first) > 1 else first[0]))
        weights = [draw.uniform(0.1, 0.9, w.shape).astype(w.dtype) for w in model.get_weights()]
        model.set_weights(weights)
        save(folder, name, model, case.data())


def save(folder, name, model, x):
    outputs = model.predict(x)
    try:
        model.save(folder / f"{name}.keras")
    except ValueError as error:
        print(f"refused: {name}: {error}")
        return
    x, y = (list(v) if isinstance(v, list) else [v] for v in (x, outputs))
    arrays = {f"x{i}": v for i, v in enumerate(x)} | {f"y{i}": v for i, v in enumerate(y)}
    np.savez(folder / f"{name}.npz", **arrays)


def optimizers(folder):
    """Models after two epochs, with the losses of the next two."""
    from jkeras import layers as L
    from jkeras import optimizers as O
    from jkeras.models import Sequential

    schedule = O.schedules.ExponentialDecay(0.01, 4, 0.5)
    ways = [O.SGD(0.1), O.SGD(0.1, momentum=0.9, nesterov=True), O.Adam(0.01), O.Adam(0.01, amsgrad=True)]
    ways += [O.RMSprop(0.01), O.Adagrad(0.1), O.Adadelta(1.0), O.Adamax(), O.Nadam(schedule_decay=1.0)]
    ways += [O.AdamW(0.01), O.Lion(0.01), O.Lamb(0.01), O.Ftrl(0.1), O.ScheduleFreeAdamW(0.1)]
    ways += [O.Adam(0.01, decay=0.1), O.Adam(0.01, clipnorm=0.1), O.Adam(schedule)]
    for number, way in enumerate(ways):
        model = Sequential(
            [L.Dense(3, activation="tanh", input_shape=(4,)), L.BatchNormalization(), L.Dense(2)]
        )
        model.compile(way, "mse", metrics=["mae"])
        model.fit(X, Y, 8, 2, shuffle=False, verbose=0)
        name = f"fit_{type(way).__name__}_{number}"
        model.save(folder / f"{name}.keras")
        losses = model.fit(X, Y, 8, 2, shuffle=False, verbose=0).history["loss"]
        np.savez(folder / f"{name}.npz", losses=losses)


def graphs(folder):
    from tests.saving.test_to_keras3 import MODELS

    for name, make in MODELS.items():
        model = make()
        x = [draw.normal(size=(3, *t.shape[1:])).astype("float32") for t in model.inputs]
        save(folder, name, model, x if len(x) > 1 else x[0])


def check(path, keras):
    with np.load(path.with_suffix(".npz")) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    model = keras.models.load_model(path)
    if "losses" in kept:
        losses = model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
        np.testing.assert_allclose(losses, kept["losses"], rtol=2e-5)
        return
    x, y = ([kept[k] for k in sorted(kept) if k[0] == letter] for letter in "xy")
    outputs = keras.tree.flatten(model(x if len(x) > 1 else x[0], training=False))
    for a, b in zip(outputs, y, strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=2e-5, atol=2e-6)


def main(what, folder):
    folder = Path(folder)
    if what == "write":
        folder.mkdir(exist_ok=True)
        warnings.simplefilter("ignore")
        for part in (layers, graphs, optimizers):
            part(folder)
        return
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    good = 0
    for path in sorted(folder.glob("*.keras")):
        try:
            check(path, keras)
            good += 1
        except Exception as error:  # whatever it is, it is printed
            print(f"{path.stem}: {type(error).__name__}: {' '.join(str(error).split())[:400]}")
    print(f"{good} of {len(list(folder.glob('*.keras')))} files give the same in Keras {keras.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
