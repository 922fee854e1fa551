"""sigmoid and tanh for torch, right in the tails however often differentiated. Importing this module imports torch.

Let c be 1 for the sigmoid and 2 for tanh. The C kernels give f(z) and g f'(z), and

    f''(z) = -c tanh(c z / 2) f'(z)

in which nothing cancels, in the tails as 1 - 2 sigmoid(z) does not, near 0 as it does. So two Functions, f(z) and
g f'(z), have derivatives made of themselves alone: backward, forward and in batches, as many as are wanted.

Examples
--------
>>> import torch, fastinit.autograd
>>> z = torch.tensor([20.0], requires_grad=True)
>>> fastinit.autograd.sigmoid(z).backward()
>>> f"{z.grad.item():.3e}", torch.sigmoid(z) * (1 - torch.sigmoid(z)) == 0
('2.061e-09', tensor([True]))
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import handle_torch_function, has_torch_function_unary

from . import _core

__all__ = ["sigmoid", "tanh"]

_STEEPNESS = {"sigmoid": 1, "tanh": 2}  # c
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

_untyped: Any = torch  # the parts of it that have no types
_Operator = Callable[..., torch.Tensor]


# ---- the ufuncs as operators of torch's dispatcher, which minds fake tensors, zero tensors, negated views ------------


def _array(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """The tensor's memory. .numpy() alone would leave a storage that can never be resized again."""
    array: np.ndarray[Any, Any] = _untyped.from_dlpack(_untyped.to_dlpack(tensor)).numpy()
    return array


def _kernel(ufunc: np.ufunc) -> _Operator:
    """A ufunc of tensors like the last of them; bfloat16 by way of float32."""

    def kernel(*tensors: torch.Tensor) -> torch.Tensor:
        z = tensors[-1]
        if z.dtype == torch.bfloat16:
            return kernel(*(tensor.float() for tensor in tensors)).to(torch.bfloat16)
        out = torch.empty_like(z)
        ufunc(*map(_array, (*tensors, out)))
        return out

    return kernel


def _without_values(*tensors: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(tensors[-1])


def _define(name: str, arguments: str, kernels: dict[str, _Operator]) -> _Operator:
    """torch.ops.fastinit.name, by dispatch keys."""
    _library.define(f"{name}({arguments}) -> Tensor")
    for key, kernel in kernels.items():
        _library.impl(name, kernel, key)
    operator: _Operator = getattr(torch.ops.fastinit, name).default
    return operator


_library = _untyped.library.Library("fastinit", "FRAGMENT")


def _define_ufunc(name: str, arguments: str) -> _Operator:
    """A ufunc as it is, which knows nothing of derivatives."""
    return _define(f"_{name}", arguments, {"CPU": _kernel(getattr(_core, name)), "Meta": _without_values})


_FORWARD = {f: _define_ufunc(f, "Tensor z") for f in _STEEPNESS}
_BACKWARD = {f: _define_ufunc(f"{f}_backward", "Tensor grad, Tensor z") for f in _STEEPNESS}


# ---- what is differentiated ------------------------------------------------------------------------------------------


class _Function(torch.autograd.Function):
    @classmethod
    def apply(cls, *args: Any) -> torch.Tensor:
        """Without the binding of default arguments, by which torch's own takes twice as long."""
        parent: Any = super() if torch._C._are_functorch_transforms_active() else super(torch.autograd.Function, cls)
        result: torch.Tensor = parent.apply(*args)
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        *tensors, ctx.f = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)


class _Value(_Function):
    """f(z)"""

    @staticmethod
    def forward(z: torch.Tensor, f: str) -> torch.Tensor:
        return _FORWARD[f](z)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        (z,) = ctx.saved_tensors
        return _Product.apply(grad, z, ctx.f), None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> torch.Tensor:
        (z,) = ctx.saved_tensors
        return _Product.apply(tangent, z, ctx.f)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: torch.Tensor, f: str) -> tuple[torch.Tensor, int]:
        return _Value.apply(z, f), in_dims[0]


class _Product(_Function):
    """g f'(z), g and z of one shape"""

    @staticmethod
    def forward(g: torch.Tensor, z: torch.Tensor, f: str) -> torch.Tensor:
        return _BACKWARD[f](g, z)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        g, z = ctx.saved_tensors
        along_g = _Product.apply(grad, z, ctx.f)
        return along_g, g * along_g * _log_slope(z, ctx.f), None

    @staticmethod
    def jvp(ctx: Any, g_tangent: torch.Tensor, z_tangent: torch.Tensor, _: None) -> torch.Tensor:
        forward_mode = _untyped.autograd.forward_ad
        g, z = (forward_mode.unpack_dual(tensor).primal for tensor in ctx.saved_tensors)
        # torch turns it off for a jvp; plain operators would then have no tangents, and a third derivative would be 0
        with forward_mode._set_fwd_grad_enabled(True):
            along_z: torch.Tensor = g * _Product.apply(z_tangent, z, ctx.f) * _log_slope(z, ctx.f)
            return _Product.apply(g_tangent, z, ctx.f) + along_z

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, int | None, None], g: torch.Tensor, z: torch.Tensor, f: str
    ) -> tuple[torch.Tensor, int]:
        g, z = (tensor if dim is None else tensor.movedim(dim, 0) for tensor, dim in ((g, in_dims[0]), (z, in_dims[1])))
        shape = max(g.shape, z.shape, key=len)
        return _Product.apply(g.expand(shape), z.expand(shape), f), 0


