"""Planted faults: layer, phase and line are found each time."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jkeras
from jkeras import debug, layers
from jkeras.callbacks import TerminateOnNaN
from jkeras.models import Sequential

X, Y = np.linspace(0, 1, 12, dtype="float32").reshape(4, 3), np.ones((4, 1), "float32")


def line_of(thing, text):
    """The line of the code of `thing` that holds `text`, as `file:number`."""
    lines, first = inspect.getsourcelines(thing)
    return f"{__file__}:{first + next(i for i, line in enumerate(lines) if text in line)}"


class Ratio(layers.Layer):
    def call(self, x):
        total = jnp.sum(x, -1, keepdims=True)
        return x / (total - total)


class Root(layers.Layer):
    def call(self, x):
        positive = jnp.abs(x)
        return jnp.sqrt(positive)


def spoilt_loss(y_true, y_pred):
    error = y_pred - y_pred
    return jnp.mean(jnp.log(error), -1)


def log_activation(x):
    return jnp.log(x - x)


def spoilt_update():
    def update(updates, state, params=None):
        return {k: {n: g / (g - g) for n, g in v.items()} for k, v in updates.items()}, state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def exploding(x):
    return 1e20 * x * x * x


class Cell(layers.Layer):
    state_size = 2

    def call(self, x, states):
        h = x + states[0]
        h = jnp.log(h - h)
        return h, [h]


class Loop(layers.Layer):
    def call(self, x):
        def turn(carry, row):
            carry = carry / (carry - carry)
            return carry, row

        return jax.lax.scan(turn, x, jnp.zeros(2))[0]


class Branch(layers.Layer):
    def call(self, x):
        def divided(x):
            return x / (x - x)

        return jax.lax.cond(jnp.sum(x) > 0, divided, lambda x: x, x)


class While(layers.Layer):
    def call(self, x):
        def divided(state):
            return state[0] + 1, state[1] / (state[1] - state[1])

        return jax.lax.while_loop(lambda state: state[0] < 2, divided, (0, x))[1]


class Recomputed(layers.Layer):
    def call(self, x):
        def root(x):
            return jnp.sqrt(x * 0)

        return jax.checkpoint(root)(x)


class Adding(layers.Layer):
    def call(self, x):
        self.add_loss(jnp.mean(jnp.log(x - x)))
        return x


class Masked(layers.Layer):
    """Its logarithm of zero reaches nobody."""

    def call(self, x):
        return jnp.where(x > 2, jnp.log(x - x), x)


def no_constraint(w):
    return w / jnp.sum(w - w)


def twins():
    """Two layers of one name."""
    first = Sequential([jkeras.Input((3,)), layers.Dense(3, name="bad")], name="first")
    return [first, Sequential([jkeras.Input((3,)), Ratio(name="bad")], name="second")]


FAULTS = {
    "forward": (lambda: [Ratio(name="bad")], {}, "bad", "forward", line_of(Ratio, "x / (total")),
    "gradient": (
        lambda: [layers.Dense(2, kernel_initializer="zeros"), Root(name="bad")],
        {},
        "bad",
        "backward",
        line_of(Root, "jnp.sqrt"),
    ),
    "loss": (lambda: [], dict(loss=spoilt_loss), "loss", "forward", line_of(spoilt_loss, "jnp.log")),
    "update": (
        lambda: [],
        dict(optimizer=spoilt_update()),
        "update",
        "update",
        line_of(spoilt_update, "/ (g"),
    ),
    "activation": (
        lambda: [layers.Dense(2, activation=log_activation, name="bad")],
        {},
        "bad",
        "forward",
        line_of(log_activation, "jnp.log"),
    ),
    "lambda": (lambda: [layers.Lambda(log_activation, name="bad")], {}, "bad", "forward", None),
    "nested": (
        lambda: [Sequential([jkeras.Input((3,)), Ratio(name="bad")], name="outer")],
        {},
        "bad",
        "forward",
        None,
    ),
    "built-in": (
        lambda: [
            layers.Lambda(lambda x: 1e38 * (x + 1)),
            layers.Dense(2, kernel_initializer="ones", name="bad"),
        ],
        {},
        "bad",
        "forward",
        None,
    ),
    "regularizer": (
        lambda: [layers.Dense(2, kernel_regularizer=lambda w: jnp.sum(jnp.log(w - w)), name="fine")],
        {},
        "loss",
        "forward",
        None,
    ),
    "state": (
        lambda: [layers.Reshape((3, 1)), layers.SimpleRNN(2, activation=exploding, name="bad")],
        {},
        "bad",
        "forward",
        line_of(exploding, "1e20"),
    ),
    "cell": (
        lambda: [layers.Reshape((3, 1)), layers.RNN(Cell(name="bad"))],
        {},
        "bad",
        "forward",
        line_of(Cell, "jnp.log"),
    ),
    "both-ways": (
        lambda: [layers.Reshape((3, 1)), layers.Bidirectional(layers.RNN(Cell(name="bad")))],
        {},
        "bad",
        "forward",
        line_of(Cell, "jnp.log"),
    ),
    "scan": (lambda: [Loop(name="bad")], {}, "bad", "forward", line_of(Loop, "carry / (")),
    "branch": (lambda: [Branch(name="bad")], {}, "bad", "forward", line_of(Branch, "x / (x")),
    "while": (lambda: [While(name="bad")], {}, "bad", "forward", line_of(While, "state[1] /")),
    "recomputed": (
        lambda: [layers.Dense(2), Recomputed(name="bad")],
        dict(remat=["*"], accumulate=2, ema=0.9),
        "bad",
        "backward",
        line_of(Recomputed, "jnp.sqrt"),
    ),
    "added-loss": (lambda: [Adding(name="bad")], {}, "bad", "forward", line_of(Adding, "jnp.log")),
    "metric": (lambda: [], dict(metrics=[spoilt_loss]), "loss", "forward", line_of(spoilt_loss, "jnp.log")),
    "constraint": (
        lambda: [layers.Dense(2, kernel_constraint=no_constraint)],
        {},
        "update",
        "update",
        line_of(no_constraint, "w /"),
    ),
    "twins": (twins, {}, "bad", "forward", line_of(Ratio, "x / (total")),
    "harmless": (
        lambda: [Masked(), layers.Dense(2, kernel_initializer="zeros"), Root(name="bad")],
        dict(loss_scale="dynamic"),
        "bad",
        "backward",
        line_of(Root, "jnp.sqrt"),
    ),
    "scaled": (lambda: [], dict(loss_scale=3e38), "head", "backward", None),
}


@pytest.mark.parametrize("make, arguments, layer, phase, line", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault(make, arguments, layer, phase, line):
    model = Sequential([jkeras.Input((3,)), *make(), layers.Dense(1, kernel_initializer="ones", name="head")])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    before = model.get_weights()
    place = debug.locate(model, X, Y)
    assert (place.layer, place.phase) == (layer, phase), place
    assert place.line is None or place.line.startswith(__file__), place
    assert line in (None, place.line), place
    assert place.value in ("nan", "inf") and all("float" in text or "int" in text for text in place.inputs)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


class Own(jkeras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(1)

    def call(self, x):
        y = self.dense(x)
        return y + jnp.log(y - y)


def test_a_model_of_code_that_is_built_later():
    model = Own()
    model.compile("sgd", "mse")
    model.build((None, 3))
    place = debug.locate(model, X, Y)
    assert (place.layer, place.phase, place.line) == ("own", "forward", line_of(Own, "jnp.log"))


def test_a_sound_step_and_spoilt_numbers():
    model = Sequential([jkeras.Input((3,)), Masked(), layers.Dropout(0.5), layers.Dense(1, name="head")])
    model.compile("adam", "mse")
    assert debug.locate(model, X, Y) is None
    with pytest.raises(ValueError, match="`y` holds NaN"):
        debug.locate(model, X, Y * np.nan)
    model.layers[-1].set_weights([np.full((3, 1), np.inf), np.zeros(1)])
    place = debug.locate(model, X, Y)
    assert (place.layer, place.phase, place.operation) == ("head", "before the step", "head/kernel")


def test_the_callback_names_the_place(capsys):
    jkeras.utils.set_random_seed(0)
    model = Sequential([jkeras.Input((3,)), layers.Dense(1), Root(name="root")])
    model.compile(jkeras.optimizers.SGD(lr=0.1), "mse", devices=1)
    x = np.where(np.arange(12)[:, None] < 4, 0, 1).astype("float32") * np.ones((1, 3), "float32")
    model.fit(x, np.ones((12, 1)), 2, 3, verbose=0, shuffle=False, callbacks=[TerminateOnNaN(locate=True)])
    said = capsys.readouterr().out
    assert "Invalid loss, terminating training" in said and "'root'" in said and "backward phase" in said
    assert model._trainer.last is None and not model._trainer.keeps_batch


def test_an_error_in_a_call_names_the_layer_and_its_line():
    class Wrong(layers.Layer):
        def call(self, x):
            return jnp.dot(x, jnp.ones((7, 7)))

    with pytest.raises(ValueError) as error:
        Sequential([jkeras.Input((3,)), Wrong(name="wrong")])
    made = line_of(test_an_error_in_a_call_names_the_layer_and_its_line, "Sequential(")
    assert f"In the call of layer 'wrong' (Wrong), made at {made}." in error.value.__notes__


def test_an_error_in_what_is_around_a_layer_names_it():
    def wrong(*arrays):
        return jnp.dot(arrays[-1], jnp.ones((7, 7)))

    class Wrong(jkeras.losses.Loss):
        def call(self, y_true, y_pred):
            return wrong(y_pred)

    def fit(loss="mse", metrics=(), regularizer=None, constraint=None):
        last = layers.Dense(1, kernel_regularizer=regularizer, kernel_constraint=constraint, name="out")
        model = Sequential([jkeras.Input((3,)), last])
        model.compile("sgd", loss, list(metrics))
        model.train_on_batch(X, Y)

    place = line_of(test_an_error_in_what_is_around_a_layer_names_it, "def wrong")
    called = line_of(test_an_error_in_what_is_around_a_layer_names_it, "def call")
    for arguments, note in (
        (
            dict(loss=wrong),
            f"In the loss wrong of output 'out', on shapes (4, 1), (4, 1), defined at {place}.",
        ),
        (
            dict(loss=Wrong()),
            f"In the loss Wrong of output 'out', on shapes (4, 1), (4, 1), defined at {called}.",
        ),
        (
            dict(metrics=[wrong]),
            f"In the metric wrong of output 'out', on shapes (4, 1), (4, 1), defined at {place}.",
        ),
        (
            dict(regularizer=wrong),
            f"In the regularizer wrong of 'out/kernel:0', on shapes (3, 1), defined at {place}.",
        ),
        (
            dict(constraint=wrong),
            f"In the constraint wrong of 'out/kernel:0', on shapes (3, 1), defined at {place}.",
        ),
    ):
        with pytest.raises(TypeError, match="dot_general") as error:
            fit(**arguments)
        assert note in error.value.__notes__, error.value.__notes__


def test_the_plan_counts_loops_and_its_largest_batch_fits(monkeypatch):
    recurrent = Sequential([jkeras.Input((20, 8)), layers.LSTM(32), layers.Dense(1)])
    recurrent.compile("sgd", "mse")
    limit = 2**24
    monkeypatch.setattr(debug.memory, "total", lambda: limit)
    costs = debug.plan(recurrent, 32)
    assert 0.9 < costs.flops / (32 * 3 * 2 * (20 * (8 + 32) * 4 * 32 + 32)) < 1.2
    model = Sequential([jkeras.Input((64,)), *(layers.Dense(64) for _ in range(3)), layers.Dense(1)])
    model.compile("sgd", "mse")
    most = debug.plan(model, 4).largest_batch
    _, run, first, ends = debug._step_of(model)
    least, more = (
        debug.Cost.of(jax.jit(run).lower(first, debug._shapes(ends, rows)).compile()).peak
        for rows in (most, most + most // 20)
    )
    assert least <= limit < more
