"""Worker processes: what they may run, what they see, and that none of them is left."""

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
from jkeras.models import Sequential
from jkeras.training.enqueue import SequenceEnqueuer
from jkeras.utils import Sequence
from jkeras.utils.data_utils import GeneratorEnqueuer, OrderedEnqueuer


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before and not multiprocessing.active_children()


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


def test_what_cannot_be_sent():
    def batches():
        yield np.zeros((2, 3)), np.zeros((2, 1))

    class Local(Failing):
        pass

    for items in (batches(), Local("raise")):
        with pytest.raises(TypeError, match="cannot be pickled.*use_multiprocessing=False"):
            _model().fit(items, steps_per_epoch=1, use_multiprocessing=True, verbose=0)


def test_an_iterator_in_a_process():
    items = [(np.full((2, 3), i), np.zeros((2, 1))) for i in range(4)]
    model = _model()
    found = model.predict(iter(items), steps=4, workers=3, use_multiprocessing=True)
    np.testing.assert_allclose(found, model.predict(np.concatenate([x for x, _ in items])), atol=1e-6)


def _script(tmp_path, text, **more):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "JAX_PLATFORMS": "cpu"}
    return subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=120, env=environment, **more
    )


def test_a_script_without_a_guard_is_told(tmp_path):
    found = _script(
        tmp_path,
        """
        from jkeras.utils import OrderedEnqueuer, Sequence
        class Two(Sequence):
            def __len__(self): return 2
            def __getitem__(self, i): return i
        enqueuer = OrderedEnqueuer(Two(), use_multiprocessing=True)
        enqueuer.start()
        next(enqueuer.get())
        """,
    )
    assert found.returncode == 1 and 'if __name__ == "__main__":' in found.stderr.splitlines()[-1]


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
        if __name__ == "__main__":
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
    for workers in (1, 4):
        enqueuer = GeneratorEnqueuer(i if i % 3 else None for i in range(9))
        enqueuer.start(workers=workers, max_queue_size=2)
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
