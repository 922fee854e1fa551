"""The gate: what can be filled, as an array over the same memory; and a sentence for what cannot."""

import math
import sys

import numpy as np

from . import _core

DTYPES = {dtype.name: dtype for dtype in _core.DTYPES}
# NumPy's dtype -> that of the C core; a complex tensor is filled as its real pairs
_CODES = {"e": "float16", "f": "float32", "d": "float64", "F": "float32", "D": "float64"}
CODES = {char: DTYPES[name] for char, name in _CODES.items()}


class Opened:
    """A tensor as the kernels see it: an array over its memory, and the core's Dtype (None: not a float)."""

    __slots__ = ("tensor", "array", "dtype", "shape", "is_torch", "is_complex")

    def __init__(self, tensor, array, dtype, shape, is_torch, is_complex):
        self.tensor, self.array, self.dtype, self.shape = tensor, array, dtype, shape
        self.is_torch, self.is_complex = is_torch, is_complex

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def done(self):
        """Tell autograd that the tensor changed, and return the very object that was given."""
        if self.is_torch and not self.tensor.is_inference():
            sys.modules["torch"].autograd.graph.increment_version(self.tensor)
        return self.tensor


def check_fits(dtype: _core.Dtype, **values: float) -> None:
    """Every value is a finite number that the dtype can hold."""
    for name, value in values.items():
        if -dtype.largest <= value <= dtype.largest:
            continue
        if not math.isfinite(value):
            raise ValueError(f"{name}={value!r}; give a finite number")
        raise ValueError(
            f"{name}={value!r} overflows {dtype.name}, whose largest value is {dtype.largest:g}; give less, or use a wider dtype"
        )


