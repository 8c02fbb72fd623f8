"""Parts that exist for Keras of 2016-2019 only; without them the rest can be read, and works, for new code.

* Names: `module_aliases` (paths of Keras → modules here), `imported_names`, `as_keras` (`import keras`).
* Arguments of Keras 1: `legacy_arguments`, and `legacy_interfaces` with Keras's own decorators.
* Functions and classes inside Keras that packages lean on: everything else. Nothing imports these statically;
  they are reached through the table of names.
"""
