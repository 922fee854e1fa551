"""A network in NumPy: layers, a forward and a backward pass, for a classroom to read and the probe to look into."""

import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .activations import Activation, find
from .checks import is_integer, one_of
from .generator import Generator, Randomness
from .initializers.constants import zeros_
from .initializers.fans import LAYOUTS
from .initializers.scaling import xavier_normal_


@dataclass(repr=False)
class Dense:
    """A fully connected layer: z = x W^T + b (or x W + b), a = f(z).

    Attributes
    ----------
    weight : ndarray, (out, in), or (in, out) with layout="...IO"
    bias : ndarray, (out,), or None
    activation : str
        From `activations`.
    layout : {"OI...", "IO...", "...IO"}
    name : str or None

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> layer = fastinit.Dense(fastinit.eye_(np.empty((2, 2))), activation="relu")
    >>> fastinit.forward([layer], np.array([[-1.0, 2.0]]))[1][-1]
    array([[0., 2.]])
    """

    weight: np.ndarray
    bias: np.ndarray | None = None
    activation: str = "linear"
    layout: str = "OI..."
    name: str | None = None
    _f: Activation = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._f = find(self.activation)
        one_of("layout", self.layout, LAYOUTS, "layouts")
        if np.ndim(self.weight) != 2:
            raise ValueError(f"weight has shape {np.shape(self.weight)}; a Dense layer needs two dimensions")
        if self.bias is not None and np.shape(self.bias) != (self.matrix.shape[1],):
            raise ValueError(f"bias has shape {np.shape(self.bias)}; this weight needs ({self.matrix.shape[1]},)")

    def __repr__(self) -> str:
        inputs, units = self.matrix.shape
        named = "" if self.name is None else f"{self.name}: "
        bias = "" if self.bias is None else ", bias"
        return f"Dense({named}{inputs} -> {units}, {self.activation}{bias}, {np.asarray(self.weight).dtype})"

    @property
    def matrix(self) -> np.ndarray:
        """The weight as (in, out), a view."""
        return self.weight.T if self.layout == "OI..." else self.weight


def dense_layers(model: object) -> Sequence[Dense]:
    """The model as layers; a TypeError for what is no network."""
    if isinstance(model, Sequence) and len(model) and all(isinstance(layer, Dense) for layer in model):
        return model
    raise TypeError(
        f"model is of type {type(model).__name__}; give a list of fastinit.Dense (see fastinit.mlp) or a "
        "torch.nn.Module"
    )


def streams_by_layer(generator: Randomness) -> Callable[[str], Randomness]:
    """What fills each layer: the stream of its name, of an int or a Generator; else what was given, which moves on."""
    if is_integer(generator):
        generator = Generator(generator)
    return lambda name: generator.fold_in(name) if isinstance(generator, Generator) else generator


