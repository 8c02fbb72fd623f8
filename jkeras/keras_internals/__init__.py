"""Functions and classes inside Keras of 2016-2019 that packages of that time lean on, made of what is here.

Nothing imports these: they are reached by Keras's paths, through the table of `compat/module_aliases.py`.
"""
