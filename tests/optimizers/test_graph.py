"""Optimizers that are written as `get_updates`, as in Keras 2.2.4: their updates become the step."""

from __future__ import annotations

import copy
import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import optimizers
from jkeras.callbacks import LearningRateScheduler
from jkeras.constraints import MinMaxNorm, non_neg
from jkeras.core.random import set_random_seed
from jkeras.layers import Dense, Dropout, Lambda
from jkeras.models import Sequential, load_model
from jkeras.optimizers import SGD, Adam, Optimizer

rows = np.random.RandomState(0)
WEIGHTS = [rows.randn(3, 4) / 2, rows.randn(4) / 10, rows.randn(4, 1) / 2, rows.randn(1) / 10]
X, Y = rows.randn(12, 3), rows.randn(12, 1)


class Momentum(Optimizer):
    """SGD with momentum as the papers' repositories write it."""

    def __init__(self, lr=0.1, momentum=0.9, decay=0.0, **kwargs):
        super().__init__(**kwargs)
        with K.name_scope(self.__class__.__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.lr = K.variable(lr, name="lr")
            self.momentum = K.variable(momentum, name="momentum")
            self.decay = K.variable(decay, name="decay")
        self.initial_decay = decay

    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        lr = self.lr
        if self.initial_decay > 0:
            lr = lr * (1.0 / (1.0 + self.decay * K.cast(self.iterations, K.dtype(self.decay))))
        moments = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
        self.weights = [self.iterations, *moments]
        for p, g, m in zip(params, grads, moments, strict=True):
            v = self.momentum * m - lr * g
            self.updates.append(K.update(m, v))
            new = p + v
            if getattr(p, "constraint", None) is not None:
                new = p.constraint(new)
            self.updates.append((p, new))
        return self.updates

    def get_config(self):
        own = {name: float(K.get_value(getattr(self, name))) for name in ("lr", "momentum", "decay")}
        return {**super().get_config(), **own}


class Wrapped(Optimizer):
    """Around another optimizer; slow weights follow the fast ones, every other step these go back to them."""

    def __init__(self, optimizer, **kwargs):
        super().__init__(**kwargs)
        self.optimizer = optimizers.get(optimizer)

    lr = property(lambda self: self.optimizer.lr)
    iterations = property(lambda self: self.optimizer.iterations)

    def get_updates(self, loss, params):
        due = K.equal((self.iterations + 1) % 2, 0)
        slow = [K.variable(K.get_value(p)) for p in params]
        self.updates = [u for u in self.optimizer.get_updates(loss, params) if u[0] not in params]
        fast = {u[0]: u[1] for u in self.optimizer.updates if u[0] in params}
        for p, s in zip(params, slow, strict=True):
            middle = s + 0.5 * (fast[p] - s)
            self.updates += [
                K.update(p, K.switch(due, middle, fast[p])),
                K.update(s, K.switch(due, middle, s)),
            ]
        self.weights = self.optimizer.weights + slow
        return self.updates

    def get_config(self):
        return {"optimizer": optimizers.serialize(self.optimizer)}

    @classmethod
    def from_config(cls, config):
        return cls(optimizers.deserialize(config["optimizer"], {"Momentum": Momentum}))


def network(**kwargs):
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,), **kwargs), Dense(1)])
    model.set_weights(WEIGHTS)
    return model


def trained(optimizer, epochs=2, **kwargs):
    model = network(**kwargs)
    model.compile(optimizer, "mse")
    model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return model


def assert_same(one, other, rtol=1e-5):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(
    "hyper",
    [{}, {"decay": 0.1}, {"clipnorm": 0.3}, {"clipvalue": 0.1}],
    ids=["plain", "decay", "norm", "value"],
)
def test_it_trains_as_the_built_in_one(hyper):
    own, built_in = Momentum(**hyper), SGD(lr=0.1, momentum=0.9, **hyper)
    one, other = trained(own), trained(built_in)
    assert_same(one.get_weights(), other.get_weights())
    assert_same(own.get_weights(), built_in.get_weights())
    assert own.get_weights()[0].dtype == np.int64 and len(own.updates) == 9
    assert [w.name.split("/")[-1] for w in own.weights][:2] == ["iterations:0", "Variable:0"]


def test_constraints_are_applied_by_get_updates_alone_and_once():
    limits = MinMaxNorm(0.5, 0.9, rate=0.5)  # twice is not once
    one, other = (
        trained(Momentum(), kernel_constraint=limits),
        trained(SGD(0.1, 0.9), kernel_constraint=limits),
    )
    assert_same(one.get_weights(), other.get_weights())

    class Careless(Optimizer):
        def get_updates(self, loss, params):
            return [(p, p - 0.1 * g) for p, g in zip(params, self.get_gradients(loss, params), strict=True)]

    assert_same(
        trained(Careless(), kernel_constraint=non_neg()).get_weights(), trained(SGD(0.1)).get_weights()
    )


