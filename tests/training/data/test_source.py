"""What may be fed, how it is converted, and what is refused in which words."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.core.types import Batch
from jkeras.models import Model, Sequential
from jkeras.training import Endpoint, Objective
from jkeras.training.data.arrays import read
from jkeras.training.data.samples import Samples
from jkeras.training.data.source import Blocks, permutation, stack
from jkeras.training.devices import Layout

X = np.arange(24.0).reshape(6, 4)
Y = np.eye(3)[[0, 1, 2, 0, 1, 2]]
IN = [Endpoint("in", (None, 4))]


def _read(x, y=None, loss="categorical_crossentropy", inputs=IN, outputs=((None, 3),), **more):
    endpoints = [Endpoint(f"out{i}", shape) for i, shape in enumerate(outputs)]
    targets = Objective.build(endpoints, loss, sample_weight_mode=more.pop("mode", None)).targets
    return read(x, y, inputs, targets, **more)


@pytest.mark.parametrize(
    "x", [X.tolist(), [X], (X,), {"in": X}, X.astype("uint8"), X.astype("float16"), X > 3]
)
def test_forms_of_one_input(x):
    samples = _read(x, Y)
    assert samples.rows == 6 and np.shape(samples.x[0]) == (6, 4)


def test_several_inputs_in_order():
    two = [Endpoint("a", (None, 4)), Endpoint("b", (None, 1))]
    b = np.arange(6)
    for x in ([X, b], {"b": b, "a": X}, (X, b)):
        assert [a.shape for a in _read(x, Y, inputs=two).x] == [(6, 4), (6, 1)]


class Frame:
    """As a pandas frame: an index of its own that must not matter."""

    def __init__(self, values):
        self.values, self.shape, self.iloc = values, values.shape, None

    def to_numpy(self):
        return self.values


def test_frames():
    assert _read(Frame(X), Frame(Y)).y[0].shape == (6, 3)


@pytest.mark.parametrize(
    ("y", "loss", "shape"),
    [
        (np.arange(6), "mse", (None, 1)),
        (np.arange(6) % 3, "sparse_categorical_crossentropy", (None, 3)),
        (np.arange(6)[:, None] % 3, "sparse_categorical_crossentropy", (None, 3)),
        (np.zeros((6, 5), int), "sparse_categorical_crossentropy", (None, 5, 3)),
        (np.arange(6), lambda t, p: p - t, (None, 3)),
    ],
)
def test_targets_get_a_last_axis(y, loss, shape):
    assert _read(X, y, loss, outputs=[shape]).y[0].shape[-1] == 1


@pytest.mark.parametrize(
    ("x", "y", "more", "text"),
    [
        (X, None, {}, "needs targets for .*out0"),
        (None, Y, {}, "expected data for .*in"),
        (X[:, :3], Y, {}, r"expected in to have shape \(4,\) but got array with shape \(3,\)"),
        (X[..., None], Y, {}, r"expected in to have 2 dimensions, but got array with shape \(6, 4, 1\)"),
        ([X, X], Y, {}, r"Expected to see 1 array\(s\).*instead got 2"),
        ({"other": X}, Y, {}, 'No data provided for "in".*other'),
        (X[:5], Y, {}, "5 input samples and 6 target samples"),
        (X[:0], Y[:0], {}, "without samples"),
        ([[1.0, 2.0], [3.0]], Y, {}, "pad_sequences"),
        (np.array([["a"] * 4] * 6), Y, {}, "should hold numbers"),
        (X, np.arange(6), {}, "to_categorical"),
        (X, Y[:, :2], {}, "expected out0 to have shape"),
        (X, np.full(6, 3), {"loss": "sparse_categorical_crossentropy"}, r"\[0, 3\).*contains 3"),
        (X, Y, {"sample_weight": np.ones(5)}, "cannot be broadcast"),
        (X, Y, {"sample_weight": np.ones((6, 2))}, "temporal"),
        (X, Y, {"sample_weight": {0: 1.0}}, "class_weight"),
        (X, Y, {"class_weight": {0: 1.0, 1: 2.0}}, "all classes.*2"),
        (X, Y, {"mode": "temporal", "sample_weight": np.ones((6, 3))}, "at least 3D"),
    ],
)
def test_refusals(x, y, more, text):
    with pytest.raises(ValueError, match=text):
        _read(x, y, **more)


def test_index_range():
    samples = [Endpoint("in", (None, 4), "int32", limit=24)]
    _read(X, Y, inputs=samples)
    with pytest.raises(ValueError, match=r"indices.*\[0, 23\).*contains 23"):
        _read(X, Y, inputs=[samples[0]._replace(limit=23)])
    with pytest.raises(ValueError, match="contains -1"):
        _read(X - 1, Y, inputs=samples)


def test_weights():
    assert _read(X, Y).weight == [None]
    assert _read(X, Y, class_weight={0: 1, 1: 2, 2: 5}).weight[0].tolist() == [1, 2, 5, 1, 2, 5]
    with pytest.warns(UserWarning, match="ignored"):
        weight = _read(X, Y, class_weight={0: 1}, sample_weight=np.arange(6)).weight[0]
    assert weight.tolist() == [0, 1, 2, 3, 4, 5]
    # As of a model with two outputs, of Keras 1, of scikit-learn: Keras takes all of them and ignores them.
    for no_dict in ([{0: 1, 1: 2}, {0: 3}], "auto", np.array([1.0, 2.0, 5.0]), [1.0, 2.0, 5.0]):
        with pytest.warns(UserWarning, match="Keras ignores it"):
            assert _read(X, Y, class_weight=no_dict).weight == [None]


def test_copies_and_dtypes():
    x = X.astype("uint8")
    samples = _read(x, Y)
    batch = stack([samples, samples], type(samples)(["float32"], ["float32"], ["float32"]), 14)
    x[:] = 0
    assert batch.x[0].dtype == "uint8" and batch.x[0].shape == (14, 4) and batch.y[0].dtype == "float32"
    assert batch.x[0][1].tolist() == [4, 5, 6, 7] and not batch.x[0][12:].any() and batch.weight == [None]


def test_what_is_as_it_should_be_is_copied_only_on_demand():
    samples = Samples([np.ones((4, 2), "float32")], [np.ones((4, 1))], [None])
    dtypes = Samples(["float32"], ["float32"], ["float32"])
    kept, copied = (stack([samples], dtypes, 4, copy=copy) for copy in (False, True))
    assert kept.x[0] is samples.x[0] and not np.shares_memory(copied.x[0], samples.x[0])
    assert kept.y[0].dtype == "float32"
    wider = stack([samples], dtypes, 6, copy=False)
    assert wider.x[0].shape == (6, 2)


def test_permutation():
    assert (permutation(1, 2, 50) == permutation(1, 2, 50)).all()
    others = [permutation(1, 3, 50), permutation(2, 2, 50), permutation(2, 1, 50)]
    assert not any((permutation(1, 2, 50) == other).all() for other in others)


@pytest.fixture
def model():
    model = Sequential([layers.Dense(3, activation="softmax", input_shape=(4,))])
    model.compile("sgd", "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"epochs": -1}, "epochs"),
        ({"validation_split": 1.0}, "validation_split"),
        ({"validation_split": 0.99}, "leaves 0 for training"),
        ({"validation_data": (X,)}, "2 .*or 3"),
        ({"validation_data": (X, Y[:2])}, "6 input samples"),
        ({"validation_data": (X, Y), "validation_steps": 2}, "steps_per_epoch"),
        ({"validation_steps": 2}, "validation_data"),
        ({"steps_per_epoch": 2, "batch_size": 3}, "batch_size"),
        ({"validation_freq": 0}, "validation_freq"),
        ({"validation_freq": [1, 0]}, "validation_freq"),
        ({"validation_freq": "2"}, "validation_freq"),
    ],
)
def test_fit_refuses_before_anything_changes(model, arguments, text):
    before = [w.tobytes() for w in model.get_weights()]
    with pytest.raises(ValueError, match=text):
        model.fit(X, Y, verbose=0, **arguments)
    assert [w.tobytes() for w in model.get_weights()] == before and model.optimizer.state is None


def test_fit_accepts_odd_numbers(model):
    assert model.fit(X, Y, verbose=0, epochs=0).history == {}
    assert model.fit(X, Y, verbose=0, batch_size=100).epoch == [0]
    assert model.fit(X, Y, verbose=0, epochs=5, initial_epoch=3).epoch == [3, 4]
    assert "val_loss" in model.fit(X, Y, verbose=0, validation_split=0.5, validation_freq=[1]).history
    assert model.fit(X, Y, verbose=0, batch_size=None, steps_per_epoch=2).epoch == [0]


def test_generators_are_checked(model):
    def short():
        yield X, Y

    with pytest.raises(ValueError, match="ran out in epoch 1 after 1 of 2"):
        model.fit(short(), steps_per_epoch=2, verbose=0)
    with pytest.raises(ValueError, match="steps"):
        model.fit(short(), verbose=0)
    with pytest.raises(ValueError, match="tuple"):
        model.fit(iter([X]), steps_per_epoch=1, verbose=0)
    with pytest.raises(ValueError, match="`y` must be None"):
        model.fit(short(), Y, steps_per_epoch=1, verbose=0)


def test_stateful_models_want_whole_batches():
    model = Sequential([layers.SimpleRNN(2, stateful=True, batch_input_shape=(4, 2, 2))])
    model.compile("sgd", "mse")
    x = X.reshape(6, 2, 2)
    for call in (lambda: model.fit(x, Y[:, :2], 4), lambda: model.evaluate(x, Y[:, :2], 4)):
        with pytest.raises(ValueError, match="stateful.*6 samples"):
            call()
    with pytest.raises(ValueError, match="stateful"):
        model.predict(x, batch_size=4)


def test_uncompiled():
    model = Sequential([layers.Dense(3, input_shape=(4,))])
    assert model.predict(X).shape == (6, 3)
    with pytest.raises(RuntimeError, match="compile"):
        model.fit(X, Y)


def test_several_outputs():
    x = layers.Input((4,))
    model = Model(x, [layers.Dense(2, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", {"a": "mse", "b": "mae"})
    ys = {"b": np.zeros(6), "a": np.zeros((6, 2))}
    assert len(model.evaluate(X, ys, verbose=0)) == 3
    assert [y.shape for y in model.predict(X)] == [(6, 2), (6, 1)]
    assert set(model.fit(X, ys, verbose=0).history) == {"loss", "a_loss", "b_loss"}


class SparseTensor:
    """As TensorFlow's: a shape, but no rows."""

    shape, dense_shape, dtype = (6, 4), (6, 4), np.dtype("float32")


