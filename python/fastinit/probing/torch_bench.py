"""A torch model on a batch, ready for the passes that are measured."""

import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from ..guard import Guard
from .draws import Draws
from .evidence import PASSES, Array, Both, Constants, Parameter, Step
from .layer import Network
from .optimisers import Optimiser, adam, sgd
from .torch_answers import Loss, Noise, Task, forward

LARGE_MODEL = 10_000_000  # parameters, from which a tenth of the rate is tried first


class TorchBench:
    """See `evidence.Bench`. ``watch`` is entered for the first pass forward."""

    guard: Guard
    model: nn.Module
    x: object
    draws: Draws
    weights: dict[str, nn.Parameter]
    gradients: dict[str, Tensor]
    reached: set[str]
    output: object
    sources: list[Tensor]
    task: Task
    scalar: Tensor
    loss: float
    constants: Constants | None
    unit: float
    resolution: float
    labelled: bool
    large: bool
    seconds: float
    network: Network

    def __init__(
        self,
        guard: Guard,
        model: nn.Module,
        x: object,
        target: object,
        loss: Loss,
        draws: Draws,
        watch: AbstractContextManager[object],
    ) -> None:
        self.guard, self.model, self.x, self.draws = guard, model, x, draws
        self.large = sum(p.numel() for p in model.parameters()) >= LARGE_MODEL
        self.weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
        guard.start_over(model)
        start = perf_counter()
        with watch:
            self.output, self.sources = forward(model, x, watch=True)
        self.task = Task(self.output, target, loss, draws)
        self.labelled = self.task.kind != "random"
        self.scalar = self.task.loss(self.output)
        self.loss = float(self.scalar.detach())
        found = gradients(self.scalar, [*self.weights.values(), *self.sources])
        self.gradients = {name: g for name, g in zip(self.weights, found, strict=False) if g is not None}
        self.reached = set(self.gradients)
        self.seconds = perf_counter() - start
        self._felt = found[len(self.weights) :]
        self.rows: Array = self.task.rows(self.output)
        self.constants = self.task.constants(self.output)
        self.unit = self.task.unit
        self.resolution = float(torch.finfo(self.task.answers(self.output).dtype).eps)
        self._trials: dict[bool, tuple[Task | None, Constants | None]] = {}
        self.units: dict[str, int] = {}  # the axis of the units, where it is not the first

    def parameters(self) -> Iterable[Parameter]:
        for name, gradient in self.gradients.items():
            weight = self.weights[name]
            bias = self.weights.get(name.removesuffix("weight") + "bias") if name.endswith("weight") else None
            yield Parameter(
                name, plain(weight), plain(gradient), None if bias is None else plain(bias), self.units.get(name, 0)
            )

    def sizes(self) -> dict[str, int]:
        return {name: p.numel() for name, p in self.weights.items() if p.ndim > 1 and name in self.reached}

    def stepped(self, rate: float) -> Array:
        self.guard.start_over(self.model)
        for name, g in self.gradients.items():
            self.weights[name].data.add_(g.sgn(), alpha=-rate)
        return self._answers()

    def touched(self, amount: float) -> Array | Both:
        if not self.sources:
            return Both("no float input and no embedding was seen", "không có đầu vào số thực hay embedding")
        self.guard.start_over(self.model)
        return self._answers(Noise(amount, self.draws))

    def _answers(self, noise: Noise | None = None) -> Array:
        start = perf_counter()
        with torch.no_grad():
            rows = self.task.rows(forward(self.model, self.x, noise)[0])
        self.seconds = min(self.seconds, PASSES * (perf_counter() - start))
        return rows

    def slices(self) -> Array | Both:
        """Where the input or its embedding is (batch, time, features), or (time, batch, features) if the cells say
        so."""
        timed = next(
            (g for source, g in zip(self.sources, self._felt, strict=True) if g is not None and source.ndim == 3), None
        )
        if timed is None:
            return Both("no input of (batch, time, ...) was seen", "không có đầu vào dạng (lô, thời gian, ...)")
        first = next((bool(m.batch_first) for m in self.model.modules() if hasattr(m, "batch_first")), True)
        sizes: Array = timed.double().movedim(1 if first else 0, 0).flatten(1).norm(dim=1).cpu().numpy()
        return sizes

    def trial_constants(self, labelled: bool) -> Constants | None:
        return self._trial(labelled)[1]

    def _trial(self, labelled: bool) -> tuple[Task | None, Constants | None]:
        if labelled not in self._trials:
            task = self.task if labelled else self.task.random(self.output)
            self._trials[labelled] = (
                task,
                None if task is None else self.constants if labelled else task.constants(self.output),
            )
        return self._trials[labelled]

    def train(self, labelled: bool, rate: float, momentum: bool, steps: int) -> Iterator[Step]:
        task = self._trial(labelled)[0]
        if task is None:
            return
        self.gradients.clear()  # a trial holds four sizes of the parameters: as they came, its own gradients, m, v
        self.guard.start_over(self.model)
        optimise: Optimiser[Tensor] = sgd(rate) if momentum else adam(rate)
        for k in range(steps + 1):
            value = task.loss(forward(self.model, self.x)[0])
            loss = float(value.detach())
            if not math.isfinite(loss):
                return
            found = gradients(value, list(self.weights.values())) if k < steps else []
            moving = {name: g for name, g in zip(self.weights, found, strict=False) if g is not None}
            yield Step(loss, {name: bool(g.any()) for name, g in moving.items()})
            for name, g in moving.items():
                optimise(name, self.weights[name].data, g)


def plain(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.floating]]:
    """Its values as an array; half precision as float32, complex as pairs along the last axis."""
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj()).flatten(-2) if tensor.ndim else torch.view_as_real(tensor)
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    return tensor.cpu().numpy()


def gradients(value: Tensor, wanted: list[Tensor]) -> list[Tensor | None]:
    """Dense; None for what the value does not depend on. No .grad is touched."""
    if not (value.requires_grad and wanted):
        return [None] * len(wanted)
    try:
        found = torch.autograd.grad(value, wanted, allow_unused=True)
    except RuntimeError as error:
        if "checkpoint" in str(error):
            raise TypeError(
                "model uses re-entrant checkpointing, whose gradients cannot be asked for; use_reentrant=False can"
            ) from error
        raise
    return [g.to_dense() if g is not None and g.is_sparse else g for g in found]
