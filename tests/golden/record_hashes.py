"""The script that has recorded `tests/golden/hashes.json.xz` from TensorFlow's hashes, which are Keras 3's.

    python tests/golden/record_hashes.py

It runs where TensorFlow 1.15 is; later ones give the same.
"""

import json
import lzma
import random
from pathlib import Path


def record() -> None:
    import tensorflow as tf

    rng = random.Random(0)
    texts = [
        "".join(chr(rng.randint(32, 126)) for _ in range(size)) for size in (*range(70), 127, 128, 129, 300)
    ]
    texts += ["ä", "日本"]
    numbers = [rng.randint(-1000, 1000) for _ in texts]
    BINS, SALT = 10**9 + 7, [137, 42]
    columns = [tf.constant([[text] for text in texts]), tf.constant([[n] for n in numbers], tf.int64)]
    wanted = {
        "fast": tf.strings.to_hash_bucket_fast(texts, BINS),
        "strong": tf.strings.to_hash_bucket_strong(texts, BINS, key=SALT),
        "crossed": tf.sparse.cross_hashed(columns, BINS).values,
    }
    with tf.compat.v1.Session() as session:
        found = {name: session.run(tensor).tolist() for name, tensor in wanted.items()}
    found.update(texts=texts, numbers=numbers, bins=BINS, salt=SALT)
    path = Path(__file__).parent / "hashes.json.xz"
    with lzma.open(str(path), "wt", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    record()
