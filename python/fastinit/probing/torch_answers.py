"""From a torch model and a batch to the answers that a loss takes, as rows (inputs, or tokens) of columns."""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from ..torch_models import from_numpy_for
from .draws import Draws
from .evidence import Array, Constants
from .loss import LOSSES, kind_of

Loss = str | Callable[..., Tensor] | None


def float_tensors(value: object, depth: int = 3) -> list[Tensor]:
    """In order: of tuples, dicts, what torch's pytree knows, and of the attributes of other objects."""
    found: list[Tensor] = []
    for leaf in tree_leaves(value):
        if isinstance(leaf, Tensor):
            found += [leaf] if leaf.is_floating_point() else []
        elif depth and hasattr(leaf, "__dict__"):
            found += float_tensors(list(vars(leaf).values()), depth - 1)
    return found


class Noise:
    """``amount`` of a tensor's rms: the same in every pass."""

    amount: float
    draws: Draws
    count: int

    def __init__(self, amount: float, draws: Draws) -> None:
        self.amount, self.draws, self.count = amount, draws, 0

    def __call__(self, tensor: Tensor) -> Tensor:
        drawn = torch.from_numpy(self.draws.normal(f"noise {self.count}", tuple(tensor.shape))).to(tensor.device)
        self.count += 1
        return (self.amount * tensor.detach().float().square().mean().sqrt() * drawn).to(tensor.dtype)


class Embeddings(TorchFunctionMode):
    """Meets what embeddings give, whoever calls them: sources of gradients, or moved by noise. A function mode *is* the
    function, so nothing is replaced behind a module's back and no hook can stay."""

    noise: Noise | None
    watch: bool
    met: list[Tensor]

    def __init__(self, noise: Noise | None, watch: bool) -> None:
        super().__init__()
        self.noise, self.watch, self.met = noise, watch, []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") not in ("embedding", "embedding_bag"):
            return out
        first, *rest = out if isinstance(out, tuple) else (out,)
        if self.noise is not None:
            first.data.add_(self.noise(first))
        if self.watch:
            first = first if first.requires_grad else first.requires_grad_().clone()  # a frozen embedding
            self.met.append(first)
        return (first, *rest) if isinstance(out, tuple) else first


def forward(
    model: nn.Module, x: object, noise: Noise | None = None, watch: bool = False
) -> tuple[object, list[Tensor]]:
    """The output on a copy of x, and the sources whose gradient may be asked for: float inputs, else what embeddings
    give."""
    torch.clear_autocast_cache()  # it would go on with the weights of the pass before
    convert = from_numpy_for(model)
    sources: list[Tensor] = []

    def fresh(value: object) -> object:
        value = convert(value)
        if not isinstance(value, Tensor):
            return value
        value = value.detach().clone()
        if value.is_floating_point() and noise is not None:
            value += noise(value)
        if value.is_floating_point() and watch:
            sources.append(value.requires_grad_())
            value = value.clone()  # no leaf, so the model may write to it
        return value

    copied = tree_map(fresh, dict(x) if isinstance(x, Mapping) else x)
    floats = bool(float_tensors(copied))
    with Embeddings(None if floats else noise, watch and not floats) as embeddings:
        if isinstance(copied, dict):
            output = model(**copied)
        else:
            output = model(*copied) if isinstance(copied, (tuple, list)) else model(copied)
    return output, sources or embeddings.met


