"""Random layers inside of models: who draws the same numbers, who draws independent ones."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest

from jkeras import layers as L
from jkeras.core.types import Ctx
from jkeras.layers.recurrent.timed import dropout_factors
from jkeras.models import Model
from jkeras.utils import set_random_seed

ROWS, WIDTH = 200, 50
ONES = np.ones((ROWS, WIDTH), "float32")
RANDOM = {
    "Dropout": L.Dropout,
    "GaussianDropout": L.GaussianDropout,
    "GaussianNoise": L.GaussianNoise,
    "AlphaDropout": L.AlphaDropout,
}


def in_one_model(*layers):
    """`draw(key)`: the outputs of all layers for ones, in one model in training."""
    x = L.Input((WIDTH,))
    outputs = [layer(x) for layer in layers]
    _, apply = Model(x, outputs).pure()
    return lambda key=0: np.asarray(apply({}, {}, ONES, Ctx(rng=jax.random.key(key), training=True)).y)


def correlation(a, b) -> float:
    return abs(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_layers_and_steps_are_independent(make):
    draw = in_one_model(make(0.4), make(0.4))
    samples = [*draw(0), *draw(1)]
    limit = 5 / np.sqrt(ONES.size)
    for a, b in itertools.combinations(samples, 2):
        assert correlation(a, b) < limit
    for y in samples:  # within one mask: neighbours in a row, and rows
        assert correlation(y[:, 1:], y[:, :-1]) < limit
        assert correlation(y[1:], y[:-1]) < limit


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_the_same_key_draws_the_same_numbers(make):
    draw = in_one_model(make(0.4), make(0.4))
    np.testing.assert_array_equal(draw(3), draw(3))


@pytest.mark.parametrize("make", [L.Dropout, L.AlphaDropout])
def test_layers_of_the_same_seed_agree_and_go_on_from_step_to_step(make):
    a, b, other, unseeded = in_one_model(*(make(0.4, seed=s) for s in (1, 1, 2, None)))()
    np.testing.assert_array_equal(a, b)
    assert correlation(a, other) < 0.05 and correlation(a, unseeded) < 0.05
    draw = in_one_model(make(0.4, seed=1))
    assert correlation(draw(0), draw(1)) < 0.05


@pytest.mark.parametrize("make", [L.Dropout, L.AlphaDropout])
@pytest.mark.parametrize("noise_shape", [None, (None, None), (None, WIDTH), (ROWS, None)])
def test_none_in_noise_shape_is_the_size_of_the_input(make, noise_shape):
    y, plain = in_one_model(make(0.4, noise_shape=noise_shape, seed=1), make(0.4, seed=1))()
    np.testing.assert_array_equal(y, plain)


def test_a_layer_called_twice_draws_twice():
    x, layer = L.Input((WIDTH,)), L.Dropout(0.5)
    _, apply = Model(x, [layer(x), layer(x)]).pure()
    first, second = apply({}, {}, ONES, Ctx(rng=jax.random.key(0), training=True)).y
    assert correlation(np.asarray(first), np.asarray(second)) < 0.05


def test_fit_draws_anew_in_every_step_and_repeats_from_the_same_seed():
    def losses():
        set_random_seed(4)
        x = L.Input((WIDTH,))
        model = Model(x, L.Dropout(0.4)(x))
        model.compile("sgd", "mse")
        return model.fit(ONES, ONES, batch_size=ROWS, epochs=4, verbose=0, shuffle=False).history["loss"]

    first = losses()
    assert len(set(first)) == 4 and losses() == first
    assert abs(np.mean(first) - 0.4 / 0.6) < 0.02  # the variance of the factors


@pytest.mark.parametrize("gates", [4, 1])
def test_recurrent_layers_draw_masks_of_inputs_and_states_independently(gates):
    ctx = Ctx(rng=jax.random.key(0), training=True)
    inputs, states = (
        np.asarray(dropout_factors(ctx, 0.3, gates, (ROWS, WIDTH), "float32", salt)) for salt in (1, 2)
    )
    assert inputs.shape == (gates, ROWS, WIDTH)
    for factors in (inputs, states):
        assert abs((factors == 0).mean() - 0.3) < 0.02 and abs(factors.mean() - 1) < 0.03
    limit = 5 / np.sqrt(ONES.size)
    for a, b in itertools.combinations([*inputs, *states], 2):
        assert correlation(a, b) < limit
