"""Iterators over images: by number, by turns, in `fit`, in workers, in subclasses."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from jkeras.callbacks import Callback, RunCheckpoint
from jkeras.layers import Dense, Flatten
from jkeras.models import Sequential
from jkeras.preprocessing import image
from jkeras.training.data.stream import Stream, Taken
from jkeras.training.data.workers import Supply
from jkeras.utils import OrderedEnqueuer, Sequence

X = np.random.RandomState(0).uniform(0, 255, (11, 4, 5, 3)).astype("float32")
Y = np.arange(11)
TURNED = dict(rotation_range=30, width_shift_range=0.2, horizontal_flip=True)


def flow(seed=3, shuffle=True, generator=None, **more):
    generator = generator or image.ImageDataGenerator(**TURNED)
    return generator.flow(X, Y, batch_size=4, shuffle=shuffle, seed=seed, **more)


def fed(items, epochs=2, workers=1, processes=False, start=(0, 0), seed=9, steps=None):
    """The batches that `fit` takes, in its order."""
    supply = Supply(workers, processes, 3)
    stream = Stream(items, steps, lambda item: item, None, supply)
    stream._feed._finish = Taken
    batches = []
    for epoch in range(start[0], epochs):
        first = start[1] if epoch == start[0] else 0
        batches += list(stream.batches(seed, epoch, first, last=epoch == epochs - 1))
    stream.close()
    return batches


def same(here, there):
    assert len(here) == len(there)
    for (x, y), (x_there, y_there) in zip(here, there, strict=True):
        np.testing.assert_array_equal(x, x_there)
        np.testing.assert_array_equal(y, y_there)


def by_hand(items, epochs=2):
    """What Keras's workers do, one after the other."""
    batches = []
    for _ in range(epochs):
        batches += [items[i] for i in range(len(items))]
        items.on_epoch_end()
    return batches


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_fit_takes_the_batches_of_keras(shuffle, workers):
    items = flow(shuffle=shuffle)
    same(fed(items, workers=workers), by_hand(flow(shuffle=shuffle)))
    assert items.total_batches_seen == 6 and isinstance(items, Sequence)
    same(fed(items, 1), by_hand(flow(shuffle=shuffle), 3)[6:])  # a second call goes on


def test_one_batch_is_a_pass():
    generator = image.ImageDataGenerator(**TURNED)
    one = [generator.flow(X, Y, batch_size=11, seed=5) for _ in range(2)]
    same(fed(one[0], 3), by_hand(one[1], 3))


def test_processes_make_the_same_batches():
    same(fed(flow(), workers=2, processes=True), by_hand(flow()))


@pytest.mark.parametrize("seed", [3, None])
def test_a_resumed_run_gets_the_batches_it_would_have_had(seed):
    whole = fed(flow(seed), 3)
    same(fed(flow(seed), 3, start=(1, 2)), whole[5:])
    np.random.seed(1)
    same(fed(flow(seed), 3, workers=2), whole)  # whatever else was drawn


def test_an_epoch_need_not_be_a_pass():
    same(fed(flow(), 3, steps=2), by_hand(flow()))


def test_numbers_drawn_elsewhere_do_not_count_in_a_run():
    before = np.random.get_state()[1].copy()
    fed(flow(None))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def noisy(x):
    return x + np.random.normal(size=x.shape)


class Louder(image.ImageDataGenerator):
    def get_random_transform(self, img_shape, seed=None):
        return {**super().get_random_transform(img_shape, seed), "brightness": np.random.uniform(0.5, 1)}


@pytest.mark.parametrize(
    "generator",
    [image.ImageDataGenerator(preprocessing_function=noisy, **TURNED), Louder(**TURNED)],
    ids=["function", "subclass"],
)
def test_code_of_the_user_draws_from_the_global_generator(generator):
    if isinstance(generator, Louder):
        pytest.importorskip("PIL.Image")  # brightness
    there = by_hand(flow(generator=generator), 1)
    for workers in (1, 3):
        same(fed(flow(generator=generator), 1, workers=workers), there)


class Pairs(image.NumpyArrayIterator):
    """Two views of each image, as packages make them."""

    def _get_batches_of_transformed_samples(self, index_array):
        x, y = super()._get_batches_of_transformed_samples(index_array)
        other = [self.image_data_generator.random_transform(self.x[i]) for i in index_array]
        return np.concatenate([x, other], -1), y


