"""Small torch networks that the judge is tried on, and one that writes to everything it can reach."""

import itertools
import random
from collections.abc import Callable

import numpy as np
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


class Writes(nn.Module):
    """Writes to everything it can reach; raises ``fail`` on its second call and after."""

    def __init__(self, fail: BaseException | None = None) -> None:
        super().__init__()
        self.norm, self.lin, self.head = nn.BatchNorm1d(16), nn.Linear(16, 8), nn.Linear(8, 4)
        self.tied = nn.Linear(4, 8, bias=False)
        self.tied.weight = nn.Parameter(self.head.weight.detach().t())  # a view of the head's storage
        self.register_buffer("expanded", torch.zeros(1).expand(5))
        self.register_buffer("shared", self.norm.running_mean)
        with torch.inference_mode():
            self.register_buffer("inference", torch.ones(16))
        self.register_buffer("absent", None)
        self.plain, self.calls, self.log, self.table = torch.zeros(3), 0, [], {"a": torch.zeros(2)}
        self.own, self.numpy = torch.Generator().manual_seed(5), np.random.default_rng(5)
        self.fail = fail
        self.eval()
        self.norm.train()
        self.lin.bias.requires_grad_(False)
        self.head.weight.grad = torch.full_like(self.head.weight, float("nan"))

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        self.calls += 1
        self.log.append(self.calls)
        self.plain += 1
        self.table["a"] += 1
        self.table["b"] = self.calls
        self.extra = x
        self.absent = torch.ones(1)
        self.expanded = self.expanded + 1
        self.register_buffer("new", torch.ones(1))
        self.lin.bias.data = self.lin.bias.data + 0.01
        self.lin.weight.data.mul_(1.01)
        self.lin.bias.requires_grad_(True)
        self.head.weight.grad = torch.ones(4, 8)
        noise = random.random() + np.random.rand() + float(torch.rand(())) + float(torch.rand((), generator=self.own))
        noise += self.numpy.random()
        if self.fail is not None and self.calls > 1:
            raise self.fail
        h = functional.relu(self.lin(self.norm(x) * self.inference), inplace=True)
        return self.head(functional.dropout(h, 0.1)) + noise + self.tied.weight.sum() * 0

    def state(self, *batch: Tensor) -> dict[str, object]:
        """Everything, as objects and as bytes."""
        tensors = [*self.parameters(), *self.buffers(), self.plain, self.table["a"], *batch]
        hooks = [len(q._forward_hooks) + len(q._backward_hooks) + len(q._forward_pre_hooks) for q in self.modules()]
        return {
            "tensors": [(id(t), t.numpy(force=True).tobytes(), t.requires_grad, t.data_ptr()) for t in tensors],
            "gradients": [
                (id(p.grad), None if p.grad is None else p.grad.numpy().tobytes()) for p in self.parameters()
            ],
            "torch": torch.get_rng_state().numpy().tobytes(),
            "numpy": (np.random.get_state()[1].tobytes(), np.random.get_state()[2]),
            "random": random.getstate(),
            "generators": (self.own.get_state().numpy().tobytes(), str(self.numpy.bit_generator.state)),
            "python": (self.calls, list(self.log), sorted(self.table), sorted(vars(self)), sorted(self._buffers)),
            "modes": [q.training for q in self.modules()],
            "hooks": hooks,
            "torch's modes": (
                torch.is_grad_enabled(),
                torch.is_inference_mode_enabled(),
                self.inference.is_inference(),
            ),
        }
