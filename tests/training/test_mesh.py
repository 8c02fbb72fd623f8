"""`compile(mesh=..., shard=...)`: weights spread over a mesh give the numbers of one device."""

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jkeras import Ctx, layers, optimizers
from jkeras.callbacks import RunCheckpoint
from jkeras.core.random import set_random_seed
from jkeras.models import Sequential, load_model

pytestmark = pytest.mark.devices(4)

X = np.random.RandomState(0).rand(20, 4).astype("float32")
Y = X[:, :2]


def _fully(path, shape):
    """FSDP: each weight by the first of its axes that divides."""
    for axis, size in enumerate(shape):
        if size % 4 == 0:
            return PartitionSpec(*[None] * axis, "data")
    return None


def _tensor_parallel(path, shape):
    return PartitionSpec(None, "model") if path.endswith("/kernel") else None


def _model(**compile):
    set_random_seed(1)
    model = Sequential(
        [layers.Dense(8, input_shape=(4,)), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(2)]
    )
    model.compile(optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"], **compile)
    return model


def _numbers(model):
    set_random_seed(2)
    history = model.fit(X, Y, batch_size=6, epochs=2, verbose=0).history  # 6 rows, and 2, do not divide by 4
    return [history["loss"], model.evaluate(X, Y, verbose=0), model.predict(X), *model.get_weights()]


def _mesh(*shape):
    return Mesh(np.array(jax.devices()[:4]).reshape(shape), ("data", "model")[: len(shape)])


def _kinds(cells):
    return {cell.take().sharding.spec for cell in cells}


def test_spread_weights_give_the_numbers_of_one_device(tmp_path):
    one = _numbers(_model(devices=1))
    explicit = jax.make_mesh((4,), ("data",), (AxisType.Explicit,), devices=jax.devices()[:4])
    fully, tensors = _model(mesh=explicit, shard=_fully), _model(mesh=_mesh(2, 2), shard=_tensor_parallel)
    for model in (fully, tensors):
        for a, b in zip(one, _numbers(model), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    slots = _kinds(fully.optimizer.binding.cells)
    assert slots == {PartitionSpec("data"), PartitionSpec()}  # the count of steps is whole
    assert _kinds(fully.layers[0].weights) == {PartitionSpec("data")}
    assert _kinds(tensors.layers[0].weights) == {PartitionSpec(None, "model"), PartitionSpec()}
    fully.save(tmp_path / "m.h5")
    np.testing.assert_allclose(load_model(tmp_path / "m.h5", compile=False).predict(X), one[2], atol=1e-5)


def test_a_run_goes_on_spread_in_another_way(tmp_path):
    whole, begun, ended = _model(devices=1), _model(mesh=_mesh(4), shard=_fully), _model(mesh=_mesh(2, 2))
    for model, epochs, callbacks in (
        (whole, 2, []),
        (begun, 1, [RunCheckpoint(tmp_path)]),
        (ended, 2, [RunCheckpoint(tmp_path, resume=True)]),
    ):
        set_random_seed(2)
        model.fit(X, Y, 6, epochs, 0, callbacks)
    for a, b in zip(whole.get_weights(), ended.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "spec, message",
    [
        (PartitionSpec("modl"), r"shard\('dense_\d+/kernel', \(4, 8\)\).*no axis 'modl', only"),
        (PartitionSpec(("data", "model"), None, None), "3 entries for an array of 2 axes"),
        (PartitionSpec("data", "data"), "twice"),
        ("data", "should return a jax.sharding.PartitionSpec"),
    ],
)
def test_a_wrong_rule_is_an_error(spec, message):
    with pytest.raises((ValueError, TypeError), match=message):
        _model(mesh=_mesh(2, 2), shard=lambda path, shape: spec).predict(X)


def test_an_axis_that_does_not_divide_is_an_error():
    def rule(path, shape):
        return PartitionSpec("data") if shape == (2,) else None

    with pytest.raises(ValueError, match=r"dense_\d+/bias.*axis 0 of size 2 does not divide into 4"):
        _model(mesh=_mesh(4), shard=rule).predict(X)


def test_arguments_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"compile\(mesh=...\)"):
        _model(shard=_fully)
    with pytest.raises(ValueError, match="both say which devices"):
        _model(mesh=_mesh(4), devices=2)
    with pytest.raises(TypeError, match="jax.sharding.Mesh"):
        _model(mesh=4)


@pytest.mark.parametrize(
    "layer",
    [layers.LSTM(4), layers.GRU(4, dropout=0.2), layers.RNN([layers.SimpleRNNCell(3)])],
    ids=["LSTM", "GRU", "stack"],
)
def test_recurrence_on_a_mesh_with_explicit_axes(layer):
    mesh = jax.make_mesh((4,), ("data",), (AxisType.Explicit,), devices=jax.devices()[:4])
    x = np.random.RandomState(0).rand(8, 5, 4).astype("float32")
    init, apply = Sequential([layers.Masking(input_shape=(5, 4)), layer]).pure()
    params, state = init(jax.random.key(0), (None, 5, 4))

    @jax.jit
    def loss(params, x):
        return (apply(params, state, x, Ctx(rng=jax.random.key(1), training=True)).y ** 2).sum()

    expected = jax.value_and_grad(loss)(params, x)
    with jax.set_mesh(mesh):
        spread = jax.device_put(x, NamedSharding(mesh, PartitionSpec("data")))
        found = jax.value_and_grad(loss)(jax.device_put(params, NamedSharding(mesh, PartitionSpec())), spread)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, expected)
