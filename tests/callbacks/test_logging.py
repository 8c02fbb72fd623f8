"""CSV text, printed text and posted JSON."""

import http.server
import io
import json
import re
import threading
import urllib.parse

import numpy as np
import pytest

from jkeras.callbacks import CSVLogger, LambdaCallback, ProgbarLogger, RemoteMonitor
from jkeras.compat import as_keras
from jkeras.visualization.records import record
from tests.callbacks.loop import FakeModel, run, series


def rows_as_epochs(text, separator):
    """The epochs that lead to a recorded CSV text."""
    head, *rows = [line.split(separator) for line in text.split()]
    logs = [dict(zip(head[1:], map(float, row[1:]), strict=True)) for row in rows]
    return [{"batches": [{"size": 4}], "logs": log} for log in logs]


def test_csv_text_as_recorded(recorded, tmp_path):
    for number, case in enumerate(recorded["csv_logger"]):
        path = tmp_path / f"{number}.csv"
        first = case["text_after_first_fit"]
        epochs = rows_as_epochs(first, case["args"].get("separator", ","))
        logger = CSVLogger(path, **case["args"])
        run([logger], epochs)
        assert path.read_bytes().decode() == first
        run([CSVLogger(path, **case["args"])], epochs)
        assert path.read_bytes().decode() == case["text_after_second_fit_same_file"]


def test_csv_cells(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(str(path))
    logger.set_model(FakeModel())
    logger.on_train_begin()
    logger.on_epoch_end(0, {"name": "a,b", "list": np.array([1.0, 2.0]), "rate": np.array(0.5)})
    logger.model.stop_training = True
    logger.on_epoch_end(1, {"name": "c"})
    logger.on_train_end()
    assert path.read_text().splitlines() == [
        "epoch,list,name,rate",
        '0,"""[1.0, 2.0]""","a,b",0.5',
        "1,NA,c,NA",
    ]


def test_csv_missing_value_is_named(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.set_model(FakeModel())
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0})
    with pytest.raises(KeyError, match=r"epoch 1 has no value for \['val_loss'\]"):
        logger.on_epoch_end(1, {"loss": 1.0})
    logger.on_train_end()


EPOCH = {
    "batches": [
        {"size": 4, "loss": 0.5, "acc": 0.75},
        {"size": 4, "loss": 1.5, "acc": 0.25},
        {"size": 2, "loss": 2.0, "acc": 0.5},
    ],
    "logs": {"val_loss": 0.00025, "val_acc": 1.0},
}
TIMES = re.compile(r"ETA: \d+s|\d+s( \d+[mu]?s/step)?")


@pytest.mark.parametrize("hooked", [False, True])
def test_printed_text_verbose_1(recorded, capsys, hooked):
    extra = [LambdaCallback(on_batch_end=lambda batch, logs: None)] if hooked else []
    run(extra, [EPOCH], params={"verbose": 1}, chunk=1)
    text = TIMES.sub("T", capsys.readouterr().out)
    assert text == (
        "Epoch 1/1\n"
        "\n 4/10 [===========>..................] - T - loss: 0.5000 - acc: 0.7500"
        "\n10/10 [==============================] - T - loss: 1.2000 - acc: 0.5000"
        " - val_loss: 2.5000e-04 - val_acc: 1.0000\n"
    )
    shape = re.sub(r"\d+\.\d+(e-\d+)?", "N", text).split("\n")
    kept = TIMES.sub("T", recorded["fit_text_verbose_1"])
    assert shape[1:4] == re.sub(r"\d+\.\d+", "N", kept).split("\n")[2:5]


def test_printed_text_verbose_2(recorded, capsys):
    run([], [EPOCH], params={"verbose": 2})
    text = TIMES.sub("T", capsys.readouterr().out)
    assert text == "Epoch 1/1\n - T - loss: 1.2000 - acc: 0.5000 - val_loss: 2.5000e-04 - val_acc: 1.0000\n"
    line = re.sub(r"\d+\.\d+(e-\d+)?", "N", text).split("\n")[1]
    assert line == re.sub(r"\d+\.\d+", "N", TIMES.sub("T", recorded["fit_text_verbose_2"])).split("\n")[2]


