"""What a tensor is, for NumPy and for torch: the only file that asks "is it torch?".

torch is never imported here: a tensor of it can only come from where somebody else imported it. What the package asks:

    open_floating(tensor)   a tensor to be filled with random values, by `opened.fill`; None without memory (meta)
    backend_of(x)           what knows x's kind of tensor, NumPy or Torch; None for what is no tensor
    backend.read(x)         x's values, to be read only: (array, the core's Dtype or None, the dtype's name)
    to_fill(tensor)         backend_of, or a TypeError that says what to give
    is_module(x)            whether x is a torch.nn.Module
    backends()              all that there are now

A framework is one class, a `Backend`; a third one would be one more. Where a tensor's memory is not one array of the
CPU's, two files say what a fill is: devices.py (through a buffer), sharding.py (torch's DTensors: each rank its part).
"""

import abc
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from . import _core
from .checks import fits, number, warn

if TYPE_CHECKING:
    import torch

    Tensor = np.ndarray | torch.Tensor

T = TypeVar("T", bound="Tensor")


DTYPES = {dtype.name: dtype for dtype in _core.DTYPES}
# by a dtype's name, the dtype that the core draws: of a complex number, that of each part
DRAWN = DTYPES | {"complex64": DTYPES["float32"], "complex128": DTYPES["float64"]}


Block = tuple[tuple[int, ...], tuple[int, ...]] | tuple[None, None]  # the whole's shape, and where in it a part begins
WHOLE: Block = (None, None)
Law = Callable[..., None]  # one of the core's: (array, dtype, *parameters, seed, stream, global_shape, offset)


class Opened(abc.ABC, Generic[T]):
    """A tensor to be filled, with the dtype that the core draws."""

    __slots__ = ("backend", "dtype", "is_complex", "shape", "tensor")
    tensor: T
    dtype: _core.Dtype
    shape: tuple[int, ...]
    is_complex: bool
    backend: "Backend[T]"

    @abc.abstractmethod
    def fill(self, law: Law, parameters: tuple[float, ...], key: tuple[int, int], block: Block = WHOLE) -> T:
        """Fill by a law under one key, tell the framework, and return the very object that was given."""

    def within(self, block: Block) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """A block, outright."""
        shape, begin = block
        return (self.shape, (0,) * len(self.shape)) if shape is None or begin is None else (shape, begin)


class InMemory(Opened[T]):
    """The common case: there is an array over all of its memory."""

    __slots__ = ("array",)

    def __init__(
        self,
        tensor: T,
        array: np.ndarray,
        dtype: _core.Dtype,
        shape: tuple[int, ...],
        is_complex: bool,
        backend: "Backend[T]",
    ) -> None:
        self.tensor: T = tensor
        self.array: np.ndarray = array
        self.dtype: _core.Dtype = dtype
        self.shape: tuple[int, ...] = shape
        self.is_complex: bool = is_complex
        self.backend: Backend[T] = backend

    def fill(self, law: Law, parameters: tuple[float, ...], key: tuple[int, int], block: Block = WHOLE) -> T:
        law(self.array, self.dtype, *parameters, *key, *block)
        self.backend.changed(self.tensor)
        return self.tensor


@lru_cache(maxsize=64)
def _name_of(dtype: np.dtype) -> str:
    """A dtype's name, which NumPy puts together anew each time."""
    return dtype.name


class Values(NamedTuple):
    """A tensor to be read: an array over its memory, the core's dtype (None: integers or bool), the dtype's name."""

    array: np.ndarray
    dtype: _core.Dtype | None
    name: str


