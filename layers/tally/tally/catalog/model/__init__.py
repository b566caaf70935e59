"""The rules of datasets and objects as pure functions and values.

A state follows from the events alone, in whatever order they arrive.
"""
