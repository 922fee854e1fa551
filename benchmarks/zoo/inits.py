"""Initialisations, as changes made to a network that torch has just made; each draws from torch's global generator.

Which tensors: a `weight` of two or more axes is a weight, one of a single axis a norm's gain, a `gain` a branch's own,
a `bias` a bias. `pick`: only those whose name contains it.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

Change = Callable[[nn.Module], None]


def named(net: nn.Module, kind: str, pick: str = "") -> Iterator[Tensor]:
    """The tensors of a kind ("weight", "norm", "gain", "bias"), by the rule above."""
    for name, p in net.named_parameters():
        last = name.rpartition(".")[2]
        own = (
            "weight"
            if "weight" in last and p.ndim >= 2
            else "norm"
            if "weight" in last
            else "bias"
            if "bias" in last
            else last
        )
        if own == kind and pick in name:
            yield p.detach()


def rule(fill: Callable[[Tensor], object], kind: str = "weight", pick: str = "") -> Change:
    def change(net: nn.Module) -> None:
        for tensor in named(net, kind, pick):
            fill(tensor)

    return change


def default(net: nn.Module) -> None:
    """As torch makes it."""


def of(*changes: Change) -> Change:
    """One after the other."""

    def change(net: nn.Module) -> None:
        for one in changes:
            one(net)

    return change


def fan_in(weight: Tensor) -> int:
    return weight[0].numel()


def variance(times: float, pick: str = "") -> Change:
    """Weights N(0, times / fan in), embeddings as they are; where all are picked, biases 0."""

    def change(net: nn.Module) -> None:
        embeddings = {id(m.weight) for m in net.modules() if isinstance(m, nn.Embedding)}
        for name, p in net.named_parameters():
            if "weight" in name and p.ndim >= 2 and pick in name and id(p) not in embeddings:
                p.detach().normal_(0, math.sqrt(times / fan_in(p)))

    return of(change, *([] if pick else [bias(0)]))


def std(size: float, pick: str = "") -> Change:
    """Weights N(0, size^2); where all are picked, embeddings among them, biases 0."""
    return of(rule(lambda w: w.normal_(0, size), "weight", pick), *([] if pick else [bias(0)]))


def constant(value: float, pick: str = "") -> Change:
    return rule(lambda w: w.fill_(value), "weight", pick)


def times(factor: float, pick: str = "") -> Change:
    return rule(lambda w: w.mul_(factor), "weight", pick)


def bias(value: float, pick: str = "") -> Change:
    return rule(lambda b: b.fill_(value), "bias", pick)


def norms(value: float, pick: str = "") -> Change:
    """The gains of norms."""
    return rule(lambda g: g.fill_(value), "norm", pick)


def gains(value: float) -> Change:
    """The gains of residual branches."""
    return rule(lambda g: g.fill_(value), "gain")


def orthogonal(gain: float = 1.0, pick: str = "") -> Change:
    return rule(lambda w: nn.init.orthogonal_(w, gain), "weight", pick)


def twins(pick: str = "") -> Change:
    """Every unit of a weight a copy of its first."""
    return rule(lambda w: w.copy_(w[:1].expand_as(w).clone()), "weight", pick)


def zeros(net: nn.Module) -> None:
    """Every parameter 0."""
    for p in net.parameters():
        p.detach().zero_()


def everything(value: float) -> Change:
    """Every weight and every bias the same number."""
    return of(constant(value), bias(value))


HE, LECUN = variance(2), variance(1)
ZERO_HEAD = of(constant(0, "head"), bias(0, "head"))


def scaled_branches(blocks: int) -> Change:
    """He's, the last weight of each branch divided by sqrt(blocks)."""
    return of(HE, times(blocks**-0.5, "last"))


def centred_sigmoid(net: nn.Module) -> None:
    """sigmoid(z) = 1/2 + tanh(z/2) / 2: weights of variance 16 / n, and biases that take the mean of 1/2 away."""
    weights, biases = list(named(net, "weight", "body")), list(named(net, "bias", "body"))
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        w.normal_(0, (4 if k else 2) / math.sqrt(fan_in(w)))
        b.copy_(-w.sum(1) / 2 if k else torch.zeros(len(w)))


def siren(w0: float) -> Change:
    """Sitzmann 2020: the first U(-1 / n, 1 / n), then U(-sqrt(6 / n) / w0, sqrt(6 / n) / w0)."""

    def change(net: nn.Module) -> None:
        for k, w in enumerate(named(net, "weight")):
            bound = math.sqrt(6 / fan_in(w)) / w0 if k else 1 / fan_in(w)
            w.uniform_(-bound, bound)

    return change


# ---- recurrences -----------------------------------------------------------------------------------------------------


def identity(factor: float = 1.0) -> Change:
    """Le 2015: W_hh the identity, its biases 0."""
    return of(rule(lambda w: w.copy_(factor * torch.eye(len(w))), "weight", "weight_hh"), bias(0, "core"))


def radius(factor: float) -> Change:
    """W_hh orthogonal times a factor, gate by gate."""

    def fill(w: Tensor) -> None:
        for gate in w.view(-1, w.shape[1], w.shape[1]):
            nn.init.orthogonal_(gate, factor)

    return rule(fill, "weight", "weight_hh")


def gate(value: float, place: int) -> Change:
    """The bias of one gate (LSTM: input, forget, cell, output; GRU: reset, update, new); all other biases 0."""

    def fill(b: Tensor) -> None:
        b.fill_(0)

    def change(net: nn.Module) -> None:
        rule(fill, "bias", "core")(net)
        for b in named(net, "bias", "bias_ih"):
            width = next(named(net, "weight", "weight_hh")).shape[1]
            b[place * width : (place + 1) * width] = value

    return change


def chrono(steps: int) -> Change:
    """Tallec and Ollivier 2018: LSTM's forget gates log U(1, steps - 1), its input gates the negative."""

    def change(net: nn.Module) -> None:
        gate(0, 0)(net)
        for b in named(net, "bias", "bias_ih"):
            width = len(b) // 4
            b[width : 2 * width] = torch.empty(width).uniform_(1, steps - 1).log()
            b[:width] = -b[width : 2 * width]

    return change
