"""Real architectures by configuration, small and full size, as their libraries initialise them; and sick by one edit.

Nothing is downloaded and nothing is trained: the data are random tokens, noise and random labels, what people try
first. Plain torch, so that the tests need no model library.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .inits import Change, bias, constant, everything, norms, of, std


class Sized(NamedTuple):
    """small: for the everyday tests, a second or so; full: as published."""

    small: "Config"
    full: "Config"


class Config(NamedTuple):
    """symbols: tokens or classes; length: of the data, in tokens or in pixels of a side."""

    layers: int
    width: int
    heads: int
    symbols: int
    batch: int
    length: int


def encoder(c: Config, *, pre: bool) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        c.width, c.heads, 4 * c.width, dropout=0.1, activation="gelu", batch_first=True, norm_first=pre
    )
    return nn.TransformerEncoder(layer, c.layers, enable_nested_tensor=False)


def normal(net: nn.Module) -> None:
    """GPT-2's, BERT's and ViT's: weights and embeddings N(0, 0.02^2), biases 0, gains 1."""
    of(std(0.02), bias(0))(net)


class Gpt2(nn.Module):
    """Pre-LN, causal, tied; the last weight of each branch N(0, 0.02^2 / (2 layers)) (Radford 2019)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(c.symbols, c.width), nn.Embedding(c.length, c.width)
        self.drop, self.body, self.norm = nn.Dropout(0.1), encoder(c, pre=True), nn.LayerNorm(c.width)
        normal(self)
        for last in ("out_proj", "linear2"):
            std(0.02 / math.sqrt(2 * c.layers), last)(self)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        x = self.drop(self.tokens(tokens) + self.positions(torch.arange(length)))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.norm(self.body(x, mask=mask, is_causal=True))
        return functional.linear(x, self.tokens.weight)


class Bert(nn.Module):
    """Post-LN, an embedding's norm, a head of one more layer, tied (Devlin 2018)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(c.symbols, c.width), nn.Embedding(c.length, c.width)
        self.norm, self.drop, self.body = nn.LayerNorm(c.width), nn.Dropout(0.1), encoder(c, pre=False)
        self.transform = nn.Sequential(nn.Linear(c.width, c.width), nn.GELU(), nn.LayerNorm(c.width))
        self.bias = nn.Parameter(torch.zeros(c.symbols))
        normal(self)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        x = self.transform(self.body(self.drop(self.norm(x))))
        return functional.linear(x, self.tokens.weight, self.bias)


class ViT(nn.Module):
    """Patches of an eighth of a small picture's side, or 16 pixels; a class token, pre-LN (Dosovitskiy 2020)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        patch = max(c.length // 14, 4)
        places = (c.length // patch) ** 2 + 1
        self.stem = nn.Conv2d(3, c.width, patch, patch)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, c.width))
        self.positions = nn.Parameter(0.02 * torch.randn(places, c.width))
        self.body, self.norm, self.head = encoder(c, pre=True), nn.LayerNorm(c.width), nn.Linear(c.width, c.symbols)
        normal(self)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.stem(pictures).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        out: Tensor = self.head(self.norm(self.body(x))[:, 0])
        return out


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1, four times as wide at its end."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width

        def unit(a: int, b: int, size: int, step: int = 1) -> list[nn.Module]:
            return [nn.Conv2d(a, b, size, step, size // 2, bias=False), nn.BatchNorm2d(b)]

        self.branch = nn.Sequential(
            *unit(inputs, width, 1), nn.ReLU(), *unit(width, width, 3, stride), nn.ReLU(), *unit(width, outputs, 1)
        )
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else nn.Sequential(*unit(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.branch(x) + self.skip(x))


class ResNet50(nn.Module):
    """3, 4, 6, 3 bottlenecks (He 2015), initialised as torchvision does: He's normal by fan out, gains 1."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, c.width, 7, 2, 3, bias=False), nn.BatchNorm2d(c.width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        blocks, inputs = [], c.width
        for stage, depth in enumerate((3, 4, 6, 3)):
            for k in range(depth):
                blocks.append(Bottleneck(inputs, c.width << stage, 2 if stage and not k else 1))
                inputs = 4 * (c.width << stage)
        self.body, self.head = nn.Sequential(*blocks), nn.Linear(inputs, c.symbols)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(self.stem(pictures)).mean((2, 3)))
        return out


