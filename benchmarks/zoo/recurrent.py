"""Recurrent networks: by hand, torch's RNN, LSTM, GRU; one answer at the end, or one at each step."""

import torch
from torch import Tensor, nn

from .tasks import CHARACTERS


class ByHand(nn.Module):
    """h = f(W_ih x + W_hh h + b), one step after the other."""

    def __init__(self, inputs: int, width: int, activation: str = "tanh") -> None:
        super().__init__()
        self.weight_ih, self.weight_hh = nn.Linear(inputs, width), nn.Linear(width, width, bias=False)
        self.activation = torch.tanh if activation == "tanh" else torch.relu

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.zeros(len(x), self.weight_hh.in_features)
        given, states = self.weight_ih(x), []
        for t in range(x.shape[1]):
            h = self.activation(given[:, t] + self.weight_hh(h))
            states.append(h)
        return torch.stack(states, 1), h


def cell(kind: str, inputs: int, width: int) -> nn.Module:
    """kind: "hand tanh", "hand relu", "rnn tanh", "rnn relu", "lstm", "gru"."""
    library, _, activation = kind.partition(" ")
    if library == "hand":
        return ByHand(inputs, width, activation)
    if library == "rnn":
        return nn.RNN(inputs, width, nonlinearity=activation, batch_first=True)
    return (nn.LSTM if library == "lstm" else nn.GRU)(inputs, width, batch_first=True)


class Last(nn.Module):
    """The answer is read from the last step's state."""

    def __init__(self, kind: str, inputs: int, outputs: int, width: int = 32) -> None:
        super().__init__()
        self.core, self.head = cell(kind, inputs, width), nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.core(x)[0][:, -1])
        return out


class Language(nn.Module):
    """The next character at each step."""

    def __init__(self, kind: str, width: int = 32) -> None:
        super().__init__()
        self.embedding, self.core = nn.Embedding(len(CHARACTERS), width), cell(kind, width, width)
        self.head = nn.Linear(width, len(CHARACTERS))

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.head(self.core(self.embedding(tokens))[0])
        return out