class RaggedTensor:
    """As TensorFlow's: rows of different length."""

    shape, row_splits, dtype = (6, None), np.arange(7), np.dtype("float32")


@pytest.mark.parametrize("kind, way", [(SparseTensor, "tf.sparse.to_dense"), (RaggedTensor, "to_tensor")])
def test_sparse_and_ragged_tensors_are_refused(kind, way):
    with pytest.raises(ValueError, match=f"'in' are a {kind.__name__}.*{way}"):
        _read(kind(), Y)


def test_in_a_dict_the_name_of_a_layer_serves_all_that_it_makes():
    endpoints = [Endpoint(name, (None, 1), layer="s") for name in ("s", "s_1")]
    targets = Objective.build(endpoints, {"s": "mse"}).targets
    y, weight = np.array([[0.0], [1.0]]), np.array([1.0, 3.0], "float32")
    samples = read(np.zeros((2, 4)), {"s": y}, IN, targets, {"s": weight})
    assert all(a is samples.y[0] for a in samples.y) and [w.tolist() for w in samples.weight] == 2 * [
        [1.0, 3.0]
    ]
    samples = read(np.zeros((2, 4)), {"s": y, "s_1": 1 - y}, IN, targets, None, {"s": {0: 1.0, 1: 5.0}})
    assert [w.tolist() for w in samples.weight] == [[1.0, 5.0], [5.0, 1.0]]
    only = read(np.zeros((2, 4)), {"s": y}, IN, targets[1:], {"s": weight})  # the other output has no loss
    assert only.weight[0].tolist() == [1.0, 3.0]
    with pytest.raises(ValueError, match="entry 't'; the outputs of the model are"):
        read(np.zeros((2, 4)), {"s": y}, IN, targets, {"s": weight, "t": weight})