def _takes_generator(init: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(init).parameters
    except ValueError:  # written in C, without a signature
        return True
    return "generator" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def mlp(
    sizes: Sequence[int],
    activation: str = "tanh",
    *,
    init: Callable[..., object] = xavier_normal_,
    generator: Randomness = None,
    output: str = "linear",
    dtype: npt.DTypeLike = np.float32,
) -> list[Dense]:
    """A multilayer perceptron: (out, in) weights filled by ``init``, biases 0.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, units of each hidden layer, outputs.
    activation : str
        Of the hidden layers, from `activations`.
    init : callable
        Called as init(weight, generator=...) for each layer, or init(weight) if it takes no generator, as `zeros_`.
    generator : int or Generator, optional
        Each layer has its own stream, by its name: changing one layer leaves the others as they are. None: the default
        generator, which moves on from layer to layer.
    output : str
        The last layer's activation.
    dtype : dtype

    Returns
    -------
    list of Dense
        Named layer1, layer2, ...

    Examples
    --------
    >>> import fastinit
    >>> net = fastinit.mlp([784, 256, 10], "relu", init=fastinit.kaiming_normal_, generator=0)
    >>> [layer.weight.shape for layer in net]
    [(256, 784), (10, 256)]
    """
    if not callable(init):
        raise TypeError(
            f"init is {init!r} of type {type(init).__name__}; give a function, such as fastinit.xavier_normal_"
        )
    sizes = list(sizes)
    if len(sizes) < 2 or any(not is_integer(n) or n < 1 for n in sizes):
        raise ValueError(f"sizes={sizes!r}; give two or more positive integers: inputs, hidden units, outputs")
    find(activation), find(output, "output")
    stream, seeded = streams_by_layer(generator), _takes_generator(init)
    layers = []
    for i, (n, m) in enumerate(itertools.pairwise(sizes), 1):
        name, weight = f"layer{i}", np.empty((m, n), dtype)
        init(weight, **({"generator": stream(name)} if seeded else {}))
        bias = zeros_(np.empty(m, dtype))
        layers.append(Dense(weight, bias, output if i == len(sizes) - 1 else activation, name=name))
    return layers


@np.errstate(all="ignore")
def forward(network: Sequence[Dense], x: npt.ArrayLike) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The forward pass: z and a of every layer.

    Parameters
    ----------
    network : sequence of Dense
    x : ndarray, (batch, inputs)

    Returns
    -------
    zs, activations : list of ndarray
        As many as there are layers; activations[-1] is the network's output.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> zs, activations = fastinit.forward(fastinit.mlp([4, 8, 2], generator=0), np.ones((5, 4), np.float32))
    >>> activations[-1].shape
    (5, 2)
    """
    zs: list[np.ndarray] = []
    outputs: list[np.ndarray] = []
    a = np.asarray(x)
    for layer in network:
        if a.ndim != 2 or a.shape[1] != layer.matrix.shape[0]:
            raise ValueError(
                f"layer {layer.name or len(zs) + 1} takes (batch, {layer.matrix.shape[0]}); it was given shape "
                f"{a.shape}"
            )
        z = a @ layer.matrix
        if layer.bias is not None:
            z += layer.bias
        zs.append(z)
        a = layer._f.f(z) if layer.activation != "linear" else z
        outputs.append(a)
    return zs, outputs


@np.errstate(all="ignore")
def backward(
    network: Sequence[Dense],
    x: npt.ArrayLike,
    zs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    grad: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The backward pass: dL/dz, dL/dW and dL/db of every layer.

    Parameters
    ----------
    network : sequence of Dense
    x : ndarray, (batch, inputs)
    zs, outputs : list of ndarray
        What `forward` returned for x.
    grad : ndarray
        dL/d(output), of the output's shape.

    Returns
    -------
    list of (dz, dweight, dbias)
        First layer first; dweight in the weight's own layout.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> net, x = fastinit.mlp([4, 8, 2], generator=0), np.ones((5, 4), np.float32)
    >>> zs, outputs = fastinit.forward(net, x)
    >>> loss, grad = fastinit.mean_squared_error(outputs[-1], np.zeros((5, 2), np.float32))
    >>> [dw.shape for dz, dw, db in fastinit.backward(net, x, zs, outputs, grad)]
    [(8, 4), (2, 8)]
    """
    found = []
    for i in range(len(network) - 1, -1, -1):
        layer, before = network[i], outputs[i - 1] if i else np.asarray(x)
        dz = layer._f.pull_back(grad, zs[i])
        dw = dz.T @ before if layer.layout == "OI..." else before.T @ dz
        found.append((dz, dw, dz.sum(axis=0)))
        if i:
            grad = dz @ layer.matrix.T
    return found[::-1]


@np.errstate(all="ignore")
def cross_entropy(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of softmax(scores), and its gradient.

    Parameters
    ----------
    scores : ndarray, (batch, classes)
    labels : ndarray of int, (batch,)

    Returns
    -------
    loss : float
    grad : ndarray
        dL/d(scores), of their shape and dtype.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> round(fastinit.cross_entropy(np.zeros((1, 10)), np.array([3]))[0], 4)   # ln 10
    2.3026
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(f"scores of shape {scores.shape} need integer labels of shape {scores.shape[:1]}; "
                         f"given {labels.dtype} of shape {labels.shape}")  # fmt: skip
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows, grad = np.arange(len(labels)), np.exp(log_p)
    grad[rows, labels] -= 1
    return -float(log_p[rows, labels].mean(dtype=np.float64)), grad / len(labels)


@np.errstate(all="ignore")
def mean_squared_error(outputs: npt.ArrayLike, target: npt.ArrayLike) -> tuple[float, np.ndarray]:
    """Mean of (outputs - target)^2 over everything, and its gradient with respect to the outputs.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.mean_squared_error(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]))
    (2.0, array([[0., 2.]]))
    """
    outputs, target = np.asarray(outputs), np.asarray(target)
    if outputs.shape != target.shape:
        raise ValueError(f"outputs have shape {outputs.shape}, target {target.shape}; give the same")
    off = outputs - target
    return float(np.square(off, dtype=np.float64).mean()), off * (2 / off.size)
