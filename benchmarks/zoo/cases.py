"""The zoo: families (an architecture and its task), each with its initialisations. One row a family."""

import functools
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import chains, images, recurrent, tasks, transformers
from .inits import (
    HE,
    LECUN,
    ZERO_HEAD,
    Change,
    bias,
    centred_sigmoid,
    chrono,
    constant,
    default,
    everything,
    gains,
    gate,
    identity,
    norms,
    of,
    orthogonal,
    radius,
    scaled_branches,
    siren,
    std,
    times,
    twins,
    variance,
    zeros,
)
from .tasks import Task

Maker = Callable[[], nn.Module]


class Problem(NamedTuple):
    """What a judge is given. loss: "cross_entropy", "mse", or a callable of (answers, target)."""

    model: nn.Module
    x: Tensor
    target: Tensor
    loss: str | Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """A family's network with one of its initialisations."""

    family: str
    init: str

    @property
    def name(self) -> str:
        return f"{self.family}: {self.init}"

    @property
    def task(self) -> Task:
        return FAMILIES[self.family].task()

    def model(self, seed: int) -> nn.Module:
        """The network as initialised; torch's global generator is left as it came."""
        row = FAMILIES[self.family]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = row.make()
            with torch.no_grad():
                row.inits[self.init](net)
        return net

    def build(self, seed: int) -> Problem:
        """The network and the first rows of what it learns from."""
        task = self.task
        return Problem(self.model(seed), task.x[: task.seen], task.y[: task.seen], task.kind)


class Family(NamedTuple):
    make: Maker
    task: Callable[[], Task]
    inits: dict[str, Change]
    steps: int = 250


def held_back(family: str) -> bool:
    """One family in three: thresholds are chosen on the others, and proved on these."""
    return hashlib.sha256(family.encode()).digest()[0] % 3 == 0


def chain(depth: int, activation: Callable[[], nn.Module], norm: Callable[[int], nn.Module] | None = None) -> Maker:
    return functools.partial(chains.Chain, depth, activation, norm)


def part(make: Callable[..., nn.Module], *args: object, **named: object) -> Maker:
    return functools.partial(make, *args, **named)


NORMAL = std(0.02)  # of GPT-2, BERT, ViT
RECALL_20, RECALL_80 = functools.partial(tasks.recall, 20), functools.partial(tasks.recall, 80)

