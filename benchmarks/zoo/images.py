"""Networks of convolutions on 8 x 8 pictures: plain, residual, depthwise."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def kernel(inputs: int, outputs: int, size: int = 3, *, groups: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=bias)


class Net(nn.Module):
    """A stem that halves the picture's sides, a body, the mean over the picture, a head."""

    def __init__(self, channels: int, body: nn.Module, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(1, channels, 3, 2, 1), nn.Linear(channels, 10)
        self.body, self.norm = body, norm or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.body(self.stem(x))).mean((2, 3)))
        return out


def plain(depth: int, activation: Callable[[], nn.Module] = nn.ReLU, *, norm: bool = False, channels: int = 10) -> Net:
    """`depth` convolutions, a stem among them."""
    layers: list[nn.Module] = [activation()]
    for _ in range(depth - 1):
        layers += [kernel(channels, channels), *([nn.BatchNorm2d(channels)] if norm else []), activation()]
    return Net(channels, nn.Sequential(*layers))


class Added(nn.Module):
    """x + gain * branch(x)."""

    def __init__(self, branch: nn.Module, gain: Tensor | None = None) -> None:
        super().__init__()
        self.branch, self.gain = branch, None if gain is None else nn.Parameter(gain)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.branch(x)
        return x + (out if self.gain is None else self.gain * out)


def named(**parts: nn.Module) -> nn.Sequential:
    """A Sequential whose parts have names, by which initialisations find them."""
    net = nn.Sequential()
    for name, part in parts.items():
        net.add_module(name, part)
    return net


def resnet(blocks: int = 4, *, norm: bool = True, channels: int = 10) -> Net:
    """ResNet-v1's basic blocks; `last` is the last weight of each branch, `close` its last norm."""

    def block() -> nn.Module:
        c, batch_norm = channels, nn.BatchNorm2d if norm else nn.Identity
        bias = not norm
        branch = named(
            first=kernel(c, c, bias=bias),
            open=batch_norm(c),
            act=nn.ReLU(),
            last=kernel(c, c, bias=bias),
            close=batch_norm(c),
        )
        return nn.Sequential(Added(branch), nn.ReLU())

    return Net(channels, nn.Sequential(*(block() for _ in range(blocks))))


def mobilenet(blocks: int = 3, channels: int = 8) -> Net:
    """MobileNetV2's inverted residuals: wider by a 1 x 1, depthwise 3 x 3, narrower by a 1 x 1."""

    def block() -> nn.Module:
        c, wide = channels, 3 * channels
        return Added(
            named(
                wider=kernel(c, wide, 1, bias=False), norm1=nn.BatchNorm2d(wide), act1=nn.ReLU6(),
                depth=kernel(wide, wide, groups=wide, bias=False), norm2=nn.BatchNorm2d(wide), act2=nn.ReLU6(),
                last=kernel(wide, c, 1, bias=False), close=nn.BatchNorm2d(c),
            )
        )  # fmt: skip

    return Net(channels, nn.Sequential(*(block() for _ in range(blocks))), nn.ReLU6())


def convnext(blocks: int = 3, channels: int = 12) -> Net:
    """ConvNeXt's blocks: depthwise, norm, wider, GELU, narrower, a gain of 1e-6 for each channel (LayerScale)."""

    def block() -> nn.Module:
        c = channels
        branch = named(
            depth=kernel(c, c, groups=c),
            norm=nn.GroupNorm(1, c),
            wider=kernel(c, 3 * c, 1),
            act=nn.GELU(),
            last=kernel(3 * c, c, 1),
        )
        return Added(branch, torch.full((c, 1, 1), 1e-6))

    return Net(channels, nn.Sequential(*(block() for _ in range(blocks))), nn.GroupNorm(1, channels))
