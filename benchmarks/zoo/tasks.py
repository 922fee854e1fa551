"""What the zoo's networks learn: scikit-learn's digits, a grammar's text, the first of many symbols, a picture."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Task:
    """Inputs and targets, to learn from and held out.

    Classes lie along the answers' last axis: answers (batch, classes) with targets (batch,), and in language models
    answers (batch, time, characters) with targets (batch, time). kind: "cross_entropy", "mse", or a loss of its own, of
    (answers, targets).
    """

    x: Tensor
    y: Tensor
    held_x: Tensor
    held_y: Tensor
    batch: int  # of a training step
    kind: str | Callable[[Tensor, Tensor], Tensor] = "cross_entropy"
    seen: int = 128  # rows of the batch that a judge is given

    def loss(self, answers: Tensor, target: Tensor) -> Tensor:
        """The loss, mean over all answers."""
        if self.kind == "mse":
            return functional.mse_loss(answers, target)
        if isinstance(self.kind, str):
            return functional.cross_entropy(answers.flatten(0, -2), target.flatten())
        return self.kind(answers, target)

    @functools.cached_property
    def constant(self) -> float:
        """The held-out loss of the best answer that does not look at the input."""
        if self.kind == "mse":
            return float(self.held_y.var(0, unbiased=False).mean())
        share = self.held_y.flatten().bincount().double() / self.held_y.numel()
        if self.kind is missed_reward:
            return 1 - float(share.max())
        return float(torch.special.entr(share).sum())


def missed_reward(answers: Tensor, target: Tensor) -> Tensor:
    """A policy's loss: 1 - the expected reward, where the action `target` earns 1 and every other 0."""
    return 1 - answers.softmax(-1).gather(-1, target[:, None]).mean()


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---- digits ----------------------------------------------------------------------------------------------------------


@functools.cache
def images() -> Task:
    """8 x 8 pictures of digits, (batch, 1, 8, 8), of mean 0 and variance 1; ten classes."""
    data = load_digits()
    x = torch.tensor(data.images, dtype=torch.float32)[:, None]
    x = (x - x.mean()) / x.std()
    order = torch.randperm(len(x), generator=_generator(0))
    x, y = x[order], torch.tensor(data.target, dtype=torch.long)[order]
    return Task(x[256:], y[256:], x[:256], y[:256], batch=32)


def _of_images(view: Callable[[Tensor], Tensor]) -> Task:
    task = images()
    return Task(view(task.x), task.y, view(task.held_x), task.held_y, batch=64)


@functools.cache
def digits() -> Task:
    """The same as 64 numbers."""
    return _of_images(lambda x: x.flatten(1))


@functools.cache
def rows() -> Task:
    """The same as 8 rows in time, (batch, 8, 8)."""
    return _of_images(lambda x: x[:, 0])


@functools.cache
def reconstruction() -> Task:
    """The 64 numbers again."""
    task = digits()
    return Task(task.x, task.x, task.held_x, task.held_x, 64, "mse")


@functools.cache
def policy() -> Task:
    """An action for each digit, and a reward for the right one."""
    task = digits()
    return Task(task.x, task.y, task.held_x, task.held_y, 64, missed_reward)


# ---- sequences -------------------------------------------------------------------------------------------------------


@functools.cache
def recall(steps: int) -> Task:
    """Random symbols of 4, as (batch, steps, 4); which was the first?"""
    symbols = torch.randint(0, 4, (2560, steps), generator=_generator(1))
    x, y = 2 * functional.one_hot(symbols, 4).float() - 0.5, symbols[:, 0]
    return Task(x[256:], y[256:], x[:256], y[:256], batch=32, seen=64)


WORDS = {
    "determiner": ["the", "a", "one", "my", "this"],
    "adjective": ["red", "small", "old", "quick", "quiet"],
    "noun": ["cat", "dog", "fox", "bird", "child", "house", "river"],
    "verb": ["sees", "likes", "follows", "finds", "draws"],
}
CHARACTERS = sorted(set(" ." + "".join(word for words in WORDS.values() for word in words)))
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def grammar(sentences: int, seed: int) -> str:
    """Sentences such as "the red cat sees a dog." """
    draw = np.random.default_rng(seed)

    def phrase() -> list[str]:
        kinds = ["determiner", "adjective", "noun"] if draw.random() < 0.5 else ["determiner", "noun"]
        return [str(draw.choice(WORDS[kind])) for kind in kinds]

    return " ".join(" ".join([*phrase(), str(draw.choice(WORDS["verb"])), *phrase()]) + "." for _ in range(sentences))


def _windows(length: int) -> Tensor:
    text = torch.tensor([CHARACTERS.index(c) for c in grammar(3000, 0)])
    return text[: len(text) // length * length].view(-1, length)


@functools.cache
def text(length: int = 24) -> Task:
    """Characters of a grammar's text, (batch, length); the next one at each place."""
    windows = _windows(length + 1)
    x, y = windows[:, :-1], windows[:, 1:]
    return Task(x[64:], y[64:], x[:64], y[:64], batch=16, seen=32)


@functools.cache
def noisy_text(length: int = 24) -> Task:
    """A fifth of the characters replaced by others; what stood there at each place (masks alone take BERT longer)."""
    windows = _windows(length)
    wrong = torch.rand(windows.shape, generator=_generator(2)) < 0.2
    noise = torch.randint(0, len(CHARACTERS), windows.shape, generator=_generator(4))
    x, y = torch.where(wrong, noise, windows), windows
    return Task(x[64:], y[64:], x[:64], y[:64], batch=16, seen=32)


@functools.cache
def spelling() -> Task:
    """A digit's picture to its name in letters, (batch, 6), filled up with stops: "seven."."""
    task = images()
    names = torch.tensor([[CHARACTERS_OF_NAMES.index(c) for c in name.ljust(6, ".")] for name in NAMES])
    return Task(task.x, names[task.y], task.held_x, names[task.held_y], batch=32, seen=64)


CHARACTERS_OF_NAMES = sorted(set("." + "".join(NAMES)))


# ---- a picture -------------------------------------------------------------------------------------------------------


@functools.cache
def picture(side: int = 32) -> Task:
    """The brightness (variance 1) of a picture of rings and stripes at a point of [-1, 1] x [-1, 1]."""
    axis = torch.linspace(-1, 1, side)
    points = torch.cartesian_prod(axis, axis)
    radius = points.square().sum(1).sqrt()
    bright = torch.cos(4 * math.pi * radius) + torch.sign(torch.sin(2 * math.pi * points[:, 0])) * (points[:, 1] > 0)
    bright = ((bright - bright.mean()) / bright.std())[:, None]
    order = torch.randperm(len(points), generator=_generator(3))
    x, y = points[order], bright[order]
    return Task(x[256:], y[256:], x[:256], y[:256], 256, "mse", seen=256)