class Backend(abc.ABC, Generic[T]):
    """What a framework must answer."""

    @abc.abstractmethod
    def owns(self, x: object) -> bool:
        """Whether x is a tensor of this framework."""

    def is_module(self, x: object) -> bool:
        """Whether x is a layer or a network of this framework."""
        return False

    def shape(self, tensor: T) -> tuple[int, ...]:
        """Its shape, or why it has none."""
        return tuple(tensor.shape)

    @abc.abstractmethod
    def open_plain(self, tensor: T) -> Opened[T] | None:
        """The common case, fast: real, contiguous, of no special kind. None: look closer, with `open`."""

    @abc.abstractmethod
    def open(self, tensor: T) -> Opened[T] | None:
        """Open for filling, or say why not. None: a tensor without memory, which no fill changes."""

    @abc.abstractmethod
    def read(self, tensor: T) -> Values:
        """Open for reading, or say why not."""

    @abc.abstractmethod
    def changed(self, tensor: T) -> None:
        """The tensor's memory was written to."""

    @abc.abstractmethod
    def fill(self, tensor: T, name: str, value: float) -> None:
        """The same value everywhere; ValueError, with its name, if the dtype cannot hold it."""

    @abc.abstractmethod
    def fill_diagonal(self, tensor: T, value: float) -> None:
        """One value on the diagonal of a matrix."""

    @abc.abstractmethod
    def put(self, tensor: T, places: tuple[np.ndarray, ...], value: float) -> None:
        """One value at some places, given as an index for each axis."""

    @abc.abstractmethod
    def write(self, tensor: T, values: np.ndarray) -> None:
        """An array's values, of the tensor's shape, rounded to its dtype."""

    @abc.abstractmethod
    def try_value(self, tensor: T, name: str, value: float) -> None:
        """The error that `fill` would raise, if any; nothing is written."""

    @abc.abstractmethod
    def draw(self, generator: object) -> int | None:
        """A number from a generator of this framework, which moves on. None: it is none."""

    @abc.abstractmethod
    def draw_own(self) -> int | None:
        """A number from the framework's own random state. None: it has none that governs fills."""


class NumPy(Backend[np.ndarray]):
    """NumPy's arrays."""

    def owns(self, x: object) -> bool:
        return isinstance(x, np.ndarray)

    def open_plain(self, tensor: np.ndarray) -> Opened[np.ndarray] | None:
        if dtype := _core.plain(tensor):
            return InMemory(tensor, tensor, dtype, tensor.shape, False, self)
        return None

    def open(self, tensor: np.ndarray) -> InMemory[np.ndarray]:
        self._check_memory(tensor)
        dtype = DRAWN.get(_name_of(tensor.dtype))
        if dtype is None:
            raise TypeError(no_random_values(tensor.dtype))
        return InMemory(tensor, tensor, dtype, tensor.shape, tensor.dtype.kind == "c", self)

    @staticmethod
    def _check_memory(tensor: np.ndarray) -> None:
        """The array is of numbers, each in a place of its own that may be written to."""
        if isinstance(tensor, np.ma.MaskedArray):
            raise TypeError("tensor is a masked array, whose mask a fill would ignore; fill its .data")
        dtype = tensor.dtype
        if dtype.kind not in "biufc" and _name_of(dtype) != "bfloat16":
            raise TypeError(
                f"tensor has dtype {dtype}; give an array of numbers, such as np.empty({tensor.shape}, np.float32)"
            )
        if not tensor.flags.writeable:
            raise ValueError("tensor is read-only; give a writeable array (np.array(tensor) makes a copy that is)")
        if _overlaps_itself(tensor):
            raise ValueError(
                f"tensor has elements that share memory (shape {tensor.shape}, strides {tensor.strides}), so they "
                "cannot each be given a value; give np.empty(shape) or a copy"
            )

    def read(self, tensor: np.ndarray) -> Values:
        if isinstance(tensor, np.ma.MaskedArray):
            raise TypeError("tensor is a masked array, whose mask would be ignored; give tensor.compressed()")
        dtype = tensor.dtype
        name = _name_of(dtype)
        if name in DTYPES or (dtype.kind in "iub" and dtype.itemsize <= 8):
            return Values(tensor.view(np.ndarray), DTYPES.get(name), name)  # a view, whose shape nobody else changes
        if dtype.kind == "c":
            raise TypeError(f"tensor has dtype {dtype}; call describe(x.real, x.imag)")
        raise TypeError(f"tensor has dtype {dtype}; give float16, bfloat16, float32, float64, integers or bool")

    def changed(self, tensor: np.ndarray) -> None:
        pass

    def fill(self, tensor: np.ndarray, name: str, value: float) -> None:
        dtype: _core.Dtype | None
        dtype = _core.plain(tensor)
        if dtype is None:
            self._check_memory(tensor)
            dtype = None if tensor.dtype.kind == "c" else DRAWN.get(_name_of(tensor.dtype))
        if dtype is not None:
            value = number(name, value)
            if dtype.largest < abs(value) < math.inf:
                fits(dtype, **{name: value})
        try:
            tensor[...] = value
        except (OverflowError, ValueError) as error:
            raise ValueError(f"{name}={value!r} does not fit dtype {tensor.dtype}: {error}") from None

    def fill_diagonal(self, tensor: np.ndarray, value: float) -> None:
        np.fill_diagonal(tensor, value)

    def put(self, tensor: np.ndarray, places: tuple[np.ndarray, ...], value: float) -> None:
        tensor[places] = value

    def write(self, tensor: np.ndarray, values: np.ndarray) -> None:
        tensor[...] = values

    def try_value(self, tensor: np.ndarray, name: str, value: float) -> None:
        self.fill(np.empty((), tensor.dtype), name, value)

    def draw(self, generator: object) -> int | None:
        if isinstance(generator, np.random.SeedSequence):
            return int(generator.generate_state(1, np.uint64)[0])
        if isinstance(generator, np.random.BitGenerator):
            generator = np.random.Generator(generator)
        if isinstance(generator, np.random.Generator):
            return int(generator.integers(0, 2**64, dtype=np.uint64))
        return None

    def draw_own(self) -> int | None:
        return None


