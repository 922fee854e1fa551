"""A network of Dense layers on a batch: its layers as they are measured, and the passes. It works on copies: nothing is
changed."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from ..activations import find
from ..initializers.fans import compute_fans
from ..networks import Dense, backward, cross_entropy, forward, mean_squared_error
from ..statistics.describe import describe
from .draws import Draws
from .evidence import PASSES, Array, Both, Constants, Parameter, Step
from .layer import Layer, Network, observe_activation, observe_weight, observe_z
from .loss import LOSSES, kind_of
from .optimisers import Optimiser, adam, sgd

Values = np.ndarray[tuple[int, ...], np.dtype[np.floating]]


class NumpyBench:
    """See `evidence.Bench`. ``names``: of the layers, those of Dense where empty."""

    dense: Sequence[Dense]
    names: Sequence[str]
    x: np.ndarray
    target: np.ndarray | None
    own: Callable[..., tuple[float, np.ndarray]] | None
    kind: str
    draws: Draws
    found: list[tuple[Values, Values, Values]]
    loss: float
    constants: Constants | None
    unit: float
    resolution: float
    labelled: bool
    large: bool = False
    seconds: float
    network: Network

    def __init__(
        self, network: Sequence[Dense], x: object, target: object, loss: object, names: Sequence[str], draws: Draws
    ) -> None:
        self.dense, self.x, self.draws = network, np.asarray(x), draws
        self.names = names or [layer.name or f"layer{i + 1}" for i, layer in enumerate(network)]
        self.own = loss if callable(loss) else None
        self.target = None if target is None else np.asarray(target)
        self.kind = kind_of(loss, target is not None, self.target is not None and self.target.dtype.kind in "iu")
        self.labelled = self.kind != "random"
        start = perf_counter()
        zs, outputs = forward(network, self.x)
        answers = outputs[-1]
        self.loss, grad = self._loss(answers, self.target, self.kind)
        self.found = backward(network, self.x, zs, outputs, grad)
        self.seconds = perf_counter() - start
        self.rows: Array = answers.astype(np.float64)
        self.resolution = float(np.finfo(answers.dtype).eps)
        self.constants = self._constants(self.target, self.kind)
        self.unit = (
            math.sqrt(float(np.var(np.asarray(self.target, np.float64), axis=0).mean())) if self.kind == "mse" else 1.0
        )

        layers = [
            _layer(*each, i) for i, each in enumerate(zip(self.names, network, zs, outputs, self.found, strict=True))
        ]
        self.network = Network(layers, len(self.x), frozenset(f"{name}.weight" for name in self.names))

    def _loss(self, answers: Values, target: np.ndarray | None, kind: str) -> tuple[float, Values]:
        if kind == "own":
            assert self.own is not None
            value, grad = self.own(answers) if target is None else self.own(answers, target)
            return float(value), np.asarray(grad)
        if kind == "random":
            cotangent = self.draws.normal("cotangent", answers.shape).astype(answers.dtype)
            cotangent /= math.sqrt(max(answers.size, 1))
            return float(np.vdot(answers, cotangent)), cotangent
        assert target is not None
        return (mean_squared_error if kind == "mse" else cross_entropy)(answers, target)

    def _constants(self, target: np.ndarray | None, kind: str) -> Constants | None:
        if target is None or kind not in LOSSES:
            return None
        if kind == "mse":
            wide = target.astype(np.float64)
            return Constants(float(wide.var(axis=0).mean()), float(np.square(wide).mean()))
        shares = np.bincount(target) / max(target.size, 1)
        shares = shares[shares > 0.0]
        return Constants(float(-(shares * np.log(shares)).sum()), math.log(self.rows.shape[1]))

    def parameters(self) -> Iterable[Parameter]:
        for name, layer, (_, dw, db) in zip(self.names, self.dense, self.found, strict=True):
            units = 0 if layer.layout == "OI..." else 1
            yield Parameter(f"{name}.weight", layer.weight, dw, layer.bias, units)
            if layer.bias is not None:
                yield Parameter(f"{name}.bias", layer.bias, db, None, 0)

    def sizes(self) -> dict[str, int]:
        return {f"{name}.weight": layer.weight.size for name, layer in zip(self.names, self.dense, strict=True)}

    def stepped(self, rate: float) -> Array:
        def step(name: str, weight: Values, gradient: Values) -> None:
            weight -= np.asarray(rate, weight.dtype) * np.sign(gradient)

        return self._rows(self._moved(self._copies(), self.found, step))

    def touched(self, amount: float) -> Array | Both:
        if self.x.dtype.kind != "f":
            return Both("x does not hold floats", "x không chứa số thực")
        noise = amount * describe(self.x).rms * self.draws.normal("noise 0", self.x.shape)
        return self._rows(self.dense, (self.x + noise).astype(self.x.dtype))

    def slices(self) -> Array | Both:
        return Both("a network of Dense layers has no time", "mạng các lớp Dense không có thời gian")

    def trial_constants(self, labelled: bool) -> Constants | None:
        target, kind = self._trial(labelled)
        return self.constants if labelled else self._constants(target, kind)

    def _trial(self, labelled: bool) -> "tuple[np.ndarray | None, str]":
        """The trial's targets: the caller's, or random ones."""
        if labelled:
            return self.target, self.kind
        rows, columns = self.rows.shape
        if self.kind == "mse" or columns == 1:
            return self.draws.normal("targets", (rows, columns)) * np.float32(self.unit or 1.0), "mse"
        return self.draws.labels((rows,), columns), "cross_entropy"

    def train(self, labelled: bool, rate: float, momentum: bool, steps: int) -> Iterator[Step]:
        target, kind = self._trial(labelled)
        network = self._copies()
        optimise: Optimiser[Values] = sgd(rate) if momentum else adam(rate)
        for k in range(steps + 1):
            zs, outputs = forward(network, self.x)
            loss, grad = self._loss(outputs[-1], target, kind)
            if not math.isfinite(loss):
                return
            if k == steps:
                yield Step(loss, {})
                return
            found = backward(network, self.x, zs, outputs, grad)
            yield Step(
                loss, {f"{name}.weight": bool(dw.any()) for name, (_, dw, _) in zip(self.names, found, strict=True)}
            )
            self._moved(network, found, optimise)

    def _copies(self) -> list[Dense]:
        """What two layers share, their copies share too."""
        known: dict[int, Values] = {}

        def copied(values: Values) -> Values:
            return known.setdefault(id(values), values.copy())

        return [
            replace(layer, weight=copied(layer.weight), bias=None if layer.bias is None else copied(layer.bias))
            for layer in self.dense
        ]

    def _moved(
        self,
        network: list[Dense],
        found: Sequence[tuple[Values, Values, Values]],
        step: Callable[[str, Values, Values], None],
    ) -> list[Dense]:
        for name, layer, (_, dw, db) in zip(self.names, network, found, strict=True):
            step(f"{name}.weight", layer.weight, dw)
            if layer.bias is not None:
                step(f"{name}.bias", layer.bias, db)
        return network

    def _rows(self, network: Sequence[Dense], x: np.ndarray | None = None) -> Array:
        start = perf_counter()
        rows: Array = forward(network, self.x if x is None else x)[1][-1].astype(np.float64)
        self.seconds = min(self.seconds, PASSES * (perf_counter() - start))
        return rows


def _layer(name: str, dense: Dense, z: Values, a: Values, found: tuple[Values, Values, Values], number: int) -> Layer:
    layer = Layer(name, units=z.shape[1], before=number - 1 if number else None, parameter=id(dense.weight))
    observe_weight(
        layer, dense.weight, compute_fans(dense.weight, layout=dense.layout), describe(dense.weight, names="weight")
    )
    layer.bias = None if dense.bias is None else describe(dense.bias, names="bias")
    observe_z(layer, z, describe(z, names="z"))
    observe_activation(layer, find(dense.activation), z)
    layer.a = layer.z if a is z else describe(a, names="a")
    layer.dz, layer.dw = describe(found[0], names="dz"), describe(found[1], names="dw")
    return layer
