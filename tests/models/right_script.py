"""A script of what Keras 2 scripts are made of: a type checker has nothing to say of it."""

RIGHT = '''
"""What scripts of Keras 2 are made of, with nothing in it that a type checker may complain about."""

import numpy as np
import optax

import jkeras
from jkeras import backend as K
from jkeras import initializers, optimizers, regularizers
from jkeras.applications import MobileNet
from jkeras.applications.resnet50 import ResNet50, preprocess_input
from jkeras.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from jkeras.datasets import mnist
from jkeras.engine.topology import InputSpec
from jkeras.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Add,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    CuDNNLSTM,
    Dense,
    DepthwiseConv2D,
    Dot,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Lambda,
    Layer,
    LeakyReLU,
    LSTMCell,
    Masking,
    MaxPooling2D,
    Permute,
    PReLU,
    RepeatVector,
    Reshape,
    SeparableConv2D,
    SimpleRNN,
    SpatialDropout1D,
    TimeDistributed,
    UpSampling2D,
    ZeroPadding2D,
    add,
    concatenate,
    dot,
    multiply,
)
from jkeras.models import Model, Sequential, load_model, model_from_json
from jkeras.optimizers import SGD, Adam, RMSprop
from jkeras.preprocessing import sequence
from jkeras.preprocessing.image import ImageDataGenerator
from jkeras.preprocessing.text import Tokenizer
from jkeras.regularizers import l2
from jkeras.utils import HDF5Matrix, OrderedEnqueuer, multi_gpu_model, np_utils, plot_model, to_categorical
from jkeras.utils import Sequence as BatchSequence
from jkeras.wrappers.scikit_learn import KerasClassifier

# --- a chain of layers ---------------------------------------------------------------------------------

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(x_train.shape[0], 28, 28, 1).astype("float32") / 255
y_train = to_categorical(y_train, 10)
classes = np.int64(10)

model = Sequential([Dense(32, input_shape=(784,)), Activation("relu")])
model.add(Dense(classes, activation=K.softmax, kernel_regularizer=l2(0.01)))
model.add(Dense(3, input_dim=100, kernel_initializer=initializers.RandomNormal(stddev=0.01)))
model.add(Dense(units=4, kernel_initializer=lambda shape, dtype=None: K.zeros(shape), use_bias=False))
model.add(Dense(4, kernel_initializer={"class_name": "Zeros", "config": {}}, bias_constraint="nonneg"))
model.add(Dense(4, activity_regularizer=lambda x: 0.1 * K.sum(x), name="last", trainable=False))
model.add(Dropout(0.5, noise_shape=(None, 1), seed=1))
model.add(Conv2D(32, kernel_size=(3, 3), strides=2, padding="same", input_shape=x_train.shape[1:]))
model.add(Conv2D(32, [3, 3], data_format="channels_first", dilation_rate=(2, 2), activation=None))
model.add(MaxPooling2D((2, 2), strides=(1, 1)))
model.add(MaxPooling2D())
model.add(ZeroPadding2D(((1, 0), (0, 1))))
model.add(ZeroPadding2D(padding=(1, 1)))
model.add(UpSampling2D((2, 2), interpolation="bilinear"))
model.add(SeparableConv2D(8, 3, depth_multiplier=2))
model.add(DepthwiseConv2D((3, 3), use_bias=False))
model.add(Conv2DTranspose(1, 3, strides=(2, 2), padding="same", output_padding=1))
model.add(BatchNormalization(axis=-1, momentum=0.9, epsilon=1e-5))
model.add(LeakyReLU(alpha=0.2))
model.add(PReLU(shared_axes=[1, 2]))
model.add(Reshape((-1, 4)))
model.add(Permute((2, 1)))
model.add(RepeatVector(3))
model.add(Flatten())
model.add(Embedding(1000, 64, input_length=10, weights=[np.zeros((1000, 64))], mask_zero=True))
model.add(SpatialDropout1D(0.2))
model.add(Masking(mask_value=0.0, input_shape=(None, 3)))
model.add(LSTM(32, return_sequences=True, stateful=True, batch_input_shape=(8, 10, 16), dropout=0.2))
model.add(Bidirectional(GRU(32, reset_after=True), merge_mode="sum", input_shape=(5, 10)))
model.add(TimeDistributed(Dense(3)))
model.add(CuDNNLSTM(3, return_state=True, go_backwards=True))
model.add(SimpleRNN(units=3, implementation=None))
model.add(RNN([LSTMCell(3), LSTMCell(4)], return_sequences=True))
model.add(Lambda(lambda x: x**2, output_shape=lambda s: s, arguments={"a": 1}))
model.add(Conv1D(3, 3, padding="causal", dtype="float64"))
first = model.layers[0]
print(first.output_shape, first.get_weights()[0].shape, first.input, first.count_params(), first.name)
model.summary()

# --- a graph of layers ---------------------------------------------------------------------------------


def block(x, filters, kernel_size=3, strides=(1, 1), padding="same", activation=None, name=None):
    shortcut = x
    conv_name = name + "_conv" if name is not None else None
    x = Conv2D(filters, kernel_size, strides=strides, padding=padding, name=conv_name)(x)
    x = BatchNormalization(axis=3 if K.image_data_format() == "channels_last" else 1)(x)
    x = Activation(activation or "relu")(x)
    squeeze = GlobalAveragePooling2D()(x)
    squeeze = Dense(K.int_shape(x)[-1] // 16, activation="relu")(squeeze)
    squeeze = Dense(K.int_shape(x)[-1], activation="sigmoid")(squeeze)
    x = multiply([x, Reshape((1, 1, K.int_shape(x)[-1]))(squeeze)])
    return add([x, shortcut])


image = Input(shape=(32, 32, 3), name="image")
words = Input((None,), dtype="int32")
hidden = block(image, 16, name="first")
hidden = Flatten()(block(hidden, filters=16, activation="elu"))
encoded, h, c = LSTM(16, return_state=True)(Embedding(100, 8)(words))
decoded = LSTM(16)(Embedding(100, 8)(words), initial_state=[h, c])
merged = Concatenate(axis=-1)([hidden, encoded])
merged = concatenate([merged, decoded])
merged = Add()([Dense(4)(merged), Dense(4)(merged)])
score = Dot(axes=1, normalize=True)([merged, merged]) + dot([merged, merged], axes=-1)
print(score * 2 - 1, -score, score / 2, score[:, 0], K.int_shape(score), score.shape, score._keras_shape)
outputs = [Dense(1, name="a")(merged), Dense(2, activation="softmax", name="b")(merged)]
graph = Model(inputs=[image, words], outputs=outputs)
encoder = Model(image, hidden, name="encoder")
print(Model(inputs=graph.input, outputs=graph.get_layer("a").output).predict([x_train, y_train]))
print(encoder(image), graph([image, words])[0])

# --- own layers ----------------------------------------------------------------------------------------


class Linear(Layer):
    def __init__(self, output_dim, init="glorot_uniform", axis=-1, **kwargs):
        self.output_dim = output_dim
        self.init = initializers.get(init)
        self.regularizer = regularizers.get("l2")
        self.axis = axis
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=2)]
        super(Linear, self).__init__(**kwargs)

    def build(self, input_shape):
        assert len(input_shape) == 2
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[1], self.output_dim),
            initializer=self.init,
            regularizer=self.regularizer,
            trainable=True,
        )
        self.bias = self.add_weight(shape=(self.output_dim,), initializer="zeros", name="bias")
        self.count = K.variable(0.0)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        super(Linear, self).build(input_shape)

    def call(self, x, mask=None):
        self.add_update([K.update_add(self.count, 1.0)], x)
        self.add_loss(K.sum(self.kernel**2) + K.sum(K.square(self.bias)), inputs=x)
        y = K.dot(x, self.kernel) + self.bias
        y = y * K.sigmoid(self.kernel[0, 0]) / (1.0 + K.abs(self.bias))
        return K.in_train_phase(y * 2.0, y)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        config = {"output_dim": self.output_dim, "init": initializers.serialize(self.init)}
        base_config = super(Linear, self).get_config()
        return dict(list(base_config.items()) + list(config.items()))


class Wide(Dense):
    def __init__(self, units, factor=2, **kwargs):
        super().__init__(units * factor, **kwargs)
        self.factor = factor

    def call(self, inputs):
        penalty = self.kernel_regularizer(inputs) if self.kernel_regularizer else 1
        return super().call(inputs) * K.mean(penalty)


class Normed(Conv2D):
    def build(self, input_shape):
        super().build(input_shape)
        self.u = self.add_weight("u", (1, self.filters), initializer="normal", trainable=False)

    def call(self, inputs):
        outputs = K.conv2d(inputs, self.u, strides=self.strides, padding=self.padding)
        return self.activation(outputs)


class Counter:
    state_size = 3

    def call(self, inputs, states):
        return inputs + states[0], [inputs + states[0]]


class Attention(LSTMCell):
    def call(self, inputs, states, training=None):
        h, c = states
        return super().call(inputs * K.softmax(h), [h, c], training=training)


class Own(Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense1 = Dense(32, activation="relu")
        self.blocks = [Linear(3), Wide(4, use_bias=False)]

    def call(self, inputs, mask=None, training=None):
        x = self.dense1(inputs)
        for layer in self.blocks:
            x = layer(x)
        return x


print(RNN(Counter())(Input((3, 3))), RNN(Attention(3))(Input((3, 3))), Own().predict(x_train))
first_dense = Dense(3)
first_dense.trainable = False
first_dense.activation = K.relu
print(first_dense.units + 1, first_dense.use_bias, LSTM(3).units, LSTM(3).recurrent_dropout)
print(GRU(3).reset_after, Conv2D(3, 3).kernel_size[0], Embedding(3, 4).output_dim)
print(BatchNormalization().epsilon, Dropout(0.5).rate)

# --- losses, metrics, functions ------------------------------------------------------------------------


def dice(y_true, y_pred, smooth=1.0):
    y_true, y_pred = K.flatten(y_true), K.flatten(y_pred)
    intersection = K.sum(y_true * y_pred)
    return 1.0 - (2.0 * intersection + smooth) / (K.sum(y_true) + K.sum(y_pred) + smooth)


def precision(y_true, y_pred):
    positives = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    return positives / (K.sum(K.round(K.clip(y_pred, 0, 1))) + K.epsilon())


def weighted(weight):
    def loss(y_true, y_pred):
        return K.mean(K.binary_crossentropy(y_true, y_pred) * weight, axis=-1)

    return loss


adam = Adam(lr=1e-3, beta_1=0.9, decay=0.0, clipnorm=1.0)
model.compile(loss=dice, optimizer=adam, metrics=["accuracy", precision])
model.compile("rmsprop", weighted(K.variable(2.0)))
model.compile(SGD(lr=0.01, momentum=0.9, nesterov=True, clipvalue=0.5), "mse", sample_weight_mode="temporal")
model.compile(optimizer=RMSprop(), loss=jkeras.losses.categorical_crossentropy, metrics=[jkeras.metrics.mae])
graph.compile(optimizers.get("adam"), {"a": "mse", "b": dice}, loss_weights={"a": 1.0, "b": 0.2})
learning_rate = K.get_value(model.optimizer.lr) if model.optimizer else 0
gradient = K.gradients(K.mean(graph.output[0]), graph.input)[0]
iterate = K.function([*graph.inputs, K.learning_phase()], [gradient, graph.layers[3].output])
activations = iterate([x_train, y_train, 0])[0]
saliency = np.mean(activations, axis=0)

# --- training ------------------------------------------------------------------------------------------


class Losses(Callback):
    def __init__(self, every=2):
        super().__init__()
        self.every = every
        self.best = np.inf

    def on_train_begin(self, logs={}):
        self.losses = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get("loss"))

    def on_epoch_end(self, epoch, logs=None):
        current = (logs or {}).get("val_loss")
        if current is not None and current < self.best:
            self.best = current
            self.model.save("best.h5")
        if epoch > 3:
            self.model.stop_training = True
        print(K.get_value(self.model.optimizer.lr), self.params["epochs"], self.validation_data)


class Batches(BatchSequence):
    def __init__(self, x, y, batch_size=32):
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return int(np.ceil(len(self.x) / float(self.batch_size)))

    def __getitem__(self, idx):
        rows = slice(idx * self.batch_size, (idx + 1) * self.batch_size)
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.x)


def generator(x, y, batch_size):
    while True:
        for start in range(0, len(x), batch_size):
            yield x[start : start + batch_size], y[start : start + batch_size]


callbacks = [
    Losses(),
    EarlyStopping(monitor="val_loss", min_delta=1e-4, patience=3, mode="auto", restore_best_weights=True),
    ModelCheckpoint("weights.{epoch:02d}.h5", monitor="val_acc", save_best_only=True, period=2),
    ReduceLROnPlateau(factor=np.sqrt(0.1), patience=5, min_lr=0.5e-6),
    LearningRateScheduler(lambda epoch: 0.1 * 0.5**epoch, verbose=1),
    TensorBoard(log_dir="./logs", histogram_freq=0, write_graph=True),
    CSVLogger("log.csv", append=True),
    LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)),
    History(),
]
history = model.fit(
    x_train, y_train, batch_size=128, epochs=2, callbacks=callbacks, validation_data=(x_test, y_test)
)
print(history.history["loss"][-1], max(history.history["val_acc"]), history.epoch)
batches = generator(x_train, y_train, 8)
model.fit_generator(batches, steps_per_epoch=len(x_train) // 8, epochs=2, callbacks=[Losses()])
model.fit_generator(Batches(x_train, y_train), validation_data=Batches(x_test, y_test), workers=4)
images = ImageDataGenerator(rotation_range=20, width_shift_range=0.2, horizontal_flip=True, rescale=1.0 / 255)
images.fit(x_train)
model.fit_generator(images.flow(x_train, y_train, batch_size=32), steps_per_epoch=x_train.shape[0] // 32)
flow = images.flow_from_directory("data", target_size=(150, 150), class_mode="binary")
print(flow.class_indices, model.predict_generator(flow, steps=3).shape)
graph.fit({"image": x_train, "words": x_train}, {"a": y_train, "b": y_train}, validation_split=0.1)
score = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", score[0], "accuracy:", score[1], model.metrics_names)
prediction = model.predict(x_test, batch_size=32)
print(np.argmax(prediction, axis=1), model.predict_classes(x_test), prediction[0], prediction.shape)
loss = model.train_on_batch(x_train, y_train)
loss, accuracy = model.test_on_batch(x_train, y_train)

# --- files, applications, wrappers ---------------------------------------------------------------------

model.save("model.h5")
model.save_weights("weights.h5")
model.load_weights("weights.h5", by_name=True)
loaded = load_model("model.h5", custom_objects={"Linear": Linear, "dice": dice})
loaded.predict(x_test)
again = model_from_json(model.to_json())
again.set_weights(model.get_weights())
for layer in model.layers[:-2]:
    layer.trainable = False
base = ResNet50(weights="imagenet", include_top=False, input_shape=(224, 224, 3), pooling="avg")
top = Dense(10, activation="softmax")(GlobalAveragePooling2D()(base.output))
tuned = Model(inputs=base.input, outputs=top)
mobile = MobileNet(alpha=0.5, weights=None, classes=10)
print(mobile.predict(preprocess_input(np.zeros((1, 224, 224, 3)))))
plot_model(tuned, to_file="model.png", show_shapes=True)
parallel = multi_gpu_model(tuned, gpus=2)
matrix = HDF5Matrix("data.h5", "x", start=0, end=100)
print(matrix.shape, np_utils.to_categorical([1, 2]), OrderedEnqueuer(Batches(x_train, y_train)))
tokenizer = Tokenizer(num_words=1000)
tokenizer.fit_on_texts(["a text"])
padded = sequence.pad_sequences(tokenizer.texts_to_sequences(["a text"]), maxlen=10)
classifier = KerasClassifier(build_fn=lambda: model, epochs=3, batch_size=10)
classifier.fit(padded, y_train)
K.set_session(K.get_session())
K.clear_session()

# --- what the arguments of a model may be --------------------------------------------------------------

model.compile(optax.sgd(0.1), loss={"a": "mse"}, metrics=["acc"], loss_weights=[1, 2])
model.compile("sgd", lambda a, b: a - b, metrics={"a": ["acc"]}, devices=2)
model.fit(x_train, y_train, class_weight={0: 1.0}, sample_weight=x_train, steps_per_epoch=3 / 2)
model.fit({"a": x_train}, [[1, 2]], callbacks=[jkeras.callbacks.History()], shuffle="batch")
print(model.fit_generator((x_train, y_train) for _ in range(3)).history["loss"])
print(float(model.train_on_batch(x_train, y_train)))
'''
