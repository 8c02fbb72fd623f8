"""Files are replaced whole or not at all."""

import errno
import os
import stat

import pytest

from jkeras.core import atomic


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_writes_a_new_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "model.h5"
    with atomic.replacing(target) as part:
        assert part.parent == tmp_path and part.suffix == ".h5"
        part.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["model.h5"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_keeps_the_old_file(tmp_path, error):
    target = tmp_path / "model.h5"
    target.write_bytes(b"old")
    with pytest.raises(error):
        with atomic.replacing(target) as part:
            part.write_bytes(b"half")
            raise error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["model.h5"]


def test_a_body_that_removed_its_file_is_an_error(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileNotFoundError):
        with atomic.replacing(target) as part:
            part.unlink()
    assert target.read_text() == "old"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_keeps_the_mode_of_an_existing_file(tmp_path, mode):
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(mode)
    with atomic.replacing(target) as part:
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        part.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_text() == "new"


def test_a_new_file_follows_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        atomic.write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_follows_a_symbolic_link(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    atomic.write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert names(tmp_path / "real") == ["a.txt"]


def test_the_longest_possible_name(tmp_path):
    target = tmp_path / ("é" * 120 + ".h5")
    atomic.write_bytes(target, b"x")
    assert target.read_bytes() == b"x"


def test_missing_folder_is_named(tmp_path):
    target = tmp_path / "nowhere" / "a.txt"
    with pytest.raises(FileNotFoundError, match="folder '.*nowhere' does not exist; create it first.*a.txt"):
        atomic.write_text(target, "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="does not exist"):
        atomic.write_text(tmp_path / "file" / "a.txt", "x")


def test_a_folder_in_the_place_of_the_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="there is a folder of this name"):
        atomic.write_text(tmp_path, "x")


@pytest.mark.parametrize(
    "code, message",
    [(errno.EROFS, "is read-only"), (errno.EACCES, "is read-only"), (errno.ENOSPC, "No space")],
)
def test_a_folder_that_refuses(tmp_path, monkeypatch, code, message):
    def refuse(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match=message) as caught:
        atomic.write_text(tmp_path / "a.txt", "x")
    assert caught.value.errno == code
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert names(tmp_path) == []


def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_text(target, "new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_system_that_cannot_sync_folders(tmp_path, monkeypatch):
    sync = os.fsync

    def files_only(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(handle)

    monkeypatch.setattr(os, "fsync", files_only)
    atomic.write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").read_text() == "x"


def test_remains_of_a_killed_process_are_removed_when_they_are_old(tmp_path):
    target = tmp_path / "data.bin"
    with pytest.raises(KeyboardInterrupt), atomic.replacing(target) as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    old, young, other = part, tmp_path / ".data.0123abcd.tmp.bin", tmp_path / ".data.nothex!!.tmp.bin"
    for remains in (old, young, other):
        remains.write_bytes(b"half")
    for remains in (old, other):
        os.utime(remains, (0, 0))
    atomic.remove_remains(target)
    assert not old.exists() and young.exists() and other.exists()


def test_a_place_that_cannot_be_written_is_refused_before(tmp_path):
    (tmp_path / "file").touch()
    for path, kind, words in (
        (tmp_path / "file" / "inside" / "m.h5", NotADirectoryError, "is a file and no folder"),
        (tmp_path, IsADirectoryError, "there is a folder of this name"),
    ):
        with pytest.raises(kind, match=words) as caught:
            atomic.check_target(path)
        assert caught.value.filename == str(path)
    with pytest.raises(NotADirectoryError, match="is a file and no folder"):
        atomic.make_folder(tmp_path / "file")
    atomic.check_target(tmp_path / "a" / "b")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
