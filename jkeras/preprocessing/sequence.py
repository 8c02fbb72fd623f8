"""Sequences made ready for a model: padded, paired, cut into windows."""

# pyright: reportUnnecessaryIsInstance=false, reportUnusedFunction=false
from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras.core.arguments import refuse_text
from jkeras.core.sequence import RandomSequence
from jkeras.preprocessing.draws import Draws, seeded


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: DTypeLike | None = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
):
    """Make sequences equally long.

    Args:
        sequences: list of sequences (lists, arrays) of numbers or of equally shaped arrays.
        maxlen: their length in the result; None: that of the longest one.
        dtype: of the result; `object` for strings of any length.
        padding: "pre" or "post": where a short sequence gets `value`.
        truncating: "pre" or "post": where a long one loses what is too much.
        value: what short sequences are filled with.

    Returns:
        An array `(len(sequences), maxlen, ...)`.

    Raises:
        ValueError: for other words than these, sequences of different inner shape, things that are none.

    Keras 2.2.4: keras_preprocessing/sequence.py pad_sequences

    Example:
        >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
        array([[2, 3],
               [0, 4]], dtype=int32)
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"`sequences` must be iterable, with a length; got a {type(sequences).__name__}.")
    for name, word in (("Truncating", truncating), ("Padding", padding)):
        if word not in ("pre", "post"):
            raise ValueError(f'{name} type "{word}" not understood')
    if isinstance(value, str) and dtype is not object and np.dtype(dtype).kind not in "OU":
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\n"
            "You should set `dtype=object` for variable length strings."
        )
    refuse_text(maxlen=maxlen)
    lengths = [_length(s) for s in sequences]
    if maxlen is None:
        if not lengths:
            raise ValueError("`sequences` holds no sequence, so `maxlen` must be given.")
        maxlen = max(lengths)
    if not isinstance(maxlen, (int, np.integer)) or maxlen < 0:
        raise ValueError(f"`maxlen` should be a whole number, 0 or more, or None; got {maxlen!r}.")
    shape = next((np.shape(_array(s, dtype))[1:] for s, n in zip(sequences, lengths, strict=True) if n), ())
    padded = np.empty((len(lengths), maxlen, *shape), dtype)
    padded[...] = np.asarray(value).astype(padded.dtype)
    for i, (s, n) in enumerate(zip(sequences, lengths, strict=True)):
        kept = min(n, maxlen)
        if not kept:
            continue
        part = _array(s[n - kept :] if truncating == "pre" else s[:kept], dtype)
        if part.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {part.shape[1:]} of sequence at position {i} is different from expected "
                f"shape {shape}"
            )
        first = maxlen - kept if padding == "pre" else 0
        padded[i, first : first + kept] = part
    return padded


def _length(sequence: Any) -> int:
    try:
        return len(sequence)
    except TypeError:
        raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {sequence}") from None


def _array(sequence: Any, dtype: DTypeLike | None) -> NDArray[Any]:
    """The sequence with numbers that wrap around, as C's do, where the type is too small for them."""
    if np.dtype(dtype).kind == "O":
        return np.asarray(sequence, dtype)
    return np.asarray(sequence).astype(dtype)


def make_sampling_table(size: int, sampling_factor: float = 1e-5):
    """How likely `skipgrams` should keep the word of each rank: common words less than rare ones.

    The frequency of the word of rank r is taken from Zipf's law, `1 / (r * (log(r) + 0.577) + 1/2 -
    1/(12 r))`; the probability is `min(1, sqrt(sampling_factor / frequency))`, as in word2vec.

    Args:
        size: number of words, from rank 0.
        sampling_factor: how much is kept.

    Returns:
        An array `(size,)` of probabilities.

    Keras 2.2.4: keras_preprocessing/sequence.py make_sampling_table

    Example:
        >>> make_sampling_table(4, sampling_factor=0.1).round(2)
        array([0.32, 0.32, 0.55, 0.74])
    """
    refuse_text(size=size, sampling_factor=sampling_factor)
    rank = np.maximum(np.arange(size), 1)
    scarcity = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    ratio = sampling_factor * scarcity
    return np.minimum(1.0, ratio / np.sqrt(ratio))


