"""What do layouts, fresh memory and threads cost, as multiples of the plain C-order fill on one thread?"""

import fastinit
import numpy as np

from .common import interleaved, ns, table

SIDE = 4096


def main():
    available = fastinit.get_num_threads()
    square = np.empty((SIDE, SIDE), np.float32)
    views = {
        "C order": square, "transposed": square.T, "F order": np.empty((SIDE, SIDE), np.float32, order="F"),
        "every second column": np.empty((SIDE, 2 * SIDE), np.float32)[:, ::2],
        "byte-swapped": np.empty((SIDE, SIDE), ">f4"),
    }  # fmt: skip
    expected = fastinit.normal_(square.copy(), generator=1)
    for view in views.values():
        assert (fastinit.normal_(view, generator=1) == expected).all()
    fastinit.set_num_threads(1)
    rows = []
    for work, fill in (("uniform", fastinit.uniform_), ("normal", fastinit.normal_)):
        times = interleaved({name: lambda view=view, fill=fill: fill(view) for name, view in views.items()})
        rows += [(work, name, ns(t, square.size), f"{t / times['C order']:.2f}") for name, t in times.items()]
    table(["values", "layout", "ns a value", "of the C-order time"], rows)

    def fresh(fill):
        fill(np.empty((SIDE, SIDE), np.float32))

    times = interleaved({"a.fill": lambda: fresh(lambda a: a.fill(1)), "uniform": lambda: fresh(fastinit.uniform_),
                         "normal": lambda: fresh(fastinit.normal_)})  # fmt: skip
    table(["memory not touched before", "ns a value", "of a.fill's time"],
          [(name, ns(t, square.size), f"{t / times['a.fill']:.2f}") for name, t in times.items()])  # fmt: skip

    part, rows = np.empty((2048, 2048), np.float32), []

    def on(threads, fill):
        fastinit.set_num_threads(threads)
        fill(part)

    for work, fill in (("uniform", fastinit.uniform_), ("normal", fastinit.normal_)):
        times = interleaved({n: lambda n=n, fill=fill: on(n, fill) for n in sorted({1, 2, available})}, 15)
        rows += [(work, n, ns(t, part.size), f"{times[1] / t:.2f}x") for n, t in times.items()]
    table(["16 MiB", "threads", "ns a value", "speed-up"], rows)


if __name__ == "__main__":
    main()