class Task:
    """A loss of a model's output, and which part of the output are the answers.

    Attributes
    ----------
    kind : {"cross_entropy", "mse", "own", "random"}
        "own": the caller's callable; "random": a fixed cotangent, which needs no labels.
    axes : tuple of int
        Those along which rows lie; the others hold one answer.
    taken : Tensor or None
        The rows that the loss looks at; None: all.
    """

    kind: str
    target: object
    own: Loss
    place: int
    axes: tuple[int, ...]
    columns: int
    taken: Tensor | None
    draws: Draws

    def __init__(self, output: object, target: object, loss: Loss, draws: Draws) -> None:
        self.draws = draws
        target = torch.from_numpy(np.array(target)) if isinstance(target, np.ndarray) else target
        self.target = target.clone() if isinstance(target, Tensor) else target  # inference tensors become usual ones
        self.own = loss
        self.taken: Tensor | None = None
        labels = isinstance(target, Tensor) and not target.is_floating_point()
        self.kind = kind_of(loss, target is not None, labels)
        found = float_tensors(output)
        if not found:
            raise TypeError(
                f"the model returned {type(output).__name__} without a tensor of floats, so there is nothing to judge"
            )
        felt = self._choose_answers(output, found)
        shape = tuple(found[self.place].shape)
        self.axes = self._row_axes(shape, labels)
        self.columns = math.prod(n for axis, n in enumerate(shape) if axis not in self.axes)
        if self.kind in LOSSES:
            self._check_target(shape, labels)
        if self.kind == "cross_entropy" and labels and (self.tensor < 0).any():
            self.taken = (self.tensor >= 0).flatten()
        elif felt is not None and 2 <= int((taken := self._matrix(felt.to_dense()).any(1)).sum()):
            self.taken = taken

    @property
    def tensor(self) -> Tensor:
        """The target, where it must be a tensor."""
        if not isinstance(self.target, Tensor):
            raise TypeError(
                f"target is of type {type(self.target).__name__}; give an array or tensor, or a loss= of (output, "
                f"target)"
            )
        return self.target

    @property
    def unit(self) -> float:
        """In what answers are counted: for a regression the target's standard deviation."""
        return math.sqrt(float(self.tensor.double().var(0, unbiased=False).mean())) if self.kind == "mse" else 1.0

    def _choose_answers(self, output: object, found: list[Tensor]) -> Tensor | None:
        """The first float tensor that learns; for a loss of the caller's the first that dL/d(answers) reaches, and that
        gradient."""
        learns = (
            [i for i, t in enumerate(found) if t.requires_grad and t.ndim]
            or [i for i, t in enumerate(found) if t.requires_grad]
            or [0]
        )
        self.place = learns[0]
        if self.kind != "own" or not (value := self.loss(output)).requires_grad:
            return None
        gradients = torch.autograd.grad(value, [found[i] for i in learns], allow_unused=True, retain_graph=True)
        self.place, felt = next(
            ((i, g) for i, g in zip(learns, gradients, strict=True) if g is not None), (learns[0], None)
        )
        return felt

    def _row_axes(self, shape: tuple[int, ...], labels: bool) -> tuple[int, ...]:
        n = len(shape)
        given = tuple(self.tensor.shape) if labels else None
        if given is not None and given == shape[:1] + shape[2:]:  # torch's layout: classes along axis 1
            return (0, *range(2, n))
        if (given is not None and given == shape[:-1]) or n == 3:  # classes last; or (batch, time, features)
            return tuple(range(n - 1))
        return (0,) if n else ()

    def _check_target(self, shape: tuple[int, ...], labels: bool) -> None:
        target = self.tensor
        wanted = "give a loss= of (output, target)"
        rows = math.prod(shape) // max(self.columns, 1)
        fits = target.numel() == (math.prod(shape) if not labels or self.kind == "mse" else rows)
        if not fits:
            raise ValueError(f"target of shape {tuple(target.shape)} does not fit answers of shape {shape}; {wanted}")
        if self.kind == "cross_entropy" and labels and target.numel() and int(target.max()) >= self.columns:
            raise ValueError(
                f"target holds class {int(target.max())}, but the answers have {self.columns} columns; {wanted}"
            )

    def answers(self, output: object) -> Tensor:
        return float_tensors(output)[self.place]

    def _matrix(self, answers: Tensor) -> Tensor:
        moved = answers.movedim(self.axes, tuple(range(len(self.axes))))
        return moved.reshape(math.prod(moved.shape[: len(self.axes)]), self.columns)

    def rows(self, output: object) -> Array:
        """F(x) as float64, (rows, columns)."""
        matrix = self._matrix(self.answers(output).detach()).double()
        rows: Array = (matrix if self.taken is None else matrix[self.taken]).cpu().numpy()
        return rows

    def loss(self, output: object) -> Tensor:
        if callable(self.own):
            value = self.own(output) if self.target is None else self.own(output, self.target)
            if not isinstance(value, Tensor):
                raise TypeError(f"loss= returned {type(value).__name__}; it must return a tensor of the model's output")
            return value.mean()  # of a loss a row
        answers = self.answers(output)
        if self.kind == "random":
            cotangent = torch.from_numpy(self.draws.normal("cotangent", tuple(answers.shape))).to(answers)
            return (answers * cotangent).sum() / math.sqrt(max(answers.numel(), 1))
        target = self.tensor
        if self.kind == "mse":
            return functional.mse_loss(answers.reshape(target.shape), target.to(answers.dtype))
        if target.is_floating_point():
            return functional.cross_entropy(answers, target)
        return functional.cross_entropy(self._matrix(answers), target.long().flatten().clamp(min=-1), ignore_index=-1)

    def constants(self, output: object) -> Constants | None:
        """None where they are not known."""
        if self.kind == "random" or not self.axes:
            return None
        if self.kind == "mse":
            target = self.tensor.double()
            return Constants(float(target.var(0, unbiased=False).mean()), float(target.square().mean()))
        if self.kind == "cross_entropy" and not self.tensor.is_floating_point():
            shares = torch.bincount(self.tensor[self.tensor >= 0].flatten()).double()
            shares = shares[shares > 0] / shares.sum()
            return Constants(float(-(shares * shares.log()).sum()), math.log(self.columns))
        return self._fitted_constants(output)

    def _fitted_constants(self, output: object) -> Constants | None:
        """By LBFGS, for a loss of the caller's."""
        answers = self.answers(output)
        constant = torch.zeros_like(answers.detach().mean(self.axes, keepdim=True)).requires_grad_()

        def loss() -> Tensor:
            value = self.loss(
                tree_map(lambda leaf: constant.expand(answers.shape) if leaf is answers else leaf, output)
            )
            constant.grad = torch.autograd.grad(value, constant)[
                0
            ]  # not backward: the loss may have weights of its own
            return value

        try:
            start = float(loss().detach())
            lbfgs = torch.optim.LBFGS([constant], max_iter=60, line_search_fn="strong_wolfe")
            lbfgs.step(loss)  # type: ignore[no-untyped-call]  # torch's
            best = float(loss().detach())
        except (
            Exception
        ):  # whatever the caller's loss raises: the model took the loss itself, or it wants more than tensors
            return None
        return Constants(best, start) if math.isfinite(best) else None

    def random(self, output: object) -> "Task | None":
        """The same with random classes, or random targets of the answers' shape; None if the caller's loss takes no
        targets."""
        answers, target = self.answers(output), self.target
        if not self.axes or (self.kind == "own" and not isinstance(target, Tensor)):
            return None
        twin = copy(self)
        if not isinstance(target, Tensor):
            twin.kind = "cross_entropy" if self.columns > 1 else "mse"
            shape = tuple(answers.shape[axis] for axis in self.axes) if self.columns > 1 else tuple(answers.shape)
            dtype = torch.long if self.columns > 1 else answers.dtype
            target = torch.zeros(shape, dtype=dtype, device=answers.device)
        if target.is_floating_point():
            twin.target = torch.from_numpy(self.draws.normal("targets", tuple(target.shape))).to(target) * (
                self.unit or 1.0
            )
        else:
            drawn = torch.from_numpy(self.draws.labels(tuple(target.shape), max(self.columns, 2))).to(target)
            twin.target = torch.where(target < 0, target, drawn)
        return twin
