"""A network in NumPy: layers, a forward and a backward pass, for a classroom to read and the probe to look into."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .generator import Generator
from .initializers import fans
from .initializers.constants import zeros_
from .initializers.scaling import xavier_normal_
from .registry import Activation, activations, sigmoid_backward, tanh_backward

__all__ = ["Dense", "backward", "cross_entropy", "forward", "mean_squared_error", "mlp"]

_FUSED = {  # grad * f'(z) in one pass, where there is a better way than two
    "linear": lambda grad, z: grad,
    "sigmoid": sigmoid_backward,
    "tanh": tanh_backward,
    "relu": lambda grad, z: grad * (z > 0),
}


@dataclass
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

    def __post_init__(self):
        if self.activation not in activations:
            raise ValueError(f"activation={self.activation!r} is unknown; known: {', '.join(activations)}")
        if self.layout not in fans.LAYOUTS:
            raise ValueError(f"layout={self.layout!r} is unknown; known layouts: {', '.join(map(repr, fans.LAYOUTS))}")
        if np.ndim(self.weight) != 2:
            raise ValueError(f"weight has shape {np.shape(self.weight)}; a Dense layer needs two dimensions")
        if self.bias is not None and np.shape(self.bias) != (self.matrix.shape[1],):
            raise ValueError(f"bias has shape {np.shape(self.bias)}; this weight needs ({self.matrix.shape[1]},)")
        self._f = activations[self.activation]

    @property
    def matrix(self) -> np.ndarray:
        """The weight as (in, out), a view."""
        return self.weight.T if self.layout == "OI..." else self.weight


def mlp(
    sizes: Sequence[int], activation: str = "tanh", *, init: Callable = xavier_normal_, generator=None, output: str = "linear",
    dtype=np.float32,
) -> list[Dense]:  # fmt: skip
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
    sizes = list(sizes)
    if len(sizes) < 2 or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in sizes):
        raise ValueError(f"sizes={sizes!r}; give two or more positive integers: inputs, hidden units, outputs")
    for name, value in (("activation", activation), ("output", output)):
        if value not in activations:
            raise ValueError(f"{name}={value!r} is unknown; known: {', '.join(activations)}")
    root = Generator(generator) if isinstance(generator, (int, np.integer)) else generator
    try:
        parameters = inspect.signature(init).parameters
        takes_generator = "generator" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    except ValueError:
        takes_generator = True
    layers = []
    for i, (n, m) in enumerate(zip(sizes[:-1], sizes[1:], strict=True), 1):
        weight = np.empty((m, n), dtype)
        if takes_generator:
            init(weight, generator=root.fold_in(f"layer{i}") if isinstance(root, Generator) else root)
        else:
            init(weight)
        layers.append(
            Dense(weight, zeros_(np.empty(m, dtype)), output if i == len(sizes) - 1 else activation, name=f"layer{i}")
        )
    return layers


def forward(network: Sequence[Dense], x) -> tuple[list[np.ndarray], list[np.ndarray]]:
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
    zs, outputs = [], []
    a = np.asarray(x)
    for layer in network:
        if a.ndim != 2 or a.shape[1] != layer.matrix.shape[0]:
            raise ValueError(
                f"layer {layer.name or len(zs) + 1} takes (batch, {layer.matrix.shape[0]}); it was given shape {a.shape}"
            )
        z = a @ layer.matrix
        if layer.bias is not None:
            z += layer.bias
        zs.append(z)
        a = layer._f.f(z) if layer.activation != "linear" else z
        outputs.append(a)
    return zs, outputs


def backward(network: Sequence[Dense], x, zs, outputs, grad) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
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
        fused = _FUSED.get(layer.activation)
        dz = fused(grad, zs[i]) if fused else grad * layer._f.derivative(zs[i])
        dw = dz.T @ before if layer.layout == "OI..." else before.T @ dz
        found.append((dz, dw, dz.sum(axis=0)))
        if i:
            grad = dz @ layer.matrix.T
    return found[::-1]


def cross_entropy(scores, labels) -> tuple[float, np.ndarray]:
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


def mean_squared_error(outputs, target) -> tuple[float, np.ndarray]:
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
