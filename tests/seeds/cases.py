"""What to do with each code block of the five documents (`golden.json("seeds")`: document → [line, code]).

Document 002 repeats 004 without line breaks; the fixture holds what it adds. A block that stands in several
documents, comments aside, is run once.
"""

from __future__ import annotations

from typing import NamedTuple

from tests import golden

BLOCKS: dict[tuple[str, int], str] = {
    (document, line): code for document, blocks in golden.json("seeds").items() for line, code in blocks
}

# What every script of the documents has imported by then.
PRELUDE = """
import keras
import numpy as np
from keras import backend as K
from keras.models import *
from keras.layers import *
from keras.callbacks import ModelCheckpoint
"""

# Smaller numbers for the same program.
SMALLER = [
    *((f"epochs={n}", "epochs=2") for n in (10, 20, 50, 4000, 5)),
    ("nb_epoch=10", "nb_epoch=2"),
    ("random((1000, ", "random((64, "),
    ("random((100, 20))", "random((16, 20))"),
    ("random((100,20))", "random((16,20))"),
    ("random((100, timesteps", "random((16, timesteps"),
    ("random((100, num_classes", "random((16, num_classes"),
    ("size=(1000,", "size=(64,"),
    ("size=(100,", "size=(16,"),
    ("size=(20,", "size=(16,"),
    ("batch_size * 10", "batch_size * 2"),
    ("batch_size * 3", "batch_size"),
    ("(100, 100, 100, 3)", "(16, 20, 20, 3)"),
    ("(20, 100, 100, 3)", "(16, 20, 20, 3)"),
    ("input_shape=(100, 100, 3)", "input_shape=(20, 20, 3)"),
    ("input_dim=10000", "input_dim=100"),
    ("output_dim=512", "output_dim=16"),
    ("steps_per_epoch=10000", "steps_per_epoch=3"),
    ("steps_per_epoch=1000", "steps_per_epoch=3"),
    ("samples_per_epoch=10000", "samples_per_epoch=3"),
    ("shape=(280, 256)", "shape=(12, 8)"),
    ("shape=(140, 256)", "shape=(12, 8)"),
    ("(224, 224, 3)", "(32, 32, 3)"),
    ("shape=(100, 224, 224, 3)", "shape=(4, 32, 32, 3)"),
    ("/my_file.txt", "my_file.txt"),
]


class Case(NamedTuple):
    """Blocks that are run one after the other, in one namespace.

    Args:
        document: its number.
        lines: where the blocks begin.
        given: code that makes what the text around the blocks describes.
        change: (old, new) texts of the blocks, for what the document leaves open.
        then: code that checks the outcome.
        error: line → (exception, pattern) of the blocks that fail, as the document says or Keras does.
        warns: pattern of the warnings that it gives.
        needs: modules that have to be there.
        variant: tells apart two cases of the same blocks.
    """

    document: str
    lines: tuple[int, ...]
    given: str = ""
    change: tuple[tuple[str, str], ...] = ()
    then: str = ""
    error: dict[int, tuple] = {}
    warns: str = ""
    needs: tuple[str, ...] = ()
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.document}-{self.lines[0]}{self.variant}"


