"""A torch model filled in place, and trained a few steps."""

import fastinit
import numpy as np
from lesson import CLASSES
from sklearn.datasets import load_digits


def train_transformer(torch):
    """A torch model's Parameters, filled in place and trained a few steps; the same seed twice gives the same bits."""
    data = load_digits()
    x = torch.from_numpy((data.images / 16).astype(np.float32))  # 8 tokens of 8 pixels
    y = torch.from_numpy(data.target)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Linear(8, 64)
            layer = torch.nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
            self.encoder = torch.nn.TransformerEncoder(layer, 2)
            self.head = torch.nn.Linear(64, CLASSES)

        def forward(self, images):
            return self.head(self.encoder(self.embed(images)).mean(dim=1))

    def fill(model):
        root = fastinit.Generator(0)
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                fastinit.xavier_uniform_(parameter, generator=root.fold_in(name))
            elif name.endswith("bias"):
                fastinit.zeros_(parameter)
        return model

    model, twin = fill(Model()), fill(Model())
    same = all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for step in range(60):
        batch = torch.arange(step * 64, step * 64 + 64) % len(x)
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"transformer: {count:,} parameters filled in place; same seed, same bits: {same}; "
          f"loss {losses[0]:.2f} -> {np.mean(losses[-5:]):.2f} in {len(losses)} steps\n")  # fmt: skip