class Accumulated(Momentum):
    """Steps with the mean gradient of three batches."""

    def get_updates(self, loss, params):
        flag = K.cast(K.equal(self.iterations % 3, 2), K.floatx())
        sums = [K.zeros(K.int_shape(p)) for p in params]
        self.weights, self.updates = [self.iterations, *sums], [K.update_add(self.iterations, 1)]
        for p, g, s in zip(params, self.get_gradients(loss, params), sums, strict=True):
            self.updates += [(p, p - flag * self.lr * (s + g) / 3), (s, (1 - flag) * (s + g))]
        return self.updates


def test_gradients_of_several_batches_are_one_step():
    model = network()
    model.compile(SGD(0.1), "mse")
    for _ in range(2):
        model.train_on_batch(X, Y)
    assert_same(trained(Accumulated()).get_weights(), model.get_weights())


@pytest.mark.parametrize("inner", ["adam", "momentum"])
def test_an_optimizer_around_another_one(inner, tmp_path):
    make = {"adam": lambda: Adam(0.05), "momentum": Momentum}[inner]
    model, by_hand = trained(Wrapped(make()), epochs=2), network()
    by_hand.compile(make(), "mse")
    slow = by_hand.get_weights()
    for step in range(6):
        batch = slice(step % 3 * 4, step % 3 * 4 + 4)
        by_hand.train_on_batch(X[batch], Y[batch])
        if step % 2:
            slow = [s + 0.5 * (p - s) for s, p in zip(slow, by_hand.get_weights(), strict=True)]
            by_hand.set_weights(slow)
    assert_same(model.get_weights(), by_hand.get_weights())
    assert K.get_value(model.optimizer.iterations) == 6
    path = str(tmp_path / "model.h5")
    model.save(path)
    loaded = load_model(path, custom_objects={"Wrapped": Wrapped})
    assert_same(loaded.optimizer.get_weights(), model.optimizer.get_weights(), rtol=0)
    for net in (model, loaded):
        net.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    assert_same(loaded.get_weights(), model.get_weights(), rtol=0)


class Averaged(SGD):
    def get_updates(self, loss, params):
        updates = super().get_updates(loss, params)
        self.average = [K.variable(K.get_value(p)) for p in params]
        self.weights = self.weights + self.average
        return updates + [
            K.moving_average_update(a, p, 0.5) for a, p in zip(self.average, params, strict=True)
        ]


def test_a_subclass_adds_updates_to_those_of_its_base():
    model, plain = trained(Averaged(0.1, 0.9), epochs=1), network()
    plain.compile(SGD(0.1, 0.9), "mse")
    average = plain.get_weights()
    for i in range(3):
        average = [0.5 * (a + p) for a, p in zip(average, plain.get_weights(), strict=True)]
        plain.train_on_batch(X[i * 4 : i * 4 + 4], Y[i * 4 : i * 4 + 4])
    assert_same(model.get_weights(), plain.get_weights())
    assert_same([K.get_value(a) for a in model.optimizer.average], average)


class Signs(Adam):
    def get_gradients(self, loss, params):
        return [K.sign(g) * 0.1 for g in super().get_gradients(loss, params)]


def test_gradients_of_ones_own_on_the_class_and_on_the_object():
    optimizer = Adam(0.05)
    found = optimizer.get_gradients
    optimizer.get_gradients = lambda loss, params: [K.sign(g) * 0.1 for g in found(loss, params)]
    one, other = trained(Signs(0.05), epochs=1), trained(optimizer, epochs=1)
    assert_same(one.get_weights(), other.get_weights(), rtol=0)
    moved = np.abs(one.get_weights()[0] - trained(Adam(0.05), epochs=1).get_weights()[0])
    assert moved.max() > 1e-3
    model = network()
    model.compile(Signs(0.05), "mse")
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(
        np.abs(model.get_weights()[0] - WEIGHTS[0]), 0.05, rtol=1e-4
    )  # Adam's first step


def test_a_rate_that_is_called_learning_rate_and_lr():
    """As packages have it that know later versions of Keras: `lr` is a property of `learning_rate`."""

    class Descent(Optimizer):
        def __init__(self, learning_rate):
            super().__init__()
            self.learning_rate = K.variable(learning_rate)

        @property
        def lr(self):
            return self.learning_rate

        @lr.setter
        def lr(self, value):
            K.set_value(self.learning_rate, value)

        def get_updates(self, loss, params):
            slopes = self.get_gradients(loss, params)
            return [(p, p - self.lr * g) for p, g in zip(params, slopes, strict=True)]

    losses = []
    for optimizer in (Descent(0.5), SGD(0.5)):
        model = network()
        model.compile(optimizer, "mse")
        losses.append([model.train_on_batch(X, Y) for _ in range(2)])
        model.optimizer.lr = 0.25
        losses[-1].append(model.train_on_batch(X, Y))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert not hasattr(Descent.__new__(Descent), "learning_rate")


