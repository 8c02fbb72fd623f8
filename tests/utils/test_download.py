"""The way of a file over the network: what breaks on it, and what is left then."""

import hashlib
import os
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.error
from pathlib import Path

import pytest

from jkeras.core import settings
from jkeras.utils import data_utils, download, get_file
from tests.utils.test_data_utils import TREE, tar_of

DATA = bytes(range(256)) * 2000
MD5 = hashlib.md5(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def page(site):
    site.pages["/data.bin"] = DATA
    return site


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def ranges(site):
    return [asked for _, asked in site.requests]


@pytest.mark.parametrize("tag", [None, '"first"'])
def test_what_breaks_off_goes_on_from_there(page, tmp_path, capsys, tag):
    page.breaks["/data.bin"] = [100_000, 50_000]
    page.tags["/data.bin"] = [tag]
    path = get_file("a.bin", page.url + "/data.bin", file_hash=SHA256, cache_dir=tmp_path)
    assert Path(path).read_bytes() == DATA
    assert ranges(page) == [None, "bytes=100000-", "bytes=150000-"]
    assert [sent.get("If-Range") for sent in page.headers_sent] == [None, tag, tag]
    said = capsys.readouterr().out
    assert f"the connection broke after 100000 of {len(DATA)} bytes. Trying again" in said
    assert f"{len(DATA)}/{len(DATA)} [" in said


def test_who_makes_progress_may_break_off_often(page, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_PROGRESS", 20_000)
    page.breaks["/data.bin"] = [20_000] * 24 + [1, 1]
    path = get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert Path(path).read_bytes() == DATA and len(page.requests) == 27
    page.breaks["/data.bin"] = [10_000] * 24
    with pytest.raises(OSError, match=f"broke after 40000 of {len(DATA)} bytes"):
        get_file("b.bin", page.url + "/data.bin", cache_dir=tmp_path)


def test_a_server_without_parts_starts_over(page, tmp_path):
    page.breaks["/data.bin"] = [100_000]
    page.ranges = False
    path = get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert Path(path).read_bytes() == DATA
    assert ranges(page) == [None, "bytes=100000-"]


def test_a_file_that_changes_on_the_way_starts_over(page, tmp_path):
    page.breaks["/data.bin"] = [100_000]
    page.tags["/data.bin"] = ['"old"', '"new"']
    path = get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert Path(path).read_bytes() == DATA


def test_a_file_that_has_become_shorter_starts_over(page, tmp_path):
    page.breaks["/data.bin"] = [100_000]
    seen = page._send

    def shorter(self, body):
        seen(self, body)
        self.pages["/data.bin"] = DATA[:1000]

    page._send = shorter
    path = get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert Path(path).read_bytes() == DATA[:1000]
    assert ranges(page) == [None, "bytes=100000-", None]


@pytest.mark.parametrize("place", ["bytes 7-511999/512000", "bytes 100000-511999/999999", "nonsense"])
def test_another_part_than_the_missing_one_starts_over(page, tmp_path, place):
    page.breaks["/data.bin"] = [100_000]
    head = page._head

    def wrong(self, code, headers):
        head(self, code, headers | ({"Content-Range": place} if code == 206 else {}))
        self.close_connection = True

    page._head = wrong
    path = get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert Path(path).read_bytes() == DATA
    assert ranges(page) == [None, "bytes=100000-", None]


def test_a_busy_server_is_asked_again(page, tmp_path, capsys, monkeypatch):
    page.errors["/data.bin"] = [503, 429]
    page.retry_after = "7"
    pauses = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert pauses == [7.0, 7.0] and len(page.requests) == 3
    assert "503 -- Service Unavailable. Trying again in 7 s" in capsys.readouterr().out


def test_patience_has_an_end(page, tmp_path):
    page.errors["/data.bin"] = [500] * 10
    with pytest.raises(OSError, match="URL fetch failure on .*: 500 -- Internal Server Error"):
        get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert len(page.requests) == 4 and everything(tmp_path) == []
    page.errors["/data.bin"] = [403]
    with pytest.raises(OSError, match="403 -- Forbidden"):
        get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert len(page.requests) == 5, "a refusal is final"


def test_pauses_grow(page, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.undo()
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    page.errors["/data.bin"] = [503] * 10
    with pytest.raises(OSError, match="503"):
        get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert len(pauses) > 2 and all(
        after == 2 * before for before, after in zip(pauses, pauses[1:], strict=False)
    )


def test_without_a_network_the_error_names_everything(site, tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", offline)
    with pytest.raises(OSError) as caught:
        get_file("a.bin", "https://example.invalid/data.bin", file_hash=SHA256, cache_dir=tmp_path)
    said = str(caught.value)
    for part in ("https://example.invalid/data.bin", str(tmp_path / "datasets" / "a.bin"), SHA256):
        assert part in said
    assert isinstance(caught.value.__cause__, urllib.error.URLError)


def test_nobody_there(site, tmp_path):
    """A port that nobody listens on: refused again and again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/data.bin"
        with pytest.raises(OSError, match="URL fetch failure on .*refused"):
            get_file("a.bin", url, cache_dir=tmp_path)
    assert everything(tmp_path) == []


def test_a_file_with_another_hash_stays_until_the_new_one_is_there(page, tmp_path):
    mine = tmp_path / "datasets" / "a.bin"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(OSError, match="404 -- .*the file that is there has another one"):
        get_file("a.bin", page.url + "/missing", file_hash=MD5, cache_dir=tmp_path)
    with pytest.raises(ValueError, match=f"does not have the hash {'0' * 32} but {MD5}"):
        get_file("a.bin", page.url + "/data.bin", file_hash="0" * 32, cache_dir=tmp_path)
    assert mine.read_bytes() == b"mine" and everything(tmp_path) == ["datasets/a.bin"]
    get_file("a.bin", page.url + "/data.bin", file_hash=MD5, cache_dir=tmp_path)
    assert mine.read_bytes() == DATA


def test_redirections(page, tmp_path):
    page.redirects.update({"/moved": "/again", "/again": "/data.bin", "/loop": "/loop"})
    assert Path(get_file("a.bin", page.url + "/moved", cache_dir=tmp_path)).read_bytes() == DATA
    with pytest.raises(OSError, match="URL fetch failure"):
        get_file("b.bin", page.url + "/loop", cache_dir=tmp_path)
    assert everything(tmp_path) == ["datasets/a.bin"]


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/data.bin"])
def test_a_redirection_stays_on_the_web(page, tmp_path, target):
    page.redirects["/moved"] = target
    with pytest.raises(OSError, match=f"[Rr]ed.*{target}"):
        get_file("a.bin", page.url + "/moved", cache_dir=tmp_path)
    assert everything(tmp_path) == []


def test_a_redirection_does_not_leave_https():
    request = download.urllib.request.Request("https://example.invalid/data.bin")
    with pytest.raises(urllib.error.HTTPError, match="refused the redirection to http:"):
        download._Redirect().redirect_request(request, None, 302, "Found", {}, "http://example.invalid/x")


@pytest.mark.parametrize("origin", ["ftp://127.0.0.1/data.bin", "data:text/plain,abc", "/etc/hostname", ""])
def test_other_urls_are_refused(tmp_path, origin):
    with pytest.raises(OSError, match="no URL with http, https or file"):
        get_file("a.bin", origin, cache_dir=tmp_path)
    assert everything(tmp_path) == []


def test_ctrl_c_leaves_nothing(page, tmp_path, monkeypatch):
    def interrupt(self, *args):
        raise KeyboardInterrupt

    monkeypatch.setattr(download.Progbar, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path)
    assert everything(tmp_path) == []


def test_two_processes_at_once_download_it_once(page, tmp_path):
    """The second one comes while the first has its answer still before it; it waits, and has it all."""
    page.pages["/ready"] = b"yes"
    both = threading.Event()
    answer = page.do_GET

    def when_both_are_there(self):
        if self.path == "/data.bin":
            both.wait(50)
        answer(self)
        if [path for path, _ in self.requests].count("/ready") == 2:
            both.set()

    page.do_GET = when_both_are_there
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import urllib.request
            from jkeras.utils.data_utils import get_file
            urllib.request.urlopen({page.url + "/ready"!r}).read()
            path = get_file("tree", {page.url + "/data.bin"!r}, cache_dir={str(tmp_path)!r})
            print(len(open(path, "rb").read()))
            """)
    )
    command, environment = [sys.executable, script], os.environ | {"PYTHONPATH": os.getcwd()}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)
    ]
    said = [process.communicate()[0] for process in running]
    both.set()
    assert [process.returncode for process in running] == [0, 0]
    assert [text.split()[-1] for text in said] == [str(len(DATA))] * 2
    assert [path for path, _ in page.requests].count("/data.bin") == 1
    assert everything(tmp_path) == ["datasets/tree", "script.py"]


