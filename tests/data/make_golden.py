"""Write golden.json: digests of every initialiser's bytes, by dtype and shape. Run only when a stream version is made.

Run: python tests/data/make_golden.py
"""

import hashlib
import json
import random
import warnings
from pathlib import Path

import fastinit
import ml_dtypes
import numpy as np

PATH = Path(__file__).with_name("golden.json")
DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}
COMPLEX = {"complex64": np.complex64, "complex128": np.complex128}
SHAPES = [(1, 1), (1, 5), (257, 3), (50, 100), (7, 10007), (6, 5, 3, 3)]
FILLS = {
    "uniform_": lambda t, **k: fastinit.uniform_(t, -0.5, 2, **k),
    "normal_": lambda t, **k: fastinit.normal_(t, 0.5, 2, **k),
    "trunc_normal_ narrow": lambda t, **k: fastinit.trunc_normal_(t, **k),
    "trunc_normal_ narrow, uneven": lambda t, **k: fastinit.trunc_normal_(t, a=-1, b=0.5, **k),
    "trunc_normal_ wide": lambda t, **k: fastinit.trunc_normal_(t, a=-1, b=9, **k),
    "trunc_normal_ tail": lambda t, **k: fastinit.trunc_normal_(t, mean=-4, a=0, b=3, **k),
    "trunc_normal_ far tail": lambda t, **k: fastinit.trunc_normal_(t, mean=100, a=-1, b=0, **k),
    "trunc_normal_ plain": lambda t, **k: fastinit.trunc_normal_(t, std=0.02, **k),
    "xavier_uniform_": fastinit.xavier_uniform_,
    "xavier_normal_": fastinit.xavier_normal_,
    "kaiming_uniform_": fastinit.kaiming_uniform_,
    "kaiming_normal_": fastinit.kaiming_normal_,
    "lecun_uniform_": fastinit.lecun_uniform_,
    "lecun_normal_": fastinit.lecun_normal_,
    "variance_scaling_": fastinit.variance_scaling_,
    "variance_scaling_ fan_geo_avg": lambda t, **k: fastinit.variance_scaling_(t, 2.0, "fan_geo_avg", **k),
    "sparse_": lambda t, **k: fastinit.sparse_(t, 0.7, **k),
    "orthogonal_": fastinit.orthogonal_,
}
# these go through every path of it: several blocks of reflections, pairs, either side the shorter
ORTHOGONAL_SHAPES = [(130, 200), (200, 130)]


def cases():
    """(name, dtype, shape) of every digest."""
    every = [(f, d, s) for f in FILLS for d in DTYPES for s in SHAPES if f != "sparse_" or len(s) == 2]
    return every + [("orthogonal_", d, s) for d in (*DTYPES, *COMPLEX) for s in ORTHOGONAL_SHAPES]


def empty(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.empty(shape, (DTYPES | COMPLEX)[dtype])


def truncated_sets() -> list[tuple[float, float, float, float]]:
    """(mean, std, a, b) of 200 truncated normals: bounds about the mean, on one side of it, close and far apart."""
    r, sets = random.Random(20261128), []
    for _ in range(200):
        mean, std = round(8 * r.random() - 4, 3), round(10 ** (3 * r.random() - 2), 3)
        alpha = round(r.choice([6, 12, 24]) * (r.random() - 0.5), 3)
        width = round(10 ** (3 * r.random() - 2), 3)
        sets.append((mean, std, mean + std * alpha, mean + std * (alpha + width)))
    return sets


def truncated_digest(mean: float, std: float, a: float, b: float) -> str:
    """Of 1000 values of each dtype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        filled = [
            fastinit.trunc_normal_(np.empty(1000, d), mean, std, a, b, generator=20261128) for d in DTYPES.values()
        ]
    return hashlib.sha256("".join(map(digest, filled)).encode()).hexdigest()[:32]


def fill(name: str, array: np.ndarray, **block) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a mean far outside its bounds
        return FILLS[name](array, generator=fastinit.Generator(20261124).fold_in(name), **block)


def digest(array: np.ndarray) -> str:
    """Of the values in C order, little-endian, whatever the layout."""
    values = np.ascontiguousarray(array)
    words = values.view(f"u{values.itemsize // (2 if values.dtype.kind == 'c' else 1)}")
    return hashlib.sha256(words.astype(words.dtype.newbyteorder("<")).tobytes()).hexdigest()[:32]


def key(name: str, dtype: str, shape: tuple[int, ...]) -> str:
    return f"{name} {dtype} {'x'.join(map(str, shape))}"


if __name__ == "__main__":
    config = fastinit.show_config()
    digests = {key(n, d, s): digest(fill(n, empty(d, s))) for n, d, s in cases()}
    about = {
        "stream_version": config["stream_version"],
        "made_with": f"fastinit {config['version']}, level {config['isa']}",
    }
    truncated = [truncated_digest(*parameters) for parameters in truncated_sets()]
    PATH.write_text(json.dumps({"about": about, "digests": digests, "truncated": truncated}, indent=0) + "\n")
    print(f"{len(digests) + len(truncated)} digests written to {PATH.name}")
