"""What does a probe add to a forward and backward pass, beside hooks by hand? Is the NumPy network torch's equal?"""

import fastinit
import numpy as np

from .common import interleaved, peer, table

DEPTH, WIDTH, BATCH = 20, 256, 256


def by_hand(torch, model, x, cotangent):
    """Hooks as one writes them: mean, std, least, most, zeros and a histogram of each output and of its gradient."""
    found, handles = [], []

    def take(t):
        found.append(
            (t.mean().item(), t.std().item(), t.min().item(), t.max().item(), (t == 0).sum().item(), torch.histc(t, 64))
        )

    def forward(module, args, out):
        take(out.detach())
        out.register_hook(take)

    handles += [module.register_forward_hook(forward) for module in model]
    output = model(x)
    grads = torch.autograd.grad((output * cotangent).sum(), list(model.parameters()))
    for t in (*grads, *(p.detach() for p in model.parameters())):
        take(t)
    for handle in handles:
        handle.remove()
    return found


def main():
    torch = peer("torch")
    layers = fastinit.mlp([WIDTH] * (DEPTH + 1), "tanh", generator=0, output="tanh")
    x = fastinit.normal_(np.empty((BATCH, WIDTH), np.float32), generator=1)
    cotangent = fastinit.normal_(np.empty((BATCH, WIDTH), np.float32), generator=2)

    def ours():
        zs, outputs = fastinit.forward(layers, x)
        return fastinit.backward(layers, x, zs, outputs, cotangent)

    cases = {"NumPy forward + backward": ours, "NumPy probe": lambda: fastinit.probe(layers, x, steps=0)}
    if torch:
        torch.set_num_threads(1)
        modules = []
        for layer in layers:
            linear = torch.nn.Linear(WIDTH, WIDTH)
            linear.weight.data, linear.bias.data = (
                torch.from_numpy(layer.weight.copy()),
                torch.from_numpy(layer.bias.copy()),
            )
            modules += [linear, torch.nn.Tanh()]
        model, tx, tc = torch.nn.Sequential(*modules), torch.from_numpy(x), torch.from_numpy(cotangent)

        def plain():
            return torch.autograd.grad((model(tx) * tc).sum(), list(model.parameters()))

        np.testing.assert_allclose(plain()[0].numpy(), ours()[0][1], rtol=1e-2, atol=1e-3)
        a, b = (fastinit.probe(m, b, steps=0) for m, b in ((model, tx), (layers, x)))
        assert all(abs(p.dz.rms / q.dz.rms - 1) < 1e-3 for p, q in zip(a.layers, b.layers, strict=True))
        cases |= {"torch forward + backward": plain, "torch probe": lambda: fastinit.probe(model, tx, steps=0),
                  "torch, hooks by hand": lambda: by_hand(torch, model, tx, tc)}  # fmt: skip
    fastinit.set_num_threads(1)
    times = interleaved(cases, 21, 20.0)
    rows = []
    for name, t in times.items():
        base = times[("torch" if name.startswith("torch") else "NumPy") + " forward + backward"]
        rows.append((name, f"{t * 1e3:.1f}", f"{t / base - 1:+.0%}"))
    table([f"{DEPTH} x {WIDTH} tanh, batch {BATCH}", "ms", "over forward + backward"], rows)
    if torch:
        ratio = times["NumPy forward + backward"] / times["torch forward + backward"]
        print(f"The NumPy network takes {ratio:.2f} of torch's time.\n")


if __name__ == "__main__":
    main()
