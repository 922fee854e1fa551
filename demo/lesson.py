"""The experiment: networks that differ in how their weights begin, trained on digits by plain gradient descent.

A `Case` is a row of the table that `make demo` prints. `train` measures signal and gradient before the first step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import fastinit
import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits  # comes with scikit-learn

WIDTH, CLASSES, BATCH, STEPS = 64, 10, 64, 500
GUESSING = float(np.log(CLASSES))  # the loss of a network that knows nothing


def scaled(n_var_w):
    """The fill with Var w = n_var_w / n, n the inputs of a unit."""
    return partial(fastinit.variance_scaling_, scale=n_var_w, mode="fan_in", distribution="normal")


@dataclass(frozen=True)
class Case:
    """A network and how its weights begin.

    `size` is what they are for this network: "small", "right", "large", or "equal" (no chance in them).
    """

    activation: str
    depth: int
    rate: float
    fill: str
    init: Callable
    size: str


CASES = {
    "tanh, half": Case("tanh", 30, 0.03, "0.5/n", scaled(0.5), "small"),
    "tanh, Xavier": Case("tanh", 30, 0.03, "Xavier 1/n", scaled(1), "right"),
    "tanh, eight times": Case("tanh", 30, 0.03, "8/n", scaled(8), "large"),
    "ReLU, Xavier": Case("ReLU", 24, 0.01, "Xavier 1/n", scaled(1), "small"),
    "ReLU, He": Case("ReLU", 24, 0.01, "He 2/n", scaled(2), "right"),
    "ReLU, std 1": Case("ReLU", 24, 0.01, "std 1", fastinit.normal_, "large"),
    "sigmoid, 5 layers": Case("sigmoid", 5, 0.2, "16/n", scaled(16), "right"),
    "sigmoid, 16": Case("sigmoid", 20, 0.05, "16/n", scaled(16), "small"),
    "sigmoid, 103": Case("sigmoid", 20, 0.05, "103/n", scaled(103), "large"),
    "zero": Case("tanh", 5, 0.05, "0", fastinit.zeros_, "equal"),
    "constant": Case("tanh", 5, 0.05, "constant 0.05", partial(fastinit.constant_, val=0.05), "equal"),
    "chance": Case("tanh", 5, 0.05, "Xavier 1/n", scaled(1), "right"),
}


@dataclass(frozen=True)
class Result:
    """What one training showed. `signal`, `gradient` and `flat` are by hidden layer, before the first step."""

    signal: np.ndarray  # std of a
    gradient: np.ndarray  # rms of dL/dz
    flat: np.ndarray  # share of z where the activation is nearly flat
    losses: np.ndarray  # NaN from the step on at which the numbers outgrew float32
    right: float  # share of the digits never trained on; NaN if the losses end so
    apart: float  # largest difference between two units' weights in the second layer, after training
    moved: float  # largest change of a weight

    @property
    def broken(self):
        """The first step whose loss is NaN, or None."""
        steps = np.flatnonzero(np.isnan(self.losses))
        return int(steps[0]) if len(steps) else None

    @property
    def loss(self):
        """The mean of the last 20."""
        return float(self.losses[-20:].mean())

    @property
    def signal_kept(self):
        """Last layer over first; 0 where no signal was."""
        return float(self.signal[-1] / self.signal[0]) if self.signal[0] else 0.0

    @property
    def gradient_kept(self):
        """First layer over last, as it travels; 0 where no gradient was."""
        return float(self.gradient[0] / self.gradient[-1]) if self.gradient[-1] else 0.0


@dataclass(frozen=True)
class Digits:
    x: np.ndarray  # to train on
    y: np.ndarray
    unseen_x: np.ndarray
    unseen_y: np.ndarray


def digits():
    """scikit-learn's 1,797 images of 8 x 8 pixels, of mean 0 and variance 1; the last 397 are kept aside."""
    data = load_digits()
    x = ((data.data - data.data.mean()) / data.data.std()).astype(np.float32)
    return Digits(x[:1400], data.target[:1400], x[1400:], data.target[1400:])


def slopes(network, x, y):
    """The loss, what `forward` gives, and what `backward` gives."""
    zs, outputs = fastinit.forward(network, x)
    loss, grad = fastinit.cross_entropy(outputs[-1], y)
    return loss, zs, outputs, fastinit.backward(network, x, zs, outputs, grad)


@threadpool_limits.wrap(1, user_api="blas")  # matrices of 64 x 64 lose time on more threads than one
def train(case, data, seed=0, steps=STEPS):
    """Fill a network as the case says, measure it, and take `steps` steps of gradient descent, without momentum."""
    sizes = [data.x.shape[1]] + [WIDTH] * case.depth + [CLASSES]
    network = fastinit.mlp(sizes, case.activation.lower(), init=case.init, generator=seed)
    before = [layer.weight.copy() for layer in network]
    batches = np.random.default_rng(seed).integers(len(data.x), size=(steps, BATCH))
    losses = np.full(steps, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):  # weights of std 1 outgrow float32: that is what they show
        _, zs, outputs, gradients = slopes(network, data.x[batches[0]], data.y[batches[0]])
        for step, batch in enumerate(batches):
            loss, *_, found = slopes(network, data.x[batch], data.y[batch])
            if not np.isfinite(loss):
                break  # no step brings it back
            losses[step] = loss
            for layer, (_, dw, db) in zip(network, found, strict=True):
                layer.weight -= case.rate * dw
                layer.bias -= case.rate * db
        scores = fastinit.forward(network, data.unseen_x)[1][-1]
        right = float((scores.argmax(axis=1) == data.unseen_y).mean()) if np.isfinite(scores).all() else np.nan
    at_z = fastinit.describe(zs[:-1], activation=case.activation.lower())
    return Result(
        signal=fastinit.describe(outputs[:-1]).std,
        gradient=fastinit.describe([dz for dz, _, _ in gradients[:-1]]).rms,
        flat=at_z.saturated / at_z.size,
        losses=losses,
        right=right,
        apart=float(np.ptp(network[1].weight, axis=0).max()),
        moved=float(max(np.abs(layer.weight - old).max() for layer, old in zip(network, before, strict=True))),
    )
