"""What the wide summary says of a layer."""

import jax
import jax.numpy as jnp
import numpy as np

from jkeras import Input, Model, Sequential, layers
from jkeras.models.costs import flops, layer_costs


def test_operations_of_known_sizes():
    size = (6 * 6 * 8) * 3 * 3 * 2
    model = Sequential([layers.Conv2D(8, 3, input_shape=(8, 8, 2)), layers.MaxPooling2D(2), layers.Flatten()])
    conv, pool, flat = layer_costs(model)
    assert (conv.flops, conv.parameters, conv.weight_bytes) == (2 * size + 6 * 6 * 8, 152, 608)
    assert (conv.in_shape, conv.out_shape, conv.out_bytes) == ("(8, 8, 2)", "(6, 6, 8)", 4 * 6 * 6 * 8)
    assert (pool.flops, flat.flops) == (6 * 6 * 8, 0)

    def loop(x):
        return jax.lax.scan(lambda y, _: (jax.lax.cond(True, jnp.sin, lambda z: z @ z, y), y), x, length=7)

    assert flops(loop, np.ones((3, 3), np.float32)) == 7 * (2 * 3 * 3 * 3)


def test_loops_shared_layers_and_unknown_sizes():
    def costs(steps):
        x, y = Input((steps, 3)), Input((2, 4))
        both, dense = layers.LSTM(4, return_sequences=True), layers.Dense(2)
        return {c.name: c for c in layer_costs(Model([x, y], [dense(both(x)), dense(y)]))}

    a, b, unknown = (list(costs(steps).values()) for steps in (5, 10, None))
    lstm, dense = a[1], a[-1]
    assert (lstm.kind, dense.kind) == ("LSTM", "Dense")
    assert 1.9 < b[1].flops / lstm.flops < 2.1 and lstm.flops > 5 * 2 * (3 + 4) * 16
    assert dense.flops == (5 + 2) * (2 * 4 * 2 + 2) and dense.parameters == 10
    assert unknown[1].flops is None and unknown[1].parameters == lstm.parameters


def test_the_wide_summary(capsys):
    x = Input((3,))
    outputs = layers.Lambda(lambda t: 1 / 0 if not hasattr(t, "node") else t * 2, output_shape=(3,))(x)
    model = Model(x, layers.Dense(1000, name="wide")(layers.Dropout(0.5)(outputs)))
    model.summary(wide=True)
    head, _, *rows, _, total, words = capsys.readouterr().out.splitlines()
    assert head.split() == "Layer (type) Input Output Param # FLOPs Weight bytes Output bytes".split()
    assert rows[-1].split() == "wide (Dense) (3) (1000) 4,000 7 k 16 kB 4 kB".split()
    assert total.split()[:2] == ["total", "4,000"] and "one row" in words
    model.summary(print_fn=(lines := []).append)
    assert lines[1].startswith("Layer (type)                 Output Shape              Param #")
