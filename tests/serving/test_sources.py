"""Every kind of path: files, exports, runs; and models that cannot be served."""

from pathlib import Path

import numpy as np
import pytest

from jkeras import Input, Model, Sequential, layers
from jkeras import backend as K
from jkeras.saving import checkpoint
from jkeras.serving import Settings
from jkeras.serving.errors import Refused
from jkeras.serving.sources import load

X = np.random.RandomState(0).normal(size=(3, 2, 3)).astype("float32")


def settings(**changes):
    return Settings(Path("."), **{"max_batch": 4, **changes})


def test_files_exports_and_runs_give_the_same(files, tmp_path):
    model, wanted = files.voice, files.voice.predict(X)
    model.save(str(tmp_path / "m.msgpack"))
    model.export(str(tmp_path / "m.stablehlo"), inputs=["voice"], outputs=["scores"])
    run = tmp_path / "run"
    checkpoint.save_checkpoint(model, run, {"epoch": 1, "step": 1})
    (tmp_path / "1").mkdir()
    (tmp_path / "m.stablehlo").rename(tmp_path / "1" / "m.stablehlo")
    (tmp_path / "1" / "README").write_text("")
    for path in (files.folder / "voice.h5", tmp_path / "m.msgpack", tmp_path / "1", run):
        programs = load(path, settings())
        ((made,),) = programs([[X]])
        np.testing.assert_allclose(made, wanted, rtol=1e-5)
    assert load(tmp_path / "1", settings()).signature.inputs[0].name == "voice"
    (renamed,) = load(tmp_path / "1", settings(inputs=("x",))).signature.inputs
    assert (renamed.name, renamed.shape, renamed.dtype) == ("x", (None, 2, 3), "float32")
    for path in (tmp_path / "1", tmp_path / "m.msgpack"):
        with pytest.raises(ValueError, match="name for each of"):
            load(path, settings(outputs=("x", "y")))
    for path, phrase in ((tmp_path / "none.h5", "no file"), (tmp_path, "should hold one model")):
        with pytest.raises(ValueError, match=phrase):
            load(path, settings())


def test_any_length_and_a_fixed_batch(tmp_path):
    words = Sequential([layers.GlobalAveragePooling1D(input_shape=(None, 2)), layers.Dense(1)])
    words.save(str(tmp_path / "words.h5"))
    programs = load(tmp_path / "words.h5", settings(max_batch=2))
    programs.prepare([((7, 2),), ((2, 2, 2),)])
    assert programs.shapes_in_use() == [((7, 2),)], "those in use before, where they fit"
    for length in (3, 5):
        x = np.ones((1, length, 2), "float32")
        ((made,),) = programs([[x]])
        np.testing.assert_allclose(made, words.predict(x), rtol=1e-5)
    assert len(programs.shapes_in_use()) == 3
    a = Input(batch_shape=(4, 3))
    fixed = Model(a, layers.Dense(2)(a))
    fixed.save(str(tmp_path / "fixed.h5"))
    programs = load(tmp_path / "fixed.h5", settings(max_batch=32))
    assert programs.sizes == (4,)
    ((one,), (two,)) = programs([[np.ones((1, 3), "float32")], [np.zeros((2, 3), "float32")]])
    assert one.shape == (1, 2) and not two.any()


def test_models_that_cannot_be_served(tmp_path):
    stateful = Sequential([layers.LSTM(1, batch_input_shape=(2, 3, 1), stateful=True)])
    stateful.save(str(tmp_path / "stateful.h5"))
    with pytest.raises(ValueError, match="keeps states"):
        load(tmp_path / "stateful.h5", settings())
    short = Sequential([layers.Conv1D(1, 5, input_shape=(None, 1))])
    short.save(str(tmp_path / "short.h5"))
    with pytest.raises(Refused, match="cannot compute rows of shape"):
        load(tmp_path / "short.h5", settings())([[np.ones((1, 2, 1), "float32")]])


def test_outputs_need_a_row_for_each_row():
    from jkeras.serving.programs import Programs
    from jkeras.serving.signature import Signature, TensorInfo

    info = (TensorInfo("x", (None, 2), "float32"),)
    with pytest.raises(ValueError, match="a row for each row"):
        Programs(lambda _, x: [K.sum(x, 0)], (), Signature("", info, info), (1, 3)).prepare([])