class _Exported:
    """A tensor that np.from_dlpack takes as it is: no detached copy of it, and its storage stays resizable."""

    __slots__ = ("_export", "_tensor")

    def __init__(self, export: Callable[["torch.Tensor"], object], tensor: "torch.Tensor") -> None:
        self._export, self._tensor = export, tensor

    def __dlpack__(self, *, max_version: object = None, dl_device: object = None, copy: object = None) -> object:
        return self._export(self._tensor)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the CPU


class _Borrowed:
    """The memory of a copy-on-write clone, to be read without making the clone real. Keeps the tensor alive."""

    def __init__(self, tensor: "torch.Tensor", address: int, dtype: np.dtype) -> None:
        self.tensor = tensor
        self.__array_interface__ = {
            "version": 3, "data": (address, True), "shape": tuple(tensor.shape), "typestr": dtype.str,
            "strides": tuple(step * dtype.itemsize for step in tensor.stride()),
        }  # fmt: skip


class _Scalar(threading.local):
    """An int64 of a thread's own, to draw into: `drawn` is the method that does so, and the address.

    No inference tensor: those may not be written to outside that mode.
    """

    drawn: "tuple[Callable[..., torch.Tensor], int]"

    def __init__(self, torch: ModuleType) -> None:
        with torch.inference_mode(False):
            tensor = torch.empty((), dtype=torch.int64, device="cpu")
        self.drawn = tensor.random_, tensor.data_ptr()


