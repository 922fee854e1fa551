"""How long does it take to initialise the 85 million parameters of a 12-layer transformer?"""

from functools import partial

import fastinit
import numpy as np

from .common import check, interleaved, peer, table

WIDTH, LAYERS = 768, 12
SHAPES = [(3 * WIDTH, WIDTH), (WIDTH, WIDTH), (4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH)] * LAYERS


def fill(function, tensors):
    for tensor in tensors:
        function(tensor)


def main():
    torch = peer("torch")
    arrays = [np.empty(shape, np.float32) for shape in SHAPES]
    size = sum(a.size for a in arrays)
    check(fastinit.normal_(arrays[0], std=0.02), 0.0, 0.02)
    for threads in (1, fastinit.get_num_threads()):
        fastinit.set_num_threads(threads)
        cases = {}
        for name in ("kaiming_normal_", "xavier_uniform_"):
            cases[f"fastinit.{name}"] = partial(fill, getattr(fastinit, name), arrays)
            if torch:
                torch.set_num_threads(threads)
                tensors = [torch.from_numpy(a) for a in arrays]
                cases[f"torch {name}"] = partial(fill, getattr(torch.nn.init, name), tensors)
        times = interleaved(cases, 5, 8.0)
        print(f"{size / 1e6:.0f} M parameters, {threads} thread(s)\n")
        table(
            ["fill", "seconds", "ns a parameter"], [(n, f"{t:.3f}", f"{t / size * 1e9:.2f}") for n, t in times.items()]
        )


if __name__ == "__main__":
    main()
