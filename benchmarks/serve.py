"""`jkeras serve` under load, beside the usual ways to serve a model of Keras 3.

    python benchmarks/serve.py --seconds 60 --peers PYTHON    # an interpreter with keras, fastapi, litserve
    python benchmarks/serve.py --bad 10000                    # memory after bad requests

The load comes from `wrk` (Debian: apt-get install wrk) in a process of its own: 32 connections, one row in
each request; all servers take turns. Then a second version of the model takes over under load.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).parent
NETWORKS = {"digits-cnn": (8, 8, 1), "mlp": (784,)}
SCRIPTS = {name: "serving_fastapi.py" for name in ("fastapi", "fastapi-direct")}
SCRIPTS["litserve"] = "serving_litserve.py"

SCRIPT = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local requests, number = {}, 0
init = function(args)
  for i, body in ipairs(bodies) do
    requests[i] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
  end
end
request = function() number = number %% #requests + 1; return requests[number] end
done = function(summary, latency, all)
  local e = summary.errors
  local form = '\\n{"requests": %%d, "seconds": %%f, "errors": %%d, "p50": %%f, "p95": %%f, "p99": %%f}\\n'
  io.write(string.format(form,
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
"""


def network(name: str):
    """The networks that are served, as jkeras has them."""
    from jkeras import Sequential, layers

    if name == "mlp":
        hidden = [layers.Dense(512, activation="relu", **shape) for shape in ({"input_shape": (784,)}, {})]
        return Sequential([*hidden, layers.Dense(10, activation="softmax")])
    return Sequential(
        [
            layers.Conv2D(32, 3, activation="relu", input_shape=(8, 8, 1)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def rows(name: str, count: int = 64) -> np.ndarray:
    """Rows as they come: grey values of pictures."""
    white = 16 if name == "digits-cnn" else 255
    grey = np.random.RandomState(0).randint(0, white + 1, (count, *NETWORKS[name]))
    return (grey / white).round(4).astype("float32")


def request_of(row: np.ndarray) -> bytes:
    """The body for a row, with as many digits as somebody would write."""
    return json.dumps({"instances": [row.astype(float).round(4).tolist()]}).encode()


def post(port: int, path: str, body: bytes) -> tuple[int, dict]:
    """One request on a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@contextlib.contextmanager
def running(command: list[str], port: int, path: str, body: bytes) -> Iterator[subprocess.Popen]:
    """A server, from its first right answer on."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        raise RuntimeError(f"another server listens on port {port}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if post(port, path, body)[0] == 200:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"{command} has ended")
            time.sleep(0.2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def cpu_seconds(group: int) -> float:
    """Seconds of processor time that the processes of a group have taken."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def load(folder: Path, name: str, port: int, path: str, seconds: float) -> dict[str, float]:
    """What wrk measures."""
    bodies, script = folder / f"{name}.txt", folder / f"{name}.lua"
    bodies.write_bytes(b"\n".join(map(request_of, rows(name))))
    script.write_text(SCRIPT % bodies)
    command = [
        "wrk",
        "-t1",
        "-c32",
        "--timeout",
        "60s",
        f"-d{int(seconds)}s",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}{path}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def newest(port: int) -> tuple[str, str]:
    """Number and state of jkeras's newest version."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/v1/models/m")
        version, *_ = json.loads(connection.getresponse().read())["model_version_status"]
        return version["version"], version["state"]


def jkeras_command(path: Path, port: int) -> list[str]:
    """The command of the server."""
    command = [sys.executable, "-m", "jkeras", "serve", str(path), "--name", "m", "--port", str(port)]
    return [*command, "--grpc-port", "-1", "--log", "none"]


class Server(NamedTuple):
    """A server that runs: the first of its processes, port, and address of predictions."""

    process: subprocess.Popen
    port: int
    path: str


@contextlib.contextmanager
def servers(kinds: Sequence[str], name: str, folder: Path, peers: str | None) -> Iterator[dict[str, Server]]:
    """All kinds of servers for a network; the answers of each are those of `predict`."""
    model, x, random = network(name), rows(name), np.random.RandomState(1)
    model.set_weights([random.normal(0, 0.05, w.shape) for w in model.get_weights()])
    np.savez(folder / f"{name}.npz", *model.get_weights())
    (folder / name / "1").mkdir(parents=True)
    model.save(str(folder / name / "1" / "model.h5"))
    body, made = request_of(x[0]), {}
    with contextlib.ExitStack() as stack:
        for port, kind in enumerate(kinds, 18600):
            if kind == "jkeras":
                command, path = jkeras_command(folder / name, port), "/v1/models/m:predict"
            else:
                assert peers is not None
                weights = str(folder / f"{name}.npz")
                command, path = [peers, str(HERE / SCRIPTS[kind]), kind, name, weights, str(port)], "/predict"
            made[kind] = Server(stack.enter_context(running(command, port, path, body)), port, path)
            said = post(port, path, body)[1]["predictions"]
            np.testing.assert_allclose(said, model.predict(x[:1]), rtol=1e-3, atol=1e-6)
        yield made


def compared(name: str, folder: Path, arguments: argparse.Namespace, kinds: Sequence[str]) -> None:
    """Rounds in which all take turns; medians."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    with servers(kinds, name, folder, arguments.peers) as made:
        for number in range(arguments.rounds + 1):
            for kind, (process, port, path) in made.items():
                begun = cpu_seconds(process.pid)
                figures = load(folder, name, port, path, max(1, arguments.seconds / arguments.rounds))
                figures["cpu"] = 1e6 * (cpu_seconds(process.pid) - begun) / max(1, figures["requests"])
                figures["rate"] = figures["requests"] / figures["seconds"]
                if number:  # the first round is for warming up
                    found[kind].append(figures)
        for kind, rounds in found.items():
            keys = ("rate", "p50", "p95", "p99", "cpu")
            rate, *ms, cpu = (statistics.median(figures[key] for figures in rounds) for key in keys)
            errors, times = sum(figures["errors"] for figures in rounds), " | ".join(f"{t:.1f}" for t in ms)
            print(f"| {name} | {kind} | {rate:.0f} | {times} | {errors} | {cpu:.0f} |", flush=True)
        if "jkeras" in made:
            swapped(name, folder, made["jkeras"])


def swapped(name: str, folder: Path, server: Server) -> None:
    """A new version under load, and the time of one row."""
    requests = errors = 0
    threading.Timer(1, shutil.copytree, (folder / name / "1", folder / name / "2")).start()
    for _ in range(20):
        before = newest(server.port)
        figures = load(folder, name, server.port, server.path, 5)
        requests, errors = requests + figures["requests"], errors + figures["errors"]
        if before == ("2", "AVAILABLE"):
            break
    assert newest(server.port) == ("2", "AVAILABLE"), "no swap within 100 seconds"
    print(f"version swapped under load: {requests} requests, {errors} errors")
    x = rows(name)[:1]
    rest, alone = _one_by_one(server.port, server.path, request_of(x[0])), _in_process(network(name), x)
    print(f"one row: REST {statistics.median(rest):.2f} ms, predict {statistics.median(alone):.2f} ms")


def _one_by_one(port: int, path: str, body: bytes, count: int = 1000) -> list[float]:
    """Milliseconds of requests on one connection, one after the other."""
    taken = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        for _ in range(count):
            start = time.perf_counter()
            connection.request("POST", path, body)
            connection.getresponse().read()
            taken.append(1000 * (time.perf_counter() - start))
    return taken


def _in_process(model, x: np.ndarray, count: int = 1000) -> list[float]:
    """Milliseconds of `model.predict`."""
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        model.predict(x)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


BAD = (
    b"", b"{", b"[" * 100_000, b'{"instances": [[NaN]]}', b'{"instances": [[1], [1, 2]]}',
    b'{"instances": [["a"]]}', b'{"instances": [{"x": 1}]}', b'{"instances": []}', b'{"inputs": {"a": 1}}',
    b'{"inputs": {"b64": "", "shape": [1000000000, 784]}}', b'{"instances": [' + b"1," * 400_000 + b"1]}",
    b'{"signature_name": "x", "instances": [[1]]}', b"\xff" * 1000,
)  # fmt: skip
ADDRESSES = ("/v1/models/..%2f..%2fx", "//etc/passwd", "/v1/models/m/versions/-1", "/v1/models/%00",
             "/v1/models/m/versions/99999999999999999999", "/v1/models/m")  # fmt: skip


def bad_requests(count: int, folder: Path) -> dict[str, float]:
    """MiB of memory before and after bad requests, and how many got another answer than 4xx."""
    model, port, path = network("mlp"), 18600, "/v1/models/m:predict"
    model.save(str(folder / "mlp.h5"))
    body = request_of(rows("mlp")[0])

    def resident() -> float:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    others: dict[int, int] = {}
    with running(jkeras_command(folder / "mlp.h5", port), port, path, body) as process:
        _one_by_one(port, path, body, 200)
        before = resident()
        for number in range(count):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                if number % 3:
                    connection.request("POST", path, BAD[number % len(BAD)])
                elif number % 2:
                    connection.request("POST", ADDRESSES[number % len(ADDRESSES)], b"{}")
                else:
                    connection.putrequest("POST", path)
                    connection.putheader("Content-Length", str(10**9))
                    connection.endheaders()
                status = connection.getresponse().status
            if not 400 <= status < 500:
                others[status] = others.get(status, 0) + 1
        assert post(port, path, body)[0] == 200
        return {"before": before, "after": resident(), "not 4xx": sum(others.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of load, for each server")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--peers", help="an interpreter with keras, jax, fastapi, uvicorn and litserve")
    parser.add_argument("--only", help="kinds, as jkeras,litserve")
    parser.add_argument("--bad", type=int, default=0)
    arguments = parser.parse_args()
    packages = ("jax", "numpy", "uvicorn", "httptools", "uvloop", "orjson")
    about = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {about}")
    with tempfile.TemporaryDirectory() as place:
        if arguments.bad:
            print(bad_requests(arguments.bad, Path(place)))
            return
        kinds = ("jkeras", *(SCRIPTS if arguments.peers else ()))
        kinds = tuple(arguments.only.split(",")) if arguments.only else kinds
        print("| network | server | rows/s | p50 ms | p95 ms | p99 ms | errors | CPU µs/request |")
        print("|---|---|---:|---:|---:|---:|---:|---:|")
        for name in NETWORKS:
            compared(name, Path(place), arguments, kinds)


if __name__ == "__main__":
    main()
