"""Worker processes: what they may run, what they see, and that none of them is left."""

import functools
import multiprocessing
import os
import random
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.core.types import Batch
from jkeras.models import Sequential
from jkeras.training.data import workers
from jkeras.training.data.enqueuers import SequenceEnqueuer
from jkeras.training.data.samples import Samples
from jkeras.training.data.stream import Stream
from jkeras.training.data.workers import Feed, Supply
from jkeras.utils import Sequence
from jkeras.utils.data_utils import GeneratorEnqueuer, OrderedEnqueuer


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(1800)
        assert not thread.is_alive()
    assert not multiprocessing.active_children()


TRAVELS = Batch(["float64"], [], [])


class Facts(Sequence):
    """What a worker sees, as a batch of numbers; `on_epoch_end` counts."""

    turn = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        on_cpu = os.environ.get("JAX_PLATFORMS") == "cpu"
        return np.array([index, os.getpid(), self.turn, on_cpu, random.random(), np.random.rand()])

    def on_epoch_end(self):
        self.turn += 1


class Failing(Sequence):
    """Raises in the worker, or ends it."""

    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 2 and self.how == "raise":
            raise KeyError("no such image")
        if index == 2 and self.how == "strange":
            raise Strange(1, 2)
        if index == 2:
            os._exit(3)
        return np.zeros((2, 3)), np.zeros((2, 1))


class Strange(Exception):
    def __init__(self, a, b):
        super().__init__("strange")


def _model():
    set_random_seed(1)
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


def _facts(count):
    np.random.seed(5)
    enqueuer = OrderedEnqueuer(Facts(), use_multiprocessing=True)
    enqueuer.start(workers=2, max_queue_size=3)
    batches = enqueuer.get()
    found = np.array([next(batches) for _ in range(count)])
    assert enqueuer.is_running()
    enqueuer.stop()
    assert not enqueuer.is_running() and not list(batches)
    return found


def test_processes_keep_the_order_and_the_seeds(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "")
    facts = _facts(8)
    assert facts[:, 0].tolist() == [0, 1, 2, 3] * 2
    pids = set(facts[:, 1])
    assert os.getpid() not in pids and len(pids) <= 2
    assert facts[:, 2].tolist() == [0] * 4 + [1] * 4, "they are told what on_epoch_end has changed"
    assert facts[:, 3].all() and os.environ["JAX_PLATFORMS"] == ""
    assert len(set(facts[:, 4])) == len(set(facts[:, 5])) == 8
    np.testing.assert_array_equal(_facts(8)[:, 4:], facts[:, 4:])


def test_what_is_on_its_way_can_be_waited_for():
    go_on = threading.Event()
    feed = Feed(lambda ticket: go_on.wait(1800), Supply(1, False, 2), lambda item: item, serial=False)
    assert feed.is_ready(0), "nothing is on its way"
    feed.ahead(range(1), lambda place: place)
    assert not feed.is_ready(0.001)
    go_on.set()
    assert feed.is_ready(1800) and feed.take(0, lambda place: place)
    assert feed.is_ready(0)
    feed.close()


def test_numbers_drawn_in_processes_depend_on_the_place_in_the_run():
    def drawn(start, workers):
        stream = Stream(Facts(), None, lambda item: Samples([item], [], []), TRAVELS, Supply(workers, True))
        turns = [(0, 0), (1, 0)] if start == 0 else [(1, start)]
        found = [s.x[0][4:] for epoch, at in turns for s in stream.batches(7, epoch, at, last=epoch == 1)]
        stream.close()
        return np.array(found)

    np.testing.assert_array_equal(drawn(2, 1), drawn(0, 2)[6:])


@pytest.mark.parametrize(
    ("how", "error", "text"),
    [
        ("raise", KeyError, "no such image"),
        ("strange", RuntimeError, "Strange: strange"),
        ("end", RuntimeError, "exit code 3"),
    ],
)
def test_an_error_in_a_process_stops_fit(how, error, text):
    with pytest.raises(error, match=text) as caught:
        _model().fit(Failing(how), workers=2, use_multiprocessing=True, shuffle=False, verbose=0)
    notes = "".join(getattr(caught.value, "__notes__", []))
    assert how == "end" or ("In the worker process" in notes and "__getitem__" in notes)


class Locked:
    """An iterator that several threads may ask; `made` is a list of batches or makes them itself."""

    def __init__(self, made):
        self.made, self.lock = iter(made), threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            return next(self.made)


BATCH = np.ones((2, 3)), np.zeros((2, 1))
_one_model = functools.cache(_model)
CALLS = {
    "fit": lambda items, **how: _one_model().fit_generator(items(), 2, verbose=0, **how),
    "validation": lambda items, **how: _one_model().fit(
        *BATCH, validation_data=items(), validation_steps=2, verbose=0, **how
    ),
    "evaluate": lambda items, **how: _one_model().evaluate_generator(items(), 2, **how),
    "predict": lambda items, **how: _one_model().predict_generator(items(), 2, **how),
}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_cannot_be_sent_is_made_by_threads(call, workers):
    """Keras on Linux forks, so it trains with them."""

    def endless():
        while True:
            assert threading.current_thread() is not threading.main_thread()
            yield BATCH

    class Holds(Failing):
        def __init__(self):
            self.view = memoryview(b"as open files, this does not go into a pickle")

        def __getitem__(self, index):
            return BATCH

    for items in (endless, lambda: Locked(endless()), Holds):
        with pytest.warns(UserWarning, match="cannot be sent to worker processes.*Sequence") as told:
            call(items, workers=workers, use_multiprocessing=True)
        assert len([w for w in told if w.category is UserWarning]) == 1


