"""Streams of batches: their order, who fetches them, and what stops them."""

import sys
import threading
import time
import traceback

import jax
import numpy as np
import pytest

from jkeras import callbacks, layers
from jkeras.core.random import set_random_seed
from jkeras.models import Model, Sequential
from jkeras.training.data import source as blocks
from jkeras.training.data.source import source
from jkeras.training.data.workers import Supply
from jkeras.training.run.trainer import Trainer
from jkeras.utils import Sequence

SIZE = 4


@pytest.fixture
def model():
    set_random_seed(1)
    model = Sequential([layers.Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(1800)
        assert not thread.is_alive()


def batch(number, rows=SIZE):
    return np.full((rows, 3), number, "float32"), np.zeros((rows, 2), "float32")


class Noted(Sequence):
    """Writes down what is asked of it, in the order in which it is finished."""

    def __init__(self, length=5, delay=0.0):
        self.length, self.delay, self.seen = length, delay, []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        time.sleep(self.delay * (index % 2))
        self.seen.append((index, threading.current_thread()))
        return batch(index)

    def on_epoch_end(self):
        self.seen.append(("end", threading.current_thread()))

    @property
    def order(self):
        return [what for what, _ in self.seen]


@pytest.fixture
def steps(monkeypatch):
    """Which batches the steps of training have seen: the numbers that their rows hold."""
    seen, run = [], Trainer.run

    def noted(self, kind, block, span):
        if kind == "train":
            rows = np.asarray(block.data.x[0])[:, 0]
            seen.extend(rows[block.cut.size * i].item() for i in range(span.start, span.stop))
        return run(self, kind, block, span)

    monkeypatch.setattr(Trainer, "run", noted)
    return seen


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_sequence_keeps_its_order(model, steps, workers):
    items = Noted(delay=0.01)
    model.fit(items, epochs=3, shuffle=False, workers=workers, verbose=0)
    assert steps == [0, 1, 2, 3, 4] * 3
    ends = [i for i, what in enumerate(items.order) if what == "end"]
    assert ends == [5, 11, 17], "all of an epoch is fetched before its end, nothing of the next one"
    main = threading.main_thread()
    assert all((thread is main) == (workers == 0 or what == "end") for what, thread in items.seen)


def test_shuffle_permutes_the_batches(model, steps):
    model.fit(Noted(30), epochs=2, workers=2, verbose=0)
    first, second = steps[:30], steps[30:]
    assert sorted(first) == sorted(second) == list(range(30)) and first != second


def test_fewer_and_more_steps_than_batches(model, steps):
    items = Noted(3)
    model.fit(items, epochs=2, steps_per_epoch=2, shuffle=False, verbose=0)
    assert steps == [0, 1, 2, 0]
    model.fit(items, epochs=1, steps_per_epoch=7, shuffle=False, verbose=0)
    assert steps[4:] == [0, 1, 2, 0, 1, 2, 0]
    del steps[:]  # a run that begins with a later epoch begins with the first batch, as in Keras 2.2.4
    model.fit(items, initial_epoch=1, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0)
    assert steps == [0, 1, 2, 0]


def test_nothing_is_fetched_that_is_not_used(model):
    asked = []

    def batches():
        while True:
            asked.append(threading.current_thread())
            yield batch(len(asked))

    generator = batches()
    model.fit(generator, steps_per_epoch=3, epochs=2, validation_data=batch(0), verbose=0, workers=4)
    assert len(asked) == 6 and len(set(asked)) == 1 and asked[0] is not threading.main_thread()
    model.evaluate(generator, steps=2, verbose=0)
    model.predict(generator, steps=2)
    assert len(asked) == 10, "one generator lives on"


def test_the_queue_is_bounded(model):
    made, handed = [], 0

    def batches():
        while True:
            made.append(0)
            yield batch(0)

    class Slow(Sequence):
        def __len__(self):
            return 40

        def __getitem__(self, index):
            made.append(0)
            return batch(0)

    for items in (batches(), Slow()):
        made.clear()
        stream = source(model._trainer, items, steps=40, supply=Supply(2, False, 3))
        for handed, _ in enumerate(stream.batches(0, 0, 0), 1):
            time.sleep(0.002)
            assert len(made) <= handed + 3
        assert handed == 40
        stream.close()


def test_without_workers_a_batch_waits_for_the_step_before(model):
    at = []

    def batches():
        while True:
            at.append(len(steps))
            yield batch(0)

    steps = []

    class Steps(callbacks.Callback):
        def on_batch_end(self, number, logs=None):
            steps.append(number)

    model.fit(batches(), steps_per_epoch=2, epochs=1, workers=0, callbacks=[Steps()], verbose=0)
    assert at == [0, 1]


def test_a_buffer_may_be_filled_again(model, steps):
    buffer = batch(0)

    def batches():
        for number in range(12):
            buffer[0][:] = number
            yield buffer

    for workers in (0, 1):
        steps.clear()
        model.fit(batches(), steps_per_epoch=12, workers=workers, verbose=0)
        assert steps == list(range(12))


class Boom(Exception):
    """An error whose constructor wants more than one argument."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")


def the_bad_place(number):
    if number == 3:
        raise Boom(7, "no such image")
    return batch(number)


class Bad(Sequence):
    """Fails at one batch while others take long."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index > 3:
            time.sleep(0.5)
        return the_bad_place(index)


class Exhausted(Sequence):
    """Takes its batches from an iterator with fewer of them."""

    def __init__(self):
        self.batches = iter([batch(0), batch(1)])

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return next(self.batches)


@pytest.mark.parametrize("workers", [0, 1])
def test_stop_iteration_is_no_end_of_a_sequence(model, workers):
    with pytest.raises(RuntimeError, match=r"Exhausted.__getitem__\(2\) raised StopIteration.*__len__"):
        model.fit(Exhausted(), shuffle=False, workers=workers, verbose=0)


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("kind", ["generator", "sequence"])
def test_an_error_stops_and_is_its_own(model, workers, kind):
    items = Bad() if kind == "sequence" else (the_bad_place(i) for i in range(8))
    with pytest.raises(Boom, match="7: no such image") as caught:
        model.fit(items, steps_per_epoch=8, shuffle=False, workers=workers, verbose=0)
    assert "the_bad_place" in "".join(traceback.format_tb(caught.tb))
    assert np.isfinite(model.predict(batch(0)[0])).all()


def test_an_error_in_validation_stops_too(model):
    with pytest.raises(Boom):
        model.fit(Noted(), validation_data=Bad(), verbose=0)


def test_wrong_shapes_and_early_ends(model):
    good = [batch(0), batch(1)]
    for bad, text in (
        ((np.zeros((4, 2)), np.zeros((4, 2))), r"expected dense_\d+_input to have shape \(3,\)"),
        ((np.zeros((4, 3)), np.zeros((3, 2))), "same number of samples"),
        (np.zeros((4, 3)), "tuple"),
        ((np.zeros((4, 3)), None), "needs targets"),
    ):
        with pytest.raises(ValueError, match=text):
            model.fit(iter([*good, bad]), steps_per_epoch=3, verbose=0)
    with pytest.raises(ValueError, match="ran out in epoch 2 after 1 of 2"):
        model.fit(iter([*good, batch(2)]), steps_per_epoch=2, epochs=2, verbose=0)
    with pytest.raises(ValueError, match="no batch"):
        model.fit(Empty(), verbose=0)
    for items in (Noted(0), Loader([], 0)):
        with pytest.raises(ValueError, match="length is 0"):
            model.fit(items, verbose=0)


class Empty:
    def __iter__(self):
        return iter(())


def test_bad_numbers(model):
    for arguments in ({"workers": -1}, {"max_queue_size": "many"}, {"workers": None}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            model.fit(Noted(), verbose=0, **arguments)


class Loader:
    """As torch's DataLoader: an iterable that starts anew, whose length may raise; batches are lists."""

    def __init__(self, rows, length=None):
        self.rows, self.length, self.begun = rows, length, 0

    def __iter__(self):
        self.begun += 1
        return (list(batch(i, n)) for i, n in enumerate(self.rows))

    def __len__(self):
        if self.length is None:
            raise TypeError("unknown length")
        return self.length


@pytest.mark.parametrize("length", [None, 4])
def test_loaders_with_batches_of_different_size(model, steps, length):
    items = Loader([4, 3, 3, 1], length)
    history = model.fit(items, epochs=2, validation_data=items, verbose=0)
    assert steps == [0, 1, 2, 3] * 2 and len(history.history["val_loss"]) == 2
    assert items.begun == 4
    x = np.concatenate([b[0] for b in items])
    np.testing.assert_allclose(model.predict(items), model.predict(x), atol=1e-6)
    np.testing.assert_allclose(
        model.evaluate(items, verbose=0), model.evaluate(x, np.zeros((11, 2)), verbose=0), rtol=1e-5
    )


def test_weights_names_and_tuples():
    a, b = layers.Input((3,), name="a"), layers.Input((1,), name="b")
    model = Model([a, b], [layers.Dense(2, name="p")(a), layers.Dense(1, name="q")(b)])
    model.compile("sgd", "mse")
    x = {"b": np.ones((4, 1)), "a": np.ones((4, 3))}
    y = {"q": np.zeros((4, 1)), "p": np.zeros((4, 2))}
    weight = {"p": np.array([1.0, 0, 0, 3]), "q": np.ones(4)}
    full = model.evaluate(iter([(x, y, weight)]), steps=1, verbose=0)
    expected = model.evaluate([x["a"], x["b"]], [y["p"], y["q"]], sample_weight=weight, verbose=0)
    np.testing.assert_allclose(full, expected, rtol=1e-6)
    model.fit_generator(
        iter([(x, y)] * 2), 2, validation_data=iter([(x, y)] * 2), validation_steps=2, verbose=0
    )
    assert len(model.predict_generator(iter([x]), 1)) == 2


def test_validation_of_every_kind(model):
    x, y = batch(1)
    for data, more in (
        ((x, y), {}),
        ((x, y, np.ones(SIZE)), {}),
        (Noted(2), {}),
        (iter([batch(1)] * 6), {"validation_steps": 3}),
    ):
        history = model.fit(Noted(), epochs=2, validation_data=data, verbose=0, **more)
        assert len(history.history["val_loss"]) == 2
    with pytest.raises(ValueError, match="validation_steps"):
        model.fit(Noted(), validation_data=iter([batch(1)]), verbose=0)


def test_a_long_validation_sequence_goes_on_where_it_ended(model):
    """As in Keras 2.2.4: two of three batches in each validation, in a row over the ends of passes."""
    items = Noted(3)
    more = {"epochs": 6, "validation_freq": 2, "validation_data": items, "validation_steps": 2}
    model.fit(Noted(1), verbose=0, **more)
    assert [what for what in items.order if what != "end"] == [0, 1, 2, 0, 1, 2]
    assert items.order.count("end") == 2


class Flow(Noted):
    """Like what `ImageDataGenerator.flow` gives: a sequence that can be asked for its next batch as well."""

    def __iter__(self):
        return self

    def __next__(self):
        return self[0]


def test_a_sequence_that_is_an_iterator_knows_its_length():
    model, data = Sequential([layers.Dense(2)]), Flow(length=3)
    model.compile("sgd", "mse")
    history = model.fit_generator(data, epochs=2, shuffle=False, verbose=0)
    assert len(history.epoch) == 2 and data.order[-4:] == [0, 1, 2, "end"]


def test_the_bar_counts_batches(model, capsys):
    model.fit(Noted(), verbose=1)
    assert "5/5" in capsys.readouterr().out


class Shrinking(Noted):
    """Has another number of batches after each pass."""

    lengths = (6, 2, 4)

    def on_epoch_end(self):
        super().on_epoch_end()
        self.length = self.lengths[self.order.count("end") % 3]


@pytest.mark.parametrize("workers", [0, 3])
def test_a_sequence_whose_length_changes(model, steps, workers):
    items = Shrinking(6)
    model.fit(items, epochs=4, shuffle=False, workers=workers, verbose=1)
    assert steps == [*range(6), *range(2), *range(4), *range(6)]
    steps.clear()
    model.fit(items, epochs=3, workers=workers, verbose=2)
    assert [sorted(s) for s in (steps[:2], steps[2:6], steps[6:])] == [[0, 1], [0, 1, 2, 3], [*range(6)]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_callback_may_change_the_length(model, steps, workers):
    items = Noted(8)

    class Fewer(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            items.length -= 3

    model.fit(items, epochs=3, shuffle=False, workers=workers, callbacks=[Fewer()], verbose=0)
    assert steps == [*range(8), *range(5), *range(2)]
    items.length = 3
    with pytest.raises(ValueError, match="length is 0"):
        model.fit(items, epochs=2, workers=workers, callbacks=[Fewer()], verbose=0)


class Repeated(Loader):
    """As `repeat()` of tf.data (whose length is an error) and of grain (the largest number there is)."""

    def __len__(self):
        if self.length is None:
            raise TypeError("The dataset is infinite.")
        return self.length


@pytest.mark.parametrize("length", [None, sys.maxsize])
def test_endless_data_need_a_number_of_steps(model, steps, length):
    items = Repeated([4] * 5, length)
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match=r"without end \(Repeated\)"):
            call(items, verbose=0)
    with pytest.raises(ValueError, match="validation_steps"):
        model.fit(*batch(0), validation_data=items, verbose=0)
    model.fit(items, steps_per_epoch=3, epochs=2, verbose=0)
    assert steps == [0, 1, 2, 3, 4, 0], "goes on in the second epoch, and begins anew at the end"


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_before_an_error_are_trained_on(model, steps, workers):
    with pytest.raises(Boom):
        model.fit((the_bad_place(i) for i in range(8)), steps_per_epoch=8, workers=workers, verbose=0)
    assert steps == [0, 1, 2]


def test_the_host_makes_batches_while_the_device_works():
    """Each waits for the other: the first batch of the second group for a step of the first one to begin, and
    the last step of the first group for that batch."""
    most = blocks._GROUP
    begun, made = threading.Event(), threading.Event()
    met = []

    def on_the_host(number):
        begun.set()
        if number == most - 1:
            met.append(made.wait(1800))
        return number

    def loss(true, predicted):
        shape = jax.ShapeDtypeStruct((), "float32")
        number = jax.pure_callback(on_the_host, shape, true[0, 0])
        return ((predicted - true) ** 2).mean(-1) + 0 * jax.lax.stop_gradient(number)

    def batches():
        for number in range(2 * most):
            if number == most:
                met.append(begun.wait(1800))
                made.set()
            yield np.zeros((3, 1), "float32"), np.full((3, 1), number, "float32")

    model = Sequential([layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", loss)
    model.fit(batches(), steps_per_epoch=2 * most, verbose=0)
    assert met and all(met)