def _log_slope(z: torch.Tensor, f: str) -> torch.Tensor:
    """f''(z) / f'(z)"""
    c = _STEEPNESS[f]
    return _Value.apply(z * (c / 2), "tanh").mul(-c)


# ---- what is compiled: torch.compile does not read a Function with a jvp, but keeps an operator whole ----------------


def _define_whole(f: str) -> _Operator:
    """With its derivatives, without torch.func's transforms and under them."""

    def whole(z: torch.Tensor) -> torch.Tensor:
        return _Value.apply(z, f)

    return _define(f, "Tensor z", {"CompositeImplicitAutograd": whole, "FuncTorchDynamicLayerFrontMode": whole})


_WHOLE = {f: _define_whole(f) for f in _STEEPNESS}


# ---- what is called --------------------------------------------------------------------------------------------------


def _value(z: torch.Tensor, f: str) -> torch.Tensor:
    if not (isinstance(z, torch.Tensor) and z.is_cpu and z.layout == torch.strided and z.dtype in _DTYPES):
        z = _promoted(z, f)
    return _WHOLE[f](z) if torch.compiler.is_compiling() else _Value.apply(z, f)


def _promoted(z: torch.Tensor, f: str) -> torch.Tensor:
    """Integers in torch's default dtype; a TypeError for what is not for the CPU kernels."""
    if not isinstance(z, torch.Tensor):
        kind = f"{type(z).__module__}.{type(z).__name__}".removeprefix("builtins.")
        raise TypeError(f"z is of type {kind}; give a torch tensor here, or take fastinit.{f}")
    if not z.is_cpu:
        raise TypeError(f"z is on {z.device}; fastinit.autograd works on CPU tensors")
    if z.layout != torch.strided:
        raise TypeError(f"z has layout {z.layout}; give z.to_dense()")
    if z.is_floating_point() or z.is_complex():
        raise TypeError(f"z has dtype {z.dtype}; give float16, bfloat16, float32 or float64")
    return z.to(torch.get_default_dtype())


def sigmoid(z: torch.Tensor) -> torch.Tensor:
    """torch.sigmoid, with a gradient that does not become 0 from z = 17 on.

    Parameters
    ----------
    z : torch.Tensor
        On the CPU: float16, bfloat16, float32 or float64; integers become torch's default dtype.

    Returns
    -------
    torch.Tensor
        Of z's shape and dtype. Any number of derivatives can be taken, in all of torch's ways: backward, forward, by
        torch.func, under vmap and torch.compile.

    Raises
    ------
    TypeError
        A tensor on another device, sparse, or of another dtype.

    Examples
    --------
    >>> import torch, fastinit.autograd
    >>> fastinit.autograd.sigmoid(torch.zeros(2))
    tensor([0.5000, 0.5000])
    >>> bend = torch.func.grad(torch.func.grad(fastinit.autograd.sigmoid))
    >>> f"{bend(torch.tensor(40.0)):.3e}"
    '-4.248e-18'
    """
    if has_torch_function_unary(z):  # what watches torch's own functions sees this one too
        return handle_torch_function(sigmoid, (z,), z)
    return _value(z, "sigmoid")


def tanh(z: torch.Tensor) -> torch.Tensor:
    """torch.tanh, with a gradient that does not become 0 from z = 9 on.

    Parameters
    ----------
    z : torch.Tensor
        On the CPU: float16, bfloat16, float32 or float64; integers become torch's default dtype.

    Returns
    -------
    torch.Tensor
        Of z's shape and dtype. Any number of derivatives can be taken, in all of torch's ways: backward, forward, by
        torch.func, under vmap and torch.compile.

    Raises
    ------
    TypeError
        A tensor on another device, sparse, or of another dtype.

    Examples
    --------
    >>> import torch, fastinit.autograd
    >>> fastinit.autograd.tanh(torch.zeros(2))
    tensor([0., 0.])
    >>> bend = torch.func.grad(torch.func.grad(fastinit.autograd.tanh))
    >>> f"{bend(torch.tensor(20.0)):.3e}"
    '-3.399e-17'
    """
    if has_torch_function_unary(z):  # what watches torch's own functions sees this one too
        return handle_torch_function(tanh, (z,), z)
    return _value(z, "tanh")
