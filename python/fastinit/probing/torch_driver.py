"""A torch module's layers, as they are called: a TorchFunctionMode sees what is computed, tensor hooks what comes back.

No module hook returns anything and no tensor is kept: each is reduced to Stats where it is met, so in-place operations
that follow change nothing. Module backward hooks are not used: they break on in-place activations.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from ..activations import Activation, of_torch
from ..guard import guarded
from ..initializers.fans import compute_fans
from ..initializers.random import normal_
from ..statistics.describe import describe
from ..torch_models import arguments, tensors, unwrap
from .layer import Layer, Network, observe_activation, observe_copies, observe_weight, observe_z
from .loss import Loss

_LINEAR = {"linear", "matmul", "mm", "addmm", "__matmul__", "__rmatmul__"}
_CONVOLUTIONS = {f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")}
_WITH_BIAS = {"linear", *_CONVOLUTIONS}  # called as (input, weight, bias, ...)
_SAME = {  # pass a signal on as it is
    "view", "reshape", "flatten", "permute", "transpose", "t", "contiguous", "unsqueeze", "squeeze", "to", "float",
    "clone", "movedim", "expand", "chunk", "split", "__getitem__", "detach", "requires_grad_", "type_as", "unflatten",
}  # fmt: skip
_NORMS = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize", "local_response_norm"}


class Origin(NamedTuple):
    """Where a tensor comes from: the last layer on its way, and what has happened to it since."""

    layer: int
    unchanged: bool = True  # but for its shape
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
    bias: np.ndarray | None = None


def _plain(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class _Tracer(TorchFunctionMode):
    def __init__(self, model: torch.nn.Module, min_batch: int) -> None:
        super().__init__()
        self.min_batch, self.recording = min_batch, True
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
        last = max(origins, default=None)
        if last is not None and (activation := self._activation(name, args, kwargs, last)) is not None:
            return self._activate(activation, last, func, args, kwargs)
        out = func(*args, **kwargs)
        if isinstance(out, torch.Tensor) and out.is_floating_point():
            weight = self._weight(name, args, kwargs)
            if weight is not None:
                self._layer(name, weight, out, args, kwargs)
                return out
        if last is not None:
            same = len(origins) == 1 and name in _SAME
            passed = last._replace(unchanged=last.unchanged and same, normalized=last.normalized or name in _NORMS)
            for t in tensors(out):
                self.origins[t] = passed
        return out

    def _activation(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], last: Origin) -> Activation | None:
        """The activation that is called on what comes from a layer that has none yet."""
        if self.traced[last.layer].layer.activation is not None or not args or not isinstance(args[0], torch.Tensor):
            return None
        return of_torch(name.removesuffix("_"), kwargs) if args[0].is_floating_point() else None

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
        observe_activation(layer, activation, z, self.min_batch)
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
            layer.bias, traced.bias = describe(bias.detach(), names="bias"), _plain(bias)
        self._observe(layer, out, conv=function in _CONVOLUTIONS)

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

    def _observe(self, layer: Layer, out: torch.Tensor, conv: bool = False) -> None:
        """The newest layer's z, and dL/dz when it comes back."""
        z = _plain(out)
        layer.units = z.shape[1 if conv and z.ndim > 2 else -1] if z.ndim else 1
        observe_z(layer, z, describe(out.detach(), names="z"))
        self.origins[out] = Origin(len(self.traced) - 1)

        def back(grad: torch.Tensor) -> None:
            if layer.dz is None:
                layer.dz = describe(grad.detach(), names="dz")

        if out.requires_grad:
            out.register_hook(back)  # type: ignore[no-untyped-call]  # torch gives it no types

    # -- modules that own weights and call nothing that is seen

    def watch(self, name: str, module: torch.nn.Module, stack: ExitStack) -> None:
        """Be told when the module is called, until the stack is left."""
        for handle in (
            module.register_forward_pre_hook(lambda module, args: self._enter(name, module)),
            module.register_forward_hook(lambda module, args, out: self._leave(module, out)),
        ):
            stack.callback(handle.remove)

    def _enter(self, name: str, module: torch.nn.Module) -> None:
        if self.recording:
            self.calls.append(Call(name, module, len(self.traced)))

    def _leave(self, module: torch.nn.Module, out: object) -> None:
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
                self._observe(traced.layer, tensor)


def _value_and_scalar(loss: Loss, output: torch.Tensor, result: object) -> tuple[float | None, torch.Tensor]:
    """The loss, and what gradients are taken of."""
    target = torch.from_numpy(np.array(loss.target)) if isinstance(loss.target, np.ndarray) else loss.target
    if loss.kind == "random":
        cotangent = normal_(torch.empty(output.shape, dtype=output.dtype), generator=loss.generator)
        return None, (output * cotangent).sum()
    if loss.kind == "mse":
        value = torch.nn.functional.mse_loss(output, target.to(output.dtype))
    elif loss.kind == "cross_entropy":
        value = torch.nn.functional.cross_entropy(output, target)
    else:
        value = loss._replace(target=target).call(result)
    return float(value.detach()), value


def _gradients(scalar: torch.Tensor, model: torch.nn.Module) -> dict[int, torch.Tensor | None]:
    """dL/d(parameter), by the parameter's id."""
    if not scalar.requires_grad:
        return {}
    wanted = {id(p): p for p in model.parameters() if p.requires_grad and p.is_floating_point()}
    try:
        inputs: list[torch.Tensor] = [*wanted.values()] or [scalar]
        found = torch.autograd.grad(scalar, inputs, allow_unused=True)
    except RuntimeError as error:
        if "checkpoint" in str(error):
            raise TypeError(
                "model uses re-entrant checkpointing, whose gradients cannot be asked for; use_reentrant=False can"
            ) from error
        raise
    return dict(zip(wanted, found, strict=False))


def _observe_gradient(traced: Traced, gradient: torch.Tensor) -> None:
    assert traced.parameter is not None
    traced.layer.dw = describe(gradient, names="dw")
    if not traced.layout:
        return
    rows, drows = _plain(traced.parameter), _plain(gradient)
    if traced.layout != "OI..." and rows.ndim >= 2:
        axis = 1 if traced.layout == "IO..." else rows.ndim - 1
        rows, drows = np.moveaxis(rows, axis, 0), np.moveaxis(drows, axis, 0)
    observe_copies(traced.layer, rows, traced.bias, drows)


def measure(model: torch.nn.Module, x: object, loss: Loss, min_batch: int) -> Network:
    """One pass forward and one back, under observation."""
    model = unwrap(model)
    tracer = _Tracer(model, min_batch)
    with guarded(model, x, loss.target):
        args, kwargs = arguments(model, x)
        batch = next((len(t) for t in tensors(args, kwargs) if t.ndim), 0)
        with ExitStack() as stack:
            stack.callback(setattr, tracer, "recording", False)
            for name, module in model.named_modules():
                tracer.watch(name, module, stack)
            with tracer:
                result = model(*args, **kwargs)
            tracer.recording = False
            output = next((t for t in tensors(result) if t.is_floating_point()), None)
            if output is None:
                raise TypeError(
                    f"the model returned {type(result).__name__} without a tensor of floats, so there is nothing to "
                    "take a gradient of"
                )
            value, scalar = _value_and_scalar(loss, output, result)
            gradients = _gradients(scalar, model)
        for traced in tracer.traced:
            gradient = gradients.get(id(traced.parameter))
            if gradient is not None:
                _observe_gradient(traced, gradient)
    classes = output.shape[1] if loss.kind == "cross_entropy" and output.ndim > 1 else None
    return Network([traced.layer for traced in tracer.traced], batch, value, classes)
