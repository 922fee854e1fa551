"""Networks of dense layers: plain chains, residual ones, SIREN, a frozen body, an autoencoder, a mixer."""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


class Swish(nn.Module):
    """x sigmoid(x), by hand, as papers write it."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


class Chain(nn.Module):
    """`depth` hidden layers: weight, norm, activation; then a head."""

    def __init__(
        self, depth: int, activation: Callable[[], nn.Module], norm: Callable[[int], nn.Module] | None = None,
        *, width: int = 32, inputs: int = 64, outputs: int = 10,
    ) -> None:  # fmt: skip
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in in (inputs, *[width] * (depth - 1)):
            layers += [nn.Linear(fan_in, width), *([norm(width)] if norm else []), activation()]
        self.body, self.head = nn.Sequential(*layers), nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


class Branch(nn.Module):
    """x + gain * branch(x), a norm before the branch ("pre"), after the sum ("post"), or none; so the gain."""

    def __init__(self, width: int, place: str | None = None, gain: Tensor | None = None) -> None:
        super().__init__()
        self.first, self.last, self.place = nn.Linear(width, width), nn.Linear(width, width), place
        self.norm = nn.LayerNorm(width) if place else nn.Identity()
        self.gain = None if gain is None else nn.Parameter(gain.clone())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(torch.relu(self.first(self.norm(x) if self.place == "pre" else x)))
        out = x + (out if self.gain is None else self.gain * out)
        return self.norm(out) if self.place == "post" else out


class Residual(nn.Module):
    """A stem, residual blocks, a head."""

    def __init__(self, blocks: int, place: str | None = None, gain: Tensor | None = None, *, width: int = 32) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(64, width), nn.Linear(width, 10)
        self.body = nn.Sequential(*(Branch(width, place, gain) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width) if place == "pre" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.body(self.stem(x))))
        return out


class Dense(nn.Module):
    """Each layer sees all earlier ones (as in DenseNet)."""

    def __init__(self, depth: int, growth: int = 16) -> None:
        super().__init__()
        self.body = nn.ModuleList(nn.Linear(64 + growth * k, growth) for k in range(depth))
        self.head = nn.Linear(64 + growth * depth, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.body:
            x = torch.cat([x, torch.relu(layer(x))], 1)
        out: Tensor = self.head(x)
        return out


class Siren(nn.Module):
    """sin(w0 (W x + b)) (Sitzmann 2020)."""

    def __init__(self, depth: int = 3, width: int = 32, w0: float = 30.0) -> None:
        super().__init__()
        sizes = [2, *[width] * depth]
        self.body, self.w0 = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)), w0
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.body:
            x = torch.sin(self.w0 * layer(x))
        out: Tensor = self.head(x)
        return out


def frozen(depth: int) -> Chain:
    """A body that does not learn, under a head and one layer that do."""
    net = Chain(depth, nn.ReLU)
    for layer in list(net.body)[:-2]:
        layer.requires_grad_(False)
    return net


def autoencoder(sizes: Sequence[int] = (64, 32, 8, 32, 64)) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class Mixer(nn.Module):
    """Blocks that mix the 8 rows of a picture, then the columns (Tolstikhin 2021)."""

    def __init__(self, blocks: int = 3, width: int = 24) -> None:
        super().__init__()
        self.stem, self.head, self.norm = nn.Linear(8, width), nn.Linear(width, 10), nn.LayerNorm(width)
        self.places = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)) for _ in range(blocks))
        self.units = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(blocks)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for norm, places, units in zip(self.norms, self.places, self.units, strict=True):
            x = x + places(norm(x).mT).mT
            x = x + units(x)
        out: Tensor = self.head(self.norm(x).mean(1))
        return out
