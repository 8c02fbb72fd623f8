"""Exported programs give what the model predicts, in a process without its code; damage is told."""

import datetime
import os
import subprocess
import sys

import jax
import msgpack
import numpy as np
import pytest

import jkeras
from jkeras import export, layers

rng = np.random.RandomState(0)


def images():
    return jkeras.Sequential(
        [
            jkeras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def words():
    x = jkeras.Input((None,))
    both = layers.Bidirectional(layers.LSTM(3))(layers.Embedding(9, 4, mask_zero=True)(x))
    return jkeras.Model(x, layers.Dense(2)(both))


def several():
    a, b = jkeras.Input((4,), name="a"), jkeras.Input((4,), name="b")
    dense = layers.Dense(3)
    inner = jkeras.Sequential([jkeras.Input((3,)), layers.Dense(2)])
    total = layers.add([dense(a), dense(b)])
    return jkeras.Model([a, b], [inner(total), layers.Lambda(lambda x: jkeras.backend.exp(-x))(total)])


@pytest.mark.parametrize("make", [images, words, several])
def test_a_program_is_the_model(make, tmp_path):
    model = make()
    model.export(tmp_path / "m.stablehlo")
    run = export.load(tmp_path / "m.stablehlo")
    for rows in (1, 5):
        data = [
            rng.randint(1, 9, [rows, *(d or rows + 2 for d in t.shape[1:])]).astype(t.dtype)
            for t in model.inputs
        ]
        mine, theirs = run(*data), model.predict(data if len(data) > 1 else data[0])
        for one, other in zip(*(v if isinstance(v, list) else [v] for v in (mine, theirs)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_it_runs_where_its_code_is_not(tmp_path):
    class Own(layers.Layer):
        def call(self, x):
            return 2 * x

    model = jkeras.Sequential([jkeras.Input((3,)), Own()])
    model.export(tmp_path / "m.stablehlo", inputs=["voice"], outputs=["scores"])
    code = (
        "import sys, numpy as np, jkeras.export as e; run = e.load(sys.argv[1])\n"
        "print(list(run.outputs), run(voice=np.ones((2, 3))).tolist())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m.stablehlo")]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['scores'] [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]"


def test_what_it_refuses(tmp_path):
    model, path = several(), tmp_path / "m.stablehlo"
    with pytest.raises(ValueError, match="`inputs` should be a name for each"):
        model.export(path, inputs=["a", "a"])
    keeps = jkeras.Sequential([layers.LSTM(1, stateful=True, batch_input_shape=(2, 3, 1))])
    with pytest.raises(ValueError, match="keeps states"):
        keeps.export(path)
    assert not path.exists()
    model.export(path)
    run = export.load(path)
    with pytest.raises(ValueError, match=r"takes the inputs \['a', 'b'\]"):
        run(a=np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"input 'b' should be float32 of shape \(None, 4\)"):
        run(np.ones((1, 4)), np.ones((1, 5)))


def test_nothing_in_it_runs_python(tmp_path):
    def call(x):
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    model = jkeras.Sequential([jkeras.Input(batch_shape=(2, 3)), layers.Lambda(call, name="host")])
    with pytest.raises(ValueError, match="cannot be exported as 'stablehlo'.* layer 'host'"):
        model.export(tmp_path / "m.stablehlo")
    assert not list(tmp_path.iterdir())


def test_sizes_that_jax_must_know(tmp_path):
    first = layers.Lambda(lambda x: x[:, :2] if x.shape[1] > 2 else x)
    model = jkeras.Sequential([jkeras.Input((None, 3)), first])
    report = model.export(tmp_path / "m.stablehlo")
    assert report.remarks == ("n0_1 >= 4",) and report.difference < 1e-6
    run = export.load(tmp_path / "m.stablehlo")
    assert run.platforms == ("cpu", "cuda") and run.good_until > datetime.datetime.now(datetime.UTC)
    x = rng.rand(3, 9, 3).astype("float32")
    np.testing.assert_allclose(run(x), model.predict(x), rtol=1e-5)


def test_damage_and_age(tmp_path):
    path = tmp_path / "m.stablehlo"
    jkeras.Sequential([jkeras.Input((3,)), layers.Dense(1)]).export(path)
    notes = msgpack.unpackb(path.read_bytes())
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=200)
    path.write_bytes(msgpack.packb({**notes, "created": old.isoformat()}))
    with pytest.warns(UserWarning, match="200 days ago"):
        export.load(path)
    program = notes["program"]
    for content in (
        b"",
        b"\x93\x01",
        msgpack.packb([1]),
        msgpack.packb({**notes, "format": "other"}),
        msgpack.packb({**notes, "program": program[:-1]}),
        msgpack.packb({k: v for k, v in notes.items() if k != "inputs"}),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="m.stablehlo: "):
            export.load(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe is a pipe, no plain file"):
        export.load(tmp_path / "pipe")
