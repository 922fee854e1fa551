"""Whole models: built, filled and filled anew, each draw when it is needed and under its own key.

    doors.py      what users call
    laws.py       how torch's code asks for random values
    silent.py     torch's initialisers that tell no mode of themselves, made to tell
    calls.py      torch's other calls, by what they do to a tensor that waits
    waiting.py    memory that waits, and what is to be done to it
    hearing.py    the mode that hears torch's calls and decides
    steps.py      what is to be done to a tensor: a draw, a call with numbers, given values
    names.py      a model's parameters by name: each once, whatever wraps or ties it
    recipe.py     what is done to each parameter, as steps on it or on boxes of it, and where that is kept
    asking.py     the same of a finished model, by running its own code on stand-ins
    deferred.py   building without drawing
    rules.py      which rule fills which parameter, and the facts that a shape does not tell
    presets.py    rules as data
    expected.py   the standard deviation that a step is to give
    filling.py    the plan, the checks, the filling, the table
    disk.py       the same weights straight to safetensors files
    pages.py      huge pages for memory that is about to be filled

doors.py and presets.py import no torch; every other file does when it is imported.
"""