class OfTheLoss(Optimizer):
    """The rate is the loss, the gradient that of its square; Keras 2.2.4 gives the numbers of the test."""

    def get_updates(self, loss, params):
        self.last = K.variable(0.0)
        slopes = K.gradients(K.square(loss), params)
        return [
            K.update(self.last, loss),
            *[K.update(p, p - 0.1 * g * loss) for p, g in zip(params, slopes, strict=True)],
        ]


class SecondOrder(Optimizer):
    """Goes down the squared norm of the gradient as well; likewise."""

    def get_updates(self, loss, params):
        slopes = self.get_gradients(loss, params)
        bends = K.gradients(sum(K.sum(K.square(g)) for g in slopes), params)
        return [(p, p - 0.05 * (g + 0.1 * b)) for p, g, b in zip(params, slopes, bends, strict=True)]


@pytest.mark.parametrize(
    "kind, losses",
    [
        (OfTheLoss, [0.434184, 0.625263, 0.721931, 0.231755, 0.501182]),
        (SecondOrder, [0.434184, 0.53734, 0.711198, 0.177505, 0.419662]),
    ],
    ids=["loss", "second order"],
)
def test_updates_may_use_the_loss_and_gradients_of_gradients(kind, losses):
    model = network()
    model.compile(kind(), "mse")
    found = [model.train_on_batch(X[i * 4 : i * 4 + 4], Y[i * 4 : i * 4 + 4]) for i in (0, 1, 2, 0, 1)]
    np.testing.assert_allclose(found, losses, rtol=1e-4)


def test_two_updates_by_adding_are_both_made():
    class Groups(Optimizer):
        def __init__(self):
            super().__init__()
            self.optimizer = SGD(0.1)

        def get_updates(self, loss, params):
            rate, self.updates = self.optimizer.lr, []
            for factor, group in ((1.0, params[:2]), (0.5, params[2:])):
                self.optimizer.lr = rate * factor
                self.updates += self.optimizer.get_updates(loss, group)
            self.optimizer.lr = rate
            return self.updates

    model = network()
    model.compile(Groups(), "mse")
    model.train_on_batch(X, Y)
    plain = network()
    plain.compile(SGD(0.1), "mse")
    plain.train_on_batch(X, Y)
    whole = [w - start for w, start in zip(plain.get_weights(), WEIGHTS, strict=True)]
    part = [w - start for w, start in zip(model.get_weights(), WEIGHTS, strict=True)]
    assert_same(part, [whole[0], whole[1], whole[2] / 2, whole[3] / 2], rtol=1e-4)
    assert K.get_value(model.optimizer.optimizer.iterations) == 2  # as in Keras: once for each group
    K.set_value(model.optimizer.optimizer.lr, 0.0)
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert_same(model.get_weights(), before, rtol=0)


def test_the_rate_is_set_by_callbacks_without_compiling_again():
    model = trained(Momentum(), epochs=1)
    programs = model._trainer.compilations
    before = model.get_weights()
    frozen = LearningRateScheduler(lambda epoch: 0.0)
    K.set_value(model.optimizer.momentum, 0.0)
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[frozen])
    assert_same(model.get_weights(), before, rtol=0)
    assert model._trainer.compilations == programs and K.get_value(model.optimizer.lr) == 0.0


def test_one_optimizer_in_two_models():
    optimizer, one, other = Momentum(), network(), network()
    one.compile(optimizer, "mse")
    other.compile(optimizer, "mae")
    for _ in range(2):
        one.train_on_batch(X, Y)
        other.train_on_batch(X, Y)
    assert K.get_value(optimizer.iterations) == 4
    alone = network()
    alone.compile(Momentum(), "mse")
    for _ in range(2):
        alone.train_on_batch(X, Y)
    assert_same(one.get_weights(), alone.get_weights())


class Noisy(Momentum):
    def get_updates(self, loss, params):
        updates = super().get_updates(loss, params)
        return updates + [K.update_add(p, 0.01 * K.random_normal(K.int_shape(p))) for p in params]