def skipgrams(
    sequence: Any,
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
):
    """Pairs of a word and one near it (label 1), and of a word and any other (label 0).

    Args:
        sequence: word numbers; 0 stands for no word and is passed over.
        vocabulary_size: largest word number + 1.
        window_size: how far apart the words of a pair are at most.
        negative_samples: how many pairs of label 0 there are for each one of label 1.
        shuffle: whether the pairs are shuffled.
        categorical: labels `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: probability to keep the word of each number, see `make_sampling_table`.
        seed: of the shuffling; all other draws come from Python's global generator as it is.

    Returns:
        `couples, labels`: two lists.

    Keras 2.2.4: keras_preprocessing/sequence.py skipgrams

    Example:
        >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    numbers = dict(vocabulary_size=vocabulary_size, window_size=window_size)
    refuse_text(negative_samples=negative_samples, **numbers)
    couples: list[list[Any]] = []
    for i, word in enumerate(sequence):
        if not word or sampling_table is not None and sampling_table[word] < random.random():
            continue
        for j in range(max(0, i - window_size), min(len(sequence), i + window_size + 1)):
            if j != i and sequence[j]:
                couples.append([word, sequence[j]])
    near, other = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [near] * len(couples)
    if negative_samples > 0:
        words = [word for word, _ in couples]
        random.shuffle(words)
        count = int(len(couples) * negative_samples)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [other] * count
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for both in (couples, labels):
            random.seed(seed)
            random.shuffle(both)
    return couples, [list(x) for x in labels] if categorical else labels


def _remove_long_seq(maxlen: int, seq: Any, label: Any) -> tuple[list[Any], list[Any]]:
    """The sequences shorter than `maxlen`, and their labels.

    Keras 2.2.4: keras_preprocessing/sequence.py _remove_long_seq

    Example:
        >>> _remove_long_seq(2, [[1], [2, 3]], [0, 1])
        ([[1]], [0])
    """
    kept = [(s, y) for s, y in zip(seq, label, strict=False) if len(s) < maxlen]
    return [s for s, _ in kept], [y for _, y in kept]


class TimeseriesGenerator(RandomSequence):
    """Windows of a series, in batches: the `length` steps before a step, and the target of that step.

    numpy's global generator draws windows at random (`shuffle`); in `fit` and its kin they are a function of
    the seed of the run and of the place in it, whatever the workers, an interruption and a resume do.

    Args:
        data: list or array whose first axis is time.
        targets: one for each step of `data`.
        length: how many steps a window spans.
        sampling_rate: of these steps, only each so-many-th is taken.
        stride: steps from one window to the next.
        start_index: steps before it are not used.
        end_index: the last step that is a target; None: the last one there is.
        shuffle: draw windows at random instead of going through them.
        reverse: the latest step of a window comes first.
        batch_size: windows in a batch.

    Raises:
        ValueError: there are not as many targets as data, or no window fits.

    Keras 2.2.4: keras_preprocessing/sequence.py TimeseriesGenerator

    Example:
        >>> series = np.arange(6)
        >>> x, y = TimeseriesGenerator(series, series * 10, length=3, batch_size=2)[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3]], [30, 40])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ):
        if len(data) != len(targets):
            raise ValueError(
                "Data and targets have to be of same length. "
                f"Data length is {len(data)} while target length is {len(targets)}"
            )
        steps = dict(length=length, sampling_rate=sampling_rate, stride=stride, batch_size=batch_size)
        refuse_text(**steps, start_index=start_index, end_index=end_index)
        for name, value in steps.items():
            if value < 1:
                raise ValueError(f"`{name}` should be at least 1; got {value!r}.")
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length  # the first step that has a whole window before it
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is disallowed, as no "
                "part of the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index: int):
        """Batch number `index`: windows and targets."""
        return self._batch(index, np.random)

    def batch_of_run(
        self, index: int, first: int, number: int, seed: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Batch `index`; windows at random are a function of `seed` and `number`."""
        return self._batch(index, seeded(seed + number))

    def _batch(self, index: int, draws: Draws):
        if self.shuffle:
            rows = draws.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            stop = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, stop, self.stride)
        samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1, ...] if self.reverse else samples), targets

    def get_config(self) -> dict[str, Any]:
        """The arguments, with `data` and `targets` as JSON; `start_index` is that of the first target.

        Raises:
            TypeError: for data that JSON cannot hold.
        """
        return {
            "data": _json_of(self.data, "Data"),
            "targets": _json_of(self.targets, "Targets"),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs: Any) -> str:
        """JSON that `timeseries_generator_from_json` reads; `kwargs` go to `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _json_of(values: Any, what: str) -> str:
    try:
        return json.dumps(values.tolist() if isinstance(values, np.ndarray | np.generic) else values)
    except TypeError:
        raise TypeError(f"{what} not JSON Serializable: {values}") from None


def timeseries_generator_from_json(json_string: str) -> TimeseriesGenerator:
    """The generator that `to_json` wrote.

    (Keras writes the first target as `start_index` and takes it for the first step of data on reading; here
    the generator that is read has the windows of the one that was written.)

    Args:
        json_string: the JSON.

    Returns:
        A TimeseriesGenerator.

    Keras 2.2.4: keras_preprocessing/sequence.py timeseries_generator_from_json

    Example:
        >>> series = TimeseriesGenerator([1, 2, 3], [1, 2, 3], length=1)
        >>> timeseries_generator_from_json(series.to_json()).start_index == series.start_index
        True
    """
    config = json.loads(json_string)["config"]
    data, targets = json.loads(config.pop("data")), json.loads(config.pop("targets"))
    start = config.pop("start_index") - config["length"]
    return TimeseriesGenerator(data, targets, start_index=start, **config)
