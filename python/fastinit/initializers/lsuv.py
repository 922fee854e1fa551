"""Layer-sequential unit-variance initialisation, of networks in NumPy and in torch."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backends import is_module
from ..checks import positive_integer
from ..generator import Randomness
from ..networks import Dense, dense_layers, forward, streams_by_layer
from ..show.tables import Cell, Table
from ..statistics.describe import describe
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
    generator: Randomness = None,
) -> Table:
    """Layer-sequential unit-variance initialisation: each layer is scaled until its z has variance 1 on a batch.

    Parameters
    ----------
    model : list of Dense, or torch.nn.Module
        Changed in place. Of a Module: Linear and convolution layers, in the order of their first call.
    x : ndarray or tensor, or a tuple or dict of them (torch)
    tolerance : float
        Done when abs(Var z - 1) is at most this.
    iterations : int
        At most so many scalings a layer.
    orthogonal : bool
        First fill every weight with `orthogonal_`, as the paper does.
    generator : int or Generator, optional
        For that.

    Returns
    -------
    Table
        layer, Var z before and after, by what its weights were multiplied, scalings.

    Raises
    ------
    ValueError
        A layer whose z has variance 0 or is not finite: its weights, or what comes before it, are dead.

    References
    ----------
    Mishkin and Matas (2016), "All you need is a good init".

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
    iterations = positive_integer("iterations", iterations)
    stream = streams_by_layer(generator)

    def scale(name: str, weight: Any, output: Callable[[], Any]) -> list[Cell]:  # Any: an array or a tensor
        if orthogonal:
            orthogonal_(weight, generator=stream(name))
        return _scale(name, weight, output, tolerance, iterations)

    rows = _scale_module(model, x, scale) if is_module(model) else _scale_network(dense_layers(model), x, scale)
    return Table(["layer", "Var z before", "Var z after", "factor", "scalings"], rows)


Scale = Callable[[str, Any, Callable[[], Any]], list[Cell]]


def _scale(name: str, weight: Any, output: Callable[[], Any], tolerance: float, iterations: int) -> list[Cell]:
    """Scale one weight until output() has variance 1."""
    first: float | None = None
    factor = 1.0
    for scaling in range(iterations + 1):
        variance = describe(output()).var
        first = variance if first is None else first
        if not (0.0 < variance < math.inf):
            raise ValueError(
                f"z of {name} has variance {variance}; its weights or its inputs are dead: fill them first "
                "(orthogonal=True)"
            )
        if abs(variance - 1.0) <= tolerance or scaling == iterations:
            break
        step = 1.0 / math.sqrt(variance)
        weight *= step
        factor *= step
    return [name, first, variance, factor, scaling]


def _scale_network(network: Sequence[Dense], x: object, scale: Scale) -> list[list[Cell]]:
    rows, a = [], np.asarray(x)
    for i, dense in enumerate(_progress(network)):

        def output(dense: Dense = dense, a: np.ndarray = a) -> np.ndarray:
            return forward([dense], a)[0][0]

        rows.append(scale(dense.name or f"layer{i + 1}", dense.weight, output))
        a = forward([dense], a)[1][0]
    return rows


def _scale_module(model: "torch.nn.Module", x: object, scale: Scale) -> list[list[Cell]]:
    """In one forward pass: each layer is scaled as it is first called, before the next one sees what it gives.

    All else is put back; the weights too, if it fails.
    """
    import torch

    from ..guard import guarded
    from ..torch_models import arguments, unwrap

    model = unwrap(model)
    names = _scalable(model)
    weights: dict[torch.nn.Parameter, torch.Tensor] = {}
    rows: list[list[Cell]] = []

    def scaled(module: torch.nn.Module, args: Any, kwargs: Any, out: torch.Tensor) -> torch.Tensor | None:
        name = names.pop(module, None)
        if name is None:  # scaled before
            return None
        rows.append(scale(name, module.weight, lambda: module.forward(*args, **kwargs).detach()))
        weight = module.get_parameter("weight")
        weights[weight] = weight.detach().clone()
        result: torch.Tensor = module.forward(*args, **kwargs)
        return result

    with guarded(model, x), torch.no_grad():
        args, kwargs = arguments(model, x)
        handles = [module.register_forward_hook(scaled, with_kwargs=True) for module in names]
        try:
            model(*args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()
    if not rows:
        raise ValueError("model called no Linear or convolution layer; there was nothing to scale")
    with torch.no_grad():
        for weight, values in weights.items():
            weight.copy_(values)
    return rows


def _scalable(model: "torch.nn.Module") -> "dict[torch.nn.Module, str]":
    """The layers whose weights can be scaled, and their names."""
    import torch

    kinds = (torch.nn.Linear, *(getattr(torch.nn, f"Conv{t}{n}d") for n in (1, 2, 3) for t in ("", "Transpose")))
    layers = {module: name for name, module in model.named_modules() if isinstance(module, kinds)}
    for module, name in layers.items():
        if torch.nn.utils.parametrize.is_parametrized(module):
            raise TypeError(
                f"the weight of {name} is parametrized and cannot be scaled in place; remove the parametrization first"
            )
    return layers


def _progress(layers: Sequence[Dense]) -> Iterable[Dense]:
    """The layers; under a progress bar, if tqdm is installed and there are many."""
    if len(layers) < 16:
        return layers
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return layers
    return tqdm(layers, desc="LSUV", leave=False)
