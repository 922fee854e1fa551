"""Transformers: pre-LN (GPT), post-LN (BERT), RMSNorm with SwiGLU (Llama), ViT, encoder-decoder, mixture of experts."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .tasks import CHARACTERS, CHARACTERS_OF_NAMES


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.q, self.k, self.v, self.last = (nn.Linear(width, width) for _ in range(4))
        self.heads, self.causal = heads, causal

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        out: Tensor = self.last(mixed.transpose(1, 2).flatten(2))
        return out


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(functional.gelu(self.first(x)))
        return out


class SwiGlu(nn.Module):
    """Shazeer 2020."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate, self.first, self.last = (
            nn.Linear(a, b, bias=False) for a, b in ((width, 64), (width, 64), (64, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(functional.silu(self.gate(x)) * self.first(x))
        return out


class Experts(nn.Module):
    """Four small MLPs; each token goes to the two that a router prefers, weighted by its softmax over them."""

    def __init__(self, width: int, experts: int = 4) -> None:
        super().__init__()
        self.router, self.experts = (
            nn.Linear(width, experts, bias=False),
            nn.ModuleList(Mlp(width) for _ in range(experts)),
        )

    def forward(self, x: Tensor) -> Tensor:
        scores, chosen = self.router(x).topk(2, -1)
        weights = torch.zeros((*x.shape[:-1], len(self.experts))).scatter(-1, chosen, scores.softmax(-1))
        outputs = torch.stack([expert(x) for expert in self.experts], -1)
        return (outputs * weights[..., None, :]).sum(-1)


class Block(nn.Module):
    def __init__(
        self,
        width: int,
        heads: int,
        *,
        causal: bool,
        post: bool,
        norm: Callable[[int], nn.Module],
        mlp: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        self.attention, self.mlp, self.post = Attention(width, heads, causal), mlp(width), post
        self.norm1, self.norm2 = norm(width), norm(width)

    def forward(self, x: Tensor) -> Tensor:
        if self.post:
            x = self.norm1(x + self.attention(x))
            x = self.norm2(x + self.mlp(x))
        else:
            x = x + self.attention(self.norm1(x))
            x = x + self.mlp(self.norm2(x))
        return x


class Transformer(nn.Module):
    """Tokens (batch, time) to characters (batch, time, classes)."""

    def __init__(
        self, layers: int = 2, width: int = 32, *, causal: bool = True, post: bool = False, tied: bool = False,
        norm: Callable[[int], nn.Module] = nn.LayerNorm, mlp: Callable[[int], nn.Module] = Mlp,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding, self.positions = (
            nn.Embedding(len(CHARACTERS), width),
            nn.Parameter(0.02 * torch.randn(64, width)),
        )
        self.body = nn.Sequential(
            *(Block(width, 2, causal=causal, post=post, norm=norm, mlp=mlp) for _ in range(layers))
        )
        self.norm, self.head = nn.Identity() if post else norm(width), nn.Linear(width, len(CHARACTERS), bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens) + self.positions[: tokens.shape[1]]
        out: Tensor = self.head(self.norm(self.body(x)))
        return out


class ViT(nn.Module):
    """Patches of 2 x 2, a class token (Dosovitskiy 2020)."""

    def __init__(self, layers: int = 2, width: int = 32) -> None:
        super().__init__()
        self.stem, self.head, self.norm = nn.Conv2d(1, width, 2, 2), nn.Linear(width, 10), nn.LayerNorm(width)
        self.token, self.positions = (
            nn.Parameter(0.02 * torch.randn(1, 1, width)),
            nn.Parameter(0.02 * torch.randn(17, width)),
        )
        self.body = nn.Sequential(
            *(Block(width, 2, causal=False, post=False, norm=nn.LayerNorm, mlp=Mlp) for _ in range(layers))
        )

    def forward(self, x: Tensor) -> Tensor:
        patches = self.stem(x).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.positions
        out: Tensor = self.head(self.norm(self.body(x))[:, 0])
        return out


class Speller(nn.Module):
    """nn.Transformer from a digit's 8 rows to the letters of its name, one for each learnt query (as in DETR)."""

    def __init__(self, width: int = 32, layers: int = 1, *, pre: bool = False) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, width), nn.Linear(width, len(CHARACTERS_OF_NAMES))
        self.places, self.queries = nn.Parameter(0.02 * torch.randn(8, width)), nn.Parameter(torch.randn(6, width))
        self.core = nn.Transformer(width, 2, layers, layers, 2 * width, dropout=0.0, batch_first=True, norm_first=pre)

    def forward(self, x: Tensor) -> Tensor:
        source = self.stem(x[:, 0]) + self.places
        out: Tensor = self.head(self.core(source, self.queries.expand(len(x), -1, -1)))
        return out
