"""Small models of the kinds that people build, for the tests of whole models: transformers', and torch's own layers."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

NAMES = ("gpt2", "bert", "llama", "vit")


class Layers(nn.Module):
    """What torch itself offers, tied, packed, stacked, grouped and padded."""

    def __init__(self, d: int = 64) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(16, 32, 3, groups=4), nn.ConvTranspose2d(32, 16, 3), nn.BatchNorm2d(16))
        self.attention = nn.Transformer(d, 4, 1, 1, 2 * d, batch_first=True)
        self.recurrent = nn.LSTM(d, d)
        self.embedding = nn.Embedding(300, d, padding_idx=0)
        self.head = nn.Linear(d, 300, bias=False)
        self.head.weight = self.embedding.weight
        self.bilinear = nn.Bilinear(20, 30, 10)
        self.scale = nn.Parameter(torch.full((3,), 0.5))
        self.position = nn.Parameter(torch.randn(1, 50, d) * 0.02)  # computed
        nn.init.trunc_normal_(self.bilinear.weight, std=0.02)


def maker(name: str) -> Callable[[], nn.Module]:
    """What builds a model; a skip where its package is missing."""
    if name == "layers":
        return Layers
    tf = pytest.importorskip("transformers")
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    if name == "gpt2":
        config = tf.GPT2Config(vocab_size=500, n_positions=64, n_embd=64, n_layer=2, n_head=4)
        return lambda: tf.GPT2LMHeadModel(config)
    if name == "bert":
        return lambda: tf.BertModel(tf.BertConfig(vocab_size=500, max_position_embeddings=64, **sizes))
    if name == "llama":
        return lambda: tf.LlamaForCausalLM(tf.LlamaConfig(vocab_size=500, **sizes))
    return lambda: tf.ViTForImageClassification(tf.ViTConfig(image_size=32, patch_size=8, num_labels=10, **sizes))
