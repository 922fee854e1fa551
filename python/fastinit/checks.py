"""What is given, checked: each kind of argument once, each sentence once."""

import difflib
import math
import operator
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Never, SupportsFloat

import numpy as np

if TYPE_CHECKING:
    from .backends import Dtype


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line outside this package from which it was called."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "fastinit":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def given(name: str, value: object) -> str:
    """What was given, as sentences begin."""
    return f"{name} is {value!r} of type {type(value).__name__}"


# ---- numbers ---------------------------------------------------------------------------------------------------------


def number(name: str, value: SupportsFloat) -> float:
    """As a float. TypeError for what is no number, ValueError for an integer that no float64 holds."""
    if type(value) is float:
        return value
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except OverflowError:
        raise ValueError(
            f"{name} is an integer beyond the largest float64, {sys.float_info.max:g}; give less"
        ) from None
    except (TypeError, ValueError):
        raise TypeError(f"{given(name, value)}; give a number") from None


def finite(name: str, value: SupportsFloat) -> float:
    """A finite number."""
    value = number(name, value)
    if not math.isfinite(value):
        raise ValueError(f"{name}={value!r}; give a finite number")
    return value


def at_least_zero(name: str, value: SupportsFloat) -> float:
    """A finite number that is not negative."""
    value = number(name, value)
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name}={value!r}; give a finite number >= 0")
    return value


def square(name: str, value: float) -> float:
    """The square of a number."""
    try:
        return value**2
    except OverflowError:
        raise ValueError(f"{name}={value!r} is too large: its square is beyond every float64; give less") from None


def bounds(a: SupportsFloat, b: SupportsFloat) -> tuple[float, float]:
    """Two numbers in order."""
    low, high = number("a", a), number("b", b)
    if not low <= high:
        raise ValueError(f"a={low!r}, b={high!r}: give bounds with a <= b")
    return low, high


def fits(dtype: "Dtype", name: str, value: float) -> float:
    """A finite number that the dtype can hold."""
    if -dtype.largest <= value <= dtype.largest:
        return value
    if not math.isfinite(value):
        raise ValueError(f"{name}={value!r}; give a finite number")
    raise ValueError(
        f"{name}={value!r} overflows {dtype.name}, whose largest value is {dtype.largest:g}; give less, or use a wider dtype"
    )


def integer(name: str, value: object, least: int, wanted: str) -> int:
    """An integer from `least` on; a bool is none. `wanted` says in words what to give."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{given(name, value)}; give {wanted}")
    if value < least:
        raise ValueError(f"{name}={value!r}; give {wanted}")
    return int(value)


# ---- names -----------------------------------------------------------------------------------------------------------


def one_of(name: str, value: object, known: Iterable[str], kind: str = "ones", more: str = "") -> str:
    """One of the names that are known, or a sentence that lists them and says which one may be meant."""
    known = tuple(known)
    if isinstance(value, str) and value in known:
        return value
    raise ValueError(
        f"{name}={value!r} is unknown{meant(value, known)}; known {kind}: {', '.join(map(repr, known))}{more}"
    )


def meant(value: object, known: Iterable[str]) -> str:
    """', did you mean ...?' for a name, or for a class, an instance or a function of nearly that name."""
    name = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    plain = {candidate.replace("_", ""): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower().replace("_", ""), plain, 1, cutoff=0.75)
    return f" (did you mean {plain[near[0]]!r}?)" if near else ""
