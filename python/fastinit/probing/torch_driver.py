"""A torch module's layers, as they are called: a TorchFunctionMode sees what is computed, tensor hooks what comes back.

No module hook returns anything and no tensor is kept: each is reduced to Stats where it is met, so in-place operations
that follow change nothing. Module backward hooks are not used: they break on in-place activations.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from ..activations import Activation, of_torch
from ..guard import Guard, guarded
from ..initializers.fans import compute_fans
from ..statistics.describe import describe
from ..torch_models import tensors, unwrap
from .draws import Draws
from .layer import Layer, Network, observe_activation, observe_weight, observe_z
from .paths import bottlenecks, node_of
from .torch_answers import Loss
from .torch_bench import TorchBench

_LINEAR = {"linear", "matmul", "mm", "addmm", "__matmul__", "__rmatmul__"}
_CONVOLUTIONS = {f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")}
_WITH_BIAS = {"linear", *_CONVOLUTIONS}  # called as (input, weight, bias, ...)
_SAME = {  # pass a signal on as it is
    "view", "reshape", "flatten", "permute", "transpose", "t", "contiguous", "unsqueeze", "squeeze", "to", "float",
    "clone", "movedim", "expand", "chunk", "split", "__getitem__", "detach", "requires_grad_", "type_as", "unflatten",
}  # fmt: skip
_NORMS = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize", "local_response_norm"}
_BENDS = {  # make of an activation another function of z, or a gate; underscores and an i or r in front are left out
    "mul", "multiply", "div", "divide", "true_divide", "truediv", "pow", "square", "neg", "negative", "addcmul",
    "addcdiv", "rsub",
}  # fmt: skip
_SHIFTS = {"add", "sub", "subtract"}  # do so with a number; with a tensor they join a stream
_PRODUCTS = {"matmul", "__matmul__", "bmm", "baddbmm", "einsum"}


class Origin(NamedTuple):
    """Where a tensor comes from: the last layer on its way, and what has happened to it since."""

    layer: int
    unchanged: bool = True  # but for its shape
    clean: bool = True  # but for its shape and by norms
    normalized: bool = False
    activated: bool = False


class Call(NamedTuple):
    """A module under way."""

    name: str
    module: torch.nn.Module
    before: int  # layers that were seen before it was called


@dataclass
class Traced:
    """A layer, and what its gradient will be compared with when it is there."""

    layer: Layer
    layout: str  # "" for a module that is seen as a whole
    parameter: torch.Tensor | None = None  # whose gradient is the layer's dL/dW
    node: Node | None = None  # of z in the graph


def _plain(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class _Tracer(TorchFunctionMode):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.recording, self.attends = True, False
        self.unnamed: set[int] = set()  # layers whose activation is no single function of z
        self.traced: list[Traced] = []
        self.origins: Any = WeakIdKeyDictionary()  # Any: torch gives it no types; tensor -> Origin
        self.calls: list[Call] = []
        self.count: Counter[str] = Counter()
        self.parameters = {
            _address(parameter): (name, parameter)
            for name, parameter in model.named_parameters()
            if parameter.ndim >= 2 and parameter.is_floating_point()
        }

    # -- what is called

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if not self.recording:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name == "__get__":  # an attribute, such as .T or .data
            out = func(*args, **kwargs)
            if isinstance(out, torch.Tensor) and args and isinstance(args[0], torch.Tensor) and args[0] in self.origins:
                self.origins[out] = self.origins[args[0]]
            return out
        origins = {origin for t in tensors(args, kwargs) if (origin := self.origins.get(t)) is not None}
        self.attends |= name == "scaled_dot_product_attention" or (name in _PRODUCTS and len(origins) > 1)
        self._unname(name, args, origins)
        if (activation := self._activation(name, args, kwargs)) is not None:
            return self._activate(activation, self.origins[args[0]], func, args, kwargs)
        out = func(*args, **kwargs)
        if isinstance(out, torch.Tensor) and out.is_floating_point():
            weight = self._weight(name, args, kwargs)
            if weight is not None:
                self._layer(name, weight, out, args, kwargs)
                return out
        if origins:
            last, norm = max(origins), name in _NORMS
            same = len(origins) == 1 and name in _SAME
            clean = last.clean and (same or norm)
            passed = last._replace(unchanged=last.unchanged and same, clean=clean, normalized=last.normalized or norm)
            for t in tensors(out):
                self.origins[t] = passed
        return out

    def _activation(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Activation | None:
        """The activation that is called, with the arguments of one that is known, on z itself of a layer without
        one."""
        origin = self.origins.get(args[0]) if args and isinstance(args[0], torch.Tensor) else None
        if origin is None or not origin.clean or origin.activated or origin.layer in self.unnamed:
            return None
        if self.traced[origin.layer].layer.activation is not None or not args[0].is_floating_point():
            return None
        return of_torch(name.removesuffix("_"), args[1:], kwargs)

    def _unname(self, name: str, args: Sequence[Any], origins: set[Origin]) -> None:
        """Arithmetic on what an activation gave makes another function of it: gates, scaled and hand-written ones."""
        plain = name.strip("_")
        plain = plain[1:] if plain[1:] in _BENDS | _SHIFTS and plain[0] in "ir" and plain != "rsub" else plain
        if plain in _BENDS or (plain in _SHIFTS and any(isinstance(a, (int, float)) for a in args)):
            for origin in origins:
                if origin.activated:
                    self.unnamed.add(origin.layer)
                    layer = self.traced[origin.layer].layer
                    layer.activation = layer.a = layer.saturated = layer.dead = layer.dead_expected = None

    def _activate(
        self,
        activation: Activation,
        last: Origin,
        func: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        layer, z = self.traced[last.layer].layer, _plain(args[0])
        z = np.moveaxis(z, 1, -1) if layer.kind.startswith("Conv") and z.ndim > 2 else z
        observe_activation(layer, activation, z)
        layer.normalized = last.normalized
        out = func(*args, **kwargs)
        layer.a = describe(out.detach(), names="a")
        self.origins[out] = last._replace(activated=True)
        return out

    def _weight(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor | None:
        """The weight of a call that is a layer's."""
        if name in _WITH_BIAS:
            weight: torch.Tensor = kwargs["weight"] if "weight" in kwargs else args[1]
            return weight
        if name in _LINEAR:
            for t in args:
                if isinstance(t, torch.Tensor) and t.ndim >= 2 and _address(t) in self.parameters:
                    return t
        return None

    def _layer(
        self, function: str, weight: torch.Tensor, out: torch.Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        known_as, known = self.parameters.get(_address(weight), ("", None))
        called_as, module = self.calls[-1][:2] if self.calls else ("", None)
        name = known_as.removesuffix("weight").removesuffix(".") if known is not None else called_as
        kind = type(module).__name__ if module is not None and name == called_as else function
        name, kind = name or kind, "Conv" + kind[4:] if kind.startswith("conv") else kind
        # conv(input, weight, bias, stride, padding, dilation, groups)
        # transposed: (..., padding, output_padding, groups, dilation)
        groups = kwargs.get("groups", args[6] if function in _CONVOLUTIONS and len(args) > 6 else 1)
        layout = "IO..." if function.startswith("conv_transpose") else "OI..."
        if function not in _WITH_BIAS and known is not None and (weight.shape == known.shape or weight.ndim != 2):
            layout = "...IO"
        bias = kwargs.get("bias", args[2] if len(args) > 2 else None) if function in _WITH_BIAS else None
        traced = self._begin(name, kind, weight, layout, groups)
        layer = traced.layer
        source = self.origins.get(args[0]) if isinstance(args[0], torch.Tensor) else None
        if source is not None and source.unchanged and source.activated:
            layer.before = source.layer
        traced.parameter = known if known is not None else self._parametrized(module)
        if bias is not None:
            layer.bias = describe(bias.detach(), names="bias")
        self._observe(traced, out, conv=function in _CONVOLUTIONS)

    @staticmethod
    def _parametrized(module: torch.nn.Module | None) -> torch.Tensor | None:
        """The largest parameter of a module whose weight is computed from others."""
        if module is None:
            return None
        return max((p for p in module.parameters() if p.ndim >= 2), key=torch.Tensor.numel, default=None)

    def _begin(self, name: str, kind: str, weight: torch.Tensor, layout: str, groups: int) -> Traced:
        self.count[name] += 1
        call = self.count[name]
        layer = Layer(name if call == 1 else f"{name}#{call}", kind, parameter=_address(weight))
        plain = weight.detach()
        fans = compute_fans(tuple(plain.shape), layout=layout, groups=groups) if layout else None
        observe_weight(layer, _plain(plain), fans, describe(plain, names="weight"))
        self.traced.append(Traced(layer, layout))
        return self.traced[-1]

    def _observe(self, traced: Traced, out: torch.Tensor, conv: bool = False) -> None:
        """The newest layer's z, and dL/dz when it comes back."""
        layer, z = traced.layer, _plain(out)
        traced.node = node_of(out)
        layer.units = z.shape[1 if conv and z.ndim > 2 else -1] if z.ndim else 1
        observe_z(layer, z, describe(out.detach(), names="z"))
        self.origins[out] = Origin(len(self.traced) - 1)

        def back(grad: torch.Tensor) -> None:
            if layer.dz is None:
                layer.dz = describe(grad.detach(), names="dz")

        if out.requires_grad:
            out.register_hook(back)  # type: ignore[no-untyped-call]  # torch gives it no types

    # -- modules that own weights and call nothing that is seen

    @contextmanager
    def watching(self, model: torch.nn.Module) -> Iterator[None]:
        """See what is computed, and be told when modules are called."""
        with ExitStack() as stack:
            for name, module in model.named_modules():
                enter = partial(self._enter, name)
                stack.callback(module.register_forward_pre_hook(enter).remove)
                stack.callback(module.register_forward_hook(self._leave).remove)
            stack.callback(setattr, self, "recording", False)
            stack.enter_context(self)
            yield

    def _enter(self, name: str, module: torch.nn.Module, args: object) -> None:
        if self.recording:
            self.calls.append(Call(name, module, len(self.traced)))

    def _leave(self, module: torch.nn.Module, args: object, out: object) -> None:
        if not self.recording:
            return
        call = self.calls.pop()
        if len(self.traced) > call.before or isinstance(module, torch.nn.utils.parametrize.ParametrizationList):
            return
        with torch._C.DisableTorchFunction():
            weights = [p for p in module.parameters(recurse=False) if p.ndim >= 2 and p.is_floating_point()]
            if not weights:
                return
            weight, kind = max(weights, key=torch.Tensor.numel), type(module).__name__
            outputs, name = [t for t in tensors(out) if t.is_floating_point()], call.name or kind
            for i, tensor in enumerate(outputs):
                traced = self._begin(name if len(outputs) == 1 else f"{name}.{i}", kind, weight, "", 1)
                traced.parameter = weight
                self._observe(traced, tensor)


def _rows_axis(traced: Traced) -> int:
    """The axis of a parameter along which the layer's units lie."""
    return {"IO...": 1, "...IO": -1}.get(traced.layout, 0)


class TracedBench(TorchBench):
    """The passes of a model whose first one is watched, layer by layer."""

    def __init__(
        self, guard: Guard, model: torch.nn.Module, x: object, target: object, loss: Loss, draws: Draws
    ) -> None:
        tracer = _Tracer(model)
        super().__init__(guard, model, x, target, loss, draws, tracer.watching(model))
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        gradients = {id(self.weights[name]): gradient for name, gradient in self.gradients.items()}
        nodes = [traced.node for traced in tracer.traced]
        only_ways = bottlenecks(self.scalar, self.sources, nodes)
        ways: set[str] = set()
        branches: set[str] = set()
        for traced, only_way in zip(tracer.traced, only_ways, strict=True):
            gradient = gradients.get(id(traced.parameter))
            traced.layer.bottleneck = only_way
            traced.layer.dw = None if gradient is None else describe(gradient, names="dw")
            name = names.get(id(traced.parameter), "")
            self.units[name] = _rows_axis(traced)
            (ways if only_way else branches).add(name)
        self.network = Network(
            [traced.layer for traced in tracer.traced],
            next((len(t) for t in tensors(x) if t.ndim), len(self.rows)),
            frozenset(ways - branches),
            frozenset(name for name, p in model.named_parameters() if p.ndim == 1 and name.endswith("weight")),
            {name: _radius(p) for name, p in model.named_parameters() if "weight_hh" in name and _square(p)},
            any(isinstance(module, _GATED) for module in model.modules()),
            tracer.attends or any(isinstance(module, torch.nn.MultiheadAttention) for module in model.modules()),
        )


_GATED = (torch.nn.LSTM, torch.nn.GRU, torch.nn.LSTMCell, torch.nn.GRUCell)


def _square(weight: torch.Tensor) -> bool:
    """Whether it holds square matrices, and no projection."""
    return weight.ndim == 2 and weight.numel() > 0 and weight.shape[0] % weight.shape[1] == 0


def _radius(weight: torch.Tensor) -> float:
    """The largest spectral radius of the square matrices, one a gate, that a recurrent weight holds."""
    gates = weight.detach().double().reshape(-1, weight.shape[1], weight.shape[1])
    return float(torch.linalg.eigvals(gates).abs().max())


@contextmanager
def bench(model: torch.nn.Module, x: object, target: object, loss: Loss, draws: Draws) -> Iterator[TracedBench]:
    """A model's bench; everything of the caller's is put back behind it."""
    inner = unwrap(model)
    if not any(
        isinstance(leaf, (torch.Tensor, np.ndarray)) for leaf in tree_leaves(dict(x) if isinstance(x, Mapping) else x)
    ):
        raise TypeError(
            f"x is of type {type(x).__name__} and holds no tensor; give a tensor, or np.array(x), a tuple of "
            f"arguments, or a dict of named ones"
        )
    with guarded(inner, x, target, loss) as guard:
        yield TracedBench(guard, inner, x, target, loss, draws)