def test_what_a_worker_cannot_make_again():
    class Once(Facts):
        def __init__(self):
            self.turn = 0

        def __setstate__(self, state):
            raise KeyError("only here")

    enqueuer = OrderedEnqueuer(Once(), use_multiprocessing=True)
    enqueuer.start(workers=2)
    with pytest.warns(UserWarning, match="cannot be sent.*KeyError: 'only here'"):
        assert next(enqueuer.get())[1] == os.getpid()
    enqueuer.stop()


def test_sending_may_fail_later():
    class Grows(Facts):
        def on_epoch_end(self):
            self.more = (i for i in range(3))

    enqueuer = OrderedEnqueuer(Grows(), use_multiprocessing=True)
    enqueuer.start()
    batches = enqueuer.get()
    assert all(next(batches)[1] != os.getpid() for _ in range(4))
    with pytest.warns(UserWarning, match="'generator'"):
        assert next(batches)[1] == os.getpid()
    enqueuer.stop()


def test_several_workers_of_a_generator():
    with pytest.warns(UserWarning, match="may duplicate your data.*`jkeras.utils.Sequence`"):
        CALLS["fit"](lambda: Locked([BATCH] * 2), workers=2, use_multiprocessing=True)
    CALLS["fit"](lambda: Locked([BATCH] * 2), workers=1, use_multiprocessing=True)


def test_an_iterator_in_a_process():
    items = [(np.full((2, 3), i), np.zeros((2, 1))) for i in range(4)]
    model = _model()
    found = model.predict(iter(items), steps=4, workers=1, use_multiprocessing=True)
    np.testing.assert_allclose(found, model.predict(np.concatenate([x for x, _ in items])), atol=1e-6)


def _script(tmp_path, text, **more):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "JAX_PLATFORMS": "cpu"}
    return subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=1800, env=environment, **more
    )


def test_a_script_without_a_guard_runs_once(tmp_path):
    """Workers get the classes of a script by value; they do not run it."""
    found = _script(
        tmp_path,
        """
        print("the script")
        import collections, dataclasses, enum, os, threading
        import numpy as np
        import xml.dom
        from jkeras import layers, models, utils

        class Kind(enum.Enum):
            LEFT = "left"

        @dataclasses.dataclass
        class Settings:
            kind: Kind
            size: int = 2

        Answer = collections.namedtuple("Answer", "number parent kind")
        FACTOR, PARENT = 3, os.getpid()

        def scaled(x):
            return x * FACTOR

        class Base(utils.Sequence):
            def __len__(self):
                return 2

        class Answers(Base):
            def __init__(self, offset):
                super().__init__()
                self.add, self.lock = lambda x: x + offset, threading.RLock()
                self.settings = Settings(Kind.LEFT)

            def __getitem__(self, i):
                with self.lock:
                    fields = dataclasses.asdict(self.settings)
                    assert xml.dom.EMPTY_NAMESPACE is None and fields["size"] == 2
                    return Answer(self.add(scaled(i)), os.getpid() == PARENT, fields["kind"])

        class Data(Base):
            def __getitem__(self, i):
                return np.ones((2, 3)), np.zeros((2, 1))

        enqueuer = utils.OrderedEnqueuer(Answers(10), use_multiprocessing=True)
        enqueuer.start()
        answers = enqueuer.get()
        for want in (10, 13):
            found = next(answers)
            assert type(found) is Answer and found == (want, False, Kind.LEFT), found
        enqueuer.stop()
        model = models.Sequential([layers.Dense(1, input_shape=(3,))])
        model.compile("sgd", "mse")
        model.fit_generator(Data(), workers=1, use_multiprocessing=True, verbose=2)
        """,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("the script") == found.stdout.count("Epoch 1/1") == 1 and not found.stderr


def test_other_threads_find_their_classes_while_a_process_starts():
    script = sys.modules["__main__"]
    with workers._without_script():
        assert sys.modules["__main__"].__spec__ is sys.modules["__main__"].__file__ is None
        assert all(
            getattr(sys.modules["__main__"], name) is not None for name in ("__name__", "__builtins__")
        )
    assert sys.modules["__main__"] is script


def test_a_program_ends_though_data_hang(tmp_path):
    found = _script(
        tmp_path,
        """
        import time
        from jkeras.utils import OrderedEnqueuer, Sequence
        class Hangs(Sequence):
            def __len__(self): return 8
            def __getitem__(self, i):
                time.sleep(1000 * (i > 0))
                return i
        for processes in (False, True):
            enqueuer = OrderedEnqueuer(Hangs(), use_multiprocessing=processes)
            enqueuer.start(workers=2)
            print(next(enqueuer.get()), flush=True)
            if processes:
                enqueuer.stop()
        """,
    )
    assert (found.returncode, found.stdout) == (0, "0\n0\n"), found.stderr


def test_enqueuers():
    for count in (1, 4):
        enqueuer = GeneratorEnqueuer(i if i % 3 else None for i in range(9))
        enqueuer.start(workers=count, max_queue_size=2)
        assert list(enqueuer.get()) == [1, 2, 4, 5, 7, 8], "those that are None are passed over"
        with pytest.raises(RuntimeError, match="running already"):
            enqueuer.start()
        enqueuer.stop()
    with pytest.raises(RuntimeError, match="start"):
        enqueuer.get()
    with pytest.warns(DeprecationWarning, match="wait_time"):
        GeneratorEnqueuer(iter(()), wait_time=1)
    with pytest.raises(NotImplementedError):
        SequenceEnqueuer([]).start()


def test_an_enqueuer_that_fails_has_stopped():
    enqueuer = OrderedEnqueuer(Failing("raise"), shuffle=True)
    enqueuer.start()
    with pytest.raises(KeyError, match="no such image"):
        for _ in enqueuer.get():
            pass
    assert not enqueuer.is_running()
