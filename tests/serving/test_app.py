"""Addresses: what is where, what is not, and within which limits."""

import json

import pytest

from tests.serving.test_rest import GOOD

PREDICT = "/v1/models/voice:predict"


def test_status_and_metadata(client):
    status = client.get("/v1/models/voice").said
    assert status["model_version_status"] == [
        {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ]
    assert client.get("/v1/models/voice/versions/1").said == status
    said = client.get("/v1/models/voice/versions/1/metadata").said
    assert said == client.get("/v1/models/voice/metadata").said
    assert said["model_spec"] == {"name": "voice", "signature_name": "", "version": "1"}
    signature = said["metadata"]["signature_def"]["signature_def"]["voice_classification"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    sizes = [dim["size"] for dim in signature["inputs"]["voice"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "2", "3"] and signature["outputs"]["scores"]["dtype"] == "DT_FLOAT"


@pytest.mark.parametrize(
    "method, path, status, phrase",
    [
        ("GET", "/", 404, "/v1/models/voice"),
        ("GET", "/v1/models/../../x", 404, "nothing at"),
        ("GET", "//etc/passwd", 404, "nothing at"),
        ("GET", "/v1/models/vo\0ice", 404, "no model 'vo\\x00ice'"),
        ("GET", "/v1/models/" + "x" * 5000, 404, "…"),
        ("GET", "/v1/models/music", 404, "this server has 'voice'"),
        ("GET", "/v1/models/voice/versions/2", 404, "no version 2"),
        ("GET", "/v1/models/voice/versions/2/metadata", 404, "Version 2 is not served"),
        ("GET", "/v1/models/voice/versions/-1", 400, "whole number"),
        ("GET", "/v1/models/voice/versions/99999999999999999999", 400, "whole number"),
        ("GET", "/v1/models/voice/versions/9223372036854775808", 400, "whole number"),
        ("GET", "/v1/models/voice/versions/٣", 400, "whole number"),
        ("POST", "/v1/models/voice/versions/7:predict", 404, "Version 7"),
        ("POST", "/v1/models/voice:classify", 404, ":predict"),
        ("GET", PREDICT, 405, "POST"),
        ("DELETE", "/v1/models/voice", 405, "GET"),
        ("POST", "/healthz", 405, "GET"),
    ],
)
def test_addresses_that_are_refused(client, method, path, status, phrase):
    answer = client.run(client.ask(method, path))
    assert answer.status == status and phrase in answer.said["error"] and len(answer.raw) < 300
    assert ("allow" in answer.headers) == (status == 405)
    assert json.loads(client.log[-1])["code"] == str(status) and len(client.log[-1]) < 800


def test_bodies_are_limited(client):
    long, good = b"x" * 4001, json.dumps({"instances": GOOD}).encode()
    announced = [(b"content-length", b"4001")]
    for headers, parts in ((announced, [b""]), ((), [long[:3000], long[3000:], b""])):
        answer = client.run(client.ask("POST", PREDICT, headers=headers, parts=parts))
        assert answer.status == 413 and "4000 bytes" in answer.said["error"]
        assert answer.headers["connection"] == "close"
    answer = client.run(client.ask("POST", PREDICT, headers=[(b"content-encoding", b"gzip")]))
    assert answer.status == 415
    assert client.run(client.ask("POST", PREDICT, parts=[good[:9], good[9:]])).status == 200
    assert client.app._reading == 0


def test_health_and_metrics(client):
    assert client.get("/healthz").status == client.get("/readyz").status == 200
    assert client.predict({"instances": GOOD}).status == 200
    assert client.predict({"instances": []}).status == 400
    text = client.get("/metrics").said
    for line in (
        '\njkeras_requests_total{protocol="rest",kind="predict",code="200"} ',
        '\njkeras_requests_total{protocol="rest",kind="predict",code="400"} ',
        '\njkeras_request_errors_total{protocol="rest",code="400"} ',
        '\njkeras_request_seconds_bucket{le="+Inf"} ',
        '\njkeras_batch_rows_bucket{le="4"} ',
        "\njkeras_queue_rows 0\n",
        "\njkeras_model_version 1\n",
        "\njkeras_ready 1\n",
    ):
        assert line in text
    client.service.stopping = True
    try:
        assert client.get("/readyz").status == 503 and client.get("/healthz").status == 200
    finally:
        client.service.stopping = False


def test_a_line_for_each_request(client):
    client.predict({"instances": GOOD * 3})
    line = json.loads(client.log[-1])
    assert (line["method"], line["path"], line["code"], line["rows"]) == ("POST", PREDICT, "200", 3)


def test_faults_of_the_server_stay_inside(client, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(client.service.versions.current.batches, "_compute", broken)
    answer = client.predict({"instances": GOOD})
    assert answer.status == 500 and "secret" not in answer.raw.decode() and "/secret/path" in caplog.text
