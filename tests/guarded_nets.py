"""A torch network that writes to everything it can reach."""

import random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class Writes(nn.Module):
    """Writes to everything it can reach; raises ``fail`` in the midst of a pass."""

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
        noise = random.random() + np.random.rand() + float(torch.rand(()))
        noise += float(torch.rand((), generator=self.own))
        noise += self.numpy.random()
        if self.fail is not None:
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
            "python": (self.calls, [*self.log], sorted(self.table), sorted(vars(self)), sorted(self._buffers)),
            "modes": [q.training for q in self.modules()],
            "hooks": hooks,
            "torch's modes": (
                torch.is_grad_enabled(),
                torch.is_inference_mode_enabled(),
                self.inference.is_inference(),
            ),
        }
