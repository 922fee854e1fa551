"""What is given, checked: each kind of argument once, each sentence once."""

import difflib
import inspect
import math
import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Never, NoReturn, SupportsFloat, TypeGuard, TypeVar

import numpy as np

from . import _core

F = TypeVar("F", bound=Callable[..., object])


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line outside this package that led here."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "fastinit":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


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
        raise TypeError(f"{name} is {value!r} of type {type(value).__name__}; give a number") from None


def finite(name: str, value: SupportsFloat) -> float:
    """A finite number."""
    value = number(name, value)
    if not math.isfinite(value):
        raise ValueError(f"{name}={value!r}; give a finite number")
    return value


def at_least_zero(name: str, value: SupportsFloat) -> float:
    """A finite number that is not negative."""
    value = value if type(value) is float else number(name, value)
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name}={value!r}; give a finite number >= 0")
    return value


def squared(name: str, value: float) -> float:
    """The square of a number."""
    try:
        return value**2
    except OverflowError:
        raise ValueError(f"{name}={value!r}, whose square is beyond the largest float64; give less") from None


def bounds(a: SupportsFloat, b: SupportsFloat) -> tuple[float, float]:
    """Two numbers, in order."""
    low, high = number("a", a), number("b", b)
    if not low <= high:
        raise ValueError(f"a={low!r}, b={high!r}: give bounds with a <= b")
    return low, high


def fits(dtype: _core.Dtype, **values: float) -> None:
    """Every value is a finite number that the dtype can hold."""
    largest = dtype.largest
    for name, value in values.items():
        if not -largest <= value <= largest:
            finite(name, value)
            known = f"{dtype.name}, whose largest value is {largest:g}"
            raise ValueError(f"{name}={value!r} overflows {known}; give less, or use a wider dtype")


def is_integer(value: object) -> TypeGuard[int]:
    """Whether it is an integer, Python's or NumPy's; a bool is none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def positive_integer(name: str, value: int) -> int:
    """An integer from 1 on."""
    if not is_integer(value):
        raise TypeError(f"{name} is {value!r} of type {type(value).__name__}; give a positive integer")
    if value < 1:
        raise ValueError(f"{name}={value}; give a positive integer")
    return int(value)


def integers(given: Iterable[Any] | None) -> tuple[int, ...] | None:  # Any: found out here
    """A tuple of integers, from any sequence of such. None if it is none."""
    try:
        return tuple(operator.index(n) for n in given)  # type: ignore[union-attr]  # None is caught below
    except TypeError:
        return None


# ---- names -----------------------------------------------------------------------------------------------------------


def one_of(name: str, value: object, known: Iterable[str], kind: str, more: str = "") -> None:
    """The value is one of the names that are known."""
    known = tuple(known)
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(map(repr, known))
        raise ValueError(f"{name}={value!r} is unknown{did_you_mean(value, known)}; known {kind}: {listed}{more}")


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """A question, if a name, or that of a class, its instance or a function, is a known one but for its spelling."""
    name = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    spelt = {candidate.lower().replace("_", ""): candidate for candidate in known}
    plain = name.lower().replace("_", "")
    near = [candidate for candidate in spelt if sorted(candidate) == sorted(plain)]  # two letters in the wrong order
    near = near or difflib.get_close_matches(plain, spelt, 1, 0.75)
    return f" (did you mean {spelt[near[0]]!r}?)" if near else ""


def plain_signature(function: F) -> F:
    """What help() shows: names and defaults. Types stand in the docstring; **unknown is only there for `refuse`."""
    signature = inspect.signature(function)
    kept = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    function.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]  # functions have it
    return function


def refuse(function: Callable[..., object], unknown: Mapping[str, Never]) -> NoReturn:
    """TypeError for keywords that the function does not have, with the one that may be meant."""
    name = next(iter(unknown))
    known = list(inspect.signature(function).parameters)
    said = f"{function.__name__}() got an unexpected keyword argument {name!r}"
    if name in ("seed", "rng", "key", "random_state"):
        raise TypeError(f"{said}; did you mean generator={unknown[name]!r}? It takes an int, too")
    raise TypeError(f"{said}{did_you_mean(name, known)}; it takes {', '.join(known)}")
