"""Names and arguments of Keras of 2016-2019; without them the rest can be read, and works, for new code.

* Names: `module_aliases` (paths of Keras → modules here), `imported_names`, `as_keras` (`import keras`).
* Arguments of Keras 1: `legacy_arguments`, and `legacy_interfaces` with Keras's own decorators.

What packages of that time lean on inside Keras is in `jkeras/keras_internals/`.
"""
