"""Objects told apart by which they are."""

import gc

import numpy as np

from jkeras.core.identity import IdentityMap, same_objects


def test_equal_arrays_are_different_keys_and_stay_alive():
    known = IdentityMap()
    for number in range(50):
        known[np.zeros(1)] = number  # each is held, so that its place in memory is not given to the next
    gc.collect()
    assert len({id(array) for array, _ in known._entries.values()}) == 50
    array = np.zeros(1)
    assert known.get(array) is None
    known[array] = "mine"
    assert known.get(array) == "mine"


def test_lists_of_the_same_objects():
    a, b = np.zeros(2), np.zeros(2)
    assert same_objects([a, b], (a, b))
    assert not same_objects([a, b], [b, a]) and not same_objects([a], [a, b])
