"""Small torch networks that the judge is tried on."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


def clouds(n: int = 64, inputs: int = 16, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Gaussian clouds, one a class."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(n) % classes
    return torch.randn(n, inputs, generator=g) + 2 * torch.randn(classes, inputs, generator=g)[y], y


def sequences(steps: int = 40) -> tuple[Tensor, Tensor]:
    """The class stands in the last step, so that a trial can learn it."""
    g = torch.Generator().manual_seed(2)
    y = torch.arange(64) % 4
    x = torch.randn(64, steps, 4, generator=g)
    x[:, -1] = 2 * functional.one_hot(y, 4).float()
    return x, y


def tokens() -> Tensor:
    return torch.randint(0, 30, (16, 12), generator=torch.Generator().manual_seed(4))


def mlp(
    depth: int = 3, std: float | None = None, act: Callable[[], nn.Module] = nn.ReLU, width: int = 32, out: int = 4
):
    """std None: He's."""
    torch.manual_seed(1)
    sizes = [16, *[width] * depth, out]
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        linear = nn.Linear(a, b)
        nn.init.normal_(linear.weight, 0, (2 / a) ** 0.5 if std is None else std)
        nn.init.zeros_(linear.bias)
        layers += [linear, act()]
    return nn.Sequential(*layers[:-1])


def normed(std: float) -> nn.Module:
    """Twenty layers, a LayerNorm behind each hidden one."""
    parts: list[nn.Module] = []
    for layer in mlp(20, std):
        parts.append(layer)
        if isinstance(layer, nn.Linear) and layer.out_features == 32:
            parts.append(nn.LayerNorm(32))
    return nn.Sequential(*parts)


class Cells(nn.Module):
    """A recurrent layer and a head on its last step; size: of the orthogonal W_hh, 0 as torch has it."""

    def __init__(self, size: float, kind: str = "RNN", first: bool = True) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.rnn, self.head, self.first = getattr(nn, kind)(4, 32, batch_first=first), nn.Linear(32, 4), first
        if size:
            nn.init.orthogonal_(self.rnn.weight_hh_l0, size)

    def forward(self, x: Tensor) -> Tensor:
        out = self.rnn(x)[0]
        return self.head(out[:, -1] if self.first else out[-1])


class Wrapped(nn.Module):
    """What a model gives, put through a function."""

    def __init__(self, inner: nn.Module, wrap: Callable[..., object]) -> None:
        super().__init__()
        self.inner, self.wrap = inner, wrap

    def forward(self, *args: object, **named: object) -> object:
        return self.wrap(self.inner(*args, **named))


class ReZero(nn.Module):
    """Branches times gains that begin at 0: healthy (Bachlechner et al. 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.gain = nn.ModuleList(mlp(1, out=16) for _ in range(6)), nn.Parameter(torch.zeros(6))
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        for gain, body in zip(self.gain, self.body, strict=True):
            x = x + gain * body(x)
        return self.head(x)
