"""sigmoid and tanh for torch, whose backward passes are right in the tails. Importing this module imports torch.

Examples
--------
>>> import torch, fastinit.autograd
>>> z = torch.tensor([20.0], requires_grad=True)
>>> fastinit.autograd.sigmoid(z).backward()
>>> f"{z.grad.item():.3e}", torch.sigmoid(z) * (1 - torch.sigmoid(z)) == 0
('2.061e-09', tensor([True]))
"""

import numpy as np
import torch
from torch.overrides import handle_torch_function, has_torch_function_unary

from . import _core

__all__ = ["sigmoid", "tanh"]


def _apply(ufunc, *tensors: torch.Tensor) -> torch.Tensor:
    """A ufunc of CPU tensors; bfloat16 by way of float32."""
    if any(t.device.type != "cpu" for t in tensors):
        raise TypeError(f"z is on {tensors[-1].device}; fastinit.autograd works on CPU tensors")
    half = tensors[-1].dtype == torch.bfloat16
    arrays = ((t.detach().float() if half else t.detach()).numpy() for t in tensors)
    result = torch.from_numpy(np.asarray(ufunc(*arrays)))
    return result.to(torch.bfloat16) if half else result


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, ufunc, backward):
        ctx.save_for_backward(z)
        ctx.ufunc = backward
        return _apply(ufunc, z)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        return _apply(ctx.ufunc, grad, z), None, None


def sigmoid(z: torch.Tensor) -> torch.Tensor:
    """torch.sigmoid, with a gradient that does not become 0 from z = 17 on.

    Parameters
    ----------
    z : torch.Tensor
        On the CPU: float16, bfloat16, float32 or float64.

    Returns
    -------
    torch.Tensor

    Raises
    ------
    TypeError
        A tensor on another device.

    Examples
    --------
    >>> import torch, fastinit.autograd
    >>> fastinit.autograd.sigmoid(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """
    if has_torch_function_unary(z):  # what watches torch's own functions sees this one too
        return handle_torch_function(sigmoid, (z,), z)
    return _Activation.apply(z, _core.sigmoid, _core.sigmoid_backward)


def tanh(z: torch.Tensor) -> torch.Tensor:
    """torch.tanh, with a gradient that does not become 0 from z = 9 on.

    Parameters
    ----------
    z : torch.Tensor
        On the CPU: float16, bfloat16, float32 or float64.

    Returns
    -------
    torch.Tensor

    Raises
    ------
    TypeError
        A tensor on another device.

    Examples
    --------
    >>> import torch, fastinit.autograd
    >>> fastinit.autograd.tanh(torch.zeros(2))
    tensor([0., 0.])
    """
    if has_torch_function_unary(z):  # what watches torch's own functions sees this one too
        return handle_torch_function(tanh, (z,), z)
    return _Activation.apply(z, _core.tanh, _core.tanh_backward)