class EncoderDecoder(nn.Module):
    """nn.Transformer as torch's tutorial of translation has it: embeddings times sqrt(width), Glorot's uniform."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(c.symbols, c.width), nn.Embedding(c.symbols, c.width)
        self.register_buffer("waves", self.sinusoids(c.length, c.width), persistent=False)
        self.core = nn.Transformer(c.width, c.heads, c.layers, c.layers, 4 * c.width, batch_first=True)
        self.head, self.scale = nn.Linear(c.width, c.symbols), math.sqrt(c.width)
        for p in self.parameters():
            if p.ndim > 1:
                nn.init.xavier_uniform_(p)

    @staticmethod
    def sinusoids(length: int, width: int) -> Tensor:
        angle = torch.arange(length)[:, None] * torch.exp(-math.log(10000) * torch.arange(0, width, 2) / width)
        return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        a = self.source(source) * self.scale + self.waves
        b = self.target(target) * self.scale + self.waves
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        out: Tensor = self.head(self.core(a, b, tgt_mask=mask))
        return out


class LstmLanguage(nn.Module):
    """torch's word_language_model: embedding, LSTM with dropout, head; torch's default weights."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.tokens, self.drop = nn.Embedding(c.symbols, c.width), nn.Dropout(0.2)
        self.core = nn.LSTM(c.width, c.width, c.layers, dropout=0.2, batch_first=True)
        self.head = nn.Linear(c.width, c.symbols)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.head(self.drop(self.core(self.drop(self.tokens(tokens)))[0]))
        return out


class Architecture(NamedTuple):
    make: Callable[[Config], nn.Module]
    data: str  # "tokens", "pairs" (of token rows) or "pictures"
    sizes: Sized


ARCHITECTURES = {
    "GPT-2": Architecture(Gpt2, "tokens", Sized(Config(4, 64, 4, 256, 4, 32), Config(12, 768, 12, 50257, 2, 128))),
    "BERT": Architecture(Bert, "tokens", Sized(Config(4, 64, 4, 256, 4, 32), Config(12, 768, 12, 30522, 2, 128))),
    "ViT": Architecture(ViT, "pictures", Sized(Config(4, 64, 4, 10, 16, 32), Config(12, 768, 12, 1000, 8, 224))),
    "ResNet-50": Architecture(ResNet50, "pictures", Sized(Config(0, 8, 0, 10, 8, 64), Config(0, 64, 0, 1000, 8, 224))),
    "nn.Transformer": Architecture(
        EncoderDecoder, "pairs", Sized(Config(2, 64, 4, 256, 4, 24), Config(6, 512, 8, 10000, 2, 64))
    ),
    "LSTM language model": Architecture(
        LstmLanguage, "tokens", Sized(Config(2, 64, 0, 256, 8, 32), Config(2, 650, 0, 33278, 8, 35))
    ),
}

SICK: dict[tuple[str, str], Change] = {
    **{(name, "all constant"): everything(0.02) for name in ARCHITECTURES},
    ("ResNet-50", "gains 0"): norms(0),
    ("BERT", "gains 0"): norms(0),
    ("BERT", "std 1"): std(1),
    ("GPT-2", "std 1"): std(1),
    ("ViT", "weights 0"): constant(0),
    ("nn.Transformer", "std 1"): std(1),
    ("LSTM language model", "std 5"): std(5),
}


class Real(NamedTuple):
    """What a judge is given; x is a tuple where the model takes more than one argument. The loss is "cross_entropy"."""

    model: nn.Module
    x: Tensor | tuple[Tensor, ...]
    target: Tensor


def build(name: str, size: str = "small", sick: str | None = None, seed: int = 0) -> Real:
    """An architecture of ARCHITECTURES ("small" or "full"), healthy or with an edit of SICK, and random data.

    torch's global generator is left as it came.
    """
    row = ARCHITECTURES[name]
    c: Config = getattr(row.sizes, size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = row.make(c)
        if sick is not None:
            with torch.no_grad():
                SICK[name, sick](model)
        if row.data == "pictures":
            return Real(model, torch.randn(c.batch, 3, c.length, c.length), torch.randint(0, c.symbols, (c.batch,)))
        tokens = torch.randint(0, c.symbols, (c.batch, c.length + 1))
        x, target = tokens[:, :-1], tokens[:, 1:]
        return Real(model, (torch.randint(0, c.symbols, x.shape), x) if row.data == "pairs" else x, target)
