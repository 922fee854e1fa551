"""What does a truncated normal cost for each kind of bounds, as a multiple of the plain normal?"""

import warnings

import fastinit
import numpy as np
from fastinit._core import truncated_moments

from .common import check, interleaved, ns, table

BOUNDS = [
    (-2, 2),
    (-3, 1),
    (-1, 9),
    (-5, 5),
    (2.9, 30),
    (3.1, 30),
    (0.5, 1),
    (3.2, 4),
    (10, 11),
    (-1000, -999),
    (-9, 9),
]


def main():
    warnings.simplefilter("ignore", UserWarning)  # of means outside their bounds: that is the question
    fastinit.set_num_threads(1)
    rows = []
    for dtype in (np.float32, np.float64):
        array = np.empty((2048, 2048), dtype)
        cases = {"plain normal": lambda array=array: fastinit.normal_(array)}
        for a, b in BOUNDS:
            if abs(a) < 100:  # further out float32's own steps show in the std
                _, mean, std = truncated_moments(a, b)
                check(fastinit.trunc_normal_(array, a=a, b=b), mean, std, dtype(a), dtype(b))
            cases[f"[{a}, {b}]"] = lambda array=array, a=a, b=b: fastinit.trunc_normal_(array, a=a, b=b)
        times = interleaved(cases, 7, 10.0)
        rows += [
            (np.dtype(dtype).name, n, ns(t, array.size), f"{t / times['plain normal']:.2f}") for n, t in times.items()
        ]
    table(["dtype", "bounds in sigmas", "ns a value", "of the plain normal's time"], rows)


if __name__ == "__main__":
    main()
