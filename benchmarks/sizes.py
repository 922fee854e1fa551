"""From side 16 to side 16384, what does a float32 value cost, beside torch and the limit `a.fill`? (Plot: sizes.png)"""

from pathlib import Path

import fastinit
import numpy as np

from .common import check, interleaved, ns, peer, table

SIDES = [16, 64, 256, 1024, 4096, 16384]


def repeated(call, count):
    for _ in range(count):
        call()


def main():
    torch = peer("torch")
    fastinit.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    curves = {}
    for side in SIDES:
        array, count = np.empty((side, side), np.float32), max(1, 2**18 // side**2)
        check(fastinit.normal_(array)[:4096], 0.0, 1.0) if side >= 256 else None
        cases = {"a.fill": lambda array=array: array.fill(1), "uniform": lambda array=array: fastinit.uniform_(array),
                 "normal": lambda array=array: fastinit.normal_(array)}  # fmt: skip
        if torch:
            tensor = torch.from_numpy(array)
            cases["torch uniform"] = lambda tensor=tensor: torch.nn.init.uniform_(tensor)
            cases["torch normal"] = lambda tensor=tensor: torch.nn.init.normal_(tensor)
        timed = {name: lambda case=case, count=count: repeated(case, count) for name, case in cases.items()}
        for name, t in interleaved(timed, 5, 6.0).items():
            curves.setdefault(name, []).append(t / count / array.size)
    table(["side", *curves], [(side, *(ns(c[i], 1) for c in curves.values())) for i, side in enumerate(SIDES)])
    plot = peer("matplotlib.figure")
    if plot:
        figure = plot.Figure(figsize=(7, 4), layout="constrained")
        axes = figure.add_subplot(xlabel="side of a square float32 array", ylabel="ns a value, one thread")
        axes.set_xscale("log", base=2), axes.set_yscale("log")
        for name, times in curves.items():
            axes.plot(
                SIDES,
                [t * 1e9 for t in times],
                "k--" if name == "a.fill" else ":" if "torch" in name else "-",
                label=name,
            )
        axes.legend()
        figure.savefig(Path(__file__).with_name("sizes.png"), dpi=100)


if __name__ == "__main__":
    main()
