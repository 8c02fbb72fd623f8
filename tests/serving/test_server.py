"""A real server: its command, its sockets, clients that behave badly, its end."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import grpc
import numpy as np
import pytest

from jkeras.serving.messages import classes
from tests.cli.conftest import invoke
from tests.serving.test_rest import GOOD
from tests.serving.test_rpc import PREDICT, X, request

EXAMPLE = Path(__file__).parents[2] / "examples" / "serving" / "client.py"
ENVIRONMENT = {**os.environ, "XLA_FLAGS": "", "PYTHONPATH": os.pathsep.join(sys.path)}
NAMES = ("--name", "voice", "--signature", "voice_classification", "--inputs", "voice", "--outputs", "scores")
BODY = json.dumps({"instances": GOOD}).encode()


def post(body=BODY, *headers):
    lines = [b"POST /v1/models/voice:predict HTTP/1.1", b"host: x", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


WHOLE = post(BODY, b"content-length: %d" % len(BODY))


@contextlib.contextmanager
def started(path, *options):
    """A server in a process of its own, on free ports."""
    command = [sys.executable, "-m", "jkeras", "serve", str(path), "--port", "0", "--grpc-port", "0"]
    process = subprocess.Popen(
        [*command, *NAMES, *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        said = [process.stderr.readline() for _ in range(2)]
        rest, rpc = (int(re.search(r":(\d+)", line.removeprefix("REST: http:"))[1]) for line in said)
        yield SimpleNamespace(process=process, port=rest, rpc=rpc, said=said)
    finally:
        process.kill()
        process.communicate()


class Line:
    """A connection to a server."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def answer(self):
        """Status and JSON of the next answer."""
        content = b""
        while b"\r\n\r\n" not in content:
            part = self.socket.recv(65536)
            assert part, content
            content += part
        head, _, body = content.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])
        while len(body) < length:
            body += self.socket.recv(65536)
        return int(head.split()[1]), json.loads(body)

    def is_closed(self):
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True


@pytest.fixture
def connect():
    """Makes connections, which are closed with the test."""
    made = []

    def run(server):
        made.append(Line(server))
        return made[-1]

    yield run
    for line in made:
        line.socket.close()


@pytest.fixture(scope="module")
def server(files):
    limits = ("--max-batch", 2, "--max-body-mb", 0.01, "--read-seconds", 0.5)
    with started(files.folder / "voice.h5", *limits, "--log", "json") as made:
        yield made


def test_a_server_says_where_it_is_and_answers(server, connect, files):
    assert server.said == [
        f"REST: http://127.0.0.1:{server.port}/v1/models/voice\n",
        f"gRPC: 127.0.0.1:{server.rpc}\n",
    ]
    status, said = connect(server).send(WHOLE).answer()
    assert status == 200
    np.testing.assert_allclose(said["predictions"], files.voice.predict(np.array(GOOD)), rtol=1e-5)
    with grpc.insecure_channel(f"127.0.0.1:{server.rpc}") as channel:
        ask = channel.unary_unary(PREDICT)
        scores = classes().PredictResponse.FromString(ask(request().SerializeToString())).outputs["scores"]
        wanted = files.voice.predict(X)
        np.testing.assert_allclose(np.reshape(scores.float_val, (2, 2)), wanted, rtol=1e-5)
        for body, code in (
            (b"\xff", "INVALID_ARGUMENT"),
            (request(name="sound").SerializeToString(), "INVALID_ARGUMENT"),
            (b"x" * 20_000, "RESOURCE_EXHAUSTED"),
        ):
            with pytest.raises(grpc.RpcError) as error:
                ask(body)
            assert error.value.code().name == code
        with pytest.raises(grpc.RpcError) as error:
            channel.unary_unary(PREDICT.replace("/Predict", "/Classify"))(b"")
        assert error.value.code().name == "UNIMPLEMENTED"


