"""The loaders of other packages, the real ones: PyTorch, tf.data, grain."""

import multiprocessing
import sys
import threading

import jax
import numpy as np
import pytest

from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.models import Model, Sequential
from jkeras.training.run.trainer import Trainer

ROWS, SIZE = 10, 4  # the last batch is smaller
random = np.random.RandomState(3)
X = random.rand(ROWS, 3).astype("float32")
X[:, 0] = np.arange(ROWS)  # tells the samples apart
Y = random.rand(ROWS, 2).astype("float32")
WEIGHT = np.arange(ROWS).astype("float32")


class Broken(Exception):
    """An error of the user's data."""


def _broken(index):
    if index == 6:
        raise Broken("no such image")
    return X[index], Y[index]


class Samples:
    """What torch calls a data set and grain a data source: samples by number."""

    def __init__(self, *arrays, read=None):
        self.arrays, self.read = arrays, read

    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        return self.read(int(index)) if self.read else jax.tree.map(lambda a: a[int(index)], self.arrays)


def _torch():
    data = pytest.importorskip("torch.utils.data")

    def batches(samples, shuffle=False):
        return data.DataLoader(samples, batch_size=SIZE, shuffle=shuffle)

    return batches


def _tf():
    tf = pytest.importorskip("tensorflow")

    def read(samples, index):
        return tf.numpy_function(lambda i: samples[i], [index], [a.dtype for a in samples[0]])

    def batches(samples, shuffle=False):
        if samples.read:
            found = tf.data.Dataset.range(ROWS).map(lambda index: read(samples, index))
        else:
            found = tf.data.Dataset.from_tensor_slices(samples.arrays)
        return (found.shuffle(ROWS) if shuffle else found).batch(SIZE)

    return batches


def _grain():
    grain = pytest.importorskip("grain")

    def batches(samples, shuffle=False):
        found = grain.MapDataset.source(samples)
        return (found.shuffle(seed=1) if shuffle else found).batch(SIZE)

    return batches


@pytest.fixture(params=[_torch, _tf, _grain])
def batches(request):
    """A package, as a function: `batches(samples, shuffle=False)`."""
    return request.param()


