"""Windows of a time series follow the rule of Keras 3; map, cache, orders."""

import numpy as np
import pytest

from jkeras.preprocessing.batches import Batches
from jkeras.utils import timeseries_dataset_from_array


def rows(batches):
    return np.concatenate([np.asarray(x) for x in batches])


@pytest.mark.parametrize(
    "length, stride, rate, start, end", [(3, 1, 1, None, None), (4, 3, 2, 5, 37), (2, 5, 7, 1, None)]
)
def test_windows(length, stride, rate, start, end):
    data = np.arange(40.0)
    first, last = start or 0, end or 40
    wanted = [
        [data[s + i * rate] for i in range(length)]
        for s in range(first, last, stride)
        if s + (length - 1) * rate < last
    ]
    batches = timeseries_dataset_from_array(
        data, None, length, stride, rate, 4, start_index=start, end_index=end
    )
    np.testing.assert_array_equal(rows(batches), wanted)
    pairs = timeseries_dataset_from_array(data, -data, length, stride, rate, 4, True, 3, start, end)
    x, y = (np.concatenate(part) for part in zip(*pairs, strict=True))
    np.testing.assert_array_equal(-y, x[:, 0])
    assert sorted(map(list, x)) == wanted and list(map(list, x)) != wanted


def test_arguments_are_checked():
    data = np.arange(10)
    for arguments in [
        dict(sequence_length=0),
        dict(sequence_length=3, sequence_stride=0),
        dict(sequence_length=3, sampling_rate=10),
    ]:
        with pytest.raises(ValueError, match="should be from 1 to 9"):
            timeseries_dataset_from_array(data, None, **arguments)
    with pytest.raises(ValueError, match="within the 10 steps"):
        timeseries_dataset_from_array(data, None, 3, start_index=4, end_index=11)
    with pytest.raises(ValueError, match="at least 1"):
        timeseries_dataset_from_array(data, None, 3, batch_size=0)


def test_map_cache_and_orders():
    batches = Batches(range(10), np.array, np.arange(10), batch_size=4, seed=0)
    first = rows(x for x, _ in batches)
    batches.on_epoch_end()
    assert sorted(first) == sorted(rows(x for x, _ in batches)) and list(first) != list(
        rows(x for x, _ in batches)
    )
    mapped = batches.map(lambda x, y: (10 * x, y)).map(lambda x, y: x + y).prefetch(2)
    np.testing.assert_array_equal(rows(mapped) % 11, 0)
    cached = mapped.cache()
    np.testing.assert_array_equal(rows(cached), rows(mapped))
    assert len(cached) == len(mapped) == 3
    with pytest.raises(IndexError, match="There are 3 batches"):
        batches[3]
    x, y = Batches([5, 6], np.array, np.array([0, 1]), batch_size=None)[1]
    assert (x, y) == (6, 1)