_KERAS_1 = "Keras 2|`input_dim` and `input_length`"
_SEVERAL = ((AttributeError, AssertionError), "multiple inbound nodes.*get_output_at")
_MLP = "model = Sequential([Dense(5, activation='relu', input_dim=20), Dense(1, activation='sigmoid')])\n"
_MLP_DATA = """
trainX = testX = np.random.random((16, 20))
trainy = testy = np.random.randint(2, size=(16, 1))
"""
_COMPILED = _MLP + "model.compile('rmsprop', 'binary_crossentropy', metrics=['accuracy'])\n" + _MLP_DATA
_LOADED = "assert x_train.shape[0] == len(y_train) > len(x_test) == len(y_test) > 0"
_TWO_INPUTS = """
headline_data = np.random.randint(100, size=(32, 100))
additional_data = np.random.random((32, 5))
labels = np.random.randint(2, size=(32, 1))
"""
_TWEETS = "data_a = data_b = np.random.random((16, 12, 8))\nlabels = np.random.randint(2, size=(16, 1))\n"
_WORDS = """
x_train = x_test = np.random.randint(1024, size=(32, 5))
y_train = y_test = np.random.randint(2, size=(32, 1))
"""
_SERIES = """
x_train = x_test = np.random.random((32, 64, 100))
y_train = y_test = np.random.randint(2, size=(32, 1))
"""
_IMAGES = "data = np.random.random((32, 784))\nlabels = np.eye(10)[np.random.randint(10, size=32)]\n"
_FILE = """
import pathlib
pathlib.Path('my_file.txt').write_text('1 2 3\\n4 5 6\\n')
def process_line(line):
    a, b, c = (np.full((2, 1), float(word)) for word in line.split())
    return {}
"""
_TWO_NAMED = (
    _FILE.format("a, b, c")
    + """
inputs = [Input((1,), name='input_1'), Input((1,), name='input_2')]
model = Model(inputs, Dense(1, name='output')(concatenate(inputs)))
model.compile('sgd', 'mse')
"""
)
_ONE_NAMED = (
    _FILE.format("a, c") + "model = Sequential([Dense(1, input_dim=1)])\nmodel.compile('sgd', 'mse')\n"
)
_PARALLEL = """
from keras.utils import multi_gpu_model
def Xception(weights, input_shape=(8, 8, 3), classes=10):  # a small one
    image = Input(input_shape)
    y = Dense(classes, activation='softmax')(GlobalAveragePooling2D()(Conv2D(4, 3)(image)))
    return Model(image, y)
"""
_BOTH = (
    _PARALLEL
    + """
original_model = single_model = Xception(None)
x = X_train = X_valid = np.random.random((16, 8, 8, 3))
y = y_train = y_valid = np.random.random((16, 10))
model = parallel_model = multi_gpu_model(original_model, gpus=4)
model.compile('sgd', 'categorical_crossentropy')
batch_size, G, nb_epoch = 2, 4, 2
"""
)
_TRY = (("..\n", ""), ("weights=None, ..", "weights=None"), ("compile(..)", "compile('sgd', 'mse')"))
_TRAINED = """
assert len(model.history.epoch) == 2
assert all(np.isfinite(values).all() and len(values) == 2 for values in model.history.history.values())
assert K.get_value(model.optimizer.iterations) >= 2
"""
_SCORED = "assert len(score) == 2 and np.isfinite(score).all()\n"


def shape_is(*shape) -> str:
    return f"assert model.output_shape == {shape}, model.output_shape\n"


