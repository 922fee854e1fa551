"""Layer-sequential unit-variance initialisation, of networks in NumPy and in torch."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..backends import backend_of, is_module, open_floating, to_fill
from ..checks import is_integer, positive_integer, warn
from ..generator import Generator, Randomness, take_key
from ..networks import Dense, dense_layers, forward, streams_by_layer
from ..show.progress import bar
from ..show.tables import Cell, Table
from ..statistics.describe import describe, read
from .constants import zeros_
from .matrices import orthogonal_

if TYPE_CHECKING:
    import torch


def lsuv_(
    model: Any,  # Any: of torch, which is not imported here, or a list of Dense
    x: Any,
    *,
    tolerance: float = 0.1,
    iterations: int = 10,
    orthogonal: bool = True,
    center: bool = False,
    generator: Randomness = None,
) -> Table:
    """Layer-sequential unit-variance initialisation: each layer is scaled until its z has variance 1 on a batch.

    Parameters
    ----------
    model : list of Dense, or torch.nn.Module
        Changed in place, or not at all if an error is raised. Of a Module: Linear and convolution layers, in the order
        of their first call. Layers that share a weight have it scaled once, for the first of them.
    x : ndarray or tensor, or a tuple or dict of them (torch)
    tolerance : float
        Done when abs(Var z - 1) is at most this.
    iterations : int
        At most so many scalings a layer.
    orthogonal : bool
        First fill every weight with `orthogonal_`, as the paper does.
    center : bool
        Also bring the mean of each unit's z to 0, through its bias, whose values are replaced (Krähenbühl et al.).
        False: biases stay as they are.
    generator : int or Generator, optional
        For the orthogonal weights.

    Returns
    -------
    Table
        layer, Var z before and after (center: and the mean after), by what its weights were multiplied, scalings. What
        stands under after is measured in a pass of its own, when all is done.

    Raises
    ------
    TypeError, ValueError
        With the layer's name; and nothing is changed. A weight that is computed anew at each call (weight_norm,
        spectral_norm, pruning); a z that is the same for every sample, or not finite; a bias that gives more than half
        of the variance; a layer without bias (center); a variance that does not come within the tolerance.

    Warns
    -----
    UserWarning
        Weights of other layers (attention, recurrent ones, embeddings), or of layers that x did not reach, were left as
        they are.

    References
    ----------
    Mishkin and Matas (2016), "All you need is a good init", algorithm 1; for center, Krähenbühl et al. (2016),
    "Data-dependent initializations of convolutional neural networks", section 3.1.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((128, 32), np.float32), generator=1)
    >>> report = fastinit.lsuv_(fastinit.mlp([32] * 5, "tanh"), x, generator=0)
    >>> all(abs(v - 1) <= 0.1 for v in report.column("Var z after"))
    True
    """
    if not (0.0 < tolerance < 1.0):
        raise ValueError(f"tolerance={tolerance!r}; give a number between 0 and 1")
    scaling = _Scaling(tolerance, positive_integer("iterations", iterations), orthogonal, center)
    sweep = _sweep_module if is_module(model) else _sweep_network
    return scaling.report(sweep(model, x, scaling, generator))


@dataclass(frozen=True, eq=False)
class _Layer:
    """What is scaled.

    axis: which one of z counts the units, from behind; also: what else, that is no such layer, has the weight.
    """

    name: str
    weight: Any  # Any: an array or a tensor
    bias: Any
    axis: int
    also: str = ""


_Outputs = dict[_Layer, tuple[float, float]]  # variance and mean of z


class _Done(NamedTuple):
    """What became of a layer. tied: the name of one scaled before it that has the same weight, if there is one."""

    tied: str | None
    before: float | None = None
    factor: float = 1.0
    scalings: int = 0


@dataclass
class _Scaling:
    """What is asked for, and what has been done."""

    tolerance: float
    iterations: int
    orthogonal: bool
    center: bool
    done: dict[_Layer, _Done] = field(default_factory=dict)

    def changes(self, layer: _Layer) -> list[Any]:  # Any: arrays or tensors
        """What of a layer is written to."""
        return [layer.weight, layer.bias] if self.center else [layer.weight]

    def check(self, layer: _Layer) -> None:
        """Refuse, by name, what cannot be written to."""
        if self.center and layer.bias is None:
            raise ValueError(
                f"{layer.name} has no bias through which to bring its mean to 0; give it one, or center=False"
            )
        for what, tensor in zip(("weight", "bias"), self.changes(layer), strict=False):
            try:
                opened = open_floating(tensor)
            except (TypeError, ValueError) as error:
                raise type(error)(f"the {what} of {layer.name} cannot be scaled: {error}") from None
            if opened is None or opened.is_complex:
                raise TypeError(f"the {what} of {layer.name} is complex; lsuv_ scales layers of real numbers")

    def scale(self, layer: _Layer, output: Callable[[], Any], stream: Callable[[str], Randomness]) -> None:
        """Scale one layer until output(), its z, has variance 1; again if that was done before."""
        earlier = self.done.get(layer)
        if earlier is None:
            tied = next((other.name for other in self.done if _share_memory(layer.weight, other.weight)), None)
            if tied is None and self.orthogonal:
                orthogonal_(layer.weight, generator=stream(layer.name))
            earlier = self.done[layer] = _Done(tied)
        if earlier.tied:
            return
        z = _checked(layer, output())
        if self.center:
            zeros_(layer.bias)
            to_fill(layer.bias).write(layer.bias, -describe(_checked(layer, output()), by=layer.axis).mean)
            z = _checked(layer, output())
        _check_dependence(layer, z)
        variance = describe(z).var
        _, before, factor, scalings = earlier
        before, until = variance if before is None else before, scalings + self.iterations
        while not abs(variance - 1.0) <= self.tolerance:
            if scalings == until:
                raise ValueError(
                    f"z of {layer.name} has variance {variance:.3g} after {scalings} scalings of its weight; a layer "
                    "that uses it otherwise than z = W x + b cannot be scaled, and a low precision may need a larger "
                    "tolerance"
                )
            step = 1.0 / math.sqrt(variance) if self.center else _step(layer, z, variance, output)
            for tensor in self.changes(layer):
                tensor *= step
            factor, scalings = factor * step, scalings + 1
            z = _checked(layer, output())
            variance = describe(z).var
        self.done[layer] = _Done(None, before, factor, scalings)

    def off(self, outputs: _Outputs) -> str | None:
        """What is not as it was scaled to be, in a fresh pass; None if all is."""
        for layer, done in self.done.items():
            variance, mean = outputs.get(layer, (math.nan, math.nan))
            near = abs(variance - 1.0) <= self.tolerance and (not self.center or abs(mean) <= self.tolerance)
            if not near and not done.tied:
                return f"z of {layer.name} has variance {variance:.3g} and mean {mean:.3g}"
        return None

    def report(self, outputs: _Outputs) -> Table:
        """The table, with each layer's variance and mean of a fresh pass."""
        columns = ["layer", "Var z before", "Var z after", "mean z after", "factor", "scalings"]
        rows: list[list[Cell]] = []
        for layer, (tied, before, factor, scalings) in self.done.items():
            shared = f" (weight of {tied})" if tied else f" (weight of {layer.also} too)" if layer.also else ""
            rows.append(
                [layer.name + shared, before, *outputs.get(layer, (None, None)), None if tied else factor, scalings]
            )
        if self.center:
            return Table(columns, rows)
        return Table([*columns[:3], *columns[4:]], [[*row[:3], *row[4:]] for row in rows])