FAMILIES: dict[str, Family] = {
    # ---- plain chains
    "relu 2": Family(chain(2, nn.ReLU), tasks.digits, {
        "he": HE, "default": default, "std 1": std(1), "std 0.001": std(0.001),
        "dead biases": of(HE, bias(-20, "body")), "everything 0.1": everything(0.1), "zeros": zeros,
        "twins": of(HE, twins("body")), "zero head": of(HE, ZERO_HEAD),
    }),
    "relu 6": Family(chain(6, nn.ReLU), tasks.digits, {
        "he": HE, "default": default, "std 0.01": std(0.01), "std 1": std(1), "head x 100": of(HE, times(100, "head")),
        "everything 0.05": everything(0.05),
    }),
    "relu 10": Family(chain(10, nn.ReLU), tasks.digits, {
        "he": HE, "default": default, "std 0.01": std(0.01), "variance 8": variance(8),
    }),
    "relu 30": Family(chain(30, nn.ReLU), tasks.digits, {
        "he": HE, "default": default, "variance 4": variance(4),
    }),
    "tanh 6": Family(chain(6, nn.Tanh), tasks.digits, {
        "lecun": LECUN, "default": default, "std 0.001": std(0.001), "std 3": std(3), "zero head": of(LECUN, ZERO_HEAD),
        "twins": of(LECUN, twins("body")),
    }),
    "tanh 20": Family(chain(20, nn.Tanh), tasks.digits, {
        "lecun": LECUN, "default": default, "std 0.01": std(0.01), "variance 9": variance(9),
    }),
    "tanh 50": Family(chain(50, nn.Tanh), tasks.digits, {
        "orthogonal": of(orthogonal(), bias(0)), "default": default, "variance 9": variance(9),
    }),
    "sigmoid 3": Family(chain(3, nn.Sigmoid), tasks.digits, {
        "lecun x 4": of(LECUN, times(4, "body")), "default": default, "std 0.001": std(0.001), "std 10": std(10),
        "everything 0.1": everything(0.1),
    }),
    "sigmoid 8": Family(chain(8, nn.Sigmoid), tasks.digits, {
        "centred": centred_sigmoid, "default": default, "lecun": LECUN, "variance 16": variance(16),
    }),
    "gelu 6": Family(chain(6, nn.GELU), tasks.digits, {
        "he": HE, "default": default, "std 0.01": std(0.01), "head x 30": of(HE, times(30, "head")),
    }),
    "gelu 20": Family(chain(20, nn.GELU), tasks.digits, {
        "he": HE, "default": default, "std 0.02": NORMAL, "variance 8": variance(8),
    }),
    "silu 10": Family(chain(10, nn.SiLU), tasks.digits, {
        "variance 2.8": variance(2.8), "default": default, "std 0.02": NORMAL, "variance 16": variance(16),
    }),
    "swish by hand 6": Family(chain(6, chains.Swish), tasks.digits, {
        "variance 2.8": variance(2.8), "default": default, "std 0.01": std(0.01),
    }),
    "selu 20": Family(chain(20, nn.SELU), tasks.digits, {
        "lecun": LECUN, "default": default, "std 0.01": std(0.01), "variance 8": variance(8),
    }),
    "leaky relu 15": Family(chain(15, functools.partial(nn.LeakyReLU, 0.2)), tasks.digits, {
        "he": HE, "default": default, "std 0.02": NORMAL, "everything 0.05": everything(0.05),
    }),
    # ---- chains with norms
    "relu 5, BatchNorm": Family(chain(5, nn.ReLU, nn.BatchNorm1d), tasks.digits, {
        "he": HE, "default": default, "std 0.001": std(0.001), "std 10": std(10), "gains 0": norms(0),
        "dead biases": bias(-10, "body"),
    }),
    "relu 20, BatchNorm": Family(chain(20, nn.ReLU, nn.BatchNorm1d), tasks.digits, {
        "he": HE, "default": default, "gains 0": norms(0), "std 0.003": std(0.003), "everything 0.1": everything(0.1),
    }),
    "relu 5, LayerNorm": Family(chain(5, nn.ReLU, nn.LayerNorm), tasks.digits, {
        "he": HE, "default": default, "std 0.003": std(0.003), "gains 0": norms(0), "head x 100": times(100, "head"),
        "everything 0.1": everything(0.1),
    }),
    "gelu 20, LayerNorm": Family(chain(20, nn.GELU, nn.LayerNorm), tasks.digits, {
        "he": HE, "default": default, "std 0.003": std(0.003), "gains 0": norms(0),
    }),
    # ---- residual chains
    "residual 24": Family(part(chains.Residual, 24), tasks.digits, {
        "scaled": scaled_branches(24), "he": HE, "default": default, "last 0": of(HE, constant(0, "last"), bias(0)),
        "std 0.5": std(0.5),
    }),
    "ReZero 12": Family(part(chains.Residual, 12, None, torch.zeros(())), tasks.digits, {
        "rezero": HE, "gain 1": of(HE, gains(1)), "gain 5": of(HE, gains(5)), "all constant": everything(0.1),
    }),
    "residual 12, pre-LN": Family(part(chains.Residual, 12, "pre"), tasks.digits, {
        "he": HE, "default": default, "gains 0": of(HE, norms(0, "body")), "all gains 0": of(HE, norms(0)),
        "std 1": std(1), "std 0.001": std(0.001),
    }),
    "residual 12, post-LN": Family(part(chains.Residual, 12, "post"), tasks.digits, {
        "he": HE, "default": default, "gains 0": norms(0), "std 3": std(3), "std 0.001": std(0.001),
    }),
    "LayerScale 12": Family(part(chains.Residual, 12, "pre", torch.full((32,), 1e-6)), tasks.digits, {
        "1e-6": HE, "1": of(HE, gains(1)), "30": of(HE, gains(30)), "all zeros": zeros,
    }),
    "dense 8": Family(part(chains.Dense, 8), tasks.digits, {
        "he": HE, "default": default, "std 1": std(1), "zeros": zeros,
    }),
    # ---- other dense networks
    "mixer": Family(chains.Mixer, tasks.rows, {
        "default": default, "normal 0.02": NORMAL, "std 1": std(1), "all gains 0": norms(0),
        "everything 0.1": everything(0.1),
    }),
    "frozen body, relu 4": Family(part(chains.frozen, 4), tasks.digits, {
        "he": HE, "default": default, "std 0.01": std(0.01),
        "body constant": of(HE, constant(0.1, "body.0"), constant(0.1, "body.2"), constant(0.1, "body.4")),
        "body dead": of(HE, bias(-20, "body.0")),
    }),
    "autoencoder": Family(chains.autoencoder, tasks.reconstruction, {
        "lecun": LECUN, "default": default, "std 0.01": std(0.01), "std 3": std(3), "everything 0.1": everything(0.1),
    }),
    "policy": Family(chain(2, nn.Tanh), tasks.policy, {
        "head of gain 0.01": of(orthogonal(math.sqrt(2)), bias(0), times(0.01, "head")), "default": default,
        "orthogonal": of(orthogonal(math.sqrt(2)), bias(0)), "head x 100": of(LECUN, times(100, "head")),
        "std 0.0001": std(0.0001), "everything 0.1": everything(0.1),
    }),
    "SIREN": Family(chains.Siren, tasks.picture, {
        "siren": siren(30), "default": default, "variance 2": HE, "std 0.0001": std(0.0001), "constant": constant(0.01),
    }),
    # ---- convolutions
    "cnn 4": Family(part(images.plain, 4), tasks.images, {
        "he": HE, "default": default, "std 0.003": std(0.003), "std 1": std(1), "constant": constant(0.05),
        "dead biases": of(HE, bias(-10, "body")),
    }, 120),
    "cnn 12": Family(part(images.plain, 12), tasks.images, {
        "he": HE, "default": default, "std 0.01": std(0.01), "variance 8": variance(8),
    }, 120),
    "cnn 8, BatchNorm": Family(part(images.plain, 8, norm=True), tasks.images, {
        "he": HE, "default": default, "std 0.001": std(0.001), "gains 0": norms(0),
    }, 120),
    "ResNet": Family(images.resnet, tasks.images, {
        "he": HE, "default": default, "close 0": of(HE, norms(0, "close")), "gains 0": norms(0),
        "std 0.001": std(0.001),
    }, 120),
    "ResNet without norm": Family(part(images.resnet, 6, norm=False), tasks.images, {
        "last 0": of(HE, constant(0, "last")), "he": HE, "default": default, "std 0.6": std(0.6),
        "constant": constant(0.05),
    }, 120),
    "MobileNet": Family(images.mobilenet, tasks.images, {
        "he": HE, "default": default, "gains 0": norms(0), "std 0.001": std(0.001),
    }, 120),
    "ConvNeXt": Family(images.convnext, tasks.images, {
        "1e-6": NORMAL, "gain 1": of(NORMAL, gains(1)), "std 1": std(1), "all gains 0": norms(0),
        "constant": constant(0.02),
    }, 250),
    # ---- transformers
    "GPT": Family(transformers.Transformer, tasks.text, {
        "normal 0.02": NORMAL, "default": default, "std 1": std(1), "everything 0.02": everything(0.02),
        "zero head": of(NORMAL, constant(0, "head")), "q, k x 150": of(NORMAL, times(150, ".q."), times(150, ".k.")),
        "all gains 0": of(NORMAL, norms(0)),
    }, 150),
    "GPT, 6 layers": Family(part(transformers.Transformer, 6), tasks.text, {
        "normal 0.02": NORMAL, "last / sqrt(12)": of(NORMAL, times(12**-0.5, "last")), "std 1": std(1),
        "gains 0": of(NORMAL, norms(0)),
    }, 150),
    "BERT": Family(part(transformers.Transformer, causal=False, post=True), tasks.noisy_text, {
        "normal 0.02": NORMAL, "default": default, "std 1": std(1), "everything 0.02": everything(0.02),
        "gains 0": of(NORMAL, norms(0)),
    }, 150),
    "Llama": Family(part(transformers.Transformer, norm=nn.RMSNorm, mlp=transformers.SwiGlu), tasks.text, {
        "normal 0.02": NORMAL, "default": default, "std 1": std(1), "all gains 0": of(NORMAL, norms(0)),
        "constant": constant(0.02),
    }, 150),
    "mixture of experts": Family(part(transformers.Transformer, 1, mlp=transformers.Experts), tasks.text, {
        "normal 0.02": NORMAL, "default": default, "router 0": of(NORMAL, constant(0, "router")), "std 1": std(1),
        "constant": constant(0.02),
    }, 150),
    "ViT": Family(transformers.ViT, tasks.images, {
        "normal 0.02": NORMAL, "default": default, "std 1": std(1), "all gains 0": of(NORMAL, norms(0)),
        "everything 0.02": everything(0.02),
    }, 150),
    "nn.Transformer": Family(transformers.Speller, tasks.spelling, {
        "default": default, "normal 0.02": NORMAL, "std 1": std(1), "constant": constant(0.02), "gains 0": norms(0),
    }, 150),
    # ---- recurrences
    "RNN by hand, recall 20": Family(part(recurrent.Last, "hand tanh", 4, 4), RECALL_20, {
        "orthogonal": radius(1), "default": default, "W_hh 0": radius(0), "radius 0.3": radius(0.3),
        "radius 5": radius(5),
    }, 150),
    "LSTM, recall 20": Family(part(recurrent.Last, "lstm", 4, 4), RECALL_20, {
        "chrono": chrono(20), "default": default, "forget 3": gate(3, 1), "forget -3": gate(-3, 1), "zeros": zeros,
        "std 3": std(3),
    }, 150),
    "GRU, recall 20": Family(part(recurrent.Last, "gru", 4, 4), RECALL_20, {
        "update 3": gate(3, 1), "default": default, "update -3": gate(-3, 1), "W_hh 0": radius(0),
    }, 150),
    "RNN by hand, recall 80": Family(part(recurrent.Last, "hand relu", 4, 4), RECALL_80, {
        "identity": identity(), "default": default, "identity x 1.5": identity(1.5), "identity x 0.5": identity(0.5),
    }, 150),
    "LSTM, recall 80": Family(part(recurrent.Last, "lstm", 4, 4), RECALL_80, {
        "chrono": chrono(80), "default": default, "forget -3": gate(-3, 1), "forget 5": gate(5, 1),
    }, 150),
    "GRU, recall 80": Family(part(recurrent.Last, "gru", 4, 4), RECALL_80, {
        "update 4": gate(4, 1), "default": default, "update -3": gate(-3, 1),
    }, 150),
    "RNN, rows of digits": Family(part(recurrent.Last, "rnn tanh", 8, 10), tasks.rows, {
        "orthogonal": radius(1), "default": default, "W_hh 0": radius(0), "std 5": std(5), "std 0.0001": std(0.0001),
        "constant": constant(0.1),
    }),
    "LSTM, text": Family(part(recurrent.Language, "lstm"), tasks.text, {
        "default": default, "forget 1": gate(1, 1), "std 1": std(1), "constant": everything(0.1), "zeros": zeros,
        "std 5": std(5),
    }, 150),
    "GRU, text": Family(part(recurrent.Language, "gru"), tasks.text, {
        "default": default, "orthogonal": radius(1), "std 5": std(5), "constant": everything(0.1),
    }, 150),
    "RNN, text": Family(part(recurrent.Language, "rnn tanh"), tasks.text, {
        "default": default, "orthogonal": radius(1), "W_hh 0": radius(0), "std 3": std(3), "std 1e-6": std(1e-6),
    }, 150),
}  # fmt: skip

CASES: tuple[Case, ...] = tuple(Case(family, init) for family, row in FAMILIES.items() for init in row.inits)
