"""The logarithm and the octant's sine and cosine of the normals: csrc/core/constants/logarithm.h and octant.h.

The scripts that fitted these are lost, and every digit is part of the stream: another fit would be another stream. So
they stand here as data; each is held against exact mathematics, and against 15 digits of its own error, which no other
digits have.

Run: python tools/prove_normals.py   (seconds; writes the headers)
"""

from collections.abc import Callable
from dataclasses import dataclass

import header
import mpmath as mp

LOG_F32 = [2.00000024, 0.666522205, 0.412965059]
LOG_F64 = [2.00000000000000045, 0.66666666666552155, 0.40000000062047103, 0.28571415976224057, 0.22223437522716358,
           0.18121843282638328, 0.16838705302333079]  # fmt: skip
# Twice that but for the fifth, where two digits changed places when it was written down, which moves the logarithm by
# less than 2^-55 of it. It stays: the stream is what it is.
RADIUS_F64 = [-4.0000000000000009, -1.3333333333310431, -0.80000000124094206, -0.57142831952448114,
              -0.44446875054432716, -0.36243686565276656, -0.33677410604666158]  # fmt: skip
COS_F32 = [0.99999994, -0.308424175, 0.0158496834, -0.000318727834]
SIN_F32 = [0.785398185, -0.0807454363, 0.00249000103, -3.5950452e-05]
COS_F64 = [0.9999999999999999, -0.3084251375340372, 0.01585434424373457, -0.00032599188645404074, 3.590859123360425e-06,
           -2.4609457165352378e-08, 1.1363812650491483e-10]  # fmt: skip
SIN_F64 = [0.7853981633974483, -0.08074551218828054, 0.0024903945701887364, -3.65762041584567e-05,
           3.1336162166389886e-07, -1.7571492945530815e-09, 6.877100952396026e-12]  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A polynomial in x^2, times x if it is odd, on [0, end]; what it stands for; its error, 15 digits of the mean."""

    name: str
    kind: str
    coefficients: list[float]
    odd: bool
    end: mp.mpf
    truth: Callable[[mp.mpf], mp.mpf]
    bound: float
    fingerprint: str


LOG_END = 3 - 2 * mp.sqrt(2)  # s = (m - 1) / (m + 1), m up to sqrt 2


def log_ratio(times: int) -> Callable[[mp.mpf], mp.mpf]:
    return lambda s: times * 2 * mp.atanh(s)


def cosine(x: mp.mpf) -> mp.mpf:
    return mp.cos(x * mp.pi / 4)


def sine(x: mp.mpf) -> mp.mpf:
    return mp.sin(x * mp.pi / 4)


LOGARITHM = [
    Fit("FI_LOG_F32", "float", LOG_F32, True, LOG_END, log_ratio(1), 1.2e-7, "8.86494253855551e-8"),
    Fit(
        "FI_RADIUS_F32", "float", [-2 * c for c in LOG_F32], True, LOG_END, log_ratio(-2), 1.2e-7, "8.86494253855551e-8"
    ),
    Fit("FI_LOG_F64", "double", LOG_F64, True, LOG_END, log_ratio(1), 2.3e-16, "1.41083334434251e-16"),
    Fit("FI_RADIUS_F64", "double", RADIUS_F64, True, LOG_END, log_ratio(-2), 2.3e-16, "1.42086495270551e-16"),
]
OCTANT = [
    Fit("FI_COS_F32", "float", COS_F32, False, mp.mpf(1), cosine, 8.5e-8, "4.66123696197952e-8"),
    Fit("FI_SIN_F32", "float", SIN_F32, True, mp.mpf(1), sine, 3.5e-8, "3.00587257139311e-8"),
    Fit("FI_COS_F64", "double", COS_F64, False, mp.mpf(1), cosine, 1.2e-16, "7.50550629640668e-17"),
    Fit("FI_SIN_F64", "double", SIN_F64, True, mp.mpf(1), sine, 5.0e-17, "4.03699350234594e-17"),
]


def prove(fit: Fit) -> None:
    """The error of a fit is what is claimed of it, to the digit."""
    c = [mp.mpf(header.rounded(fit.kind, x)) for x in fit.coefficients]
    found = header.misses(lambda x: header.polynomial(c, x * x) * (x if fit.odd else 1), fit.truth, 0, fit.end)
    header.prove(fit.name, found, fit.bound, fit.fingerprint)


def headers() -> dict[str, str]:
    """The two headers, each fit proved before it is written."""
    for fit in LOGARITHM + OCTANT:
        prove(fit)
    about = {
        "logarithm": (
            "ln((1 + s) / (1 - s)) on |s| <= 3 - 2 sqrt 2, and -2 times that: s times powers of s^2.",
            LOGARITHM,
        ),
        "octant": ("Cosine and sine of x pi/4 on 0 <= x <= 1: powers of x^2, for the sine times x.", OCTANT),
    }
    return {
        name: header.text(name, "prove_normals", what, [
            header.Row(fit.name, fit.kind, fit.coefficients, f"relative error {fit.bound:.2g}") for fit in fits
        ])
        for name, (what, fits) in about.items()
    }  # fmt: skip


if __name__ == "__main__":
    header.write(headers())