def _share_memory(a: Any, b: Any) -> bool:  # Any: arrays or tensors
    return a is b or np.shares_memory(read(a).array, read(b).array)


def _checked(layer: _Layer, z: Any) -> Any:  # Any: an array or a tensor
    """A layer's output, if it is one tensor of finite values."""
    if backend_of(z) is None:
        raise TypeError(f"{layer.name} gives a {type(z).__name__}, not a tensor; lsuv_ cannot measure such a layer")
    stats = describe(z)
    if stats.finite < stats.size or not stats.size:
        what = f"holds {stats.nan} NaN and {stats.posinf + stats.neginf} infinities" if stats.size else "is empty"
        raise ValueError(f"z of {layer.name} {what}, so that its variance is not finite; look at x, or at its weights")
    return z


def _check_dependence(layer: _Layer, z: Any) -> None:  # Any: an array or a tensor
    """z is not the same for every sample."""
    units = describe(z, by=layer.axis)
    if math.prod(units[0].shape) > 1 and not units.var.mean() > 1e-12 * describe(z).rms ** 2:
        raise ValueError(_constant(layer))


def _constant(layer: _Layer) -> str:
    return (
        f"z of {layer.name} does not depend on x (variance 0 from sample to sample): x is 0 or all alike, or units "
        "before it are dead, or its weights are 0; give a batch of different samples, and fill the weights first "
        "(orthogonal=True)"
    )


