"""A torch module's layers, as they are called: a TorchFunctionMode sees what is computed, tensor hooks what comes back.

No module hook returns anything and no tensor is kept: each is reduced to Stats where it is met, so in-place operations that
follow change nothing. Module backward hooks are not used: they break on in-place activations.
"""

import math
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from . import probing
from .initializers.fans import compute_fans
from .initializers.matrices import orthogonal_
from .initializers.random import normal_
from .registry import activations
from .statistics import describe

_LINEAR = {"linear", "matmul", "mm", "addmm", "__matmul__", "__rmatmul__"}
_CONVOLUTIONS = {f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")}
_SAME = {  # pass a signal on as it is
    "view", "reshape", "flatten", "permute", "transpose", "t", "contiguous", "unsqueeze", "squeeze", "to", "float",
    "clone", "movedim", "expand", "chunk", "split", "__getitem__", "detach", "requires_grad_", "type_as", "unflatten",
}  # fmt: skip
_NORMS = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize", "local_response_norm"}


def _tensors(*values):
    """The tensors in arguments or results: tuples, lists and dicts are looked into, other objects too if torch knows them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(*value)
        elif isinstance(value, Mapping):
            yield from _tensors(*value.values())
        elif value is not None and not isinstance(value, (int, float, str, torch.dtype, torch.device)):
            yield from (t for t in tree_leaves(value) if isinstance(t, torch.Tensor))


def _plain(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()


def _unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """The module itself; a TypeError for what cannot be looked into."""
    while True:
        if type(model).__name__ in ("FullyShardedDataParallel", "FSDPModule"):
            raise TypeError(
                "model is sharded (FSDP), so no process has its layers whole; probe it before it is wrapped"
            )
        if isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            model = model.module
        elif hasattr(model, "_orig_mod"):
            model = model._orig_mod
        else:
            break
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError(
            "model is a TorchScript module, whose layers are called out of sight; probe the Python module it was made from"
        )
    for name, parameter in model.named_parameters():
        if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
            raise TypeError(
                f"parameter {name} has no shape yet (a lazy module); call the model once on a batch, then probe it"
            )
        if parameter.is_inference():
            raise TypeError(
                f"parameter {name} was made under torch.inference_mode(), so no gradient can reach it; make the model outside"
            )
        if parameter.device.type != "cpu":
            raise TypeError(f"parameter {name} is on {parameter.device}; give model.cpu()")
    return model


@contextmanager
def _as_it_came(model: torch.nn.Module):
    """Buffers and random state are put back; gradients are enabled; compiled code runs eagerly."""
    buffers = [
        (module, name, b, None if b is None else b.detach().clone())
        for module in model.modules()
        for name, b in module._buffers.items()
    ]
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):  # else nothing is compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            yield
        finally:
            with torch.no_grad():
                for module, name, buffer, values in buffers:
                    module._buffers[name] = buffer
                    if buffer is not None:
                        buffer.copy_(values)


def _arguments(model: torch.nn.Module, x) -> tuple[tuple, dict]:
    """x as positional and named arguments; NumPy arrays become tensors, inference tensors are cloned."""
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.get_default_dtype())

    def one(value):
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.array(value))
            value = value.to(dtype) if value.is_floating_point() else value
        return value.clone() if isinstance(value, torch.Tensor) and value.is_inference() else value

    if isinstance(x, Mapping):
        return (), {name: one(value) for name, value in x.items()}
    return tuple(one(value) for value in x) if isinstance(x, (tuple, list)) else (one(x),), {}


class _Tracer(TorchFunctionMode):
    def __init__(self, model: torch.nn.Module, limits: "probing.Thresholds"):
        super().__init__()
        self.limits, self.layers, self.recording = limits, [], True
        self.tags = (
            WeakIdKeyDictionary()
        )  # tensor -> (layer it comes from, passed on as it was, through a norm, activated)
        self.calls: list[list] = []  # of modules under way: name, module, layers seen before
        self.count: Counter = Counter()
        self.parameters = {}  # storage -> name, parameter
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2 and parameter.is_floating_point():
                self.parameters[parameter.untyped_storage().data_ptr()] = (name, parameter)
        self.owned: dict[int, torch.Tensor] = {}  # layer -> the parameter whose gradient is its dL/dW
        self.biases: dict[int, np.ndarray] = {}

    # -- what is called

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not self.recording:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name == "__get__":
            out = func(*args, **kwargs)
            if isinstance(out, torch.Tensor) and args and isinstance(args[0], torch.Tensor) and args[0] in self.tags:
                self.tags[out] = self.tags[args[0]]
            return out
        tags = {tag for t in _tensors(args, kwargs) if (tag := self.tags.get(t)) is not None}
        activation = self._activation(name, args, kwargs)
        tag = max(tags, default=None)
        if activation and tag is not None and self.layers[tag[0]].activation is None and args[0].is_floating_point():
            layer = self.layers[tag[0]]
            z = _plain(args[0])
            z = np.moveaxis(z, 1, -1) if layer.kind.startswith("Conv") and z.ndim > 2 else z
            probing.observe_activation(layer, activation, z, self.limits.min_batch)
            layer.normalized = tag[2]
            out = func(*args, **kwargs)
            layer.a = describe(out.detach(), names="a")
            self.tags[out] = (tag[0], tag[1], tag[2], True)
            return out
        out = func(*args, **kwargs)
        if (
            isinstance(out, torch.Tensor)
            and out.is_floating_point()
            and (weight := self._weight(name, args, kwargs)) is not None
        ):
            self._layer(name, weight, out, args, kwargs)
        elif tags:
            same = len(tags) == 1 and name in _SAME
            passed = (tag[0], tag[1] and same, tag[2] or name in _NORMS, tag[3])
            for t in _tensors(out):
                self.tags[t] = passed
        return out

    @staticmethod
    def _activation(name: str, args, kwargs) -> "str | None":
        name = name.removesuffix("_")
        if name == "gelu" and kwargs.get("approximate", "none") == "tanh":
            return "gelu_tanh"
        if (
            name in ("linear", "squared_relu")
            or name not in activations
            or not args
            or not isinstance(args[0], torch.Tensor)
        ):
            return None
        return name

    def _weight(self, name: str, args, kwargs):
        if name in ("linear", *_CONVOLUTIONS):
            return kwargs["weight"] if "weight" in kwargs else args[1]
        if name in _LINEAR:
            for t in args:
                if isinstance(t, torch.Tensor) and t.ndim >= 2 and t.untyped_storage().data_ptr() in self.parameters:
                    return t
        return None

    def _layer(self, function: str, weight: torch.Tensor, out: torch.Tensor, args, kwargs) -> None:
        known = self.parameters.get(weight.untyped_storage().data_ptr())
        module_name, module = self.calls[-1][:2] if self.calls else ("", None)
        name = known[0].removesuffix("weight").removesuffix(".") if known else module_name
        kind = type(module).__name__ if module is not None and name == module_name else function
        name = name or kind
        # conv(input, weight, bias, stride, padding, dilation, groups); transposed: (..., padding, output_padding, groups, dilation)
        groups = kwargs.get("groups", args[6] if function in _CONVOLUTIONS and len(args) > 6 else 1)
        layout = "IO..." if function.startswith("conv_transpose") else "OI..."
        if function in _LINEAR - {"linear"} and known and (weight.shape == known[1].shape or weight.ndim != 2):
            layout = "...IO"
        bias = None
        if function in ("linear", *_CONVOLUTIONS):
            bias = kwargs.get("bias", args[2] if len(args) > 2 else None)
        source = args[0] if isinstance(args[0], torch.Tensor) else None
        layer = self._begin(name, "Conv" + kind[4:] if kind.startswith("conv") else kind, weight, bias, layout, groups)
        if source is not None and source in self.tags and self.tags[source][1] and self.tags[source][3]:
            layer.before = self.tags[source][0]
        number = len(self.layers) - 1
        self.owned[number] = known[1] if known else self._parametrized(module, weight)
        if bias is not None:
            self.biases[number] = _plain(bias)
        self._observe(number, out, conv=function in _CONVOLUTIONS)
        self.tags[out] = (number, True, False, False)

    @staticmethod
    def _parametrized(module, weight: torch.Tensor) -> "torch.Tensor | None":
        if module is None:
            return None
        return max((p for p in module.parameters() if p.ndim >= 2), key=torch.Tensor.numel, default=None)

    def _begin(self, name: str, kind: str, weight, bias, layout: str, groups: int) -> "probing.Layer":
        self.count[name] += 1
        call = self.count[name]
        layer = probing.Layer(
            name if call == 1 else f"{name}#{call}",
            kind,
            parameter=weight.untyped_storage().data_ptr() if weight is not None else None,
        )
        self.layers.append(layer)
        if weight is not None:
            plain = weight.detach()
            fans = compute_fans(tuple(plain.shape), layout=layout, groups=groups) if layout else None
            probing.observe_weight(layer, _plain(plain), fans, describe(plain, names="weight"))
        if bias is not None:
            layer.bias = describe(bias.detach(), names="bias")
        layer.layout = layout
        return layer

    def _observe(self, number: int, out: torch.Tensor, conv: bool = False) -> None:
        layer = self.layers[number]
        z = _plain(out)
        layer.units = z.shape[1 if conv and z.ndim > 2 else -1] if z.ndim else 1
        probing.observe_z(layer, z, describe(out.detach(), names="z"))
        if out.requires_grad:

            def back(grad, layer=layer):
                if layer.dz is None:
                    layer.dz = describe(grad.detach(), names="dz")

            out.register_hook(back)

    # -- modules that own weights and call nothing that is seen

    def enter(self, name: str, module: torch.nn.Module) -> None:
        if self.recording:
            self.calls.append([name, module, len(self.layers)])

    def leave(self, module: torch.nn.Module, out) -> None:
        if not self.recording:
            return
        name, _, before = self.calls.pop()
        if (
            len(self.layers) > before
            or not module._parameters
            or isinstance(module, torch.nn.utils.parametrize.ParametrizationList)
        ):
            return
        with torch._C.DisableTorchFunction():
            weights = [p for p in module.parameters(recurse=False) if p.ndim >= 2 and p.is_floating_point()]
            outputs = [t for t in _tensors(out) if t.is_floating_point()]
            if not weights:
                return
            weight, name = max(weights, key=torch.Tensor.numel), name or type(module).__name__
            for i, tensor in enumerate(outputs):
                self._begin(name if len(outputs) == 1 else f"{name}.{i}", type(module).__name__, weight, None, "", 1)
                self.owned[len(self.layers) - 1] = weight
                self._observe(len(self.layers) - 1, tensor)
                self.tags[tensor] = (len(self.layers) - 1, True, False, False)


def _loss(loss, output: torch.Tensor, target, generator) -> tuple["float | None", torch.Tensor]:
    target = torch.from_numpy(np.array(target)) if isinstance(target, np.ndarray) else target
    if loss == "random":
        cotangent = torch.empty(output.shape, dtype=output.dtype)
        normal_(cotangent, generator=probing._as_generator(generator))
        return None, (output * cotangent).sum()
    if loss in ("mse", "cross_entropy"):
        if target is None:
            raise ValueError(f"loss={loss!r} needs target=")
        function = torch.nn.functional.mse_loss if loss == "mse" else torch.nn.functional.cross_entropy
        value = function(output, target.to(output.dtype) if loss == "mse" else target)
    elif callable(loss):
        value = loss(output) if target is None else loss(output, target)
    else:
        raise ValueError(
            f"loss={loss!r} is unknown; give 'random', 'mse', 'cross_entropy' or a callable that returns the loss"
        )
    return float(value.detach()), value


def trace(model, x, target, loss, limits, generator) -> "tuple[list[probing.Layer], float | None, int, int | None]":
    """Forward and backward under observation."""
    model = _unwrap(model)
    tracer = _Tracer(model, limits)
    handles = []
    with _as_it_came(model):
        args, kwargs = _arguments(model, x)
        batch = next((len(t) for t in _tensors(args, kwargs) if t.ndim), 0)
        try:
            for name, module in model.named_modules():
                handles.append(
                    module.register_forward_pre_hook(lambda module, args, name=name: tracer.enter(name, module))
                )
                handles.append(module.register_forward_hook(lambda module, args, out: tracer.leave(module, out)))
            with tracer:
                result = model(*args, **kwargs)
            tracer.recording = False
            output = next((t for t in _tensors(result) if t.is_floating_point()), None)
            if output is None:
                raise TypeError(
                    f"the model returned {type(result).__name__} without a tensor of floats, so there is nothing to take a gradient of"
                )
            value, scalar = _loss(loss, output if not callable(loss) else result, target, generator)
            wanted = {id(p): p for p in model.parameters() if p.requires_grad and p.is_floating_point()}
            if scalar.requires_grad:
                try:
                    found = torch.autograd.grad(scalar, list(wanted.values()) or [scalar], allow_unused=True)
                except RuntimeError as error:
                    if "checkpoint" in str(error):
                        raise TypeError(
                            "model uses re-entrant checkpointing, whose gradients cannot be asked for; use_reentrant=False can"
                        ) from error
                    raise
                gradients = dict(zip(wanted, found, strict=False))
            else:
                gradients = {}
        finally:
            tracer.recording = False
            for handle in handles:
                handle.remove()
        for i, layer in enumerate(tracer.layers):
            parameter = tracer.owned.get(i)
            gradient = gradients.get(id(parameter)) if parameter is not None else None
            if gradient is None:
                continue
            layer.dw = describe(gradient, names="dw")
            if layer.layout:
                rows, drows = _plain(parameter), _plain(gradient)
                if layer.layout != "OI..." and rows.ndim >= 2:
                    axis = 1 if layer.layout == "IO..." else rows.ndim - 1
                    rows, drows = np.moveaxis(rows, axis, 0), np.moveaxis(drows, axis, 0)
                probing.observe_copies(layer, rows, tracer.biases.get(i), drows)
    classes = output.shape[1] if loss == "cross_entropy" and output.ndim > 1 else None
    return tracer.layers, value, batch, classes


def scale_layers(model, x, tolerance: float, iterations: int, orthogonal: bool, root) -> list[list]:
    """LSUV in one forward pass: each layer is scaled as it is first called, before the next one sees what it gives."""
    model = _unwrap(model)
    rows, seen, handles = [], set(), []

    def scale(module, args, kwargs, out, name):
        if id(module) in seen:
            return None
        seen.add(id(module))
        if orthogonal:
            orthogonal_(module.weight, generator=probing.layer_generator(root, name))
        rows.append(
            probing.scale_layer(
                name, module.weight, lambda: module.forward(*args, **kwargs).detach(), tolerance, iterations
            )
        )
        return module.forward(*args, **kwargs)

    kinds = (torch.nn.Linear, *(getattr(torch.nn, f"Conv{t}{n}d") for n in (1, 2, 3) for t in ("", "Transpose")))
    with _as_it_came(model), torch.no_grad():
        args, kwargs = _arguments(model, x)
        try:
            for name, module in model.named_modules():
                if isinstance(module, kinds):
                    if torch.nn.utils.parametrize.is_parametrized(module):
                        raise TypeError(
                            f"the weight of {name} is parametrized and cannot be scaled in place; remove the parametrization first"
                        )
                    handles.append(
                        module.register_forward_hook(
                            lambda m, a, k, o, name=name: scale(m, a, k, o, name), with_kwargs=True
                        )
                    )
            model(*args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()
    if not rows or any(not math.isfinite(row[2]) for row in rows):
        raise ValueError("model called no Linear or convolution layer; there was nothing to scale")
    return rows
