"""multi_gpu_model and the callbacks that its users wrote around it."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras.callbacks import Callback, ModelCheckpoint
from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from jkeras.utils.multi_gpu_utils import multi_gpu_model

X = np.random.RandomState(0).rand(32, 3).astype("float32")
Y = X.sum(1, keepdims=True)


class SaveGiven(Callback):
    def __init__(self, model, folder):
        super().__init__()
        self.model_to_save, self.folder = model, folder

    def on_epoch_end(self, epoch, logs=None):
        self.model_to_save.save(self.folder / f"model_at_epoch_{epoch}.h5")


class ParallelModelCheckpoint(ModelCheckpoint):
    def __init__(self, model, filepath):
        self.single_model = model
        super().__init__(filepath, "val_loss", save_best_only=True)

    def set_model(self, model):
        super().set_model(self.single_model)


class SaveWeights(Callback):
    def __init__(self, model, path):
        self.model, self.path, self.best_loss = model, path, np.inf

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best_loss:
            self.model.save_weights(self.path, overwrite=True)
            self.best_loss = logs["val_loss"]


def template():
    return Sequential([Dense(4, activation="tanh", input_shape=(3,)), Dense(1)])


@pytest.mark.parametrize("count", [1, pytest.param(8, marks=pytest.mark.devices(8))])
def test_trains_on_several_devices_and_every_checkpoint_is_a_plain_model(count, tmp_path, monkeypatch):
    devices = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda *_: devices[:count])
    single = template()
    start = single.get_weights()
    try:
        parallel = multi_gpu_model(single)
    except ValueError:
        parallel = single
    assert (parallel is single) == (count == 1)
    parallel.compile("sgd", "mse", devices=devices[:count])
    hooks = [
        SaveGiven(single, tmp_path),
        ParallelModelCheckpoint(single, str(tmp_path / "best.hd5")),
        SaveWeights(single, str(tmp_path / "weights.h5")),
        ModelCheckpoint(str(tmp_path / "own.h5")),
    ]
    parallel.fit(
        X, Y, epochs=2, batch_size=16, verbose=0, shuffle=False, validation_data=(X, Y), callbacks=hooks
    )
    parallel.save(tmp_path / "parallel.h5")
    for name in ("model_at_epoch_1.h5", "best.hd5", "own.h5", "parallel.h5"):
        np.testing.assert_allclose(
            load_model(tmp_path / name, compile=False).predict(X), single.predict(X), atol=1e-6
        )
    other = template()
    other.load_weights(tmp_path / "weights.h5")
    np.testing.assert_allclose(other.predict(X), single.predict(X), atol=1e-6)
    alone = template()
    alone.set_weights(start)
    alone.compile("sgd", "mse", devices=1)
    alone.fit(X, Y, epochs=2, batch_size=16, verbose=0, shuffle=False)
    for a, b in zip(alone.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("gpus", [1, 0, -1, [0], [0, 0], [0, -1], [0, 99], 1000, "2", ["/gpu:0", "/gpu:1"]])
def test_unknown_devices_are_refused(gpus):
    with pytest.raises(ValueError, match="gpus|devices"):
        multi_gpu_model(template(), gpus=gpus)


@pytest.mark.devices(4)
def test_ids_choose_devices():
    assert multi_gpu_model(template(), gpus=[1, 3]).devices == [jax.devices()[1], jax.devices()[3]]