def round_to_dtype(dtype: _core.Dtype, value: float) -> float:
    """To the nearest value of the dtype, if it is a half; the C core rounds to float32."""
    if dtype.name == "float16":
        return float(np.float16(value))
    if dtype.name == "bfloat16":
        bits = int(np.float32(value).view(np.uint32))
        return float(np.uint32((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32))
    return value


def open_floating(tensor) -> "Opened | None":
    """Open a tensor for random values: floating or complex. None for a torch tensor without memory (meta)."""
    opened = _open_plain(tensor) or open_any(tensor)
    if opened is not None and opened.dtype is None:
        raise TypeError(
            f"tensor has dtype {tensor.dtype}; random values need float16, bfloat16, float32, float64, complex64 or complex128"
        )
    return opened


def _open_plain(tensor) -> "Opened | None":
    """The common cases, fast: real, contiguous, of no special kind. None: look closer."""
    if dtype := _core.plain(tensor):
        return Opened(tensor, tensor, dtype, tensor.shape, False, False)
    if (torch := sys.modules.get("torch")) and type(tensor) in (torch.Tensor, torch.nn.Parameter):
        try:
            array = tensor.detach().numpy()  # refused where the memory is elsewhere, or not plain numbers
        except (TypeError, RuntimeError):
            return None
        if dtype := _core.plain(array):
            return Opened(tensor, array, dtype, array.shape, True, False)
    return None


def open_any(tensor) -> "Opened | None":
    """Open a tensor of any numeric dtype."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(tensor, torch.Tensor):
        return _open_torch(tensor, torch)
    if not isinstance(tensor, np.ndarray):
        raise TypeError(_why_not_a_tensor(tensor))
    if isinstance(tensor, np.ma.MaskedArray):
        raise TypeError("tensor is a masked array, whose mask a fill would ignore; fill its .data")
    dtype = tensor.dtype
    if dtype.kind not in "biufc" and dtype.name != "bfloat16":
        raise TypeError(
            f"tensor has dtype {dtype}; give an array of numbers, such as np.empty({tensor.shape}, np.float32)"
        )
    if not tensor.flags.writeable:
        raise ValueError("tensor is read-only; give a writeable array (np.array(tensor) makes a copy that is)")
    if _overlaps_itself(tensor):
        raise ValueError(
            f"tensor has elements that share memory (shape {tensor.shape}, strides {tensor.strides}), so they cannot each "
            "be given a value; give np.empty(shape) or a copy"
        )
    drawn = DTYPES["bfloat16"] if dtype.name == "bfloat16" else CODES.get(dtype.char)
    return Opened(tensor, tensor, drawn, tensor.shape, False, dtype.kind == "c")


def _why_not_a_tensor(tensor) -> str:
    kind = type(tensor).__name__
    given = f"tensor is of type {kind}; "
    if isinstance(tensor, tuple) and all(isinstance(n, (int, np.integer)) for n in tensor):
        return f"tensor is a shape, {tensor}; give the array to fill: np.empty({tensor}, np.float32)"
    if isinstance(tensor, (list, tuple)):
        return given + "give a NumPy array (np.array(tensor)) or a torch tensor: a fill happens in place"
    if type(tensor).__module__.split(".")[0] in ("jax", "jaxlib"):
        return given + "JAX arrays are immutable; fill a NumPy array and pass it to jax.numpy.asarray"
    return given + "give a NumPy array or a torch CPU tensor, which is filled in place"


def _overlaps_itself(array: np.ndarray) -> bool:
    """Whether two elements of an array share memory."""
    if array.flags.c_contiguous or array.flags.f_contiguous or array.size < 2:
        return False
    axes = sorted((abs(step), n) for step, n in zip(array.strides, array.shape, strict=True) if n > 1)
    reach = array.itemsize  # bytes that the axes so far span: if each steps over the ones before it, nothing is shared
    apart = True
    for step, n in axes:
        apart = apart and step >= reach
        reach += step * (n - 1)
    if apart or any(step < array.itemsize and step == 0 for step, _ in axes):
        return not apart
    starts = np.zeros(1, np.int64)  # interleaved axes (as_strided): look at every address
    for step, n in axes:
        starts = (starts[:, None] + step * np.arange(n)).ravel()
    starts.sort()
    return bool((np.diff(starts) < array.itemsize).any())


def _open_torch(tensor, torch) -> "Opened | None":
    name = type(tensor).__name__
    if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
        raise TypeError(f"tensor is an {name} without a shape yet; run the lazy module once, then fill it")
    if tensor.device.type == "meta":
        return None
    if tensor.layout is not torch.strided:
        raise TypeError(f"tensor has layout {tensor.layout}; give a dense tensor (tensor.to_dense() makes one)")
    if tensor.is_quantized:
        raise TypeError(f"tensor is quantized ({tensor.dtype}); fill a float tensor and quantize that")
    if tensor.device.type != "cpu":
        raise TypeError(
            f"tensor is on {tensor.device}; fill a tensor on the CPU and move it there: tensor.copy_(filled)"
        )
    if tensor.is_conj() or tensor.is_neg():
        raise TypeError(
            "tensor is a conj or neg view, which its memory does not show; fill tensor.resolve_conj().resolve_neg()"
        )
    try:
        plain = tensor.detach()
        missing = type(plain) not in (torch.Tensor, torch.nn.Parameter) and hasattr(plain, "__tensor_flatten__")
        missing = missing or (tensor.numel() > 0 and plain.data_ptr() == 0)
    except RuntimeError:
        missing = True
    if missing:
        raise TypeError(
            f"tensor is a {name}, whose memory is elsewhere; fill its local part (for a DTensor, tensor.to_local())"
        )
    if any(step == 0 and n > 1 for step, n in zip(plain.stride(), plain.shape, strict=True)):
        raise ValueError(
            f"tensor has elements that share memory (shape {tuple(plain.shape)}, strides {plain.stride()}); give a clone"
        )
    name = {"complex64": "float32", "complex128": "float64"}.get(name := str(tensor.dtype).removeprefix("torch."), name)
    dtype = DTYPES.get(name)
    if dtype is None:
        return Opened(tensor, None, None, tuple(tensor.shape), True, False)  # whole numbers: torch's own constant fills
    array = (plain.view(torch.int16) if name == "bfloat16" else plain).numpy()
    if _overlaps_itself(array):
        raise ValueError(
            f"tensor has elements that share memory (shape {tuple(plain.shape)}, strides {plain.stride()}); give a clone"
        )
    return Opened(tensor, array, dtype, array.shape, True, tensor.is_complex())


def write(opened: Opened, values: np.ndarray) -> None:
    """Copy an array of the tensor's shape into it, whatever its dtype."""
    if opened.is_torch:
        torch = sys.modules["torch"]
        with torch.no_grad():
            opened.tensor.copy_(torch.from_numpy(np.ascontiguousarray(values)))
    else:
        opened.array[...] = values
