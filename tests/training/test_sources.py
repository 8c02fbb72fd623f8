"""Arrays of other packages: HDF5, scipy.sparse, pandas, torch."""

import h5py
import numpy as np
import pytest

from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.models import Model, Sequential
from jkeras.utils import HDF5Matrix

ROWS = 22
random = np.random.RandomState(3)
X = random.rand(ROWS, 5).astype("float32")
Y = random.rand(ROWS, 1).astype("float32")


def _model(sparse=False):
    set_random_seed(1)
    x = layers.Input((5,), sparse=sparse)
    model = Model(x, layers.Dense(1)(layers.Dense(4)(x)))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def _all(x, y, shuffle=True, sparse=False):
    """All that can be done with data, as numbers."""
    model = _model(sparse)
    set_random_seed(2)
    history = model.fit(
        x, y, batch_size=4, epochs=2, verbose=0, shuffle=shuffle, validation_split=0.3, validation_freq=2
    ).history
    numbers = [history[name] for name in sorted(history)]
    numbers += [model.evaluate(x, y, batch_size=4, verbose=0), model.predict(x, batch_size=4)]
    numbers += [model.train_on_batch(x[0:4], y[0:4]), *model.get_weights()]
    return numbers


def _same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.fixture
def file(tmp_path):
    path = str(tmp_path / "data.h5")
    with h5py.File(path, "w") as file:
        file["x"], file["y"], file["column"] = X, Y[:, 0], Y
        file["wide"] = np.concatenate([X[:3] * 0 - 1, 2 * X, X[:3] * 0 - 1])
    yield path
    if path in HDF5Matrix.refs:
        HDF5Matrix.refs.pop(path).close()


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_hdf5(file, shuffle):
    expected = _all(X, Y, shuffle)
    with h5py.File(file) as data:
        _same(_all(data["x"], data["column"], shuffle), expected)
        _same(_all(data["x"], data["y"], shuffle), expected)
    wide = HDF5Matrix(file, "wide", 3, 3 + ROWS, normalizer=lambda rows: rows / 2)
    _same(_all(wide, HDF5Matrix(file, "y"), shuffle), expected)


def test_a_matrix_is_like_an_array(file):
    matrix = HDF5Matrix(file, "wide", 3, 3 + ROWS)
    assert (len(matrix), matrix.shape, matrix.ndim, matrix.size) == (ROWS, X.shape, 2, X.size)
    assert matrix.dtype == np.float32
    for key in (slice(2, 5), slice(None), 7, np.array([1, 4, 6]), [0, 21]):
        np.testing.assert_array_equal(matrix[key], 2 * X[key])
    for key in (slice(0, 23), 22, -1, [3, 22], np.array([-1, 0])):
        with pytest.raises(IndexError, match="22 rows"):
            matrix[key]
    with pytest.raises(KeyError, match="no data set 'z'.*'x'"):
        HDF5Matrix(file, "z")
    with pytest.raises(ValueError, match="28 rows"):
        HDF5Matrix(file, "wide", 3, 40)


def test_sparse():
    sparse = pytest.importorskip("scipy.sparse")
    zeros = np.where(X > 0.5, X, 0)
    expected = _all(zeros, Y)
    for kind in (sparse.csr_matrix, sparse.csr_array):
        _same(_all(kind(zeros), kind(Y), sparse=True), expected)
    for kind in (sparse.coo_matrix, sparse.csc_matrix, sparse.lil_matrix):
        model = _model(True)
        np.testing.assert_allclose(model.predict(kind(zeros)), model.predict(zeros), atol=1e-6)
    batches = ((sparse.csr_matrix(zeros[i : i + 4]), Y[i : i + 4]) for i in (0, 4))
    assert _model(True).fit(batches, steps_per_epoch=2, verbose=0).epoch == [0]


def test_steps_of_all_the_data(file):
    """With a number of steps each is made of all rows, wherever they are read from."""
    sparse = pytest.importorskip("scipy.sparse")
    expected = _model().fit(X, Y, steps_per_epoch=2, verbose=0).history["loss"]
    with h5py.File(file) as data:
        for x, y in ((data["x"], data["y"]), (sparse.csr_matrix(X), Y)):
            assert _model().fit(x, y, steps_per_epoch=2, verbose=0).history["loss"] == expected


