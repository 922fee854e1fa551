"""What the scripts of csrc/core/constants share: how a header is written, and how far an approximation is off."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import mpmath as mp
import numpy as np

mp.mp.prec = 200  # of all that is fitted and proved
FOLDER = Path(__file__).parent.parent / "csrc/core/constants"
Number: TypeAlias = mp.mpf | float


@dataclass(frozen=True)
class Row:
    """An array of constants: its name in C, whether float or double, the values, and what they are."""

    name: str
    kind: str
    values: Sequence[Number]
    comment: str


def polynomial(coefficients: Sequence[Number], x: Number) -> Number:
    """c[0] + c[1] x + ... by Horner (mpmath's own turned the order of its arguments with version 1.4)."""
    value: Number = mp.mpf(0)
    for c in reversed(coefficients):
        value = value * x + c
    return value


def rounded(kind: str, x: Number | str) -> float:
    """x as a C float or double holds it."""
    return float(np.float32(float(x))) if kind == "float" else float(x)


def literal(kind: str, x: Number) -> str:
    """The shortest decimal that C reads as x."""
    return f"{np.float32(float(x))!s}f" if kind == "float" else repr(float(x))


def text(name: str, script: str, about: str, rows: Sequence[Row]) -> str:
    """A whole header."""
    guard = f"FI_CONSTANTS_{name.upper()}_H"
    parts = [f"/* {about}\n * Written by tools/{script}.py (make constants): change that. */", "/* clang-format off */"]
    parts.append(f"#ifndef {guard}\n#define {guard}\n")
    for row in rows:
        values = "".join(f"    {literal(row.kind, x)},\n" for x in row.values)
        parts.append(f"/* {row.comment} */\nstatic const {row.kind} {row.name}[{len(row.values)}] = {{\n{values}}};\n")
    return "\n".join(parts) + "\n#endif\n"


def read(name: str) -> dict[str, tuple[str, list[mp.mpf]]]:
    """The arrays of constants/NAME.h as they are stored: name -> comment, values."""
    arrays = re.findall(
        r"/\* ([^*]*) \*/\nstatic const (\w+) (\w+)\[\d+\] = {\n(.*?)};", (FOLDER / f"{name}.h").read_text(), re.S
    )
    return {
        array: (comment, [mp.mpf(rounded(kind, x.strip("f"))) for x in re.findall(r"\S+(?=,)", values)])
        for comment, kind, array, values in arrays
    }


def write(headers: dict[str, str]) -> None:
    """Write constants/NAME.h for every name."""
    for name, content in headers.items():
        (FOLDER / f"{name}.h").write_text(content)


def misses(
    approximation: Callable[[mp.mpf], mp.mpf], truth: Callable[[mp.mpf], mp.mpf], low: Number, high: Number
) -> tuple[mp.mpf, mp.mpf]:
    """The largest relative error on [low, high], and the root of the mean square over 400 Chebyshev points.

    The largest is looked for about the point where it shows itself; operations count as exact. The second number moves
    with every digit of every coefficient.
    """
    n, low, high = 400, mp.mpf(low), mp.mpf(high)

    def error(x: mp.mpf) -> mp.mpf:
        return approximation(x) / truth(x) - 1

    points = [(low + high) / 2 - (high - low) / 2 * mp.cospi(mp.mpf(2 * i + 1) / (2 * n)) for i in range(n)]
    errors = [error(x) for x in points]
    top = max(range(n), key=lambda i: abs(errors[i]))
    near, far = points[max(top - 1, 0)], points[min(top + 1, n - 1)]
    for _ in range(40):  # by thirds
        a, b = near + (far - near) / 3, far - (far - near) / 3
        near, far = (near, b) if abs(error(a)) > abs(error(b)) else (a, far)
    return max(abs(errors[top]), abs(error(near))), mp.sqrt(sum(e * e for e in errors) / n)


def prove(name: str, found: tuple[mp.mpf, mp.mpf], bound: float, fingerprint: str) -> None:
    """Hold what `misses` found against what is claimed: an upper bound, and 15 digits of the mean."""
    if not found[0] <= bound:
        raise ValueError(
            f"{name} is off by {mp.nstr(found[0], 4)}, its bound is {bound}; the coefficients are not those"
        )
    if mp.nstr(found[1], 15) != fingerprint:
        raise ValueError(
            f"{name} is off by {mp.nstr(found[1], 15)} in the mean, not {fingerprint}; a digit has changed"
        )
