"""`probe`: the door. The loss is parsed, a driver measures, theory expects, rules judge, a report holds it all."""

from collections.abc import Callable, Sequence
from typing import Any

from ..backends import is_module
from ..generator import Randomness
from ..networks import dense_layers
from . import numpy_driver
from .expectation import expect
from .loss import parse_loss
from .report import Probe
from .rules import DEFAULT, Thresholds, judge


def probe(
    model: Any,  # Any: of torch, which is not imported here, or a list of Dense
    x: Any,
    target: Any = None,
    *,
    loss: str | Callable[..., Any] = "random",
    names: Sequence[str] | None = None,
    thresholds: Thresholds = DEFAULT,
    generator: Randomness = 0,
) -> Probe:
    """One forward and one backward pass, looked at layer by layer: what the initialisation does, and what cures it.

    The model leaves as it came: parameters, gradients, buffers, train or eval mode, random state and hooks.

    Parameters
    ----------
    model : list of Dense, or torch.nn.Module
        A Module's layers are the calls of linear, convolution and matrix product with a parameter, whoever makes them,
        and of other modules that own weights (recurrent, attention, embedding) as a whole. CPU only.
    x : ndarray or tensor, or a tuple or dict of them (torch)
        A batch, inputs along the first axis; 64 or more, if dead units are to be judged.
    target : ndarray or tensor, optional
    loss : {"random", "mse", "cross_entropy"} or callable
        "random": a fixed dL/d(output) of variance 1, which needs no labels. A callable of (output, target), or of
        (output) without target: returns the loss (torch), or the loss and dL/d(output) (NumPy).
    names : sequence of str, optional
        For the layers of a list of Dense.
    thresholds : Thresholds
    generator : int or Generator
        For the random cotangent.

    Returns
    -------
    Probe

    Raises
    ------
    TypeError
        A model that cannot be probed; the sentence says why.
    ValueError
        An unknown loss, a loss without its target, or shapes that do not fit.

    References
    ----------
    Glorot and Bengio (2010); He et al. (2015); Poole et al. (2016); Schoenholz et al. (2017); Hanin (2018).

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((256, 256), np.float32), generator=1)
    >>> net = fastinit.mlp([256] * 20 + [10], "relu", init=fastinit.xavier_normal_, generator=0)
    >>> found = fastinit.probe(net, x)
    >>> found.ok, found.findings[0].kind, found.findings[0].advice[:58]
    (False, 'vanishing', 'fastinit.kaiming_normal_(weight, nonlinearity="relu")  # r')
    """
    parsed = parse_loss(loss, target, generator)
    if is_module(model):
        from . import torch_driver

        network = torch_driver.measure(model, x, parsed, thresholds.min_batch)
    else:
        layers = dense_layers(model)
        if names is not None and len(names) != len(layers):
            raise ValueError(f"names has {len(names)} entries for {len(layers)} layers; give as many")
        network = numpy_driver.measure(layers, x, parsed, names or (), thresholds.min_batch)
    expect(network.layers)
    return Probe(tuple(network.layers), tuple(judge(network, thresholds)), network.loss, network.batch)
