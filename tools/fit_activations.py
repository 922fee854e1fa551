"""Coefficients of the exponentials in csrc/core/activations.h: e^r = 1 + r + r^2 q(r) on |r| <= ln(2)/2, and as 2^f, f = r / ln 2.

Run: python tools/fit_activations.py. Remez's exchange on the relative error of e^r, in 200 bits; prints each q and its error.
"""

import mpmath as mp

mp.mp.prec = 200
HALF = mp.log(2) / 2 * mp.mpf("1.0000001")  # rounding may step a little over


def target(r):
    return (mp.expm1(r) - r) / r**2


def weight(r):
    return r * r / mp.exp(r)


def remez(degree: int) -> tuple[list, "mp.mpf"]:
    """q's coefficients, the constant first, and the largest relative error of e^r."""
    n = degree + 1
    nodes = [HALF * mp.cos(mp.pi * (2 * i + 1) / (2 * n + 2)) for i in range(n, -1, -1)]
    grid = [HALF * mp.mpf(2 * i + 1) / 4001 for i in range(-2001, 2001)]  # without 0, where the weight vanishes
    for _ in range(30):
        nodes = [x if abs(x) > HALF / 1000 else HALF / 1000 for x in nodes]
        system = mp.matrix([[*(x**j for j in range(n)), (-1) ** i / weight(x)] for i, x in enumerate(nodes)])
        solution = mp.lu_solve(system, mp.matrix([target(x) for x in nodes]))
        q = list(solution)[:n]
        errors = [(mp.polyval(q[::-1], x) - target(x)) * weight(x) for x in grid]
        peaks: list = []  # the largest error between two changes of sign
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


if __name__ == "__main__":
    for degree in (5, 10):
        q, error = remez(degree)
        print(f"degree {degree}: relative error 2^{mp.nstr(mp.log(error, 2), 5)}")
        print("    e^r:", ", ".join(repr(float(c)) for c in q))
        print("    2^f:", ", ".join(repr(float(c * mp.log(2) ** (j + 2))) for j, c in enumerate(q)))