class Torch(Backend["torch.Tensor"]):
    """torch's tensors; made of the module once somebody has imported it."""

    plain_types: "tuple[type[torch.Tensor], ...]"
    parameter: "type[torch.nn.Parameter]"
    dtypes: "dict[torch.dtype, _core.Dtype]"
    scalar: "_Scalar"
    export: Callable[..., object] | None

    def __init__(self, torch: ModuleType) -> None:
        self.torch = torch
        self.plain_types = (torch.Tensor, torch.nn.Parameter)
        self.parameter = torch.nn.Parameter
        self.dtypes = {getattr(torch, name): dtype for name, dtype in DRAWN.items()}
        self.scalar = _Scalar(torch)
        # NumPy before 2.1 takes no writeable memory by DLPack; .numpy() marks the storage as not resizable, for ever
        self.export = (
            getattr(torch._C, "_to_dlpack_versioned", None) if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else None
        )
        exchange = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)  # from torch 2.10 on
        if exchange is not None:
            _core.open_torch_door(
                exchange, *self.plain_types, torch.Generator, self.scalar, torch._C._len_torch_function_stack,
                torch._C._len_torch_dispatch_stack, torch._C._increment_version,
            )  # fmt: skip

    def owns(self, x: object) -> bool:
        return isinstance(x, self.torch.Tensor)

    def is_module(self, x: object) -> bool:
        return isinstance(x, self.torch.nn.Module)

    def shape(self, tensor: "torch.Tensor") -> tuple[int, ...]:
        if isinstance(tensor, self.torch.nn.parameter.UninitializedTensorMixin):
            kind = type(tensor).__name__
            raise TypeError(f"tensor is an {kind} without a shape yet; run the lazy module once, then fill it")
        if tensor.is_nested:
            raise TypeError("tensor is nested, a tensor of tensors; give each of tensor.unbind() in turn")
        return tuple(tensor.shape)

    def view(self, tensor: "torch.Tensor") -> np.ndarray:
        """An array over a strided CPU tensor's memory; RuntimeError, TypeError or BufferError if there is none."""
        room, begin = tensor.untyped_storage().nbytes(), tensor.storage_offset()  # anyone may resize a storage
        if (begin or room != tensor.nbytes or not tensor.is_contiguous()) and tensor.numel():
            steps = zip(tensor.shape, tensor.stride(), strict=True)
            if room < (begin + sum((n - 1) * step for n, step in steps) + 1) * tensor.itemsize:
                raise ValueError(f"tensor's storage was resized to {room} bytes, too few for it; give a new tensor")
        if self.export is not None:
            return np.from_dlpack(_Exported(self.export, tensor))  # type: ignore[arg-type]  # stub of an old DLPack
        return tensor.detach().numpy()

    def open_plain(self, tensor: "torch.Tensor") -> "Opened[torch.Tensor] | None":
        if type(tensor) not in self.plain_types:
            return None
        try:  # a tensor under vmap has no address, and one whose storage was emptied has address 0
            if tensor.data_ptr() == 0 or tensor.is_neg():
                return None
            array = self.view(tensor)
        except (RuntimeError, TypeError, BufferError):
            return None
        if dtype := _core.plain(array):
            self.warn_if_computed(tensor)
            return InMemory(tensor, array, dtype, array.shape, False, self)
        return None

    def open(self, tensor: "torch.Tensor") -> "Opened[torch.Tensor] | None":
        torch, shape = self.torch, self.shape(tensor)
        if tensor.device.type == "meta":
            return None
        self._check_memory(tensor)
        if tensor.is_conj() or tensor.is_neg():
            raise TypeError(
                "tensor is a conj or neg view, which its memory does not show; fill tensor.resolve_conj().resolve_neg()"
            )
        if tensor.numel() and any(step == 0 and n > 1 for step, n in zip(tensor.stride(), shape, strict=True)):
            raise ValueError(self._shares_memory(tensor))
        dtype = self.dtypes.get(tensor.dtype)
        if dtype is None:
            raise TypeError(no_random_values(tensor.dtype))
        self.warn_if_computed(tensor)
        if tensor.device.type != "cpu":
            from .devices import OnDevice  # here, as that file needs this one

            return OnDevice(tensor, dtype, self)
        plain = tensor.detach()
        array = self.view(plain.view(torch.int16) if dtype.name == "bfloat16" else plain)
        if _overlaps_itself(array):
            raise ValueError(self._shares_memory(tensor))
        return InMemory(tensor, array, dtype, shape, tensor.is_complex(), self)

    @staticmethod
    def _shares_memory(tensor: "torch.Tensor") -> str:
        layout = f"shape {tuple(tensor.shape)}, strides {tensor.stride()}"
        return f"tensor has elements that share memory ({layout}); give a clone"

    def _check_memory(self, tensor: "torch.Tensor", what: str = "fill") -> None:
        """The tensor's numbers lie in memory of its own, one after the other. what: is to be done with it."""
        torch, name = self.torch, type(tensor).__name__
        if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            raise TypeError(
                "tensor is one that torch.func (vmap, grad, jvp, ...) hands to your function in place of others, and "
                f"has no memory of its own; {what} the tensors before you call vmap"
            )
        if tensor.layout is not torch.strided:
            raise TypeError(f"tensor has layout {tensor.layout}; give a dense tensor (tensor.to_dense() makes one)")
        if tensor.is_quantized:
            raise TypeError(f"tensor is quantized ({tensor.dtype}); fill a float tensor and quantize that")
        try:
            plain = tensor.detach()
            marks = ("__tensor_flatten__", "fake_mode")  # of wrappers, of fake tensors
            wrapper = type(plain) not in self.plain_types and any(hasattr(plain, mark) for mark in marks)
            if tensor.device.type == "cpu":
                missing = wrapper or (tensor.numel() > 0 and plain.data_ptr() == 0)
            else:  # a device need not tell an address; what answers torch's calls by itself (a fake tensor) has none
                missing = wrapper or type(plain).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__
        except RuntimeError:
            missing = True
        if missing:
            raise TypeError(f"tensor is a {name}, whose memory is elsewhere; {what} what it is made of")

    def read(self, tensor: "torch.Tensor") -> Values:
        torch = self.torch
        self.shape(tensor)
        if tensor.device.type == "meta":
            raise TypeError("tensor is on meta, where tensors have a shape and no values; give one that has values")
        if tensor.device.type != "cpu":
            raise TypeError(f"tensor is on {tensor.device}; give tensor.cpu()")
        if tensor.layout is not torch.strided or tensor.is_quantized:
            dense = "tensor.to_dense() or tensor.dequantize()"
            raise TypeError(f"tensor is {tensor.layout} of {tensor.dtype}; give a dense one: {dense}")
        if not self._is_cow(tensor):  # asking a clone for its address would make it real
            self._check_memory(tensor, "describe")
        name = str(tensor.dtype).removeprefix("torch.")
        plain = tensor.detach().resolve_conj().resolve_neg()
        if plain.is_complex():
            raise TypeError(f"tensor has dtype {name}; call describe(x.real, x.imag)")
        if plain.is_floating_point() and name not in DTYPES:
            raise TypeError(f"tensor has dtype {name}; give tensor.float(), which holds the same values")
        if name == "bfloat16":
            return Values(self._view_to_read(plain.view(torch.int16)), DTYPES[name], name)
        return NUMPY.read(self._view_to_read(plain))

    def _is_cow(self, tensor: "torch.Tensor") -> bool:
        is_cow = getattr(self.torch._C, "_is_cow_tensor", None)
        if is_cow is None or type(tensor) not in self.plain_types:
            return False
        try:
            return bool(is_cow(tensor))
        except NotImplementedError:  # under vmap there is no storage
            return False

    def _view_to_read(self, tensor: "torch.Tensor") -> np.ndarray:
        if self._is_cow(tensor):
            dtype = self.view(self.torch.empty(0, dtype=tensor.dtype, device="cpu")).dtype
            return np.asarray(_Borrowed(tensor, self.torch._C._data_address(tensor), dtype))
        return self.view(tensor)

    def changed(self, tensor: "torch.Tensor") -> None:
        if not tensor.is_inference():
            self.torch.autograd.graph.increment_version(tensor)

    def fill(self, tensor: "torch.Tensor", name: str, value: float) -> None:
        self.warn_if_computed(tensor)
        try:
            _without_history(tensor).fill_(value)  # torch's own, on any device
        except (RuntimeError, OverflowError) as error:
            raise ValueError(f"{name}={value!r} cannot fill a tensor of dtype {tensor.dtype}: {error}") from None

    def fill_diagonal(self, tensor: "torch.Tensor", value: float) -> None:
        _without_history(tensor).fill_diagonal_(value)

    def put(self, tensor: "torch.Tensor", places: tuple[np.ndarray, ...], value: float) -> None:
        _without_history(tensor)[tuple(self.torch.from_numpy(axis) for axis in places)] = value

    def write(self, tensor: "torch.Tensor", values: np.ndarray) -> None:
        rounded = self.torch.from_numpy(np.ascontiguousarray(values)).to(tensor.dtype)  # here: no device need know both
        _without_history(tensor).copy_(rounded)

    def try_value(self, tensor: "torch.Tensor", name: str, value: float) -> None:
        self.fill(self.torch.empty((), dtype=tensor.dtype, device="cpu"), name, value)

    def warn_if_computed(self, tensor: "torch.Tensor") -> None:
        """Warn if the tensor, or what it is a view of, is a result that the next forward pass computes anew."""
        if type(tensor) is self.parameter or not tensor.requires_grad:
            return
        source = tensor._base if tensor._is_view() else tensor  # (a view's own grad_fn may be refused by torch)
        if source is not None and source.grad_fn is not None:
            warn(
                f"tensor is computed from others (by {type(source.grad_fn).__name__}), and if a forward pass computes "
                "it anew, this fill is lost; fill what it is computed from: module.weight_v under weight_norm, "
                "module.weight_orig under spectral_norm, the tensors in module.parametrizations.weight otherwise"
            )

    def draw(self, generator: object) -> int | None:
        if not isinstance(generator, self.torch.Generator):
            return None
        if generator.device.type == "cpu":
            return int(self.scalar.drawn[0](generator=generator).item())
        return int(self.torch.empty((), dtype=self.torch.int64, device=generator.device).random_(generator=generator))

    def draw_own(self) -> int:
        return int(self.scalar.drawn[0]().item())  # 63 bits: it moves on as its owner expects of a fill