@pytest.mark.devices(4)
@pytest.mark.parametrize("kind", [Momentum, Noisy, SecondOrder])
@pytest.mark.parametrize("layout", ["map", "mesh"])
def test_devices_make_no_difference(kind, layout):
    found = []
    for devices in (1, 4):
        set_random_seed(3)
        inner = [Lambda(lambda v: v * 1.0)] if layout == "mesh" else []
        model = Sequential([Dense(4, input_shape=(3,)), *inner, Dropout(0.2), Dense(1)])
        model.set_weights(WEIGHTS)
        model.compile(kind(), "mse", devices=devices)
        for _ in range(3):
            model.train_on_batch(X, Y)
        found.append(model)
    assert found[1]._trainer.layout.kind == layout
    assert_same(found[0].get_weights(), found[1].get_weights())


@pytest.mark.parametrize("suffix", ["h5", "msgpack"])
def test_files_keep_all_of_the_state(tmp_path, suffix):
    model = trained(Momentum(decay=0.1))
    path = str(tmp_path / f"model.{suffix}")
    model.save(path)
    loaded = load_model(path, custom_objects={"Momentum": Momentum})
    assert_same(loaded.optimizer.get_weights(), model.optimizer.get_weights(), rtol=0)
    twin = copy.copy(model)
    assert_same(twin.optimizer.get_weights(), model.optimizer.get_weights(), rtol=0)
    for net in (model, loaded, twin):
        net.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    assert_same(loaded.get_weights(), model.get_weights(), rtol=0)
    assert_same(twin.get_weights(), model.get_weights(), rtol=0)


def test_weights_are_there_once_there_is_a_train_function():
    model = network()
    model.compile(Momentum(), "mse")
    assert model.optimizer.weights == []
    model._make_train_function()
    values = model.optimizer.get_weights()
    assert [v.shape for v in values] == [(), (3, 4), (4,), (4, 1), (1,)]
    model.optimizer.set_weights([v + 1 for v in values])
    model.train_on_batch(X, Y)
    assert model.optimizer.get_weights()[0] == 2


def test_as_a_transformation_of_optax():
    tx = Momentum().transform()
    params = {"b": jnp.zeros(1), "a": jnp.ones(2)}
    state = tx.init(params)
    for expected in (-0.1, -0.19):
        updates, state = jax.jit(tx.update)(params | {"b": jnp.ones(1), "a": jnp.ones(2)}, state, params)
        np.testing.assert_allclose(updates["a"], [expected] * 2, rtol=1e-5)
    with pytest.raises(ValueError, match="Momentum.get_updates computes new parameters: pass `params`"):
        tx.update(params, state)


@pytest.mark.parametrize(
    "updates, error, text",
    [
        (
            lambda model, p: [K.update(p, 1.0)],
            ValueError,
            r"Bad.get_updates gives .*kernel:0 of shape \(3, 4\) a value",
        ),
        (
            lambda model, p: [(p, p), "no"],
            TypeError,
            r"Bad.get_updates must return a list of K.update\(.*'no'",
        ),
        (
            lambda model, p: [(p, p + model.output[0, 0])],
            ValueError,
            "Bad.get_updates computes with a tensor that is fed",
        ),
        (
            lambda model, p: [(model.layers[0].kernel, p)],
            ValueError,
            "updates of Bad use .*kernel:0, a variable of the model",
        ),
    ],
    ids=["shape", "no pair", "fed", "frozen"],
)
def test_what_cannot_be_a_step(updates, error, text):
    model = network()
    model.layers[0].trainable = "a variable of the model" not in text

    class Bad(Optimizer):
        def get_updates(self, loss, params):
            return updates(model, params[0])

    model.compile(Bad(), "mse")
    with pytest.raises(error, match=text):
        model.train_on_batch(X, Y)


@pytest.mark.parametrize("shared", [False, True])
def test_models_are_freed(shared):
    optimizer, kernels = Momentum(), []
    for _ in range(10 if shared else 2):
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile(optimizer if shared else Momentum(), "mse", devices=1)
        model.train_on_batch(X, Y)
        kernels.append(weakref.ref(model.layers[0].kernel))
    del model
    gc.collect()
    assert kernels[0]() is None


def test_a_step_can_be_differentiated():
    """The gradient of what two steps come to is that of the same rule of jkeras's own."""
    x, y = np.linspace(0, 1, 24, dtype="float32").reshape(8, 3), np.ones((8, 2), "float32")
    model = Sequential([Dense(2, input_shape=(3,))])
    found = []
    for optimizer in (Momentum(), optimizers.SGD(lr=0.1, momentum=0.9)):
        model.compile(optimizer, "mse", devices=1)
        step = model.step()
        carry = step.init()

        def later(params, step=step, carry=carry):
            end = step.apply(step.apply(carry._replace(params=params), (x, y))[0], (x, y))[0]
            return step.loss(end.params, end.state, (x, y))[0]

        found += [jax.jit(jax.grad(later))(carry.params), jax.grad(jax.jit(later))(carry.params)]
    for other in found[1:]:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found[0], other)
