"""Where tensors come from."""

from jkeras.layers import Add, Dense, Input
from jkeras.utils.layer_utils import count_params, get_source_inputs


def test_sources_in_the_order_of_the_inputs():
    a, b, c = Input((3,)), Input((3,)), Input((2,))
    shared = Dense(2)
    y = Add()([Add()([shared(a), c]), shared(b), shared(a)])
    assert get_source_inputs(y) == [a, c, b]
    assert get_source_inputs(y, shared, 1) == [b]
    assert get_source_inputs(a) == [a] and get_source_inputs(3) == 3
    assert count_params([*shared.weights, *shared.weights]) == 8
