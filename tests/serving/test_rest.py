"""The REST contract: forms of requests, and what is wrong with bad ones."""

import base64
import json

import numpy as np
import pytest

X = np.random.RandomState(1).normal(size=(5, 2, 3)).astype("float32")


def b64(array):
    return {"b64": base64.b64encode(array.tobytes()).decode()}


def near(answer, wanted):
    assert answer.status == 200, answer.said
    np.testing.assert_allclose(answer.said[next(iter(answer.said))], wanted, rtol=1e-5)


def test_rows_and_columns(client, files):
    wanted = files.voice.predict(X)
    rows = X.tolist()
    for request in (
        {"instances": rows},
        {"instances": [{"voice": row} for row in rows], "signature_name": "voice_classification"},
        {"instances": [b64(row) for row in X], "signature_name": ""},
        {"instances": [{"voice": b64(row)} for row in X]},
    ):
        answer = client.predict(request)
        assert list(answer.said) == ["predictions"]
        near(answer, wanted)
    for request in (
        {"inputs": rows},
        {"inputs": {"voice": rows}, "signature_name": "serving_default"},
        {"inputs": b64(X)},
        {"inputs": {"voice": {**b64(X), "shape": [5, 2, 3]}}},
    ):
        answer = client.predict(request)
        assert list(answer.said) == ["outputs"]
        near(answer, wanted)


def test_several_inputs_and_outputs(two, files):
    a, b = np.array([[1.5, 2], [3, 4], [5, 6]], "float32"), np.array([[0, 1, 2], [2, 3, 4], [4, 0, 1]])
    y, z = files.pair.predict([a, b])
    columns = two.predict({"inputs": {"a": a.tolist(), "b": b.tolist()}}).said["outputs"]
    np.testing.assert_allclose(columns["y"], y, rtol=1e-5)
    np.testing.assert_allclose(columns["z"], z, rtol=1e-5)
    rows = two.predict({"instances": [{"b": q.tolist(), "a": p.tolist()} for p, q in zip(a, b, strict=True)]})
    assert [list(row) for row in rows.said["predictions"]] == [["y", "z"]] * 3
    np.testing.assert_allclose([row["z"] for row in rows.said["predictions"]], z, rtol=1e-5)


GOOD = X[:1].tolist()
BAD = {
    "empty": (b"", "not JSON"),
    "no JSON": (b"{instances}", "not JSON"),
    "deep": (b'{"instances":' + b"[" * 1900 + b"]" * 1900 + b"}", "depth"),
    "NaN": (b'{"instances": [[[NaN, 1, 2], [1, 2, 3]]]}', "not JSON"),
    "infinity": (b'{"instances": [[[1e999, 1, 2], [1, 2, 3]]]}', "infinity"),
    "too large for float32": (b'{"instances": [[[1e99, 1, 2], [1, 2, 3]]]}', "too large"),
    "no UTF-8": (b'{"instances": "\xff"}', "UTF-8"),
    "list": ([1], "JSON object"),
    "neither": ({"rows": GOOD}, "`instances`"),
    "both": ({"instances": GOOD, "inputs": GOOD}, "one of them"),
    "no list": ({"instances": 5}, "list of rows"),
    "no rows": ({"instances": []}, "no rows"),
    "no rows in a column": ({"inputs": []}, "no rows"),
    "too many rows": ({"instances": [0] * 9}, "at most 8"),
    "too many rows in a column": ({"inputs": {"voice": [0] * 9}}, "at most 8"),
    "flat": ({"instances": [1]}, "nested 3 deep"),
    "ragged": ({"instances": [[[1, 2, 3], [1, 2]]]}, "ragged"),
    "mixed": ({"instances": [[[1, 2, 3], 1]]}, "nested 3 deep"),
    "shape": ({"instances": [[[1, 2], [1, 2]]]}, "axis 2 should have 3 elements; got 2"),
    "nested too deep": ({"instances": [[[[1], [2], [3]]] * 2]}, "nested too deep"),
    "text": ({"instances": [[["1", 2, 3], [1, 2, 3]]]}, "a text"),
    "null": ({"instances": [[[None, 2, 3], [1, 2, 3]]]}, "null"),
    "true": ({"instances": [[[True, 2, 3], [1, 2, 3]]]}, "true or false"),
    "object": ({"instances": [[[{}, 2, 3], [1, 2, 3]]]}, "an object"),
    "name": ({"instances": [{"sound": GOOD[0]}]}, "no input 'sound'"),
    "names": ({"inputs": {"voice": GOOD, "sound": GOOD}}, "no input 'sound'"),
    "no names": ({"inputs": {}}, "lacks input 'voice'"),
    "other rows": ({"instances": [{"voice": GOOD[0]}, {"sound": GOOD[0]}]}, "Row 1"),
    "signature": ({"instances": GOOD, "signature_name": "music"}, "'voice_classification'"),
    "signature's type": ({"instances": GOOD, "signature_name": [[]]}, "no signature"),
    "no base64": ({"instances": [{"b64": "*"}]}, "not base64"),
    "base64 of a number": ({"instances": [{"b64": 5}]}, "not base64"),
    "base64 of a part": ({"instances": [b64(X[0, 0])]}, "12 bytes are not"),
    "base64 of some": ({"instances": [b64(X[0]), GOOD[0]]}, "or none"),
    "base64 with NaN": ({"instances": [b64(np.full((2, 3), np.nan, "float32"))]}, "NaN"),
    "claims": ({"inputs": {"voice": {"b64": "", "shape": [10**9, 2, 3]}}}, "0 bytes are not"),
    "negative claims": ({"inputs": {"voice": {"b64": "", "shape": [-1, 2, 3]}}}, "list of sizes"),
    "other rank": ({"inputs": {"voice": {**b64(X), "shape": [30]}}}, "3 axes"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_requests(client, case):
    request, phrase = BAD[case]
    answer = client.predict(request)
    assert answer.status == 400 and phrase in answer.said["error"], answer.said
    assert len(answer.raw) < 500 and str(client.service.settings.path) not in answer.said["error"]


def test_bad_requests_for_several_inputs(two):
    a, b = [1.0, 2.0], [0, 1, 2]
    for request, phrase in (
        ({"instances": [a]}, "need their names"),
        ({"instances": [{"a": a}]}, "lacks input 'b'"),
        ({"inputs": {"a": [a], "b": [b, b]}}, "as many rows; got 1 and 2"),
        ({"inputs": {"a": [a], "b": [[0, 1.5, 2]]}}, "int32 only; got 1.5"),
        ({"inputs": {"a": [a], "b": [[0, 2**40, 2]]}}, "too large for int32"),
    ):
        answer = two.predict(request)
        assert answer.status == 400 and phrase in answer.said["error"], answer.said


def test_what_is_not_finite_is_null(client):
    from jkeras.serving.rest import Call, answer

    said = answer(Call({}, True), {"y": np.array([[np.nan, 0.1]], "float32")})
    assert json.loads(said) == {"predictions": [[None, 0.1]]} and b"0.1]" in said