class Arriving:
    """Six batches; `looks`: whether the next one is there, each time somebody asks."""

    one_by_one = False

    def __init__(self, looks):
        self.looks = iter(looks)

    def batches(self, seed, epoch, start, last=True):
        return (Samples([np.full((2, 1), i, "float32")], [], []) for i in range(6))

    def is_ready(self, seconds):
        return next(self.looks)


@pytest.mark.parametrize(
    "looks, idle, groups",
    [
        ([False] * 6, [True] * 6, [1] * 6),  # idle devices wait for nothing
        ([True] * 6, [], [6]),  # what is there already goes together
        ([False, True] * 6, [False] * 6, [6]),  # while the devices are busy, more is waited for
        ([True, False, False, True, True, True, True], [False, True], [2, 4]),
    ],
    ids=["idle", "ready", "busy", "idle-soon"],
)
def test_batches_go_together_while_the_devices_are_busy(monkeypatch, looks, idle, groups):
    monkeypatch.setattr("jkeras.training.data.source._PAUSE", float("inf"))
    answers = iter(idle)
    blocks = Blocks(Arriving(looks), Layout(1), Batch(["float32"], [], []))
    found = list(blocks.epoch(0, 0, idle=lambda: next(answers)))
    assert [block.steps for block in found] == groups
    rows = np.concatenate([np.asarray(block.data.x[0])[: 2 * block.steps] for block in found])
    assert rows.ravel().tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [block.before for block in found] == np.cumsum([0, *groups[:-1]]).tolist()
