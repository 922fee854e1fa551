"""What does one call on a small array cost, and each initialiser on 1024 x 1024, beside torch's?"""

from functools import partial

import fastinit
import numpy as np

from .common import interleaved, peer, table

INITIALISERS = {
    "uniform_": (), "normal_": (), "trunc_normal_": (), "constant_": (0.5,), "eye_": (), "xavier_uniform_": (),
    "xavier_normal_": (), "kaiming_uniform_": (), "kaiming_normal_": (), "orthogonal_": (), "sparse_": (0.9,),
}  # fmt: skip


ON_TENSORS = ("xavier_uniform_", "normal_", "kaiming_uniform_")


def repeat(function, tensor, arguments, count, **more):
    for _ in range(count):
        function(tensor, *arguments, **more)


def small_tensors(torch):
    """A tensor, a Parameter, a torch.Generator, an array: what a layer of a prototype is."""
    count, rows, fills = 100, [], {}
    array, tensor, parameter = np.empty((16, 16), "f4"), torch.empty(16, 16), torch.nn.Parameter(torch.empty(16, 16))
    generator = torch.Generator()
    for name in ON_TENSORS:
        ours, theirs = getattr(fastinit, name), getattr(torch.nn.init, name)
        expected = ours(array, generator=1)
        assert np.isfinite(expected).all()
        for target in (tensor, parameter):
            assert np.array_equal(ours(target, generator=1).detach().numpy(), expected)
        fills = {
            "tensor": (tensor, {}),
            "Parameter": (parameter, {}),
            "tensor, torch.Generator": (tensor, {"generator": generator}),
        }
        cases = {"array": partial(repeat, ours, array, (), count)}
        for what, (target, more) in fills.items():
            cases[what] = partial(repeat, ours, target, (), count, **more)
            cases[f"torch: {what}"] = partial(repeat, theirs, target, (), count, **more)
        times = {what: t / count * 1e6 for what, t in interleaved(cases, 201, 4.0).items()}
        for what in ("array", *fills):
            torchs = times["torch: tensor" if what == "array" else f"torch: {what}"]
            rows.append((name, what, f"{times[what]:.2f}", f"{torchs:.2f}", f"{torchs / times[what]:.1f}x"))
    print("16 x 16 float32, microseconds a call\n")
    table(["initialiser", "of", "ours", "torch's own on a tensor", "ratio"], rows)


def main():
    torch = peer("torch")
    fastinit.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
        small_tensors(torch)
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
