"""Texts made into numbers, as recorded from Keras 2.2.4."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jkeras.preprocessing import text
from tests import golden

CASES = golden.json("preprocessing")["cases"]


def numbered(name):
    return [pytest.param(case, id=str(i)) for i, case in enumerate(CASES[name])]


def fitted(args):
    args = dict(args)
    texts = args.pop("fit_on_texts")
    tokenizer = text.Tokenizer(**args)
    tokenizer.fit_on_texts(texts)
    return tokenizer


@pytest.mark.parametrize("case", numbered("text_to_word_sequence"))
def test_text_to_word_sequence(case):
    assert text.text_to_word_sequence(**case["args"]) == case["result"]


@pytest.mark.parametrize("case", numbered("hashing_trick_md5"))
def test_hashing_trick(case):
    assert text.hashing_trick(**case["args"]) == case["result"]


def test_one_hot_takes_pythons_hash():
    words = ["to", "be", "or", "not", "to", "be"]
    assert text.one_hot("To be, or not to be", 7) == [hash(word) % 6 + 1 for word in words]
    assert text.hashing_trick("a b", 9, len) == [2, 2]
    with pytest.raises(ValueError, match="`n` should be at least 2"):
        text.one_hot("a", 1)
    with pytest.raises(ValueError, match="'sha' *"):
        text.hashing_trick("a", 9, "sha")


@pytest.mark.parametrize("case", numbered("Tokenizer"))
def test_tokenizer(case):
    tokenizer, result = fitted(case["args"]), case["result"]
    for name in ("word_index", "word_counts", "word_docs", "document_count"):
        assert getattr(tokenizer, name) == result[name]
    assert list(tokenizer.word_index) == list(result["word_index"])
    assert {str(i): n for i, n in tokenizer.index_docs.items()} == result["index_docs"]
    texts = result["new_texts"]
    sequences = tokenizer.texts_to_sequences(texts)
    assert sequences == result["texts_to_sequences"]
    assert tokenizer.sequences_to_texts(sequences) == result["sequences_to_texts"]
    for mode, matrix in result["matrix"].items():
        np.testing.assert_allclose(tokenizer.texts_to_matrix(texts, mode), matrix, rtol=1e-12)
    ours, theirs = (json.loads(t)["config"] for t in (tokenizer.to_json(), result["to_json"]))
    counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    for name in theirs:
        assert (json.loads if name in counted else str)(ours[name]) == (
            json.loads if name in counted else str
        )(theirs[name])


@pytest.mark.parametrize("case", numbered("Tokenizer"))
def test_a_tokenizer_comes_back_from_keras_json(case):
    tokenizer, again = fitted(case["args"]), text.tokenizer_from_json(case["result"]["to_json"])
    for each in (tokenizer, again):  # it can go on counting
        each.fit_on_texts(["a new dog", "a mat"])
    assert {n: v for n, v in vars(again).items()} == vars(tokenizer)


def test_lists_stand_for_their_words():
    tokenizer = text.Tokenizer(oov_token="?", num_words=3)
    tokenizer.fit_on_texts(text for text in [["A b", "c"], ("c", "d")])
    assert tokenizer.word_index == {"?": 1, "c": 2, "a b": 3, "d": 4}
    assert tokenizer.texts_to_sequences([["C", "x", "d"]]) == [[2, 1, 1]]


def test_sequences_alone_can_be_counted():
    tokenizer = text.Tokenizer(num_words=4)
    tokenizer.fit_on_sequences([[1, 1, 2], [1, 9]])
    assert tokenizer.index_docs == {1: 2, 2: 1, 9: 1}
    matrix = tokenizer.sequences_to_matrix([[1, 1, 9], []], "freq")
    np.testing.assert_allclose(matrix, [[0, 2 / 3, 0, 0], [0, 0, 0, 0]])


def test_what_a_tokenizer_refuses():
    with pytest.warns(UserWarning, match="has been renamed `num_words`"):
        assert text.Tokenizer(nb_words=5).num_words == 5
    with pytest.raises(TypeError, match="Unrecognized keyword arguments: {'words': 5}"):
        text.Tokenizer(words=5)
    with pytest.raises(ValueError, match="Specify a dimension"):
        text.Tokenizer().texts_to_matrix(["a"])
    with pytest.raises(ValueError, match="before using tfidf mode"):
        text.Tokenizer(num_words=2).sequences_to_matrix([[1]], "tfidf")
    with pytest.raises(ValueError, match="Unknown vectorization mode: sum"):
        text.Tokenizer(num_words=2).sequences_to_matrix([[1]], "sum")