def _step(layer: _Layer, z: Any, variance: float, output: Callable[[], Any]) -> float:  # Any: an array or a tensor
    """By what to multiply the weight so that z = s W x + b has variance 1: s of s^2 Var Wx + 2 s Cov(Wx, b) + Var b."""
    weight = layer.weight
    weight *= -1
    mirrored = output()
    weight *= -1
    of_weight, of_bias = describe(z - mirrored).var / 4.0, describe(z + mirrored).var / 4.0
    if not of_weight > 0.0:
        raise ValueError(_constant(layer))
    both = 0.5 * (variance - of_weight - of_bias)
    square = both * both - of_weight * (of_bias - 1.0)
    step = (math.sqrt(square) - both) / of_weight if square >= 0.0 else 0.0
    if not step * step * of_weight >= 0.5:
        raise ValueError(
            f"z of {layer.name} has variance {variance:.3g}, of which its bias gives {of_bias:.3g}: scaling the weight "
            "until it is 1 would drive it to nothing; fill the bias with zeros_, or give center=True"
        )
    return step


def _streams(generator: Randomness, tensor: Any) -> Callable[[str], Randomness]:  # Any: an array or a tensor
    """A stream for each layer's name. What is no seed nor Generator moves on by one draw, as for one fill."""
    if not isinstance(generator, Generator) and not is_integer(generator):
        seed, stream = take_key(generator, to_fill(tensor))
        generator = Generator(seed).fold_in(stream)
    return streams_by_layer(generator)


# ---- networks in NumPy -----------------------------------------------------------------------------------------------


def _sweep_network(model: object, x: object, scaling: _Scaling, generator: Randomness) -> _Outputs:
    network = dense_layers(model)
    layers = [_Layer(d.name or f"layer{i}", d.weight, d.bias, -1) for i, d in enumerate(network, 1)]
    for layer in layers:
        scaling.check(layer)
    a = np.asarray(x)
    forward(network, a)  # so that nothing is changed if x does not fit
    kept = [(tensor, tensor.copy()) for layer in layers for tensor in scaling.changes(layer)]
    try:
        stream = _streams(generator, layers[0].weight)
        with bar(len(network), "LSUV", shown=len(network) >= 16) as tick:
            for dense, layer in zip(network, layers, strict=True):

                def output(dense: Dense = dense, a: np.ndarray = a) -> np.ndarray:
                    return forward([dense], a)[0][0]

                scaling.scale(layer, output, stream)
                a = forward([dense], a)[1][0]
                tick()
        zs, _ = forward(network, np.asarray(x))
        return {layer: _of_output(z) for layer, z in zip(layers, zs, strict=True)}
    except BaseException:
        for tensor, values in kept:
            tensor[...] = values
        raise


def _of_output(z: Any) -> tuple[float, float]:  # Any: an array or a tensor
    stats = describe(z)
    return stats.var, stats.mean


# ---- modules of torch ------------------------------------------------------------------------------------------------


