"""Downloads and archives: checked, whole or absent, and never outside their folder."""

import hashlib
import io
import tarfile
import zipfile

import pytest

from jkeras.utils import archives, get_file
from jkeras.utils.data_utils import validate_file

DATA = b"some data" * 1000
MD5 = hashlib.md5(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(site):
    site.pages["/data.bin"] = DATA
    return site


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_downloads_once(server, tmp_path, capsys):
    path = get_file("a.bin", server.url + "/data.bin", cache_dir=tmp_path)
    assert path == str(tmp_path / "datasets" / "a.bin")
    assert (tmp_path / "datasets" / "a.bin").read_bytes() == DATA
    assert f"Downloading data from {server.url}/data.bin\n" in capsys.readouterr().out
    assert get_file("a.bin", server.url + "/data.bin", cache_dir=tmp_path, file_hash=SHA256) == path
    assert capsys.readouterr().out == ""
    assert len(server.requests) == 1


def test_the_cache_is_the_home(server, tmp_path, monkeypatch):
    monkeypatch.setenv("JKERAS_HOME", str(tmp_path))
    assert get_file("a.bin", server.url + "/data.bin", cache_subdir="models") == str(
        tmp_path / "models" / "a.bin"
    )
    absolute = tmp_path / "elsewhere" / "b.bin"
    assert get_file(str(absolute), server.url + "/data.bin") == str(absolute)
    assert absolute.read_bytes() == DATA


@pytest.mark.parametrize("kwargs", [{"md5_hash": MD5}, {"file_hash": MD5}, {"file_hash": SHA256.upper()}])
def test_an_outdated_file_is_downloaded_again(server, tmp_path, capsys, kwargs):
    stale = tmp_path / "datasets" / "a.bin"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    get_file("a.bin", server.url + "/data.bin", cache_dir=tmp_path, **kwargs)
    assert "incomplete or outdated" in capsys.readouterr().out
    assert stale.read_bytes() == DATA


def test_a_wrong_hash_leaves_what_was_there(server, tmp_path):
    with pytest.raises(ValueError, match=f"does not have the hash {'0' * 64}.*was not written"):
        get_file("a.bin", server.url + "/data.bin", cache_dir=tmp_path, file_hash="0" * 64)
    assert everything(tmp_path) == []


def test_a_failure_says_where_to_put_the_file(server, tmp_path):
    with pytest.raises(
        OSError, match=r"URL fetch failure on .*: 404 -- Not Found. .*put the file here.*a\.bin"
    ):
        get_file("a.bin", server.url + "/missing", cache_dir=tmp_path)
    with pytest.raises(OSError, match="URL fetch failure on nowhere"):
        get_file("a.bin", "nowhere", cache_dir=tmp_path)
    assert everything(tmp_path) == []


def test_a_broken_connection_leaves_nothing(server, tmp_path):
    server.breaks["/data.bin"], server.ranges = [10] * 10, False
    with pytest.raises(OSError, match=f"broke after 10 of {len(DATA)} bytes"):
        get_file("a.bin", server.url + "/data.bin", cache_dir=tmp_path)
    assert everything(tmp_path) == []


def test_validate_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    assert (
        validate_file(path, SHA256)
        and validate_file(path, MD5, "md5")
        and validate_file(path, SHA256, "sha256", 7)
    )
    assert not validate_file(path, "0" * 32) and not validate_file(path, SHA256, "md5")
    with pytest.raises(ValueError, match="expected an MD5 of 32 or a SHA-256 of 64"):
        validate_file(path, "abc")
    with pytest.raises(ValueError, match="algorithm 'sha1'"):
        validate_file(path, SHA256, "sha1")


def tar_of(members, mode="w:gz"):
    """A tar archive of `{name: bytes | TarInfo | None for a folder}`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            data = content if isinstance(content, bytes) else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


TREE = {"tree/a.txt": b"a", "tree/deep/b.txt": b"b"}


@pytest.mark.parametrize(
    "archive, archive_format",
    [
        (tar_of(TREE), "auto"),
        (tar_of(TREE, "w:xz"), "tar"),
        (tar_of({"./tree": None, **TREE}), ["zip", "tar"]),
    ]
    + [(zip_of(TREE), "auto"), (zip_of({"tree/": b"", **TREE}), "zip")],
)
def test_extracts(server, tmp_path, archive, archive_format):
    server.pages["/tree"] = archive
    url = server.url + "/tree"
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "mine.txt").write_text("mine")
    for _ in range(2):
        path = get_file(
            "data", url, cache_dir=tmp_path, cache_subdir="", extract=True, archive_format=archive_format
        )
        assert path == str(tmp_path / "data")
        assert everything(tmp_path) == ["data", "tree/a.txt", "tree/deep/b.txt", "tree/mine.txt"]
    assert (tmp_path / "tree" / "deep" / "b.txt").read_bytes() == b"b"


def test_untar(server, tmp_path):
    server.pages["/tree"] = tar_of(TREE)
    for _ in range(2):
        path = get_file("tree", server.url + "/tree", untar=True, cache_dir=tmp_path, cache_subdir="")
        assert path == str(tmp_path / "tree")
    assert everything(tmp_path) == ["tree.tar.gz", "tree/a.txt", "tree/deep/b.txt"]
    assert len(server.requests) == 1
    path = get_file("other", server.url + "/tree", untar=True, cache_dir=tmp_path, cache_subdir="")
    assert path == str(tmp_path / "other"), "as in Keras, also where the archive does not hold it"
    with pytest.raises(ValueError, match="data.tar.gz is no tar archive; use extract=True"):
        get_file("data", server.url + "/data.bin", untar=True, cache_dir=tmp_path, cache_subdir="")


def test_what_is_no_archive_stays_as_it_is(server, tmp_path):
    url = server.url + "/data.bin"
    assert get_file("a.bin", url, extract=True, cache_dir=tmp_path, cache_subdir="") == str(
        tmp_path / "a.bin"
    )
    server.pages["/zip"] = zip_of(TREE)
    get_file("b", server.url + "/zip", extract=True, archive_format=None, cache_dir=tmp_path, cache_subdir="")
    get_file(
        "b", server.url + "/zip", extract=True, archive_format="tar", cache_dir=tmp_path, cache_subdir=""
    )
    assert everything(tmp_path) == ["a.bin", "b"]
    with pytest.raises(ValueError, match="Unknown `archive_format`: 'rar'"):
        get_file("b", url, extract=True, archive_format="rar", cache_dir=tmp_path, cache_subdir="")


def link(kind, target):
    info = tarfile.TarInfo("tree/link")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "pack, members, problem",
    [
        (tar_of, {"tree/a.txt": b"a", "../evil": b"x"}, r"'\.\./evil' leads out of the folder"),
        (tar_of, {"tree/../../evil": b"x"}, "leads out"),
        (tar_of, {"/tmp/evil": b"x"}, "leads out"),
        (tar_of, {"tree/link": link(tarfile.SYMTYPE, "/etc")}, "is a link to '/etc'"),
        (tar_of, {"tree/link": link(tarfile.LNKTYPE, "../evil")}, "is a link"),
        (tar_of, {"tree/link": link(tarfile.FIFOTYPE, "")}, "is a device"),
        (zip_of, {"tree/a.txt": b"a", "../evil": b"x"}, "leads out"),
        (zip_of, {"/evil": b"x"}, "leads out"),
        (zip_of, {"..\\evil": b"x"}, "leads out"),
        (zip_of, {"C:\\evil": b"x"}, "leads out"),
    ],
)
def test_an_archive_that_is_not_safe_is_refused_whole(server, tmp_path, pack, members, problem):
    server.pages["/tree"] = pack(members)
    cache = tmp_path / "cache"
    with pytest.raises(ValueError, match=f"data was not extracted: .*{problem}"):
        get_file("data", server.url + "/tree", extract=True, cache_dir=cache, cache_subdir="")
    assert everything(tmp_path) == ["cache/data"]


def test_a_truncated_archive_leaves_nothing(server, tmp_path):
    server.pages["/tree"] = tar_of({"tree/a.txt": b"a" * 100, "tree/b.txt": bytes(100_000)}, "w")[:2000]
    with pytest.raises(ValueError, match=r"data was not extracted: the archive is damaged.*Delete it"):
        get_file("data", server.url + "/tree", extract=True, cache_dir=tmp_path, cache_subdir="")
    assert everything(tmp_path) == ["data"]


def damaged_head():
    packed = bytearray(tar_of({"tree/a.txt": b"a", "tree/b.txt": b"b"}, "w"))
    packed[1024 + 150] ^= 1  # in the checksum of the second member
    return bytes(packed)


@pytest.mark.parametrize(
    "packed, problem",
    [
        (damaged_head(), "the archive is damaged.*a member has a damaged head"),
        (tar_of({"tree/a.txt": b"a", "tree/b.txt": b"b"}, "w")[:1300], "the archive is damaged"),
        (tar_of({"a": b"a", "a/b": b"b"}), "damaged.*'a/b' is both a file and a folder"),
        (zip_of({"a/b": b"b", "a": b"a"}), "damaged.*'a' is both a file and a folder"),
        (tar_of({".": b"a"}), "member '.' is a file without a name"),
        (tar_of({"tree/a.txt": bytes(300_000)}), "it would become more than [0-9,]+ bytes"),
        (zip_of({"tree/a.txt": bytes(300_000)}), "it would become more than [0-9,]+ bytes"),
        (tar_of({f"tree/{i}": b"" for i in range(600)}), "it has more than 500 members"),
        (zip_of({f"tree/{i}": b"" for i in range(3000)}), "it has more than [0-9,]+ members"),
    ],
    ids=["head", "cut", "tar-both", "zip-both", "no-name", "tar-bomb", "zip-bomb", "tar-many", "zip-many"],
)
def test_odd_archives_leave_nothing(tmp_path, monkeypatch, packed, problem):
    monkeypatch.setattr(archives, "_ALWAYS", 10_000)
    monkeypatch.setattr(archives, "_DENSEST", 0)
    monkeypatch.setattr(archives, "_MEMBERS", 500)
    monkeypatch.setattr(archives, "_SMALLEST", 1000)
    (tmp_path / "data").write_bytes(packed)
    with pytest.raises(ValueError, match=f"data was not extracted: .*{problem}"):
        archives.extract(tmp_path / "data")
    assert everything(tmp_path) == ["data"]


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_in_the_way_is_left_alone(tmp_path, is_file):
    (tmp_path / "data").write_bytes(
        tar_of({"a": b"a", "tree": b"a"} if is_file else {"a": b"a", "tree/b": b"b"})
    )
    (tmp_path / "tree").mkdir() if is_file else (tmp_path / "tree").write_text("mine")
    with pytest.raises(FileExistsError, match="Nothing was extracted: the archive has a .* where a .* is"):
        archives.extract(tmp_path / "data")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "tree"]


def test_a_folder_in_the_place_of_a_file_is_no_download(tmp_path):
    (tmp_path / "data.bin").mkdir()
    with pytest.raises(IsADirectoryError, match="there is a folder of this name"):
        get_file("data.bin", "http://localhost:9/", file_hash="0" * 32, cache_dir=tmp_path, cache_subdir="")


def test_two_processes_that_extract_at_once(tmp_path):
    """Whoever comes second finds a folder in his way and merges."""
    for name in ("one", "two"):
        (tmp_path / name / "tree" / "deep").mkdir(parents=True)
        (tmp_path / name / "tree" / "deep" / "a.txt").write_text(name)
    target = tmp_path / "target"
    target.mkdir()
    archives._merge(tmp_path / "one", target)
    archives._merge(tmp_path / "two", target)
    assert everything(target) == ["tree/deep/a.txt"]
    assert (target / "tree" / "deep" / "a.txt").read_text() == "two"


@pytest.mark.parametrize("name", ["../a", "a/../../b", "..\\a"])
def test_a_name_does_not_lead_out_of_the_cache(name, tmp_path):
    with pytest.raises(ValueError, match="leads out of the cache folder"):
        get_file(name, "http://localhost:1/a", cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []
