from jkeras.losses import *
