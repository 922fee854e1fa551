"""Fit the rationals in csrc/core/probit.h, which invert the normal CDF for truncated normals.

The inverse of e = erf(z / sqrt 2) is z = e f(w), w = -ln(1 - e^2) (the variable of Giles 2012, "Approximating the erfinv
function"). f is smooth and grows like sqrt(2 w). Each fit is N(w) / D(w) by linearised least squares, the points re-weighted
by their error (Lawson 1961) until the greatest relative error is nearly the least there can be.

Run: python tools/fit_truncated.py   (a minute or two; prints the header)
"""

import textwrap

import mpmath as mp
import numpy as np

mp.mp.dps = 50


def point(z):
    """(w, f(w)) at z."""
    if z == 0:
        return mp.mpf(0), mp.sqrt(mp.pi / 2)
    upper = mp.erfc(z / mp.sqrt(2))
    return -mp.log(upper * (2 - upper)), z / mp.erf(z / mp.sqrt(2))


def fit(m, n, w_max, points, rounds):
    """N of degree m, D of degree n with D(0) = 1, on [0, w_max]; and the greatest relative error at the points."""
    z_max = mp.findroot(lambda z: point(z)[0] - w_max, mp.sqrt(2 * w_max))
    sample = [point(z_max * (1 - mp.cos(mp.pi * (i + 0.5) / points)) / 2) for i in range(points)]
    weights, denominators = [mp.mpf(1)] * points, [mp.mpf(1)] * points
    best = None
    for turn in range(rounds):
        a, b = mp.matrix(points, m + n + 1), mp.matrix(points, 1)
        for i, (w, f) in enumerate(sample):
            x, s = w / w_max, mp.sqrt(weights[i]) / (denominators[i] * f)
            for j in range(m + 1):
                a[i, j] = s * x**j
            for j in range(1, n + 1):
                a[i, m + j] = -s * f * x**j
            b[i] = s * f
        c = list(mp.qr_solve(a, b)[0])
        top, bottom = c[: m + 1], [mp.mpf(1), *c[m + 1 :]]
        denominators = [mp.polyval(bottom[::-1], w / w_max) for w, _ in sample]
        errors = [
            abs(mp.polyval(top[::-1], w / w_max) / d / f - 1) for (w, f), d in zip(sample, denominators, strict=True)
        ]
        if best is None or max(errors) < best[0]:
            best = max(errors), [t / w_max**j for j, t in enumerate(top)], [t / w_max**j for j, t in enumerate(bottom)]
        if turn >= 3:
            scale = sum(w * e for w, e in zip(weights, errors, strict=True)) / sum(weights)
            weights = [w * e / scale for w, e in zip(weights, errors, strict=True)]
    return best


def c_function(name, kind, comment, error, top, bottom):
    """The fit as a C function in Horner's form."""

    def literal(x):
        return f"{np.float32(float(x))!s}f" if kind == "float" else repr(float(x))

    def horner(coefficients):
        text = literal(coefficients[-1])
        for x in coefficients[-2::-1]:
            text = f"({text}) * w + {literal(x)}" if "*" in text else f"{text} * w + {literal(x)}"
        return "\n            ".join(textwrap.wrap(text, 106))

    return (
        f"/* {comment}; relative error {mp.nstr(error, 2)} */\n"
        f"FI_INLINE {kind} {name}({kind} w) {{\n    return ({horner(top)}) /\n           ({horner(bottom)});\n}}\n"
    )


if __name__ == "__main__":
    print("/* Written by tools/fit_truncated.py, which says what these are. No term cancels another. */")
    for name, kind, comment, *shape in [
        ("fi_probit_factor_wide_f32", "float", "w <= 22.5: as far as 31 bits reach", 6, 6, mp.mpf("22.5"), 60, 20),
        ("fi_probit_factor_narrow_f64", "double", "|z| <= 3.05", 9, 8, mp.mpf("6.1"), 70, 20),
        ("fi_probit_factor_wide_f64", "double", "w <= 38.5: as far as 52 bits reach", 15, 15, mp.mpf("38.5"), 110, 16),
    ]:
        print(c_function(name, kind, comment, *fit(*shape)))
