"""Text and values of vocabularies as numbers, on the host."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.layers import deserialize, serialize
from jkeras.primitives import hashing
from tests import golden

TEXTS = ["The cat sat.", "the DOG, the cat", "A bird"]


def test_words_become_numbers_the_frequent_ones_first():
    layer = layers.TextVectorization()
    layer.adapt(TEXTS)
    assert layer.get_vocabulary() == ["", "[UNK]", "the", "cat", "sat", "dog", "bird", "a"]
    assert layer(["the bird flew", "cat"]).tolist() == [[2, 6, 1], [3, 0, 0]]
    assert layer(np.array([[b"sat"]])).tolist() == [[4]]
    again = deserialize(serialize(layer))
    assert again(TEXTS).tolist() == layer(TEXTS).tolist()
    assert layer.vocabulary_size() == 8


def test_lengths_and_sizes():
    layer = layers.TextVectorization(max_tokens=4, output_sequence_length=2)
    layer.adapt(batch for batch in (TEXTS[:2], TEXTS[2:]))
    assert layer.get_vocabulary(include_special_tokens=False) == ["the", "cat"]
    assert layer(TEXTS).tolist() == [[2, 3], [2, 1], [1, 1]]


def test_vectors_of_texts():
    counted = layers.TextVectorization(output_mode="count", vocabulary=["the", "cat"])
    assert counted(TEXTS).tolist() == [[1, 1, 1], [1, 2, 1], [2, 0, 0]]
    weighed = layers.TextVectorization(output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True)
    weighed.adapt(TEXTS)
    seen = weighed(TEXTS)
    assert seen.shape == (3, 9)
    np.testing.assert_allclose(seen[1, 1], 2 * np.log(1 + 3 / 3), rtol=1e-6)


def test_pairs_and_characters():
    pairs = layers.TextVectorization(ngrams=2, vocabulary=["the cat", "cat"])
    assert pairs(["the cat"]).tolist() == [[1, 3, 2]]
    letters = layers.TextVectorization(split="character", standardize=None, vocabulary=["a", "b"])
    assert letters(["abz"]).tolist() == [[2, 3, 1]]
    own = layers.TextVectorization(
        split=lambda text: text.split("-"), standardize=np.char.upper, vocabulary=["X"]
    )
    assert own(np.array(["x-y"])).tolist() == [[2, 1]]


def test_lookups_and_back():
    there = layers.StringLookup(vocabulary=["a", "b"], mask_token="")
    assert there([["a", "", "z"]]).tolist() == [[2, 0, 1]]
    back = layers.StringLookup(vocabulary=there.get_vocabulary(), mask_token="", invert=True)
    assert back([[2, 3, 1]]).tolist() == [["a", "b", "[UNK]"]]
    hot = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot", num_oov_indices=0)
    assert hot(["b", "a"]).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="'z' is not in the vocabulary"):
        hot(["z"])


def test_text_has_no_place_in_a_model():
    with pytest.raises(ValueError, match=r"call it on the data first, `x = layer\(texts\)`"):
        layers.TextVectorization()(layers.Input((1,)))
    with pytest.raises(ValueError, match=r"call its `adapt\(texts\)` first"):
        layers.StringLookup()(["a"])
    with pytest.raises(ValueError, match="more than once"):
        layers.StringLookup(vocabulary=["a", "a"])
    with pytest.raises(ValueError, match="must be at least 0"):
        layers.StringLookup(num_oov_indices=-1)


def test_hashes_are_those_of_tensorflow():
    known = golden.json("hashes")
    texts, bins, salt = [text.encode() for text in known["texts"]], known["bins"], known["salt"]
    assert [hashing.bucket(text, bins) for text in texts] == known["fast"]
    assert [hashing.bucket(text, bins, salt) for text in texts] == known["strong"]
    rows = zip(texts, known["numbers"], strict=True)
    assert [hashing.crossed(row, bins) for row in rows] == known["crossed"]


def test_bins_of_values():
    known = golden.json("hashes")
    texts, bins = known["texts"][1:9], known["bins"]
    assert layers.Hashing(bins)(np.array(texts)[:, None]).ravel().tolist() == known["fast"][1:9]
    assert layers.Hashing(bins, salt=known["salt"])(texts).tolist() == known["strong"][1:9]
    crossed = layers.HashedCrossing(bins)
    assert crossed([texts, np.array(known["numbers"][1:9])]).tolist() == known["crossed"][1:9]
    masked = layers.Hashing(3, mask_value=7, output_mode="count")
    assert masked([[7, 7, 1.5]])[0, 0] == 2 and masked([[7, 7, 1.5]]).sum() == 3
    assert masked([[1.5]]).tolist() == masked([[1]]).tolist() == masked([["1"]]).tolist()
    for layer in (masked, crossed):
        assert serialize(deserialize(serialize(layer))) == serialize(layer)
    with pytest.raises(ValueError, match=r"of one shape, \(batch,\) or \(batch, 1\)"):
        crossed([["a"], [1, 2]])
    with pytest.raises(ValueError, match="must be one of"):
        layers.HashedCrossing(3, output_mode="count")
    with pytest.raises(ValueError, match="`salt` must be a whole number or two"):
        layers.Hashing(3, salt="a")


def test_numbers_in_a_vocabulary():
    layer = layers.IntegerLookup(num_oov_indices=2, mask_token=0)
    layer.adapt(np.array([[5, 5, 8], [9, 0, 8]]))
    assert layer.get_vocabulary() == [0, -1, -1, 8, 5, 9]
    assert layer([[8, 0, 4], [7, -3, 9]]).tolist() == [[3, 0, 1], [2, 2, 5]]
    again = deserialize(serialize(layer))
    assert again([[5]]).tolist() == layer([[5]]).tolist() == [[4]]
    back = layers.IntegerLookup(vocabulary=[4, 6], invert=True)([[1, 2, 0]])
    assert back.tolist() == [[4, 6, -1]] and back.dtype == np.int64
    hashed = layers.IntegerLookup(vocabulary=[1], num_oov_indices=3, oov_method="farmhash")
    assert hashed([44]).tolist() == [hashing.bucket(b"44", 3)]
    several = layers.StringLookup(vocabulary=["a"], num_oov_indices=3, salt=5)
    assert several(["44", "a"]).tolist() == [hashing.bucket(b"44", 3, (5, 5)), 3]
    with pytest.raises(ValueError, match="looks up whole numbers"):
        layer([1.5])
    with pytest.raises(ValueError, match="belongs to `oov_method='farmhash'`"):
        layers.IntegerLookup(salt=1)