@pytest.fixture
def read_only(monkeypatch):
    """A folder that cannot be written, also for root."""

    def of(folder):
        monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).absolute().is_relative_to(folder))

    return of


def test_a_cache_that_cannot_be_written(page, tmp_path, monkeypatch, read_only):
    home, stand_in = tmp_path / "home", tmp_path / "temporary"
    (home / "datasets").mkdir(parents=True)
    monkeypatch.setattr(settings.tempfile, "gettempdir", lambda: str(stand_in))
    monkeypatch.setenv("JKERAS_HOME", str(home))
    read_only(home)
    path = get_file("a.bin", page.url + "/data.bin", file_hash=MD5)
    assert path == str(stand_in / ".keras" / "datasets" / "a.bin") and Path(path).read_bytes() == DATA
    (home / "datasets" / "a.bin").write_bytes(DATA)
    assert get_file("a.bin", page.url + "/data.bin", file_hash=MD5) == str(home / "datasets" / "a.bin")
    assert get_file("a.bin", page.url + "/data.bin", file_hash=SHA256, extract=True)
    assert len(page.requests) == 1 and everything(home) == ["datasets/a.bin"]


def test_an_archive_in_a_cache_that_cannot_be_written(site, tmp_path, monkeypatch, read_only):
    home, stand_in = tmp_path / "home", tmp_path / "temporary"
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "tree.tar.gz").write_bytes(tar_of(TREE))
    monkeypatch.setattr(settings.tempfile, "gettempdir", lambda: str(stand_in))
    read_only(home)
    path = get_file("tree", site.url + "/tree", untar=True, cache_dir=home)
    assert path == str(stand_in / ".keras" / "datasets" / "tree")
    assert everything(home) == ["datasets/tree.tar.gz"] and site.requests == []
    (home / "datasets" / "tree").mkdir()
    assert get_file("tree", site.url + "/tree", untar=True, cache_dir=home) == str(home / "datasets" / "tree")


def test_a_cache_that_is_not_there_yet_is_made(page, tmp_path):
    path = get_file("a.bin", page.url + "/data.bin", cache_dir=tmp_path / "new" / "deep")
    assert path == str(tmp_path / "new" / "deep" / "datasets" / "a.bin")
    assert data_utils._can_write(tmp_path / "new" / "deep" / "other")
