"""One at a time."""

import threading
import time

from jkeras.core import lock


def test_threads_take_turns(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(30):
            with lock.alone(tmp_path / "data.bin"):
                inside.append(1)
                time.sleep(0.0005)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 120
    assert list(tmp_path.iterdir()) == []


def test_an_error_ends_it(tmp_path):
    for _ in range(2):
        try:
            with lock.alone(tmp_path / "data.bin"):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
    assert list(tmp_path.iterdir()) == []


def test_without_locks_the_block_runs(tmp_path, monkeypatch):
    done = []
    with lock.alone(tmp_path / "missing" / "data.bin"):
        done.append(1)
    monkeypatch.setattr(lock, "fcntl", None)
    with lock.alone(tmp_path / "data.bin"):
        done.append(2)
    assert done == [1, 2] and list(tmp_path.iterdir()) == []


def test_who_waits_is_told(tmp_path):
    waits, came = threading.Event(), []

    def second():
        with lock.alone(tmp_path / "data.bin", waits.set):
            came.append(2)

    thread = threading.Thread(target=second)
    with lock.alone(tmp_path / "data.bin", lambda: came.append(0)):
        thread.start()
        assert waits.wait(60)
        came.append(1)
    thread.join()
    assert came == [1, 2]
