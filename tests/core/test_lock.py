"""One at a time."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest

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
    lock.Hold(tmp_path / ".lock", "The folder").release()
    assert done == [1, 2] and list(tmp_path.iterdir()) == []


def as_on_windows(monkeypatch):
    """Locks of bytes that nobody waits for, and no signal 0."""
    places = []

    def locking(handle, mode, count):
        places.append((os.lseek(handle, 0, os.SEEK_CUR), count))
        try:
            fcntl.flock(handle, mode)
        except BlockingIOError as error:
            raise PermissionError(13, "Permission denied") from error

    taken = types.SimpleNamespace(locking=locking, LK_NBLCK=fcntl.LOCK_EX | fcntl.LOCK_NB)
    monkeypatch.setattr(lock, "msvcrt", taken)
    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setattr(os, "kill", None)
    return places


def test_locks_of_windows(tmp_path, monkeypatch):
    places = as_on_windows(monkeypatch)
    path, came = tmp_path / ".lock", []
    with lock.Hold(path, "The folder"), pytest.raises(BlockingIOError, match="in use by this very process"):
        assert path.read_text().split()[0] == str(os.getpid())
        lock.Hold(path, "The folder")
    with lock.alone(tmp_path / "data.bin", lambda: came.append(0)):
        waits = threading.Event()

        def second():
            with lock.alone(tmp_path / "data.bin", waits.set):
                came.append(2)

        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        came.append(1)
    thread.join()
    assert came == [1, 2] and list(tmp_path.iterdir()) == []
    assert {count for _, count in places} == {1} and min(at for at, _ in places) > 200


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


def test_a_hold_keeps_others_out_and_says_who_has_it(tmp_path):
    path = tmp_path / ".lock"
    with lock.Hold(path, "The folder"), pytest.raises(BlockingIOError) as told:
        lock.Hold(path, "The folder")
    assert "The folder is in use by this very process" in str(told.value) and str(tmp_path) in str(told.value)
    assert not path.exists()
    lock.Hold(path, "The folder").release()


def test_a_hold_ends_with_its_process_even_if_a_child_of_it_lives_on(tmp_path):
    """A process takes the lock and forks a child, which has the locked file too; then it is killed."""
    code = (
        "import os, sys, time; from pathlib import Path; from jkeras.core.lock import Hold\n"
        "hold = Hold(Path(sys.argv[1]), 'x')\n"
        "child = os.fork()\n"
        "if child: print(os.getpid(), child, flush=True)\n"
        "time.sleep(60)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    path = tmp_path / ".lock"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(path)], stdout=subprocess.PIPE, text=True, env=env
    )
    own, child = map(int, process.stdout.readline().split())
    try:
        with pytest.raises(BlockingIOError, match=f"in use by process {own}"):
            lock.Hold(path, "The folder")
        process.kill()
        process.wait()
        with lock.Hold(path, "The folder"):
            assert path.read_text().split()[0] == str(os.getpid())
        assert not path.exists()
    finally:
        process.kill()
        process.stdout.close()
        os.kill(child, signal.SIGKILL)


def test_a_lock_of_another_machine_is_named(tmp_path):
    path = tmp_path / ".lock"
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("12 elsewhere")
        file.flush()
        with pytest.raises(BlockingIOError, match="process 12 on elsewhere"):
            lock.Hold(path, "The folder")


def test_where_nothing_can_be_locked_there_is_no_lock(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "none/lock"):
        lock.Hold(tmp_path / name, "The folder").release()
    assert not (tmp_path / "other").exists()
