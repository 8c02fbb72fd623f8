"""`fit_many`: each member is what its own `fit` makes of it."""

import numpy as np
import optax
import pytest

import jkeras
from jkeras import layers
from jkeras.callbacks import CSVLogger, EarlyStopping, ReduceLROnPlateau
from jkeras.models import fleet

rng = np.random.RandomState(0)
X = rng.rand(50, 6).astype("float32")
Y = (X[:, :1] > X[:, 1:2]).astype("float32")


def network():
    return jkeras.Sequential(
        [
            jkeras.Input((6,)),
            layers.Dense(8, activation="tanh", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def sequences():
    return jkeras.Sequential(
        [jkeras.Input((6,)), layers.Reshape((3, 2)), layers.LSTM(4), layers.Dense(1, activation="sigmoid")]
    )


def with_states():
    return ["accuracy", jkeras.metrics.AUC(name="auc"), jkeras.metrics.Precision(name="precision")]


def own_fit(model, optimizer, seed, metrics=("accuracy",), **arguments):
    jkeras.utils.set_random_seed(seed)
    clone = jkeras.models.clone_model(model)
    clone.compile(optimizer, "binary_crossentropy", metrics=list(metrics), devices=1)
    history = clone.fit(X, Y, verbose=0, batch_size=16, **arguments)
    return history.history, clone.get_weights()


def same(member, model, own):
    history, weights = own
    assert list(member.history) == list(history)
    for name, values in history.items():
        np.testing.assert_allclose(member.history[name], values, rtol=1e-5, atol=1e-6)
    model.put(member.params, member.state)
    for mine, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "make, optimizer, hyper",
    [
        (network, lambda lr: jkeras.optimizers.Adam(lr=lr), "lr"),
        (sequences, lambda rate: optax.inject_hyperparams(optax.sgd)(rate, momentum=0.9), "learning_rate"),
    ],
    ids=["adam", "optax"],
)
def test_members_are_their_own_fits(make, optimizer, hyper):
    model = make()
    model.compile(optimizer(1e-3), "binary_crossentropy", metrics=with_states())
    before, state = model.get_weights(), np.random.get_state()[1].copy()
    many = jkeras.fit_many(
        model, X, Y, 16, 3, seeds=[1, 7], hyper={hyper: [1e-3, 0.1]}, validation_split=0.2, group=3
    )
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [(m.seed, m.hyper) for m in many] == [(s, {hyper: r}) for s in (1, 7) for r in (1e-3, 0.1)]
    for member in (many[0], many[3]):
        arguments = dict(metrics=with_states(), epochs=3, validation_split=0.2)
        own = own_fit(model, optimizer(member.hyper[hyper]), member.seed, **arguments)
        same(member, model, own)


def test_each_stops_by_itself():
    model = network()
    model.compile(jkeras.optimizers.SGD(use_ema=True), "binary_crossentropy", metrics=["accuracy"])
    stop = EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    data = X[:20], 1 - Y[:20]  # what is learnt makes it worse, sooner or later
    many = jkeras.fit_many(
        model,
        X,
        Y,
        16,
        6,
        range(4),
        {"lr": [0.5]},
        validation_data=data,
        callbacks=stop,
        sample_weight=Y[:, 0] + 1,
    )
    lengths = [len(m.history["loss"]) for m in many]
    assert len(set(lengths)) > 1, lengths
    for member in many[:2]:
        own = own_fit(
            model,
            jkeras.optimizers.SGD(lr=0.5, use_ema=True),
            member.seed,
            epochs=6,
            validation_data=data,
            sample_weight=Y[:, 0] + 1,
            callbacks=[EarlyStopping("val_loss", patience=1, restore_best_weights=True)],
        )
        same(member, model, own)


def test_what_comes_of_them():
    model = network()
    model.compile("sgd", "binary_crossentropy")
    seen = []
    many = jkeras.fit_many(
        model,
        X,
        Y,
        25,
        2,
        range(2),
        {"lr": [0.0, 0.5]},
        shuffle=False,
        on_epoch_end=lambda e, rows: seen.append(rows),
    )
    table = many.table()
    assert [len(rows) for rows in seen] == [4, 4] and table[1]["loss"] == seen[1][1]["loss"]
    best = many.best("loss")
    assert table[best]["lr"] == 0.5
    predicted = many.predict(X)
    assert predicted.shape == (4, 50, 1)
    np.testing.assert_array_equal(many.put(best).predict(X), predicted[best])
    parts = jkeras.fit_many(model, X, Y, 25, seeds=range(2), folds=[[0, 1], [2, 3, 4]])
    assert [(row["seed"], row["fold"]) for row in parts.table()] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    with pytest.raises(ValueError, match="'min' or 'max'"):
        many.best("loss", "auto")
    with pytest.raises(ValueError, match="There is no 'val_loss'"):
        many.best()


def everything(h):
    """A network and an optimizer with these hyperparameters, in which all of them matter."""
    l2 = jkeras.regularizers.l2(h.get("mine/kernel_regularizer/l2", 0.1))
    model = jkeras.Sequential(
        [
            jkeras.Input((6,)),
            layers.Reshape((3, 2)),
            layers.SimpleRNN(4, dropout=h.get("rnn/dropout", 0.1), name="rnn"),
            layers.Dense(4, activation="tanh", kernel_regularizer=l2, name="mine"),
            layers.Dropout(h.get("*/rate", 0.2), name="first"),
            layers.GaussianDropout(h.get("*/rate", 0.2), name="second"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    decay = h.get("weight_decay")
    return model, jkeras.optimizers.Adam(lr=h.get("lr", 0.5), weight_decay=decay, use_ema=True)


def test_what_is_data_in_a_cross_validation():
    """Rates of layers, penalties, decay of weights, folds; with averages, accumulation, scales, weights by
    class and rates that callbacks set."""
    labels = (X[:, :1] * 3).astype(int)
    options = dict(loss="sparse_categorical_crossentropy", metrics=["accuracy"], accumulate=2, loss_scale=8.0)
    hyper = {"*/rate": [0.0, 0.5], "rnn/dropout": [0.3], "mine/kernel_regularizer/l2": [0.01]}
    hyper |= {"weight_decay": [0.1], "learning_rate": [0.3]}
    arguments = dict(epochs=3, batch_size=16, class_weight={0: 1.0, 1: 0.5, 2: 2.0})

    def slower():
        return [ReduceLROnPlateau("val_loss", factor=0.1, patience=1, min_delta=9.0)]

    model, optimizer = everything({})
    model.compile(optimizer, **options)
    many = jkeras.fit_many(model, X, labels, seeds=[5], hyper=hyper, folds=2, callbacks=slower(), **arguments)
    assert [(m.fold, m.hyper["*/rate"]) for m in many] == [(f, r) for r in (0.0, 0.5) for f in range(2)]
    assert model.layers[3].rate == 0.2 and optimizer.common("weight_decay") is None
    assert [row["members"] for row in many.compared()] == [2, 2]
    member = many[3]
    held, rows = np.arange(25, 50), np.arange(25)
    network, optimizer = everything(member.hyper | {"lr": 0.3})
    jkeras.utils.set_random_seed(5)
    network = jkeras.models.clone_model(network)
    network.compile(optimizer, devices=1, **options)
    data = dict(validation_data=(X[held], labels[held]), callbacks=slower())
    history = network.fit(X[rows], labels[rows], verbose=0, **data, **arguments).history
    same(member, model, (history, network.get_weights()))
    assert history["lr"][-1] < 0.3


def test_groups_fit_the_memory(monkeypatch):
    """Activations count: a wide batch leaves room for fewer members than weights alone would."""
    model = jkeras.Sequential([jkeras.Input((6,)), layers.Dense(8), layers.Dense(1)])
    model.compile("sgd", "mse")
    monkeypatch.setattr(fleet, "_memory", lambda: 40_000)
    seen = []
    many = jkeras.fit_many(
        model, X, Y, 50, 1, range(12), on_epoch_end=lambda epoch, rows: seen.append(len(rows))
    )
    assert len(many) == 12 and sum(seen) == 12 and 1 < len(seen) < 12 and max(seen) - min(seen) <= 1
    by_weights = 20_000 // (4 * sum(w.nbytes for w in model.get_weights()))
    assert max(seen) < by_weights


def test_what_it_refuses():
    model = network()
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(ValueError, match="no hyperparameter 'rate': it has .*'lr'"):
        jkeras.fit_many(model, X, Y, hyper={"rate": [1.0]})
    with pytest.raises(ValueError, match="takes EarlyStopping"):
        jkeras.fit_many(model, X, Y, callbacks=[CSVLogger("x.csv")])
    with pytest.raises(ValueError, match="rows on both sides"):
        jkeras.fit_many(model, X, Y, validation_split=0.999)
    keeps = jkeras.Sequential([layers.LSTM(1, stateful=True, batch_input_shape=(2, 3, 1))])
    keeps.compile("sgd", "mse")
    with pytest.raises(ValueError, match="keeps states from batch to batch"):
        jkeras.fit_many(keeps, X[:, :3, None], Y)
    with pytest.raises(ValueError, match="No layer of .* has a number 'x/rate': there are .*/rate'"):
        jkeras.fit_many(model, X, Y, hyper={"x/rate": [0.1]})
    with pytest.raises(ValueError, match="leave out `validation_data`"):
        jkeras.fit_many(model, X, Y, folds=2, validation_split=0.1)
    with pytest.raises(ValueError, match="from 2 to the number of rows, 50"):
        jkeras.fit_many(model, X, Y, folds=1)
    with pytest.raises(ValueError, match="numbers of rows from 0 to 49"):
        jkeras.fit_many(model, X, Y, folds=[[50]])