def test_clients_that_behave_badly(server, connect):
    chunked = b"transfer-encoding: chunked"
    for data, wanted in (
        (b"no HTTP at all\r\n\r\n", 400),
        (post(b"zz\r\n{}\r\n", chunked), 400),
        (post(b"ffffffffffffffffff\r\n{}", chunked), 400),
        (post(b'5\r\n{"a":', chunked), 408),
        (post(b"2\r\n{}\r\n0\r\n\r\n", chunked), 400),
        (post(BODY[:5], b"content-length: 99"), 408),
        (post(b"", b"content-length: -1"), 400),
        (post(b"", b"content-length: 99999999999"), 413),
        (b"GET /v1/mod", 408),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000, 431),
        (b"GET /v1/models/..%2f..%2fx HTTP/1.1\r\nhost: x\r\n\r\n", 404),
        (b"GET /v1/models/%00 HTTP/1.1\r\nhost: x\r\n\r\n", 404),
        (b"GET http://other/etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n", 404),
    ):
        line = connect(server).send(data)
        status, said = line.answer()
        assert status == wanted and said["error"], (data[:60], status, said)
        assert status in (400, 404) or line.is_closed()
    lines = [connect(server) for _ in range(200)]
    for line in lines:
        line.send(WHOLE)
    assert {line.answer()[0] for line in lines} == {200}
    silent = connect(server)
    assert silent.answer()[0] == 408 and silent.is_closed()


def test_what_keeps_a_server_from_starting(files, monkeypatch, tmp_path):
    model = files.folder / "voice.h5"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in invoke("serve", model, "--port", port, code=2).err
        options = ("--port", 0, "--grpc-port", port)
        assert f"gRPC cannot listen on 127.0.0.1:{port}" in invoke("serve", model, *options, code=2).err
    for options, phrase in (
        (("--log", "xml"), "one of"),
        (("--max-batch", 0), "max_batch should be at least 1"),
        (("--deadline-ms", "nan"), "deadline_ms should be above 0"),
        (("--max-waiting", 5), "max_waiting is 5"),
        (("--name", "a/b"), "stands in addresses"),
    ):
        assert phrase in invoke("serve", model, *options, code=2).err
    assert "no file or folder" in invoke("serve", files.folder / "none.h5", code=2).err
    (tmp_path / "broken.h5").write_bytes(b"no model")
    options = ("--port", 0, "--grpc-port", -1)
    assert "broken.h5" in invoke("serve", tmp_path / "broken.h5", *options, code=2).err
    (tmp_path / "second.h5").write_bytes(b"")
    assert "should hold one model" in invoke("serve", tmp_path, *options, code=2).err
    monkeypatch.setitem(sys.modules, "grpc", None)
    assert 'needs grpcio: pip install "jkeras[serve]"' in invoke("serve", model, code=2).err


@pytest.mark.skipif(importlib.util.find_spec("tensorflow_serving") is None, reason="no tensorflow_serving")
def test_the_documents_client(server, files):
    command = [sys.executable, EXAMPLE, "--server", f"127.0.0.1:{server.rpc}", "--shape", "1,2,3"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    noise = np.random.RandomState(0).normal(size=(1, 2, 3)).astype("float32")
    scores = json.loads(re.search(r"^scores: (.*)$", done.stdout, re.MULTILINE)[1])
    np.testing.assert_allclose(scores, files.voice.predict(noise), rtol=1e-5)
    assert "signatures: ['voice_classification']\nversion: 1 AVAILABLE\n" in done.stdout
    assert done.stdout.count("float_val:") == 2


def test_sigterm_finishes_what_has_come(server, connect):
    """The last test: the server is gone afterwards."""
    idle, line = connect(server), connect(server).send(WHOLE[:-5])
    time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    assert line.send(WHOLE[-5:]).answer()[0] == 200
    assert idle.is_closed() and line.is_closed()
    out, err = server.process.communicate(timeout=60)
    assert server.process.returncode == 0, err
    *_, entry = map(json.loads, out.splitlines())
    assert (entry["method"], entry["code"], entry["rows"]) == ("POST", "200", 1) and entry["ms"] > 50
    assert "Traceback" not in err and "Stopping" in err