def test_progress_counts_steps(capsys):
    logger = ProgbarLogger("steps")
    epochs = [{"batches": EPOCH["batches"], "logs": {}}]
    logger.set_params({"verbose": 1, "epochs": 1, "metrics": ["loss"], "steps": 3, "samples": None})
    logger.on_train_begin()
    logger.on_epoch_begin(0)
    for i, batch in enumerate(epochs[0]["batches"]):
        logger.on_batch_end(i, {"batch": i, **batch})
    logger.on_epoch_end(0, {"loss": 1.25})
    lines = TIMES.sub("T", capsys.readouterr().out).split("\n")
    assert lines[2] == "1/3 [=========>....................] - T - loss: 0.5000"
    assert lines[3] == "3/3 [==============================] - T - loss: 1.2500"


def test_progress_of_an_unknown_number_of_steps(capsys):
    run([], [{**EPOCH, "logs": {}}], params={"verbose": 1, "samples": None}, chunk=1)
    lines = TIMES.sub("T", capsys.readouterr().out).split("\n")
    assert lines[2].startswith("      4/Unknown - ")
    assert lines[-2].startswith("     10/Unknown - T - loss: 1.2000")


def test_a_stopped_epoch_ends_its_line(capsys):
    class Stop(LambdaCallback):
        def on_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    run([Stop()], [EPOCH], params={"verbose": 1})
    assert capsys.readouterr().out.endswith(
        "- loss: 0.5000 - acc: 0.7500 - val_loss: 2.5000e-04 - val_acc: 1.0000\n"
    )


def test_unknown_count_mode():
    with pytest.raises(ValueError, match="Unknown `count_mode`: 'lines'; expected 'samples' or 'steps'"):
        ProgbarLogger("lines")


def test_nothing_is_read_from_the_device_before_a_refresh(monkeypatch):
    from jkeras.core.chunk import Chunk

    reads = []
    original = Chunk.logs
    monkeypatch.setattr(Chunk, "logs", lambda chunk: reads.append(chunk.first) or original(chunk))
    monkeypatch.setattr("sys.stdout", io.StringIO())
    run([], [EPOCH] * 2, params={"verbose": 2}, chunk=1)
    assert reads == [0, 1, 2] * 2  # BaseLogger, at the end of each epoch


@pytest.fixture
def server():
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    httpd = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", received
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_remote_monitor_posts_a_form_or_json(server):
    root, received = server
    epochs = series({"val_loss": [0.5]})
    run([RemoteMonitor(root, headers={"X-Key": "k"})], epochs)
    run([RemoteMonitor(root, path="/p", send_as_json=True)], epochs)
    expected = {"epoch": 0, "val_loss": 0.5, "loss": 1.0}
    path, headers, body = received[0]
    assert path == "/publish/epoch/end/" and headers["X-Key"] == "k"
    assert json.loads(urllib.parse.parse_qs(body)["data"][0]) == expected
    path, headers, body = received[1]
    assert path == "/p" and headers["Content-Type"] == "application/json"
    assert json.loads(body) == expected


def test_remote_monitor_warns_when_nobody_listens():
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server at http://127.0.0.1:9"):
        run([RemoteMonitor("http://127.0.0.1:9")], series({"val_loss": [0.5]}))


@pytest.mark.parametrize(
    ("version", "asked", "title"),
    [
        (2, ["accuracy"], "epoch,acc,loss,val_acc"),
        (3, ["accuracy"], "epoch,accuracy,loss,val_accuracy"),
        (3, ["acc"], "epoch,acc,loss,val_acc"),
    ],
)
def test_the_names_of_columns(version, asked, title, monkeypatch, tmp_path):
    monkeypatch.setattr(as_keras, "_version", as_keras.KERAS_VERSIONS[version])
    logger = CSVLogger(tmp_path / "made" / "log.csv")
    logger.set_model(model := FakeModel())
    model.metrics = asked
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 0.5, "acc": 0.75, "val_acc": 0.25})
    logger.on_train_end()
    assert (tmp_path / "made" / "log.csv").read_text().split() == [title, "0,0.75,0.5,0.25"]
    both = record(tmp_path / "made" / "log.csv")
    for name in ("acc", "accuracy"):
        assert both.values[f"val_{name}"] == 0.25
        assert both.panels()[name] == {"train": 0.75, "validation": 0.25}
