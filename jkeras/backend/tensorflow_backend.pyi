from jkeras.backend import *
