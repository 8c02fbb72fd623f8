"""Pictures: curves of a training, and what notebooks show. Models are drawn by `jkeras.utils.plot_model`."""

from jkeras.visualization.history import plot_history as plot_history