def _without_history(tensor: "torch.Tensor") -> "torch.Tensor":
    """The same memory, to be written to unrecorded by autograd; it counts as an in-place change of the tensor."""
    return tensor.detach() if tensor.requires_grad else tensor


def no_random_values(dtype: object) -> str:
    known = "float16, bfloat16, float32, float64, complex64 or complex128"
    return f"tensor has dtype {dtype}; random values need {known}"


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


# ---- which there are, and the doors ----------------------------------------------------------------------------------

NUMPY = NumPy()
_FOUND: list[Backend[Any]] = [NUMPY]  # Any: each of its own kind of tensor


def _of_torch(torch: ModuleType) -> list[Backend[Any]]:
    from .sharding import DTensors  # here, as that file needs this one

    plain = Torch(torch)
    return [DTensors(plain), plain]  # the special ones are asked first


_LATER = {"torch": _of_torch}  # made when their module is there


def backends() -> list[Backend[Any]]:
    """Those of the frameworks that are imported by now."""
    for name, made_of in list(_LATER.items()):
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):  # another thread may import it
            found = made_of(module)
            if name in _LATER:  # a thread that comes here meanwhile finds it twice, which is no harm; never not at all
                _FOUND.extend(found)
                _LATER.pop(name, None)
    return _FOUND


