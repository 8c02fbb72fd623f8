"""A script for a type checker, with a mistake in each line that names a rule."""

MISTAKES = """
import numpy as np
import jkeras
from jkeras import applications, backend as K, constraints, initializers, regularizers
from jkeras.callbacks import EarlyStopping, LearningRateScheduler, ModelCheckpoint
from jkeras.callbacks import ReduceLROnPlateau, TensorBoard
from jkeras.layers import *
from jkeras.layers import Input
from jkeras.models import Model, Sequential
from jkeras.optimizers import SGD, Adam
x = y = np.zeros(3)
model = Sequential()
class Own(Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(3, 4))
    def call(self, x):
        return K.dot(x, self.kernal)  # reportAttributeAccessIssue
Dense("a")  # reportArgumentType
Dense()  # reportCallIssue
Dense(3, activation=3)  # reportArgumentType
Dense(3, activaton="relu")  # reportCallIssue
Dense(3, use_bais=False)  # reportCallIssue
Dense(3, kernel_initializer=0.1)  # reportArgumentType
Dense(3, kernel_regularizer=0.01)  # reportArgumentType
Dense(3, input_shape="a")  # reportArgumentType
MultiHeadAttention("a", 3)  # reportArgumentType
MultiHeadAttention(2, key_dims=3)  # reportCallIssue
LayerNormalization(eps=1e-5)  # reportCallIssue
TextVectorization(max_tokens="a")  # reportArgumentType
RandomFlip(mode=3)  # reportArgumentType
model.export()  # reportCallIssue
Dense(3).unitss  # reportAttributeAccessIssue
Conv2D("x", 3)  # reportArgumentType
Conv2D(3, "3")  # reportArgumentType
Conv2D(3, (3, "a"))  # reportArgumentType
Conv2D(3, 3, padding=1)  # reportArgumentType
Conv2D(3, 3, strides=1.5)  # reportArgumentType
MaxPooling2D("2")  # reportArgumentType
LSTM("a")  # reportArgumentType
LSTM(3, return_sequence=True)  # reportCallIssue
LSTM(3).unit  # reportAttributeAccessIssue
GRU(3, recurrent_dropout="a")  # reportArgumentType
LSTMCell(3, recurent_dropout=0.1)  # reportCallIssue
RNN(3)  # reportArgumentType
Bidirectional(3)  # reportArgumentType
TimeDistributed("Dense")  # reportArgumentType
Embedding(10, "a")  # reportArgumentType
Dropout("0.5")  # reportArgumentType
BatchNormalization(axis="last")  # reportArgumentType
BatchNormalization(momemtum=0.9)  # reportCallIssue
Reshape("3")  # reportArgumentType
Permute(3)  # reportArgumentType
Lambda(3)  # reportArgumentType
Activation(3)  # reportArgumentType
Concatenate(axis="a")  # reportArgumentType
Concatenate(axes=1)  # reportCallIssue
Flatten(data_formt="a")  # reportCallIssue
Add(nme="a")  # reportCallIssue
ZeroPadding2D("1")  # reportArgumentType
Cropping2D("1")  # reportArgumentType
UpSampling2D(size="2")  # reportArgumentType
GaussianNoise("a")  # reportArgumentType
Dense(3)(3)  # reportArgumentType
Dense(3)("x")  # reportArgumentType
Sequential([3])  # reportArgumentType
Sequential(["Dense"])  # reportArgumentType
model.add(3)  # reportArgumentType
Model(inputs=3, outputs=4)  # reportArgumentType
Model(input=Input((3,)), output=Input((3,)))  # reportArgumentType
Input(shpe=(3,))  # reportCallIssue
Input(shape="a")  # reportArgumentType
Input((3,)).shap  # reportAttributeAccessIssue
model.add(Dense(3), 3)  # reportCallIssue
model.layerss  # reportAttributeAccessIssue
model.get_weight()  # reportAttributeAccessIssue
model.fit(x, y, epohcs=3)  # reportArgumentType
model.compile("sgd", losss="mse")  # reportArgumentType
SGD(lr="x")  # reportArgumentType
SGD(learning_rates=0.1)  # reportCallIssue
SGD(momentum="x")  # reportArgumentType
Adam(beta1=0.9)  # reportCallIssue
EarlyStopping(patience="a")  # reportArgumentType
EarlyStopping(patiance=3)  # reportCallIssue
EarlyStopping(monitor=3)  # reportArgumentType
ModelCheckpoint(3)  # reportArgumentType
ModelCheckpoint("a", save_best=True)  # reportCallIssue
ReduceLROnPlateau(factor="a")  # reportArgumentType
ReduceLROnPlateau(facto=0.1)  # reportCallIssue
LearningRateScheduler(0.1)  # reportArgumentType
TensorBoard(log_dir=3)  # reportArgumentType
initializers.RandomNormal(mean="a")  # reportArgumentType
initializers.RandomNormal(std=0.1)  # reportCallIssue
initializers.he_normal("a")  # reportArgumentType
regularizers.l2("a")  # reportArgumentType
regularizers.L1L2(l3=0.1)  # reportCallIssue
constraints.MaxNorm("a")  # reportArgumentType
applications.ResNet50(weight=None)  # reportCallIssue
applications.ResNet50(classes="a")  # reportArgumentType
K.sums(x)  # reportAttributeAccessIssue
jkeras.laers  # reportAttributeAccessIssue
jkeras.utils.Sequences  # reportAttributeAccessIssue
jkeras.preprocessing.sequence.pad_sequence  # reportAttributeAccessIssue
model.fit(3, y)  # reportArgumentType
model.fit(x, y, epochs="3")  # reportArgumentType
model.fit(x, y, callbacks=[3])  # reportArgumentType
model.predict(x, stepss=3)  # reportCallIssue
model.fit_generator(3)  # reportArgumentType
"""
