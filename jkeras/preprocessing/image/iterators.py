"""Iterator: batches of samples in an order, without end or by number; the base of those for images."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.core.arguments import refuse_text
from jkeras.core.sequence import RandomSequence
from jkeras.preprocessing.draws import Draws, as_global, seeded
from jkeras.preprocessing.image.files import FORMATS, array_to_img


class Iterator(RandomSequence):
    """Batches of `n` samples: an endless iterator, and a `Sequence`.

    Subclasses define `_get_batches_of_transformed_samples(index_array)`: the batch of these samples. With a
    `seed`, numpy's global generator is seeded by `seed` + the number of batches so far before each batch.
    In `fit` and its kin batches are functions of their place in the run instead (with the same numbers, for
    a new iterator with a `seed`), whatever the workers, an interruption and a resume do.

    Args:
        n: number of samples.
        batch_size: samples in a batch.
        shuffle: whether each pass has an order of its own.
        seed: an int, or None: random numbers go on from where the global generator is.

    Attributes:
        index_array: the order of the samples in this pass.
        total_batches_seen: number of batches so far.
        batch_index: number of the next batch in this pass, for `next`.

    Keras 2.2.4: keras/preprocessing/image.py Iterator

    Example:
        >>> class Numbers(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array * 10
        >>> numbers = Numbers(3, 2, False, None)
        >>> [next(numbers).tolist() for _ in range(3)], numbers[1].tolist()
        ([[0, 10], [20], [0, 10]], [20])
    """

    white_list_formats = FORMATS

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None):
        refuse_text(batch_size=batch_size, seed=seed)
        if n and batch_size < 1:
            raise ValueError(f"`batch_size` should be at least 1; got {batch_size!r}.")
        self.n = n
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: NDArray[Any] | None = None
        self.index_generator = self._flow_index()

    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k not in ("lock", "index_generator")}

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)
        self.lock = threading.Lock()
        self.index_generator = self._flow_index()

    def _set_index_array(self) -> NDArray[Any]:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        return self.index_array

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        """Batch number `idx` of this pass.

        Raises:
            ValueError: there are not as many.
        """
        if idx >= len(self):
            raise ValueError(
                f"Asked to retrieve element {idx}, but the Sequence has length {len(self)}"
                + ("" if self.n else f": {self._what()} holds no images.")
            )
        with self.lock:
            if self.seed is not None:
                np.random.seed(self.seed + self.total_batches_seen)
            self.total_batches_seen += 1
            order = self._set_index_array() if self.index_array is None else self.index_array
            indices = self._cut(order, idx)
        return self._get_batches_of_transformed_samples(indices)

    def _cut(self, order: NDArray[Any], idx: int) -> NDArray[Any]:
        return order[self.batch_size * idx : self.batch_size * (idx + 1)]

    def on_epoch_end(self) -> None:
        """A new pass: a new order, if it shuffles."""
        self._set_index_array()

    def reset(self) -> None:
        """Let `next` begin a new pass."""
        self.batch_index = 0

    def _flow_index(self) -> Generator[NDArray[Any]]:
        """The samples of batch after batch, pass after pass."""
        self.reset()
        while True:
            if self.seed is not None:
                np.random.seed(self.seed + self.total_batches_seen)
            if self.batch_index == 0:
                self._set_index_array()
            first = self.batch_index * self.batch_size % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > first + self.batch_size else 0
            self.total_batches_seen += 1
            assert self.index_array is not None  # made with the first batch of the pass
            yield self.index_array[first : first + self.batch_size]

    def __iter__(self):
        return self

    def __next__(self, *args: Any, **kwargs: Any) -> Any:
        return self.next(*args, **kwargs)

    def next(self) -> Any:
        """The next batch; there is always one.

        Raises:
            ValueError: there are no samples.
        """
        if not self.n:
            raise ValueError(f"{self._what()} holds no images, so it has no batches.")
        with self.lock:
            indices = next(self.index_generator)
        return self._get_batches_of_transformed_samples(indices)

    def _what(self) -> str:
        return f"The {type(self).__name__}"

    def _get_batches_of_transformed_samples(self, index_array: NDArray[Any]) -> Any:
        """The batch of these samples; subclasses define it.

        Args:
            index_array: their numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} must define _get_batches_of_transformed_samples.")

    # Batches as functions of their place in a run.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_get_batches_of_transformed_samples" in vars(cls) and "_batch" not in vars(cls):
            cls._batch = Iterator._batch

    def _batch(self, index_array: NDArray[Any], draws: Draws) -> Any:
        """The batch of these samples, with random numbers from `draws`."""
        with as_global(draws):
            return self._get_batches_of_transformed_samples(index_array)

    def _skip(self, draws: Draws, count: int) -> None:
        """Draw what a batch of `count` samples draws."""

    def batch_of_run(self, index: int, first: int, number: int, seed: int) -> Any:
        """Batch `index`; what Keras would give after `number` batches, if nothing else had drawn numbers."""
        seed = seed if self.seed is None else self.seed
        order = self._order_of_run(seed, first)
        draws = seeded(seed + number)
        if number == 0:
            self._ordered(draws)
        return self._batch(self._cut(order, index), draws)

    def _order_of_run(self, seed: int, first: int) -> NDArray[Any]:
        """The order in the pass whose first batch has this number: drawn after the last batch before."""
        with self.lock:
            known: Any = vars(self).get("_known_order", (None,))
            if known[0] != (seed, first):
                draws = seeded(seed + max(0, first - 1))
                if first == 1:
                    self._ordered(draws)
                if first:
                    self._skip(draws, (self.n - 1) % self.batch_size + 1)
                self._known_order = known = ((seed, first), self._ordered(draws))
            return known[1]

    def _ordered(self, draws: Draws):
        with as_global(draws):
            self._set_index_array()
        return self.index_array


def augmented(generator: Any, x: NDArray[Any], draws: Draws):
    """One image as an ImageDataGenerator makes it: transformed, standardized.

    Args:
        generator: the ImageDataGenerator, or what has its methods.
        x: array of rank 3.
        draws: where random numbers come from.
    """
    make = getattr(generator, "_made", None)
    if make is not None:
        return make(x, draws)
    with as_global(draws):
        return generator.standardize(generator.random_transform(x))


def save_batch(iterator: Any, batch: Any, index_array: NDArray[Any], draws: Draws, most: int) -> None:
    """Write the images of a batch into the folder `save_to_dir`, under names with a random number.

    Args:
        iterator: has `save_to_dir`, `save_prefix`, `save_format`, `data_format`.
        batch: the images.
        index_array: their numbers.
        draws: where the random numbers come from.
        most: what these are below.
    """
    for x, number in zip(batch, index_array, strict=True):
        name = f"{iterator.save_prefix}_{number}_{draws.randint(most)}.{iterator.save_format}"
        array_to_img(x, iterator.data_format).save(os.path.join(iterator.save_to_dir, name))


def skip_batch(iterator: Any, shape: tuple[Any, ...], draws: Draws, count: int, most: int) -> None:
    """Draw what a batch draws.

    Args:
        iterator: has `image_data_generator` and `save_to_dir`.
        shape: of an image.
        draws: where the random numbers come from.
        count: number of images in the batch.
        most: what the random numbers in names are below.
    """
    if hasattr(iterator.image_data_generator, "_skip"):
        for _ in range(count):
            iterator.image_data_generator._skip(shape, draws)
    if iterator.save_to_dir:
        draws.randint(most, size=count)
