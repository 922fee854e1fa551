"""The main job on real data: fill an 8-layer network in six ways, train it on digits, draw what happened, time it.

Run by `make demo`. Writes out/demo.png.
"""

import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import fastinit
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

DEPTH, WIDTH, CLASSES, BATCH, STEPS, RATE = 8, 64, 10, 128, 300, 0.05

INITS = {
    "all zero": lambda w, g: fastinit.zeros_(w),
    "constant 0.05": lambda w, g: fastinit.constant_(w, 0.05),
    "too large (std 1)": lambda w, g: fastinit.normal_(w, std=1.0, generator=g),
    "too small (std 0.01)": lambda w, g: fastinit.normal_(w, std=0.01, generator=g),
    "Xavier": lambda w, g: fastinit.xavier_normal_(w, generator=g),  # Glorot's 2 / (fan_in + fan_out)
    "He": lambda w, g: fastinit.kaiming_normal_(w, nonlinearity="relu", generator=g),
}


ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "ReLU": "relu"}


def train(x, y, fill, activation):
    """A probe before the first step, and the loss at each step of plain SGD with momentum."""
    network = fastinit.mlp([x.shape[1]] + [WIDTH] * DEPTH + [CLASSES], ACTIVATIONS[activation],
                           init=lambda w, generator: fill(w, generator), generator=0)  # fmt: skip
    velocity = [(np.zeros_like(layer.weight), np.zeros_like(layer.bias)) for layer in network]
    order, losses, found = np.random.default_rng(0), [], None
    for _ in range(STEPS):
        batch = order.choice(len(x), BATCH, replace=False)
        if found is None:
            found = fastinit.probe(network, x[batch], y[batch], loss="cross_entropy")
        zs, outputs = fastinit.forward(network, x[batch])
        loss, gradient = fastinit.cross_entropy(outputs[-1], y[batch])
        losses.append(loss)
        gradients = fastinit.backward(network, x[batch], zs, outputs, gradient)
        for layer, (dw_sum, db_sum), (_, dw, db) in zip(network, velocity, gradients, strict=True):
            for parameter, v, step in ((layer.weight, dw_sum, dw), (layer.bias, db_sum, db)):
                v *= 0.9
                v -= RATE * step
                parameter += v
    return found, losses, network


def accuracy(x, y, network):
    return (fastinit.forward(network, x)[1][-1].argmax(axis=1) == y).mean()


def draw_and_tell(path):
    data = load_digits()
    x = ((data.data - data.data.mean()) / data.data.std()).astype(np.float32)
    train_x, train_y, test_x, test_y = x[:1400], data.target[:1400], x[1400:], data.target[1400:]
    figure, axes = plt.subplots(3, 3, figsize=(14, 10), layout="constrained")
    columns = f"{'std of last layer':>18}{'gradient first/last':>21}{'loss':>8}{'accuracy':>10}   the probe says"
    print(f"{'':9}{'weights':22}{columns}")
    for row, activation in zip(axes, ACTIVATIONS, strict=True):
        for (name, fill), colour in zip(INITS.items(), plt.get_cmap("tab10").colors, strict=False):
            with np.errstate(over="ignore", invalid="ignore"):
                found, losses, network = train(train_x, train_y, fill, activation)
                score = accuracy(test_x, test_y, network)
            spread, gradients = found.stats("a").std[:-1], found.stats("dz").rms[:-1]
            ratio = gradients[0] / gradients[-1] if gradients[-1] > 0 else 0.0
            final = np.mean(losses[-20:])
            print(f"{activation:9}{name:22}{spread[-1]:18.3g}{ratio:21.3g}{final:8.3f}{score:10.1%}   {found.verdict}")
            layers = np.arange(1, DEPTH + 1)
            style = {"color": colour, "label": name, "linewidth": 1.8}
            row[0].plot(layers, np.where(spread > 0, spread, np.nan), "o-", markersize=4, **style)
            row[1].plot(layers, np.where(gradients > 0, gradients, np.nan), "o-", markersize=4, **style)
            smooth = np.convolve(losses, np.ones(10) / 10, "valid")
            row[2].plot(np.where(np.isfinite(smooth), smooth, np.nan), **style)
        row[0].set(yscale="log", ylabel=activation, xlabel="layer")
        row[1].set(yscale="log", xlabel="layer")
        row[2].set(ylim=(0, 4), xlabel="step")
    for axis, title in zip(
        axes[0], ["std of the activations", "rms of dL/dz at the first step", "loss (10-step mean)"], strict=True
    ):
        axis.set_title(title)
    figure.suptitle(
        "The variance of the weights decides whether signals and gradients survive 8 layers (an exact 0 is not drawn)"
    )
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(INITS))
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"\npicture: {path.resolve()}\n")