CASES = [
    # --- 000, 001, 002, 004: the Sequential model
    Case("000", (11, 23, 40, 44), then=shape_is(None, 32)),
    Case("000", (59,), _MLP, then="assert model.metrics_names == ['loss', 'acc', 'mean_pred']"),
    Case("000", (91,), then=_TRAINED),
    Case("000", (110,), then=_TRAINED),
    Case(
        "000",
        (214, 265),
        "import matplotlib\nmatplotlib.use('Agg')\nfrom matplotlib import pyplot\n" + _COMPILED,
        then="assert [len(line.get_ydata()) for line in pyplot.gca().lines] == [2, 2]\npyplot.close()\n"
        "assert 0 <= train_acc == test_acc <= 1\n",
        needs=("matplotlib",),
    ),
    Case("000", (265,), _COMPILED, then="assert 0 <= train_acc == test_acc <= 1"),
    Case(
        "000",
        (422,),
        "from numpy import random\nsome_processing = lambda image: image / 2\n",
        (("64, 64, 3", "6, 6, 3"),),
        "features, labels = np.random.random((20, 6, 6, 3)), np.random.random((20, 1))\n"
        "model = Sequential([Flatten(input_shape=(6, 6, 3)), Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "h = model.fit_generator(generator(features, labels, 10), steps_per_epoch=3, epochs=2)\n"
        "assert len(h.epoch) == 2\n",
    ),
    Case("000", (443,), _TWO_NAMED, (("    yield", "yield"),), _TRAINED),
    Case("001", (660,), _TWO_NAMED, (("    yield", "yield"),), _TRAINED),
    Case(
        "001",
        (1740,),
        _TWO_NAMED,
        (
            ("\N{NO-BREAK SPACE}", " "),
            ("            #", "                #"),
            ("            x1,", "                x1,"),
            ("            yield", "                yield"),
        ),
        _TRAINED,
    ),
    Case("002", (26,), then=shape_is(None, 32), warns=_KERAS_1),
    Case("002", (283,), _ONE_NAMED, then=_TRAINED),
    Case("000", (616,), then=_SCORED),
    Case("000", (652,), then=_SCORED),
    Case("000", (682,), then="assert np.isfinite(score)"),
    Case("000", (723,), _WORDS, then=_SCORED),
    Case("000", (747,), _SERIES, then=_SCORED),
    Case("000", (781,), then=_TRAINED),
    Case("000", (821,), then=_TRAINED),
    Case("001", (882,), then=_SCORED),
    # --- 001: models
    Case(
        "001",
        (17,),
        # What follows the line is what the script prints.
        change=(
            ("'imagenet'", "None"),
            ("# =================== #", "printed = '''"),
            ("\nNone\n", "\n'''\n"),
        ),
        then="assert base_model.output_shape == (None, None, None, 512) and len(base_model.layers) == 19",
    ),
    Case(
        "001",
        (98,),
        "a = Input((3,))\nmodel = Model(a, Dense(2)(a))\n",
        (("model = Sequential.from", "# "),),
        shape_is(None, 2),
        variant="-model",
    ),
    Case("001", (98,), _MLP, (("model = Model.from", "# "),), shape_is(None, 1), variant="-sequential"),
    Case("001", (110, 119), _MLP, then=shape_is(None, 1)),
    Case(
        "001",
        (137,),
        change=(
            ("SimpleMLP()", "SimpleMLP(use_bn=True, use_dp=True)"),
            ("compile(...)", "compile('sgd', 'categorical_crossentropy')"),
            ("fit(...)", "fit(np.random.random((16, 4)), np.eye(10)[:16 - 6].repeat(2, 0)[:16], epochs=2)"),
        ),
        then=_TRAINED,
    ),
    Case(
        "001", (1121, 1151, 1159), _IMAGES, then="assert K.int_shape(processed_sequences) == (None, 20, 10)"
    ),
    Case("001", (1193, 1246), _TWO_INPUTS, then="assert 'main_output_loss' in model.history.history"),
    Case("001", (1275, 1287), _TWEETS, then="assert len(model.history.epoch) == 2"),
    Case("001", (1323,)),
    Case("001", (1335, 1356), error={1335: _SEVERAL}),
    Case("001", (1366,)),
    Case("001", (1391,), then=shape_is(None, 32)),
    Case(
        "001",
        (1405,),
        "a1, a2 = Input((2,)), Input((3,))\nb1, b3 = Dense(4)(a1), Dense(5)(concatenate([a1, a2]))\n",
        then="x = [np.ones((2, 2)), np.ones((2, 3))]\n"
        "assert [y.shape[1] for y in model.predict(x)] == [4, 5, 5]\n",
    ),
    Case("001", (1869,), then="assert K.int_shape(output) == (None, 768, 256, 64)"),
    Case("001", (1891,), then="assert K.int_shape(z) == (None, 256, 256, 3)"),
    Case("001", (1907,), then="assert classification_model.output_shape == (None, 1)"),
    Case("001", (1941, 1988), then="assert video_qa_model.output_shape == (None, 1000)"),
    Case(
        "001",
        (2311,),
        _COMPILED,
        then="model.fit(trainX, trainy, validation_split=.5, callbacks=[checkpointer])\n",
    ),
    Case(
        "001",
        (2322,),
        "Sequential([Dense(2, input_dim=3)]).save_weights('xxx.h5')\n",
        (
            (".....", "model.add(Dense(2, input_dim=3))"),
            ("='xxx'", "='sgd'"),
            ("['xxx']", "['acc']"),
        ),
        shape_is(None, 2),
    ),
    # --- 001: several devices
    Case(
        "001",
        (2710,),
        _PARALLEL,
        (
            ("import tensorflow as tf\nfrom keras.applications import Xception\n", ""),
            ("with tf.device('/cpu:0'):", "if True:"),
            ("num_samples = 1000", "num_samples = 32"),
            ("= 224", "= 8"),
            ("num_classes = 1000", "num_classes = 10"),
            ("batch_size=256", "batch_size=16"),
        ),
        "assert load_model('my_model.h5', compile=False).predict(x).shape == (32, 10)\n",
    ),
    Case("001", (2750,), _PARALLEL, _TRY, "assert parallel_model is not model\n"),
    Case("001", (2767,), _PARALLEL, _TRY, "assert parallel_model is not model\n"),
    Case(
        "001",
        (2800,),
        _BOTH,
        (
            ("original_model = ...\n", ""),
            ("parallel_model = multi_gpu_model(original_model, gpus=n)\n", ""),
            ("fit(...,", "fit(x, y, epochs=2,"),
        ),
        "assert load_model('model_at_epoch_1.h5', compile=False).predict(x).shape == (16, 10)\n",
    ),
    Case(
        "001",
        (2818,),
        _BOTH,
        then="model.fit(x, y, validation_data=(x, y), callbacks=[check_point])\n"
        "assert load_model('best.hd5', compile=False).predict(x).shape == (16, 10)\n",
    ),
    Case(
        "001",
        (2834,),
        _BOTH,
        (("/path/to/save/", ""),),
        "Xception(None).load_weights('model.h5')\n",
    ),
    Case(
        "001",
        (2889,),
        error={2889: (RuntimeError, "XLA_PYTHON_CLIENT_MEM_FRACTION.*XLA_PYTHON_CLIENT_PREALLOCATE")},
        needs=("tensorflow (a stand-in)",),
    ),
    # --- 003: the 30 seconds
    Case(
        "003",
        (7, 15, 25, 30, 36, 41, 46, 51, 72, 84, 95, 105, 110, 115),
        "x_train = x_batch = x_test = np.random.random((32, 100))\n"
        "y_train = y_batch = y_test = np.eye(10)[np.random.randint(10, size=32)]\n",
        then=shape_is(None, 10) + "assert classes.shape == (32, 10)\n",
    ),
    Case(
        "003",
        (120,),
        "old = Sequential([Dense(2, input_dim=3, name='dense_1'), Dense(3, name='dense_2')])\n"
        "fname = 'old.h5'\nold.save_weights(fname)\n",
        then="assert (model.get_weights()[0] == old.get_weights()[0]).all()\n",
    ),
    Case(
        "003",
        (141,),
        "data = np.random.random((4, 3))\n",
        (("model = ...", "model = Sequential([Dense(2, input_dim=3, name='my_layer'), Dense(1)])"),),
        "assert intermediate_output.shape == (4, 2)\n",
        warns=_KERAS_1,
    ),
    Case(
        "003",
        (153, 165),
        "model = Sequential([Dense(8, input_dim=4), Dropout(.5), Dense(8), Dropout(.5)])\n"
        "X = np.ones((6, 4))\n",
        then="assert (layer_output == 0).any()\n"
        "assert (get_3rd_layer_output([X, 0])[0] == get_3rd_layer_output([X, 0])[0]).all()\n",
    ),
    Case("003", (179, 198), _COMPILED + "X, y = trainX, trainy\n", then="assert 'val_acc' in hist.history\n"),
    Case(
        "003",
        (221,),
        "X = np.random.random((32, 21, 16))\n",
        then="first, second = model.predict(X[:, :10]), model.predict(X[:, :10])\n"
        "model.reset_states()\n"
        "assert not np.allclose(first, second) and np.allclose(first, model.predict(X[:, :10]))\n",
    ),
    Case("003", (252,), then="assert not frozen_layer.trainable\n"),
    Case(
        "003",
        (257,),
        "data = labels = np.random.random((8, 32))\n",
        (
            ("frozen_model.fit(", "before = layer.get_weights()[0]\nfrozen_model.fit("),
            ("trainable_model.fit(", "between = layer.get_weights()[0]\ntrainable_model.fit("),
        ),
        "assert (before == between).all() and (between != layer.get_weights()[0]).any()\n",
        warns="Discrepancy between trainable weights",
    ),
    Case("003", (280,), then="assert len(model.layers) == 1\n"),
    Case(
        "003",
        (441, 459, 464, 478, 483, 489, 495),
        _TWO_INPUTS,
        then="assert model.history.history['aux_output_loss']",
    ),
    Case("003", (520, 530), _TWEETS, then="assert len(model.history.epoch) == 2"),
    Case("003", (567,)),
    Case("003", (577, 596), error={577: _SEVERAL}),
    # --- 003: Sequential
    Case("003", (770,), error={770: (TypeError, "multiple values for argument 'units'")}),
    Case("003", (783,), then=shape_is(None, 32)),
    Case("003", (844,), then=_TRAINED),
    Case("003", (897,), then=_SCORED),
    Case("003", (1003,), _WORDS + "max_features = 1024\n", then=_SCORED),
    Case("003", (1025,), _SERIES + "seq_length = 64\n", then=_SCORED),
    # --- 003: layers
    Case("003", (1141, 1148), then="assert layer.get_config() == config\n"),
    Case("003", (1282,), then=shape_is(None, 32)),
    Case(
        "003",
        (1345,),
        "K.set_image_data_format('channels_first')\n",
        then=shape_is(None, 65536),
        warns=_KERAS_1,
    ),
    Case("003", (1374,), then=shape_is(None, 3, 2, 2)),
    Case("003", (1401,), then=shape_is(None, 64, 10)),
    Case("003", (1431,), then=shape_is(None, 3, 32)),
    Case(
        "003",
        (1456,),
        "model = Sequential([Dense(3, input_dim=4)])\n",
        then=shape_is(None, 6) + "model.compile('sgd', 'mse')\nmodel.fit(np.ones((4, 4)), np.ones((4, 6)))\n",
    ),
    Case("003", (1522,), "timesteps, features = 3, 4\n", then=shape_is(None, 32)),
    Case("003", (1554,)),
    *(Case("003", (line,), then=shape_is(None, 4)) for line in (1588, 1611, 1681, 1708)),
    Case(
        "003",
        (1923,),
        change=(("model.add(LSTM(16))", ""),),
        then=shape_is(None, 10),
        warns=_KERAS_1,
    ),
    Case("003", (1923,), error={1923: (ValueError, "ndim=3")}, warns=_KERAS_1, variant="-as-printed"),
    Case("003", (2070,), then=shape_is(None, 10, 32)),
    Case(
        "003",
        (2084,),
        change=((", 299, 299", ", 19, 19"),),
        then="assert len(model.layers) == 1\n",
        warns=_KERAS_1,
    ),
    Case("003", (2100,), then=shape_is(None, 5)),
    # --- 003: models
    Case("003", (2113,), then=shape_is(None, 32), warns=_KERAS_1),
    Case(
        "003",
        (2123,),
        "a1, a2 = Input((2,)), Input((3,))\nb1, b3 = Dense(4)(a1), Dense(5)(a2)\n",
        then="assert len(model.outputs) == 3\n",
        warns=_KERAS_1,
    ),
    Case("003", (2246,), then=shape_is(None, 10)),
    Case("003", (2366,), _ONE_NAMED, then=_TRAINED, warns=_KERAS_1),
    # --- 003: losses, metrics, optimizers, activations, regularizers
    Case("003", (2394, 2397), _MLP, then="assert model.metrics_names == ['loss']\n"),
    Case("003", (2467,), "int_labels = [0, 2, 1]\n", then="assert categorical_labels.shape == (3, 3)\n"),
    Case(
        "003",
        (2476,),
        _MLP,
        then="assert model.metrics_names == ['loss', 'mean_absolute_error', 'categorical_accuracy']\n",
    ),
    Case("003", (2506, 2527, 2533), then=shape_is(None, 64)),
    Case("003", (2629, 2637, 2642), _MLP, then="assert model.layers[-1].activation is K.tanh\n"),
    Case("003", (3009,), "model = Sequential()\n", then="assert len(model.losses) == 2\n"),
    Case(
        "003",
        (3018,),
        then="assert np.isclose(K.eval(keras.regularizers.l1_l2(l1=0.01, l2=0.01)(K.ones((2,)))), 0.04)\n"
        "assert K.eval(keras.regularizers.l2(0.)(K.ones((2,)))) == 0\n",
    ),
    Case("003", (3028,), "model = Sequential()\n", then="assert len(model.losses) == 1\n"),
    Case("003", (3046,), _MLP, then="open('model.png').close()\n", needs=("matplotlib",)),  # or graphviz
    Case("003", (3060,), _MLP, needs=("IPython",)),
    Case(
        "003",
        (3071,),
        "import matplotlib\nmatplotlib.use('Agg')\n" + _COMPILED + "x, y = trainX, trainy\n",
        change=(
            ("epochs=50", "epochs=2"),
            ("plt.show()", "plt.show(); lines = plt.gca().lines; plt.close()"),
        ),
        then="assert [len(line.get_ydata()) for line in lines] == [2, 2]\n",
        needs=("matplotlib",),
    ),
    # --- 003: data sets
    *(
        Case("003", (line,), then=_LOADED, needs=(f"jkeras.datasets.{name}",))
        for line, name in (
            (2809, "cifar10"),
            (2826, "cifar100"),
            (2848, "imdb"),
            (2885, "reuters"),
            (2920, "mnist"),
            (2956, "fashion_mnist"),
            (2975, "boston_housing"),
        )
    ),
]

# Blocks that are no program for Keras.
NOT_RUN = {
    "Python 2, without Keras": [("000", 463), ("001", 680), ("003", 311)],
    "the text of an error": [("001", 1347), ("003", 589), ("001", 2791)],
    "names of losses between prose": [("003", 2409)],
    "exports a graph to TensorFlow Serving": [("001", n) for n in (2033, 2073, 2142, 2340, 2367)],
    "TensorFlow without Keras": [("001", n) for n in (2234, 2393, 2571)],
    "shell, listings and output": [("001", n) for n in (2196, 2209, 2215, 2277, 2357, 2549)],
}