def backend_of(x: object) -> Backend[Any] | None:
    """What knows x's kind of tensor; None for what is no tensor."""
    for backend in backends() if _LATER else _FOUND:
        if backend.owns(x):
            return backend
    return None


def is_module(x: object) -> bool:
    """Whether x is a layer or a network of a framework, such as a torch.nn.Module."""
    return any(backend.is_module(x) for backend in backends())


def open_floating(tensor: T) -> Opened[T] | None:
    """Open a tensor for random values: floating or complex. None: it has no memory (meta)."""
    for backend in backends() if _LATER else _FOUND:
        if opened := backend.open_plain(tensor):
            return opened
    return to_fill(tensor).open(tensor)


def to_fill(tensor: T) -> Backend[T]:
    """The backend of what is to be filled; TypeError, in words, for what is no tensor."""
    backend = backend_of(tensor)
    if backend is None:
        raise TypeError(_why_not_a_tensor(tensor))
    return backend


def _why_not_a_tensor(x: object) -> str:
    given = f"tensor is of type {type(x).__name__}; "
    if isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x):
        return f"tensor is a shape, {x}; give the array to fill: np.empty({x}, np.float32)"
    if isinstance(x, (list, tuple)):
        return given + "give a NumPy array (np.array(tensor)) or a torch tensor: a fill happens in place"
    if type(x).__module__.split(".")[0] in ("jax", "jaxlib"):
        return given + "JAX arrays are immutable; fill a NumPy array and pass it to jax.numpy.asarray"
    for name in ("weight", "W", "kernel"):
        if backend_of(getattr(x, name, None)) is not None:
            return given + f"did you mean its .{name}? Give that: a fill takes one tensor"
    if is_module(x) or isinstance(x, (Mapping, Iterator)):
        return given + "a fill takes one tensor: give each of its parameters in turn"
    return given + "give a NumPy array or a torch tensor, which is filled in place"
