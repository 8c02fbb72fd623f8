"""Text as numbers, on the host."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.layers import deserialize, serialize

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
    with pytest.raises(ValueError, match="must be 0 or 1"):
        layers.StringLookup(num_oov_indices=2)
