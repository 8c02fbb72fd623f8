"""Every layer is run in one place: a formula, a user's code, a graph; by variable and by name."""

import jax
import numpy as np
import pytest

from jkeras import Ctx
from jkeras.engine.call.running import run_layer
from jkeras.layers import BatchNormalization, Dense, Input, Layer
from jkeras.models import Model, Sequential

X = np.arange(6, dtype="float32").reshape(2, 3)


class Counting(Layer):
    def build(self, shape):
        self.count = self.add_weight(name="count", shape=(1,), initializer="zeros", trainable=False)
        super().build(shape)

    def call(self, x):
        self.add_update((self.count, self.count + 1))
        return x + self.count


def a_graph():
    x = Input((3,))
    return Model(x, BatchNormalization(momentum=0.5)(Counting()(x)))


MADE = {
    "formula": lambda: BatchNormalization(momentum=0.5),
    "code": Counting,
    "graph": a_graph,
    "graph in a graph": lambda: Sequential([a_graph()]),
    "chain that follows shapes": lambda: Sequential([BatchNormalization(momentum=0.5)]),
}


@pytest.mark.broadcasts
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_by_variable_is_the_same_as_by_name(make):
    layer, ctx = make(), Ctx(training=True)
    layer.build((None, 3))
    values, changed = {v: v.value + 2 for v in layer.weights}, {}
    out = run_layer(layer, values.__getitem__, X, ctx, changed.__setitem__)

    params, state = layer.pure().init(jax.random.key(0), (None, 3))
    params, state = jax.tree.map(lambda a: a + 2, (params, state))
    named = layer.pure().apply(params, state, X, ctx)
    np.testing.assert_allclose(out.y, named.y, rtol=1e-6)
    moved = sorted(float(np.sum(a)) for a in jax.tree.leaves(named.state))
    assert sorted(float(np.sum(a)) for a in changed.values()) == pytest.approx(moved)
    assert changed and set(changed) <= set(layer.non_trainable_weights)


def test_a_call_has_the_last_word_on_the_phase():
    layer = BatchNormalization()
    layer.build((None, 3))
    changed = {}
    run_layer(layer, lambda v: v.value, X, Ctx(training=True), changed.__setitem__, {"training": False})
    assert not changed


def test_unknown_words_are_refused():
    layer = Dense(2)
    layer.build((None, 3))
    with pytest.raises(TypeError, match="got unknown call arguments .'speed'"):
        run_layer(layer, lambda v: v.value, X, Ctx(), words={"speed": 3})
