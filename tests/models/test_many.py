"""`fit_many`: each member is what its own `fit` makes of it."""

import numpy as np
import optax
import pytest

import jkeras
from jkeras import layers
from jkeras.callbacks import CSVLogger, EarlyStopping

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


def own_fit(model, optimizer, seed, **arguments):
    jkeras.utils.set_random_seed(seed)
    clone = jkeras.models.clone_model(model)
    clone.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], devices=1)
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
    model.compile(optimizer(1e-3), "binary_crossentropy", metrics=["accuracy"])
    before, state = model.get_weights(), np.random.get_state()[1].copy()
    many = jkeras.fit_many(
        model, X, Y, 16, 3, seeds=[1, 7], hyper={hyper: [1e-3, 0.1]}, validation_split=0.2, group=3
    )
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [(m.seed, m.hyper) for m in many] == [(s, {hyper: r}) for s in (1, 7) for r in (1e-3, 0.1)]
    for member in (many[0], many[3]):
        own = own_fit(model, optimizer(member.hyper[hyper]), member.seed, epochs=3, validation_split=0.2)
        same(member, model, own)


def test_each_stops_by_itself():
    model = network()
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
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
            jkeras.optimizers.SGD(lr=0.5),
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
    with pytest.raises(ValueError, match="'min' or 'max'"):
        many.best("loss", "auto")
    with pytest.raises(ValueError, match="There is no 'val_loss'"):
        many.best()


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
