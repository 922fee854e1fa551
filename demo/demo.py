"""The lesson on real data, as a table and a picture; then a torch model filled in place, and the speed of the fills.

Run by `make demo`. Writes out/demo.png.
"""

import math
from pathlib import Path

import fastinit
from lesson import CASES, STEPS, digits, train
from picture import draw
from speed import time_fills

HEADER = (
    f"{'activation':11}{'layers':>6}   {'weights':15}{'signal':>11}{'gradient':>11}{'loss':>17}{'unseen right':>14}"
)


def row(case, result):
    """A line of the table."""
    broken = result.broken
    loss = f"{result.loss:.3f}" if broken is None else f"NaN from step {broken}"
    right = f"{result.right:.0%}" if broken is None else "-"
    return (f"{case.activation:11}{case.depth:6}   {case.fill:15}{result.signal_kept:11.2g}{result.gradient_kept:11.2g}"
            f"{loss:>17}{right:>14}")  # fmt: skip


def about_sigmoid(results):
    """What the table says of sigmoid, whole."""
    fades = math.sqrt(fastinit.theory("sigmoid", 16.0, depth=20).chi[-1])
    flat = results["sigmoid, 103"].flat.mean()
    return f"""\
Sigmoid: 16/n keeps the signal, for sigmoid(z) is about 1/2 + z/4 near 0 (Maclaurin). But the gradient fades,
by {fades:.2f} a layer: 5 layers train, 20 do not. 103/n keeps the gradient, with {flat:.0%} of z out where sigmoid is
nearly flat: 20 layers train badly. Neither trains deep. Hence tanh, ReLU, or -1 + 2 sigmoid(2z), which is tanh."""


def teach(path):
    """The experiment: its table is printed, its picture written to path."""
    print("before the first step: signal, std of the activations, last layer / first;")
    print(f"gradient, rms of dL/dz, first layer / last; then {STEPS} steps of plain gradient descent\n")
    print(HEADER)
    data, results = digits(), {}
    for name, case in CASES.items():
        results[name] = train(case, data)
        print(row(case, results[name]), flush=True)
    draw(results, path)
    print(f"\n{about_sigmoid(results)}\n\npicture: {path.resolve()}\n")


def main():
    try:
        import torch
    except ImportError:
        torch = None
    teach(Path("out/demo.png"))
    if torch:
        from transformer import train_transformer

        train_transformer(torch)
    else:
        print("torch is not installed: `make demo TORCH=1` adds it, and a transformer filled in place\n")
    time_fills(torch)


if __name__ == "__main__":
    main()
