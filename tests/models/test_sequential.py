"""Sequential: what it does before it knows its input shape."""

import jax
import numpy as np
import pytest

from jkeras.layers import Activation, Dense
from jkeras.models import Sequential


def test_pair_of_a_model_without_shape_is_that_of_the_built_one():
    model = Sequential([Dense(3, name="a"), Activation("tanh"), Dense(2, name="b")])
    init, apply = model.pure()  # before there is a graph
    params, state = init(jax.random.key(0), (None, 4))
    assert params["a"]["kernel"].shape == (4, 3) and params["b"]["kernel"].shape == (3, 2)
    x = np.ones((5, 4), "float32")
    later = model.pure().apply(params, state, x).y
    np.testing.assert_array_equal(apply(params, state, x).y, later)


def test_apply_before_init_says_what_is_missing():
    apply = Sequential([Dense(3)]).pure().apply
    with pytest.raises(RuntimeError, match="not built yet"):
        apply({}, {}, np.ones((5, 4), "float32"))
