"""Fit csrc/core/constants/exponential.h: q of e^r = 1 + r + r^2 q(r) on |r| <= ln(2)/2, and as 2^f, f = r / ln 2.

Remez's exchange on the relative error of e^r, in 200 bits.

Run: python tools/fit_activations.py   (seconds; writes the header)
"""

import header
import mpmath as mp
from header import Row

HALF = mp.log(2) / 2 * mp.mpf("1.0000001")  # rounding may step a little over


def target(r: mp.mpf) -> mp.mpf:
    return (mp.expm1(r) - r) / r**2


def weight(r: mp.mpf) -> mp.mpf:
    return r * r / mp.exp(r)


def remez(degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """q's coefficients, the constant first, and the largest relative error of e^r."""
    n = degree + 1
    nodes = [HALF * mp.cos(mp.pi * (2 * i + 1) / (2 * n + 2)) for i in range(n, -1, -1)]
    grid = [HALF * mp.mpf(2 * i + 1) / 4001 for i in range(-2001, 2001)]  # without 0, where the weight vanishes
    for _ in range(30):
        nodes = [x if abs(x) > HALF / 1000 else HALF / 1000 for x in nodes]
        system = mp.matrix([[*(x**j for j in range(n)), (-1) ** i / weight(x)] for i, x in enumerate(nodes)])
        solution = mp.lu_solve(system, mp.matrix([target(x) for x in nodes]))
        q = list(solution)[:n]
        errors = [(header.polynomial(q, x) - target(x)) * weight(x) for x in grid]
        peaks: list[tuple[mp.mpf, mp.mpf]] = []  # the largest error between two changes of sign
        for x, error in zip(grid, errors, strict=True):
            if peaks and (error > 0) == (peaks[-1][1] > 0):
                peaks[-1] = max(peaks[-1], (x, error), key=lambda peak: abs(peak[1]))
            else:
                peaks.append((x, error))
        largest = max(abs(error) for _, error in peaks)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        if len(peaks) < n + 1 or largest < abs(solution[n]) * mp.mpf("1.001"):
            break
        nodes = [x for x, _ in peaks]
    return q, largest


def said(error: mp.mpf) -> str:
    return f"relative error of the whole 2^{mp.nstr(mp.log(error, 2), 5)}"


def headers() -> dict[str, str]:
    """The header, fitted anew."""
    short, short_error = remez(5)
    long, long_error = remez(10)
    rows = [
        Row("FI_EXP2_SHORT", "double", [c * mp.log(2) ** (j + 2) for j, c in enumerate(short)],
            f"of 2^f = 1 + f ln 2 + f^2 q(f), |f| <= 1/2; {said(short_error)}"),
        Row("FI_EXP_LONG", "double", long,
            f"of e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; {said(long_error)}"),
    ]  # fmt: skip
    return {
        "exponential": header.text(
            "exponential", "fit_activations", "The polynomials q of the activations' exponentials.", rows
        )
    }


if __name__ == "__main__":
    header.write(headers())
