"""Is one build slower than another? Both in one process, by turns, on the same memory.

Run: python benchmarks/compare.py OLD NEW, two checkouts built in place, or two folders of `pip install --target`.
Prints, for each row, the old build's time, and the new one's in units of it: the median over rounds of the two timed
one after the other, and the ratio of the two best times. Ends with an error if a row is slower by more than 3% in both.
`--rows TEXT` takes the rows whose name has TEXT.
"""

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import ml_dtypes
import numpy as np

DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
SIZES = {"256": (16, 16), "32 Ki": (128, 256), "4 Mi": (2048, 2048)}
Case = Callable[[ModuleType], object]


def load(folder: Path) -> ModuleType:
    """fastinit as built in a folder, beside any other."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastinit"]:
        del sys.modules[name]
    place = str(folder / "python" if (folder / "python").is_dir() else folder)
    sys.path.insert(0, place)
    try:
        module = importlib.import_module("fastinit")
    finally:
        sys.path.remove(place)
    assert module.__file__ and Path(module.__file__).is_relative_to(Path(place).resolve()), f"no build in {folder}"
    module.set_num_threads(1)
    return module


def case(name: str, *args: object, **kwargs: object) -> Case:
    """A call of a public function, of whichever build."""
    return lambda build: getattr(build, name)(*args, **kwargs)


def fills() -> Iterator[tuple[str, int, Case]]:
    laws: dict[str, tuple[str, dict[str, float]]] = {
        "uniform": ("uniform_", {"a": -1, "b": 1}),
        "uniform, clamped": ("uniform_", {"a": 0.1, "b": 0.7}),
        "normal": ("normal_", {}),
        "truncated": ("trunc_normal_", {}),
        "truncated, wide": ("trunc_normal_", {"a": -4, "b": 4}),
        "truncated, tail": ("trunc_normal_", {"mean": -4, "a": 0, "b": 9}),
    }
    for dtype, kind in DTYPES.items():
        for size, shape in SIZES.items():
            for law, (name, parameters) in laws.items():
                array = np.empty(shape, kind)
                yield f"{law}, {dtype}, {size}", array.size, case(name, array, **parameters)
    wide = np.empty((2048, 2048), np.float32)
    yield "normal, float32, transposed", wide.size, case("normal_", wide.T)


def activations() -> Iterator[tuple[str, int, Case]]:
    for dtype in (np.float32, np.float64, np.float16):
        z = (3 * np.random.default_rng(0).standard_normal(1 << 15)).astype(dtype)
        out, grad = np.empty_like(z), np.ones_like(z)
        for name in ("sigmoid", "dsigmoid", "tanh", "dtanh"):
            yield f"{name}, {z.dtype}", z.size, case(name, z, out=out)
        for name in ("sigmoid_backward", "tanh_backward"):
            yield f"{name}, {z.dtype}", z.size, case(name, grad, z, out=out)


def describes() -> Iterator[tuple[str, int, Case]]:
    for dtype in (np.float32, np.float64, np.float16):
        for size, shape in SIZES.items():
            x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
            yield f"describe, {x.dtype}, {size}", x.size, case("describe", x)
        x = np.random.default_rng(0).standard_normal((1024, 1024)).astype(dtype)
        yield f"describe by rows, {x.dtype}", x.size, case("describe", x, by=0)
        yield f"describe by columns, {x.dtype}", x.size, case("describe", x, by=1)


def seconds(run: Case, build: ModuleType, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run(build)
    return (time.perf_counter() - start) / repeats


def compare(run: Case, old: ModuleType, new: ModuleType, rounds: int) -> tuple[float, float, float]:
    """The old build's best time; the new one's share of the old one's: the median of pairs, and of the best times."""
    builds = [old, new]
    warm = [seconds(run, build, 1) for build in builds]
    repeats = max(1, int(1e-3 / max(warm)))
    pairs = []
    for turn in range(rounds):
        times = {build: seconds(run, build, repeats) for build in builds[:: 1 if turn % 2 else -1]}
        pairs.append((times[old], times[new]))
    best = [min(column) for column in zip(*pairs, strict=True)]
    return best[0], statistics.median(b / a for a, b in pairs), best[1] / best[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--rows", default="", metavar="TEXT")
    parser.add_argument("--rounds", type=int, default=31)
    arguments = parser.parse_args()
    old, new = load(arguments.old), load(arguments.new)
    print("| what | old, ns a value | new / old, median | of the best |\n|---|---|---|---|")
    slower = []
    for cases in (fills(), activations(), describes()):
        for name, size, run in cases:
            if arguments.rows not in name:
                continue
            before, median, best = compare(run, old, new, arguments.rounds)
            print(f"| {name} | {before / size * 1e9:.3f} | {median:.3f} | {best:.3f} |", flush=True)
            if min(median, best) > 1.03:
                slower.append(name)
    if slower:
        raise SystemExit(f"slower by more than 3%: {'; '.join(slower)}")


if __name__ == "__main__":
    main()
