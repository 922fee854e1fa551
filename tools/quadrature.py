"""Points and weights of the set-up of a truncated normal: csrc/core/constants/quadrature.h.

Run: python tools/quadrature.py   (writes the header)
"""

import header
import mpmath as mp
from header import Row

POINTS, TERMS = 16, 26  # TERMS: FI_TAIL_TERMS_F64


def gauss_legendre(n: int) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """The positive zeros of Legendre's polynomial of even degree n, from the middle outward, and their weights."""

    def legendre(x: mp.mpf) -> mp.mpf:
        return mp.legendre(n, x)

    guesses = (mp.cospi(mp.mpf(4 * k - 1) / (4 * n + 2)) for k in range(1, n // 2 + 1))
    nodes = sorted(mp.findroot(legendre, (guess, guess * (1 + mp.mpf("1e-6")))) for guess in guesses)
    return nodes, [2 / ((1 - x * x) * mp.diff(legendre, x) ** 2) for x in nodes]


def headers() -> dict[str, str]:
    """The header."""
    nodes, weights = gauss_legendre(POINTS)
    cosines = [mp.cospi(mp.mpf(j) / (2 * TERMS)) for j in range(4 * TERMS)]
    rows = [
        Row("FI_GAUSS_NODES", "double", nodes, "of 16 points on [-1, 1], the positive ones"),
        Row("FI_GAUSS_WEIGHTS", "double", weights, "and their weights"),
        Row("FI_COSINES", "double", cosines, f"cos(j pi / {2 * TERMS}), for Chebyshev's polynomials at {TERMS} points"),
    ]
    return {"quadrature": header.text("quadrature", "quadrature", "Gauss and Legendre's quadrature; cosines.", rows)}


if __name__ == "__main__":
    header.write(headers())