def test_what_holds_no_numbers(file):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X).astype("Float64")
    np.testing.assert_allclose(_model().predict(frame), _model().predict(X), atol=1e-6)
    missing = pandas.Series([1, pandas.NA] * (ROWS // 2), dtype=object)
    labels = pandas.Series(["yes", "no"] * (ROWS // 2))
    for y in (missing, labels.astype("category"), labels.to_list(), [[None]] * ROWS):
        with pytest.raises(ValueError, match="should hold numbers, but (contain|its dtype)"):
            _model().fit(X, y, verbose=0)
    with h5py.File(file, "a") as data:
        data["texts"] = np.array([b"a"] * ROWS)
        with pytest.raises(ValueError, match="should hold numbers, but its dtype is .S1"):
            _model().fit(X, data["texts"], verbose=0)


def test_weights_from_a_file(file):
    weight = HDF5Matrix(file, "column", normalizer=lambda rows: rows[:, 0])
    assert _model().evaluate(X, Y, sample_weight=weight, verbose=0) == _model().evaluate(
        X, Y, sample_weight=Y[:, 0], verbose=0
    )


def test_pandas():
    pandas = pytest.importorskip("pandas")
    index = np.arange(ROWS)[::-1]
    frame, series = pandas.DataFrame(X, index=index), pandas.Series(Y[:, 0], index=index + 7)
    expected = _all(X, Y)
    _same(_all(frame, series), expected)
    _same(_all(frame.astype("float64"), pandas.DataFrame(Y)), expected)
    model = _model()
    weight = pandas.Series(np.arange(ROWS, dtype=float), index=index)
    assert model.evaluate(frame, series, sample_weight=weight, verbose=0) == model.evaluate(
        X, Y, sample_weight=np.arange(ROWS), verbose=0
    )
    labels = pandas.Series(["a", "b"])
    with pytest.raises(ValueError, match="output|dense"):
        model.train_on_batch(X[:2], labels)


def _words():
    """A model whose input are indices below 10, and whose targets are classes below 3."""
    model = Sequential([layers.Embedding(10, 3, input_length=2), layers.Flatten()])
    model.add(layers.Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("where", ["x", "y"])
def test_indices_out_of_range(tmp_path, where):
    """Whatever the data come from, an index that a table does not have is an error, not a clipped row."""
    x, y = np.arange(12).reshape(6, 2) % 10, np.arange(6) % 3
    bad = {"x": (10, r"indices.*\[0, 10\).*contains 10"), "y": (3, r"class numbers.*\[0, 3\).*contains 3")}
    good = (x.copy(), y.copy())
    value, text = bad[where]
    {"x": x, "y": y}[where][5] = value
    model = _words()
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"], file["good"] = x, y, good[0]
        model.fit(file["good"], good[1], batch_size=2, verbose=0)
        for data in ((file["x"], file["y"]), (file["x"], y), (x, file["y"])):
            for call in (
                lambda data=data: model.fit(*data, batch_size=2, verbose=0),
                lambda data=data: model.fit(*good, validation_data=data, batch_size=2, verbose=0),
                lambda data=data: model.evaluate(*data, batch_size=2, verbose=0),
                lambda data=data: model.train_on_batch(*data),
            ):
                with pytest.raises(ValueError, match=text):
                    call()
        if where == "x":
            with pytest.raises(ValueError, match=text):
                model.predict(file["x"], batch_size=2)
    batches = ((x[i : i + 2], y[i : i + 2]) for i in (0, 2, 4))
    with pytest.raises(ValueError, match=text):
        model.fit(batches, steps_per_epoch=3, verbose=0)


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "y"])
def test_gaps_among_indices(tmp_path, where, gap):
    """Neither above nor below any limit, and yet no index: what a table with gaps holds."""
    data = {"x": np.ones((6, 2)), "y": np.ones((6, 1))}
    good = dict(data)
    data[where] = data[where].copy()
    data[where][5] = gap
    model, text = _words(), f"must lie in .*contains {gap:g}"
    masked = data | {where: np.ma.masked_invalid(data[where])}
    forms = [data, masked, {name: a.tolist() for name, a in data.items()}]
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = data["x"], data["y"]
        for x, y in [form.values() for form in forms] + [(file["x"], file["y"])]:
            for call in (
                lambda x=x, y=y: model.fit(x, y, batch_size=2, verbose=0),
                lambda x=x, y=y: model.fit(*good.values(), validation_data=(x, y), batch_size=2, verbose=0),
                lambda x=x, y=y: model.evaluate(x, y, batch_size=2, verbose=0),
                lambda x=x, y=y: model.train_on_batch(x, y),
                lambda x=x, y=y: model.fit(iter([(x[:6], y[:6])]), steps_per_epoch=1, verbose=0),
            ):
                with pytest.raises(ValueError, match=text):
                    call()
    if where == "x":
        for call in (model.predict, model.predict_on_batch):
            with pytest.raises(ValueError, match=text):
                call(data["x"])


@pytest.mark.parametrize("bad", [12, np.nan])
def test_sparse_indices_out_of_range(bad):
    sparse = pytest.importorskip("scipy.sparse")
    x = np.zeros((4, 2))
    x[3, 1] = bad
    with pytest.raises(ValueError, match=f"contains {bad:g}"):
        _words().predict(sparse.csr_matrix(x))


def test_torch():
    torch = pytest.importorskip("torch")
    _same(_all(torch.tensor(X), torch.tensor(Y, requires_grad=True)), _all(X, Y))
    small = torch.tensor(X).bfloat16()
    np.testing.assert_allclose(_model().predict(small), _model().predict(X), atol=0.05)


def test_a_model_without_a_shape_is_built_from_them():
    pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    for x in (pandas.DataFrame(X), sparse.csr_matrix(X)):
        model = Sequential([layers.Dense(1)])
        model.compile("sgd", "mse")
        assert model.fit(x, Y, verbose=0).epoch == [0]