def _sweep_module(model: "torch.nn.Module", x: object, scaling: _Scaling, generator: Randomness) -> _Outputs:
    """Each layer is scaled when it is first called, before it gives anything; another pass measures what came of it.

    Again, where that pass shows another variance: what comes before a layer uses its weight too (a tied embedding).
    After each pass everything is put back; the new weights are written when all went well.
    """
    import torch

    from ..guard import guarded
    from ..torch_models import unwrap

    model = unwrap(model)
    layers = _layers_of(model)
    for layer in layers.values():
        scaling.check(layer)
    new: dict[torch.Tensor, torch.Tensor] = {}
    stream: Callable[[str], Randomness] | None = None

    def scale(module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        layer = waiting.pop(module, None)
        if layer is not None:  # its first call
            assert stream is not None
            with torch.no_grad():
                scaling.scale(layer, lambda: module(*args, **kwargs), stream)

    def measure(module: torch.nn.Module, args: Any, out: Any) -> None:
        if layers[module] not in outputs:
            outputs[layers[module]] = _of_output(out)

    for _ in range(scaling.iterations):
        waiting = dict(layers)
        with guarded(model, x, generator):
            stream = stream or _streams(generator, next(iter(layers.values())).weight)
            _write(new)
            _call_hooked(model, x, layers, lambda m: m.register_forward_pre_hook(scale, prepend=True, with_kwargs=True))
            for layer, done in scaling.done.items():
                new |= {tensor: tensor.detach().clone() for tensor in scaling.changes(layer) if not done.tied}
        if not new:
            raise ValueError("model called none of its Linear and convolution layers on x; there was nothing to scale")
        outputs: _Outputs = {}
        with guarded(model, x):
            _write(new)
            _call_hooked(model, x, layers, lambda m: m.register_forward_hook(measure))
        if not (off := scaling.off(outputs)):
            break
    else:
        raise ValueError(
            f"{off} once all layers are scaled: what comes before it uses a later layer's weight or bias too, or "
            "differs from pass to pass; untie it, or give a larger tolerance"
        )
    _write(new)
    _streams(generator, next(iter(new)))  # the guard took that draw back
    _warn_of_others(model, [layer.weight for layer in scaling.done])
    return outputs


def _layers_of(model: "torch.nn.Module") -> "dict[torch.nn.Module, _Layer]":
    """The layers that can be scaled; TypeError, by name, for one whose weight is not its own."""
    import torch

    layers: dict[torch.nn.Module, _Layer] = {}
    for name, module in model.named_modules():
        for kind, axis in _kinds().items():
            if not isinstance(module, kind):
                continue
            if module._parameters.get("weight") is None:
                parametrized = torch.nn.utils.parametrize.is_parametrized(module)
                raise TypeError(
                    f"the weight of {name or 'the model'} is {'parametrized' if parametrized else 'no parameter'}: it "
                    "is computed anew at each call (weight_norm, spectral_norm, pruning), so that scaling it is "
                    "undone; call lsuv_ first and weight_norm after it, which keeps the weights"
                )
            bias = module.bias if isinstance(module.bias, torch.nn.Parameter) else None
            also = ", ".join(
                other
                for other, owner in model.named_modules()
                if not isinstance(owner, tuple(_kinds()))
                and any(p is module.weight for p in owner._parameters.values())
            )
            layers[module] = _Layer(name or type(module).__name__, module.weight, bias, axis, also)
    if not layers:
        raise ValueError("model has no Linear or convolution layer; there is nothing to scale")
    return layers


def _kinds() -> "dict[type[torch.nn.Module], int]":
    """The kinds of layers, and which axis of their outputs counts the units."""
    from torch import nn

    convolutions = {getattr(nn, f"Conv{t}{n}d"): -1 - n for n in (1, 2, 3) for t in ("", "Transpose")}
    return {nn.Linear: -1, **convolutions}


def _call_hooked(
    model: "torch.nn.Module", x: object, modules: "Iterable[torch.nn.Module]", hook: Callable[[Any], Any]
) -> None:  # Any: torch's kinds of hooks and of handles
    from ..torch_models import arguments

    args, kwargs = arguments(model, x)
    handles = [hook(module) for module in modules]
    try:
        model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()


def _write(new: "dict[torch.Tensor, torch.Tensor]") -> None:
    for tensor, values in new.items():
        tensor.detach().copy_(values)


def _warn_of_others(model: "torch.nn.Module", scaled: "Sequence[torch.Tensor]") -> None:
    others = [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and not any(_share_memory(parameter, weight) for weight in scaled)
    ]
    if others:
        shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
        warn(f"lsuv_ left these as they were: {shown}; they are of no Linear or convolution layer that x reached")