@pytest.fixture(autouse=True)
def no_other_keras_is_left():
    """TensorFlow imports the Keras it comes with, which would be in the way of `install_as_keras`."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        del sys.modules[name]


@pytest.fixture
def nothing_is_left():
    before = set(threading.enumerate())
    yield
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not any("jkeras" in name for name in left) and not multiprocessing.active_children()


def _model():
    set_random_seed(1)
    model = Sequential([layers.Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def samples(monkeypatch):
    """The numbers of the samples that were trained on, in order."""
    seen, run = [], Trainer.run

    def noted(self, kind, block, span):
        if kind == "train":
            rows = np.asarray(block.data.x[0])[:, 0]
            for i in range(span.start, span.stop):
                seen.extend(rows[block.cut.size * i :][: block.cut.size_of(i)].astype(int).tolist())
        return run(self, kind, block, span)

    monkeypatch.setattr(Trainer, "run", noted)
    return seen


def test_as_arrays(batches):
    """Training, validation, evaluation and prediction give what the same batches give as arrays."""
    model, other = _model(), _model()
    more = {"epochs": 2, "verbose": 0, "shuffle": False}
    found = model.fit(batches(Samples(X, Y)), validation_data=batches(Samples(X, Y)), **more).history
    expected = other.fit(X, Y, batch_size=SIZE, validation_data=(X, Y), **more).history
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    value = other.evaluate(X, Y, batch_size=SIZE, verbose=0)
    np.testing.assert_allclose(model.evaluate(batches(Samples(X, Y)), verbose=0), value, rtol=1e-5)
    np.testing.assert_allclose(model.predict(batches(Samples(X, Y))), other.predict(X), rtol=1e-4, atol=1e-5)
    weighted = model.evaluate(batches(Samples(X, Y, WEIGHT)), verbose=0)
    np.testing.assert_allclose(
        weighted, other.evaluate(X, Y, batch_size=SIZE, sample_weight=WEIGHT, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("workers", [0, 3])
def test_each_sample_once_per_epoch(batches, samples, workers, nothing_is_left):
    _model().fit(batches(Samples(X, Y), shuffle=True), epochs=3, workers=workers, verbose=0)
    epochs = [samples[i : i + ROWS] for i in range(0, len(samples), ROWS)]
    assert len(epochs) == 3 and all(sorted(epoch) == list(range(ROWS)) for epoch in epochs)
    assert samples[:ROWS] != list(range(ROWS))


def test_steps_begin_anew_at_the_end(batches, samples):
    _model().fit(batches(Samples(X, Y)), steps_per_epoch=2, epochs=2, verbose=0)
    assert samples == [*range(ROWS), *range(SIZE)]


@pytest.mark.parametrize("batches", [_tf, _grain], indirect=True)
def test_what_never_ends_asks_for_steps(batches, samples):
    endless = batches(Samples(X, Y)).repeat()
    with pytest.raises(ValueError, match="without end"):
        _model().fit(endless, verbose=0)
    _model().fit(endless, steps_per_epoch=4, verbose=0)
    assert samples == [*range(ROWS), *range(SIZE)]


def test_an_iterable_of_grain_says_that_what_it_reads_never_ends():
    found = pytest.importorskip("grain").MapDataset.source(Samples(X, Y)).batch(SIZE)
    with pytest.raises(ValueError, match="without end"):
        _model().fit(found.repeat().to_iter_dataset(), verbose=0)
    assert _model().fit(found.repeat(2).to_iter_dataset(), verbose=0).epoch == [0]


def test_an_early_end(batches, nothing_is_left):
    found = iter(batches(Samples(X, Y)))
    with pytest.raises(ValueError, match="ran out in epoch 1 after 3 of 5"):
        _model().fit(found, steps_per_epoch=5, verbose=0)


def test_wrong_shapes(batches, nothing_is_left):
    for arrays, text in (
        ((X[:, :2], Y), r"expected dense_\d+_input to have shape \(3,\) but got array with shape \(2,\)"),
        ((X, np.zeros((ROWS, 5), "float32")), r"expected dense_\d+ to have shape \(2,\)"),
        ((X,), "tuple"),
    ):
        with pytest.raises(ValueError, match=text):
            _model().fit(batches(Samples(*arrays)), verbose=0)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_data(batches, workers, nothing_is_left):
    """tf.data turns errors into its own; their text stays."""
    with pytest.raises(Exception, match="no such image") as caught:
        _model().fit(batches(Samples(X, Y, read=_broken)), workers=workers, verbose=0)
    assert isinstance(caught.value, Broken) or "tensorflow" in type(caught.value).__module__


def test_names(batches):
    a = layers.Input((3,), name="a")
    model = Model(a, layers.Dense(2, name="b")(a))
    model.compile("sgd", "mse")
    found = batches(Samples({"a": X}, {"b": Y}))
    assert model.fit(found, verbose=0).epoch == [0]
    np.testing.assert_allclose(model.predict(found), model.predict(X), rtol=1e-4, atol=1e-5)


def test_a_model_without_a_shape(batches):
    model = Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    assert model.fit(batches(Samples(X, Y)), verbose=0).epoch == [0]
    assert model.input_shape == (None, 3)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    x, y = torch.tensor(X), torch.tensor(Y)
    model = _model()
    assert model.fit(x, y, validation_split=0.2, verbose=0).epoch == [0]
    np.testing.assert_allclose(model.predict(x), model.predict(X))
    with pytest.raises(ValueError, match="same number of samples"):
        model.fit(x, y[:5], verbose=0)


def test_torch_workers(samples, nothing_is_left):
    """Processes of the loader's own; spawned, for a process with the threads of jax must not be forked."""
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(
        Samples(X, Y),
        batch_size=SIZE,
        num_workers=1,
        multiprocessing_context="spawn",
        persistent_workers=True,
    )
    _model().fit(loader, epochs=2, verbose=0)
    assert samples == [*range(ROWS)] * 2
    loader._iterator._shutdown_workers()


def test_a_torch_data_set_without_a_loader():
    data = pytest.importorskip("torch.utils.data")
    tensors = data.TensorDataset(*data.default_convert((X, Y)))
    with pytest.raises(ValueError, match="TensorDataset.*DataLoader"):
        _model().fit(tensors, verbose=0)


def test_tensors_of_tensorflow():
    tensorflow = pytest.importorskip("tensorflow")
    model = _model()
    x, y = tensorflow.constant(X), tensorflow.constant(Y)
    assert model.fit(x, y, verbose=0).epoch == [0]
    np.testing.assert_allclose(model.predict(x), model.predict(X))


def test_other_loaders_of_grain(samples):
    grain = pytest.importorskip("grain")
    source = Samples(X, Y)
    stream = grain.MapDataset.source(source).to_iter_dataset().batch(SIZE)
    sampler = grain.samplers.IndexSampler(
        ROWS, num_epochs=1, shard_options=grain.sharding.NoSharding(), shuffle=False
    )
    loader = grain.DataLoader(data_source=source, sampler=sampler, operations=[grain.transforms.Batch(SIZE)])
    for found in (stream, loader):
        samples.clear()
        _model().fit(found, epochs=2, verbose=0)
        assert samples == [*range(ROWS)] * 2