class Backwards(image.NumpyArrayIterator):
    def _set_index_array(self):
        self.index_array = np.arange(self.n)[::-1]


class Numbered(image.NumpyArrayIterator):
    def __getitem__(self, idx):
        return np.full((1, 2), idx), np.full(1, idx)


def test_subclasses():
    generator = image.ImageDataGenerator(**TURNED)
    pairs = [Pairs(X, Y, generator, 4, True, seed=2) for _ in range(2)]
    same(fed(pairs[0], 1, workers=2), by_hand(pairs[1], 1))
    assert pairs[0][0][0].shape == (4, 4, 5, 6)
    assert [y.tolist() for _, y in fed(Backwards(X, Y, generator, 6), 1)] == [
        [10, 9, 8, 7, 6, 5],
        [4, 3, 2, 1, 0],
    ]
    assert [y.tolist() for _, y in fed(Numbered(X, Y, generator, 6), 2)] == [[0], [1]] * 2


def test_iterator_by_turns():
    items = flow(None, shuffle=False)
    seen = [y.tolist() for (_, y), _ in zip(items, range(4), strict=False)]
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10], [0, 1, 2, 3]]
    assert (items.batch_index, items.total_batches_seen) == (2, 5)  # zip takes one more
    items.reset()
    assert items.batch_index == 0 and next(items)[1].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="Asked to retrieve element 3, but the Sequence has length 3"):
        items[3]


def test_an_iterator_can_be_sent_to_another_process():
    items = flow()
    items[0]
    again = pickle.loads(pickle.dumps(items))
    same([again[1]], [items[1]])
    assert isinstance(again.lock, type(threading.Lock())) and next(again)[1].shape == (4,)


def test_the_enqueuer_gives_the_same():
    for workers, processes in ((1, False), (3, False)):
        enqueuer = OrderedEnqueuer(flow(), processes)
        enqueuer.start(workers)
        batches = enqueuer.get()
        same([next(batches) for _ in range(6)], by_hand(flow()))
        enqueuer.stop()


class Losses(Callback):
    def __init__(self, stop=None):
        super().__init__()
        self.stop, self.losses = stop, []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))
        if len(self.losses) == self.stop:
            raise KeyboardInterrupt


def model():
    np.random.seed(4)
    built = Sequential([Flatten(input_shape=(4, 5, 3)), Dense(1)])
    built.compile("sgd", "mse")
    return built


@pytest.mark.parametrize("seed", [3, None])
def test_a_resumed_fit_is_bit_exact(tmp_path, seed):
    generator = image.ImageDataGenerator(rescale=1 / 255, **TURNED)

    def run(folder, callback, resume=False):
        saved = RunCheckpoint(tmp_path / folder, every_steps=1, resume=resume)
        np.random.seed(4)
        trained = model()
        trained.fit_generator(
            flow(seed, generator=generator),
            epochs=3,
            verbose=0,
            validation_data=flow(seed, generator=generator),
            callbacks=[callback, saved],
        )
        return trained.get_weights()

    whole, parts = Losses(), [Losses(5), Losses()]
    there = run("whole", whole)
    with pytest.raises(KeyboardInterrupt):
        run("parts", parts[0])
    here = run("parts", parts[1], resume=True)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a, b)
    assert whole.losses[-len(parts[1].losses) :] == parts[1].losses


def test_fit_evaluate_and_predict_take_them():
    trained, items = model(), flow(None, shuffle=False, generator=image.ImageDataGenerator(rescale=1 / 255))
    history = trained.fit_generator(items, 3, epochs=2, verbose=0, workers=2, validation_data=items)
    assert len(history.history["val_loss"]) == 2
    there = trained.predict(X / 255)
    np.testing.assert_allclose(trained.predict_generator(items), there, rtol=1e-4, atol=1e-5)
    loss = trained.evaluate_generator(items)
    assert loss == pytest.approx(trained.evaluate(X / 255, Y, verbose=0), rel=1e-4)


def test_the_first_batch_builds_a_model_and_is_not_lost():
    unbuilt = Sequential([Flatten(), Dense(1)])
    unbuilt.compile("sgd", "mse")
    items = flow()
    unbuilt.fit_generator(items, epochs=1, verbose=0)
    assert unbuilt.built and items.total_batches_seen == 3
