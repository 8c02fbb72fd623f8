from jkeras.core.settings import *
