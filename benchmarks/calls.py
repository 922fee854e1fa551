"""What does one call on a small array cost, and each initialiser on 1024 x 1024, beside torch's?"""

from functools import partial

import fastinit
import numpy as np

from .common import interleaved, peer, table

INITIALISERS = {
    "uniform_": (), "normal_": (), "trunc_normal_": (), "constant_": (0.5,), "eye_": (), "xavier_uniform_": (),
    "xavier_normal_": (), "kaiming_uniform_": (), "kaiming_normal_": (), "orthogonal_": (), "sparse_": (0.9,),
}  # fmt: skip


def repeat(function, tensor, arguments, count):
    for _ in range(count):
        function(tensor, *arguments)


def main():
    torch = peer("torch")
    fastinit.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    for side, count in ((16, 300), (1024, 1)):
        rows = []
        for name, arguments in INITIALISERS.items():
            function, array = getattr(fastinit, name), np.empty((side, side), np.float32)
            assert np.isfinite(function(array, *arguments)).all()
            cases = {"array": partial(repeat, function, array, arguments, count)}
            if torch:
                tensor, theirs = torch.empty(side, side), getattr(torch.nn.init, name)
                cases["tensor"] = partial(repeat, function, tensor, arguments, count)
                cases["torch"] = partial(repeat, theirs, tensor, arguments, count)
            times = {k: t / count * 1e6 for k, t in interleaved(cases, 7, 4.0).items()}
            ratio = f"{times['torch'] / times['array']:.1f}x" if torch else ""
            rows.append((name, *(f"{t:.1f}" for t in times.values()), ratio))
        print(f"{side} x {side}, microseconds a call\n")
        table(["initialiser", "array", *(["tensor", "torch's own", "torch / array"] if torch else [""])], rows)


if __name__ == "__main__":
    main()