def train_transformer(torch):
    """A torch model's Parameters, filled in place and trained a few steps; the same seed twice gives the same bits."""
    data = load_digits()
    x = torch.from_numpy((data.images / 16).astype(np.float32))  # 8 tokens of 8 pixels
    y = torch.from_numpy(data.target)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Linear(8, 64)
            layer = torch.nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
            self.encoder = torch.nn.TransformerEncoder(layer, 2)
            self.head = torch.nn.Linear(64, CLASSES)

        def forward(self, images):
            return self.head(self.encoder(self.embed(images)).mean(dim=1))

    def fill(model):
        root = fastinit.Generator(0)
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                fastinit.xavier_uniform_(parameter, generator=root.fold_in(name))
            elif name.endswith("bias"):
                fastinit.zeros_(parameter)
        return model

    model, twin = fill(Model()), fill(Model())
    same = all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for step in range(60):
        batch = torch.arange(step * 64, step * 64 + 64) % len(x)
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    size = sum(p.numel() for p in model.parameters())
    print(f"transformer: {size:,} parameters filled in place; same seed, same bits: {same}; ", end="")
    print(f"loss {losses[0]:.2f} -> {np.mean(losses[-5:]):.2f} in 60 steps\n")


def median_ns(fill, size, rounds=5):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        fill()
        times.append(time.perf_counter() - start)
    return sorted(times)[rounds // 2] / size * 1e9


def time_fills(torch):
    """Nanoseconds a value, one thread, beside what is installed."""
    a, rng = np.empty((2048, 2048), np.float32), np.random.default_rng(0)
    small = a[:512, :512].copy()
    threads = fastinit.get_num_threads()
    fastinit.set_num_threads(1)
    ours = {
        "xavier_uniform_": median_ns(lambda: fastinit.xavier_uniform_(a), a.size),
        "kaiming_normal_": median_ns(lambda: fastinit.kaiming_normal_(a), a.size),
        "trunc_normal_": median_ns(lambda: fastinit.trunc_normal_(a), a.size),
    }
    peers = {
        "xavier_uniform_": {"NumPy random(out=)": median_ns(lambda: rng.random(out=a, dtype=np.float32), a.size)},
        "kaiming_normal_": {
            "NumPy standard_normal(out=)": median_ns(lambda: rng.standard_normal(out=a, dtype=np.float32), a.size)
        },
        "trunc_normal_": {},
    }
    if torch:
        torch.set_num_threads(1)
        for name in ours:
            tensor = torch.from_numpy(small if name == "trunc_normal_" else a)
            fill = getattr(torch.nn.init, name)
            peers[name]["torch"] = median_ns(lambda fill=fill, tensor=tensor: fill(tensor), tensor.numel(), 3)
    limit = median_ns(lambda: a.fill(1), a.size)
    print(f"speed, float32, one thread, ns a value (the limit, a.fill: {limit:.2f})")
    for name, time_ in ours.items():
        beside = "; ".join(f"{peer} {t:.2f}, {t / time_:.1f}x" for peer, t in peers[name].items())
        print(f"  {name:17}{time_:6.2f}   {beside}")
    fastinit.set_num_threads(threads)
    print(f"  kaiming_normal_ on {threads} threads: {median_ns(lambda: fastinit.kaiming_normal_(a), a.size):.2f}")


def main():
    try:
        import torch
    except ImportError:
        torch = None
    draw_and_tell(Path("out/demo.png"))
    if torch:
        train_transformer(torch)
    else:
        print("torch is not installed: `make demo TORCH=1` adds it, and a transformer filled in place\n")
    time_fills(torch)


if __name__ == "__main__":
    sys.exit(main())
