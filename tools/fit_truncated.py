"""Fit the rationals in csrc/core/constants/probit.h, which invert the normal CDF for truncated normals.

The inverse of e = erf(z / sqrt 2) is z = e f(w), w = -ln(1 - e^2) (the variable of Giles 2012, "Approximating the
erfinv function"). f is smooth and grows like sqrt(2 w). Each fit is N(w) / D(w) by linearised least squares, the points
re-weighted by their error (Lawson 1961) until the greatest relative error is nearly the least there can be.

Run: python tools/fit_truncated.py   (half a minute; writes the header)
"""

from collections.abc import Callable
from functools import cache

import header
import mpmath as mp
from header import Row

Numbers = list[mp.mpf]


@cache
def point(z: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """(w, f(w)) at z."""
    if z == 0:
        return mp.mpf(0), mp.sqrt(mp.pi / 2)
    upper = mp.erfc(z / mp.sqrt(2))
    return -mp.log(upper * (2 - upper)), z / mp.erf(z / mp.sqrt(2))


def fit(m: int, n: int, w_max: mp.mpf, points: int, rounds: int) -> tuple[Numbers, Numbers]:
    """N of degree m, D of degree n with D(0) = 1, on [0, w_max]."""
    z_max = mp.findroot(lambda z: point(z)[0] - w_max, mp.sqrt(2 * w_max))
    sample = [point(z_max * (1 - mp.cos(mp.pi * (i + 0.5) / points)) / 2) for i in range(points)]
    weights, denominators = [mp.mpf(1)] * points, [mp.mpf(1)] * points
    least = mp.inf
    best: tuple[Numbers, Numbers] = [], []
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
        denominators = [header.polynomial(bottom, w / w_max) for w, _ in sample]
        errors = [
            abs(header.polynomial(top, w / w_max) / d / f - 1) for (w, f), d in zip(sample, denominators, strict=True)
        ]
        if max(errors) < least:
            least, best = (
                max(errors),
                ([t / w_max**j for j, t in enumerate(top)], [t / w_max**j for j, t in enumerate(bottom)]),
            )
        if turn >= 3:
            scale = sum(w * e for w, e in zip(weights, errors, strict=True)) / sum(weights)
            weights = [w * e / scale for w, e in zip(weights, errors, strict=True)]
    return best


NARROW_ODD_F32 = [0.3488020896911621, -0.0017717540031298995, -6.950400347704999e-06, 6.436984563151782e-07,
                  -1.1281745315727676e-08]  # fmt: skip
NARROW_EVEN_F32 = [2.1233134269714355, -0.005907776765525341, 0.0003088363155256957, -4.91036735184025e-06,
                   3.3937539001271944e-08]  # fmt: skip
NARROW_ERROR_F32 = "relative error 9.1e-8, in the mean 4.95373646843929e-8"
SHAPES = {  # name -> C type, what it is for, degrees, the largest w, points, rounds
    "WIDE_F32": ("float", "w <= 22.5: as far as 31 bits reach", 6, 6, mp.mpf("22.5"), 60, 20),
    "NARROW_F64": ("double", "|z| <= 3.05", 9, 8, mp.mpf("6.1"), 70, 20),
    "WIDE_F64": ("double", "w <= 38.5: as far as 52 bits reach", 15, 15, mp.mpf("38.5"), 110, 16),
}


def error(name: str, top: Numbers, bottom: Numbers) -> str:
    """How far off N / D is as it is stored: the largest relative error, and 15 digits of the mean."""
    w_max = SHAPES[name][4]
    z_max = mp.findroot(lambda z: point(z)[0] - w_max, mp.sqrt(2 * w_max))
    return said(lambda w: header.polynomial(top, w) / header.polynomial(bottom, w), z_max)


def narrow_error(odd: Numbers, even: Numbers) -> str:
    """The same of the narrow form in single precision, odd and even powers of w - 2.5."""
    return said(
        lambda w: header.polynomial(odd, (w - 2.5) ** 2) * (w - 2.5) + header.polynomial(even, (w - 2.5) ** 2), 3.05
    )


def said(factor: Callable[[mp.mpf], mp.mpf], z_max: mp.mpf) -> str:
    largest, mean = header.misses(lambda z: factor(point(z)[0]), lambda z: point(z)[1], 0, z_max)
    return f"relative error {mp.nstr(largest, 2)}, in the mean {mp.nstr(mean, 15)}"


def headers() -> dict[str, str]:
    """The header: the narrow form in single precision as it is known, the others fitted anew."""
    odd, even = ([mp.mpf(header.rounded("float", c)) for c in part] for part in (NARROW_ODD_F32, NARROW_EVEN_F32))
    if narrow_error(odd, even) != NARROW_ERROR_F32:
        raise ValueError(f"the narrow form has {narrow_error(odd, even)}, not {NARROW_ERROR_F32}; a digit has changed")
    comment = f"|z| <= 3.05, in w - 2.5; its fit is lost; {NARROW_ERROR_F32}"
    rows = [
        Row("FI_PROBIT_NARROW_ODD_F32", "float", odd, comment),
        Row("FI_PROBIT_NARROW_EVEN_F32", "float", even, "and"),
    ]
    for name, (kind, purpose, *shape) in SHAPES.items():
        top, bottom = ([mp.mpf(header.rounded(kind, c)) for c in part] for part in fit(*shape))
        form, width = name.split("_")
        rows.append(Row(f"FI_PROBIT_{form}_TOP_{width}", kind, top, f"{purpose}; {error(name, top, bottom)}"))
        rows.append(Row(f"FI_PROBIT_{form}_BOTTOM_{width}", kind, bottom, "over"))
    about = "f of z = e f(w), e = erf(z / sqrt 2), w = -ln(1 - e^2): powers of w. No term cancels another."
    return {"probit": header.text("probit", "fit_truncated", about, rows)}


if __name__ == "__main__":
    header.write(headers())
