"""Statistics in one pass: how fast is `describe`, and how right, beside NumPy, torch, SciPy and pandas, one thread?"""

import math
from functools import partial

import fastinit
import numpy as np

from .common import interleaved, ns, peer, table


def numpy_four(x):
    return x.mean(), x.std(), x.min(), x.max()


def numpy_same(x):
    """The four, the counts and a histogram, as one writes them."""
    return numpy_four(x), np.isnan(x).sum(), np.isinf(x).sum(), (x == 0).sum(), (x < 0).sum(), np.histogram(x, 64)


def peers(x):
    found = {"NumPy mean, std, min, max": lambda: numpy_four(x), "NumPy the same numbers": lambda: numpy_same(x)}
    if torch := peer("torch"):
        t = torch.from_numpy(x)
        found["torch std_mean, aminmax, histc"] = lambda: (torch.std_mean(t), torch.aminmax(t), torch.histc(t, 64))
    if stats := peer("scipy.stats"):
        found["scipy.stats.describe"] = lambda: stats.describe(x, axis=None)
    if pandas := peer("pandas"):
        series = pandas.Series(x.ravel())
        found["pandas describe"] = lambda: series.describe()
    if lovely := peer("lovely_tensors"):
        found["lovely-tensors"] = lambda: str(lovely.lovely(t))
    return found


def main():
    fastinit.set_num_threads(1)
    if torch := peer("torch"):
        torch.set_num_threads(1)
    x = fastinit.normal_(np.empty((4096, 4096), np.float32), 1e8, 16, generator=1)
    truth = x.astype(np.float64).std()
    assert math.isclose(fastinit.describe(x).std, truth, rel_tol=1e-13)
    rows = [("std of float32 at mean 1e8", f"{truth:.6f}", f"{fastinit.describe(x).std:.6f}", f"{x.std():.6f}",
             f"{torch.from_numpy(x).std(correction=0).item():.6f}" if torch else "")]  # fmt: skip
    tiny = np.full(1000, 1e-25, np.float32)
    sizes = fastinit.describe(tiny).rms, np.sqrt(np.mean(tiny**2))
    torchs = f"{torch.from_numpy(tiny).pow(2).mean().sqrt().item():.3g}" if torch else ""
    rows.append(("rms of float32 of size 1e-25", "1e-25", *(f"{size:.3g}" for size in sizes), torchs))
    table(["what", "truth", "fastinit", "NumPy", "torch"], rows)

    rows = []
    for mib, shape in ((64, (4096, 4096)), (4, (1024, 1024))):
        x = fastinit.normal_(np.empty(shape, np.float32), generator=1)
        cases = {
            "fastinit.describe": partial(fastinit.describe, x),
            **peers(x),
            "by rows": partial(fastinit.describe, x, by=0),
            "by columns": partial(fastinit.describe, x, by=1),
            "x.max(), the limit of reading": x.max,
        }
        times = interleaved(cases, 5, 12.0)
        ours = times["fastinit.describe"]
        rows += [(mib, name, ns(t, x.size), f"{t / ours:.2f}") for name, t in times.items()]
    table(["MiB", "by", "ns a value", "of our time"], rows)

    small = fastinit.normal_(np.empty((16, 16), np.float32))
    layers = [fastinit.normal_(np.empty((256, 256), np.float32)) for _ in range(100)]
    cases = {
        "describe, 16 x 16": lambda: fastinit.describe(small),
        "NumPy's four, 16 x 16": lambda: numpy_four(small),
        "describe, 100 layers of 256 x 256": lambda: repr(fastinit.describe(layers)),
    }
    times = interleaved(cases, 31, 8.0)
    table(["what", "microseconds"], [(name, f"{t * 1e6:.1f}") for name, t in times.items()])

    rows, part = [], fastinit.normal_(np.empty((2048, 2048), np.float32))

    def on(threads):
        fastinit.set_num_threads(threads)
        fastinit.describe(part)

    times = interleaved({n: lambda n=n: on(n) for n in (1, 2)}, 21)
    table(
        ["16 MiB, threads", "ns a value", "speed-up"],
        [(n, ns(t, part.size), f"{times[1] / t:.2f}x") for n, t in times.items()],
    )


if __name__ == "__main__":
    main()
