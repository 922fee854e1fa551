"""Whole models: built, filled and filled anew, each draw when it is needed and under its own key.

doors.py      what users call; importing it imports no torch, calling it does
laws.py       how torch's code asks for random values
silent.py     torch's initialisers that tell no mode of themselves, made to tell
calls.py      torch's other calls, by what they do to a tensor that waits
waiting.py    memory that waits, and what is to be done to it
hearing.py    the mode that hears torch's calls and decides
steps.py      what is to be done to a tensor: a draw, a call with numbers, given values
pages.py      huge pages for memory that is about to be filled
"""
