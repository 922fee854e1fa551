"""The mode that hears torch's calls while a model is built, and decides. Importing this module imports torch.

A draw's key is taken when torch's code asks for it, so drawing at once and drawing when needed give the same bits.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..backends import to_fill
from ..generator import Randomness, take_key
from ..sharding import DTensors
from .calls import BLANK, CLONES, CONSTANTS, CONVERSIONS, ELEMENTWISE, EXPOSING, FRESH, HARMLESS
from .laws import FACTORIES, METHODS, Function, asked, law_of, normal_by_numbers
from .silent import Listener, heard_by, listen
from .steps import Call, Draw, Values
from .waiting import PLAIN, Storage, Waiting, apart, storages

_LARGE = 1 << 20  # bytes of zeros or ones from which writing them is worth waiting for
_NOTHING = object()
_HEARD = frozenset((*METHODS, *FACTORIES, torch.normal, *FRESH, *EXPOSING, *CONSTANTS, Tensor.copy_))  # at any time


class Hearing(TorchFunctionMode, Listener):
    """While it is entered, on this thread, what torch's code asks to be drawn is drawn by fastinit.

    waiting: where draws wait until they are needed; None: each is carried out at once.
    recording: constants of any size wait too, and so do copies, so that every step is known in the end.
    """

    def __init__(self, generator: Randomness, waiting: Waiting | None, recording: bool = False) -> None:
        super().__init__()
        self.waiting = waiting
        self._generator, self._recording = generator, recording

    def __enter__(self) -> "Hearing":
        listen(1)
        parent: Any = super()
        parent.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        parent: Any = super()
        parent.__exit__(*error)
        listen(-1)
        if self.waiting is not None:
            self.waiting.carry_out_all()  # after an exception too: no tensor is left with what its memory held before

    def __torch_function__(
        self, func: Function, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        waiting, kwargs = self.waiting, kwargs or {}
        if waiting is None or not waiting.plans:
            if func not in _HEARD and type(func) is not FunctionType:  # most calls
                return func(*args, **kwargs)
        elif _transforming():
            waiting.carry_out_all()  # what torch.func wraps, no storage tells
        law = law_of(func)
        if law == "constant_":
            return self._constant(func, args, kwargs)
        if law is not None:
            return self._draw(func, law, args, kwargs)
        if func in FACTORIES and kwargs.get("out") is None:
            return self._create(func, args, kwargs)
        if func is torch.normal and (given := normal_by_numbers(args, kwargs)):
            return self._create(torch.randn, *given)
        if waiting is None or (func in HARMLESS and func not in FRESH):
            return func(*args, **kwargs)
        if func in FRESH:
            return self._allocate(waiting, func, args, kwargs)
        if func in EXPOSING:
            for storage in storages(*args, *kwargs.values()):
                waiting.carry_out([storage])
                waiting.expose(storage)
            return func(*args, **kwargs)
        return self._touch(waiting, func, args, kwargs)

    # ---- draws -------------------------------------------------------------------------------------------------------

    def _draw(self, func: Function, law: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = asked(func, law, args, kwargs)
        tensor, waiting = call.tensor, self.waiting
        differentiated = func in METHODS and tensor.requires_grad and torch.is_grad_enabled()  # autograd has a say
        if differentiated or not _ours(tensor) or not tensor.numel():
            if waiting is not None:
                waiting.carry_out(_waiting_among(waiting, args, kwargs))
            return func(*args, **kwargs)
        generator = self._generator if call.generator is None else call.generator
        step = Draw(law, call.args, call.kwargs, take_key(generator, to_fill(tensor)))
        if waiting is None or not self._wait(waiting, tensor, step):
            if waiting is not None:
                waiting.carry_out(_waiting_among(waiting, args, kwargs))
            shape = tuple(tensor.shape)
            step.run(tensor, shape, (0,) * len(shape))
        return tensor

    def _wait(self, waiting: Waiting, tensor: Tensor, step: Draw | Call) -> bool:
        """Put it off, if the tensor's memory may wait."""
        if not _may_wait(tensor):
            return False
        if waiting.may_replace(tensor):
            put_off = waiting.replace
        elif waiting.knows(tensor.untyped_storage()._cdata) and apart(tensor):
            put_off = waiting.append
        else:
            return False
        if isinstance(step, Draw):
            step.check(tuple(tensor.shape), tensor.dtype)
        put_off(tensor, step)
        _changed(tensor)
        return True

    def _create(
        self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], numbers: dict[str, float] | None = None
    ) -> Any:
        """torch.randn and its kind: empty memory, then a draw."""
        given = dict(kwargs)
        generator, differentiable = given.pop("generator", None), given.pop("requires_grad", False)
        allocate = torch.empty_like if func in (torch.randn_like, torch.rand_like) else torch.empty
        tensor: Tensor = allocate(*args, **given)
        if not _ours(tensor):
            made: Tensor = func(*args, **kwargs)
            return made.mul_(numbers["std"]).add_(numbers["mean"]) if numbers else made
        if self.waiting is not None and _may_wait(tensor):
            self.waiting.allow(tensor)
        law = FACTORIES[func]
        method = Tensor.normal_ if law == "normal_" else Tensor.uniform_
        self._draw(method, law, (tensor,), {"generator": generator, **(numbers or {})})
        return tensor.requires_grad_() if differentiable else tensor

    # ---- everything else, where tensors may wait ---------------------------------------------------------------------

    def _constant(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """torch.nn.init.constant_, as the method that it calls."""
        if self.waiting is None:
            return func(*args, **kwargs)
        call = asked(func, "constant_", args, kwargs)
        value = call.kwargs["val"] if "val" in call.kwargs else call.args[0]
        with torch.no_grad():
            return self._touch(self.waiting, Tensor.fill_, (call.tensor, value), {})

    def _allocate(self, waiting: Waiting, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        waiting.carry_out(_waiting_among(waiting, args[1:], kwargs))  # a value to fill with, say
        if func in BLANK and kwargs.get("out") is None and not kwargs.get("requires_grad"):
            value, empty = BLANK[func]
            tensor = empty(*args, **kwargs)
            large = self._recording or tensor.numel() * tensor.element_size() >= _LARGE
            if large and _may_wait(tensor):
                waiting.allow(tensor)
                waiting.replace(tensor, Call("fill_", (value,)))
                return tensor
        tensor = func(*args, **kwargs)
        if kwargs.get("out") is None and _may_wait(tensor):
            waiting.allow(tensor)
        return tensor

    def _touch(self, waiting: Waiting, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Something else happens, perhaps to a tensor that waits: then that is carried out first, unless the call can
        wait as well, or reads nothing."""
        first = args[0] if args and type(args[0]) in PLAIN else None
        if first is not None and not (first.requires_grad and torch.is_grad_enabled()):
            if func in CONSTANTS and self._fill(waiting, func, args, kwargs):
                return first
            if func is Tensor.copy_ and _may_wait(first) and waiting.may_replace(first):
                return self._copy(waiting, args, kwargs)
        if not waiting.plans:
            return func(*args, **kwargs)
        hit = _waiting_among(waiting, args, kwargs)
        if not hit:
            return func(*args, **kwargs)
        if first is not None and hit == [first.untyped_storage()._cdata]:
            result = self._put_off(waiting, func, first, args[1:], kwargs)
            if result is not _NOTHING:
                return result
        waiting.carry_out(hit)
        return func(*args, **kwargs)

    def _fill(self, waiting: Waiting, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """fill_ or zero_ of numbers, if it can wait."""
        tensor, *values = args
        if kwargs or not _may_wait(tensor) or not _numbers(values):
            return False
        if values:
            torch.empty((), dtype=tensor.dtype).fill_(values[0])  # what the dtype cannot hold raises now
        return self._wait(waiting, tensor, Call(func.__name__, tuple(values)))

    def _copy(self, waiting: Waiting, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A copy over all of a storage: what waited for it is forgotten, unless the source is of it."""
        target, *rest = args
        waiting.carry_out(_waiting_among(waiting, rest, kwargs))
        waiting.forget(target.untyped_storage()._cdata)
        if self._recording and rest and isinstance(rest[0], Tensor):
            waiting.replace(target, Values(rest[0].detach().to(target.dtype).expand(target.shape).clone()))
            _changed(target)
            return target
        return target.copy_(*rest, **kwargs)

    def _put_off(
        self, waiting: Waiting, func: Function, tensor: Tensor, rest: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The result of a call on a tensor that waits, without what it waits for; _NOTHING: there is no such way."""
        differentiated = tensor.requires_grad and torch.is_grad_enabled()
        if func in ELEMENTWISE and not differentiated and _numbers((*rest, *kwargs.values())) and apart(tensor):
            func(torch.empty((0,), dtype=tensor.dtype), *rest, **kwargs)  # wrong numbers raise now
            waiting.append(tensor, Call(func.__name__, rest, dict(kwargs)))
            _changed(tensor)
            return tensor
        if func in (Tensor.__getitem__, Tensor.__setitem__) and _basic(rest[0]):
            if func is Tensor.__getitem__:
                return func(tensor, *rest)
            if not differentiated and _numbers(rest[1:]):
                waiting.append(tensor.detach()[rest[0]], Call("fill_", rest[1:]))
                _changed(tensor)
                return None
        if func in CONVERSIONS and _gives_itself(func, tensor, rest, kwargs):
            return func(tensor, *rest, **kwargs)
        if func in CLONES and not differentiated and waiting.may_replace(tensor):
            clone = torch.empty_like(tensor, memory_format=kwargs.get("memory_format", torch.preserve_format))
            if clone.stride() == tensor.stride():
                waiting.copy(tensor, clone)
                return clone
        return _NOTHING


def listening() -> list[Waiting]:
    """Where draws wait on this thread now, the innermost first."""
    modes = reversed(heard_by())
    return [mode.waiting for mode in modes if isinstance(mode, Hearing) and mode.waiting is not None]


def deaf() -> AbstractContextManager[object]:
    """Within it nobody hears torch's calls."""
    off: Any = torch._C.DisableTorchFunction
    context: AbstractContextManager[object] = off()
    return context


def _changed(tensor: Tensor) -> None:
    """Tell autograd of a write that waits."""
    if not tensor.is_inference():
        torch.autograd.graph.increment_version(tensor)


def _keep_dynamo_out(function: Any) -> None:
    """torch.compile neither traces nor compiles the function and what it calls. (torch.compiler.disable does the same,
    but imports the whole compiler.)"""
    function._torchdynamo_disable = True
    frames: Any = torch._C._dynamo.eval_frame
    if strategy := getattr(frames, "set_code_exec_strategy", None):
        skip = frames._FrameAction.SKIP
        strategy(function.__code__, frames._FrameExecStrategy(skip, skip))


_keep_dynamo_out(Hearing.__torch_function__)


def _transforming() -> bool:
    """Whether torch.func's transforms or a trace stand between a call and its tensors' memory."""
    return torch._C._functorch.maybe_current_level() is not None or torch.compiler.is_compiling()


def _ours(tensor: Tensor) -> bool:
    """Whether fastinit can fill it. Integers, fake, sparse and quantized tensors and subclasses are torch's to fill."""
    return (
        (type(tensor) in PLAIN or isinstance(to_fill(tensor), DTensors))
        and tensor.layout is torch.strided
        and tensor.device.type != "meta"
        and (tensor.is_floating_point() or tensor.is_complex())
        and not _transforming()
    )


def _may_wait(tensor: Tensor) -> bool:
    return type(tensor) in PLAIN and tensor.device.type == "cpu" and tensor.numel() > 0 and _ours(tensor)


def _waiting_among(waiting: Waiting, args: Iterable[Any], kwargs: dict[str, Any]) -> list[Storage]:
    """The storages among a call's arguments that wait, each as often as it is there."""
    return [at for at in storages(*args, *kwargs.values()) if at in waiting.plans] if waiting.plans else []


def _numbers(values: Iterable[object]) -> bool:
    return all(value is None or isinstance(value, (int, float)) for value in values)


def _basic(index: object) -> bool:
    """Whether indexing by it gives a view."""
    each = index if isinstance(index, tuple) else (index,)
    return all(i is None or i is ... or (isinstance(i, (int, slice)) and not isinstance(i, bool)) for i in each)


def _gives_itself(func: Function, tensor: Tensor, rest: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a conversion would copy nothing."""
    if CONVERSIONS[func] not in (None, tensor.dtype) or (func is Tensor.contiguous and not tensor.is_contiguous()):
        return False
    if kwargs.get("memory_format") is not None or kwargs.get("copy"):
        return False
    wanted = (*rest, *(value for name, value in kwargs.items() if name in ("dtype", "device", "other")))
    same = (tensor.dtype, tensor.device, "cpu", False)
    return all(not isinstance(value, Tensor) and value in same for value in wanted)
