"""Everything of the caller's, put back bit for bit: after a look at a model, and before each pass that is compared with
another. Importing this module imports torch."""

import random
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

_CONTAINERS = (dict, OrderedDict, defaultdict, list, set, deque)


class Guard:
    """Remembers all that is reached from what is given: modules (their ``__dict__``: parameters, buffers, hooks, mode,
    whatever they count or cache), plain containers, tensors, arrays, random generators.

    Each memory is an undo that may be run again. Whole storages are kept, so expanded, shared, tied and inference
    tensors are no special cases; bytes are written only where they changed, so read-only memory is safe; no version
    counter moves, so graphs that the caller holds stay valid.
    """

    def __init__(self, *roots: object) -> None:
        self._undo: list[Callable[[], object]] = [
            partial(random.setstate, random.getstate()),
            partial(np.random.set_state, np.random.get_state()),
        ]
        self._storages: set[tuple[torch.device, int, int]] = set()
        known: dict[int, object] = {}
        reached: list[object] = [*_generators(), *roots]
        while reached:
            value = reached.pop()
            if id(value) not in known:
                known[id(value)] = value  # kept alive, so that no id is used twice
                reached.extend(self._remember(value))

    def _remember(self, value: object) -> list[object]:
        """Note what undoes changes of the value; return what it holds."""
        if isinstance(value, Tensor):
            return self._remember_tensor(value)
        if isinstance(value, nn.Module):
            self._undo.append(partial(setattr, value, "training", value.training))
            return [vars(value), *value.children(), *value.parameters(recurse=False), *value.buffers(recurse=False)]
        if isinstance(value, np.ndarray):
            plain = value.flags.writeable and value.dtype.kind in "fiub" and value.dtype.isnative
            return [torch.from_numpy(value)] if plain and all(step >= 0 for step in value.strides) else []
        if type(value) in _CONTAINERS:
            assert isinstance(value, _CONTAINERS)
            kept = list(value.items() if isinstance(value, dict) else value)
            self._undo.append(partial(_refill, value, kept))
            return list(value.values()) if isinstance(value, dict) else kept
        if isinstance(value, np.random.Generator):
            self._undo.append(partial(setattr, value.bit_generator, "state", value.bit_generator.state))
        elif isinstance(value, random.Random):
            self._undo.append(partial(value.setstate, value.getstate()))
        elif isinstance(value, torch.Generator):
            self._undo.append(partial(value.set_state, value.get_state()))
        elif isinstance(value, np.random.RandomState):
            self._undo.append(partial(value.__setstate__, value.__getstate__()))
        return list(value) if isinstance(value, tuple) else []

    def _remember_tensor(self, tensor: Tensor) -> list[object]:
        if tensor.device.type == "meta":
            return []
        try:
            storage = tensor.untyped_storage()
            key = (storage.device, storage.data_ptr(), storage.nbytes())
        except (NotImplementedError, RuntimeError):  # sparse and the like: no bytes of their own
            with torch.no_grad():
                self._undo.append(partial(tensor.detach().copy_, tensor.detach().clone()))
            return []
        if key not in self._storages:
            self._storages.add(key)
            raw = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
            if storage.nbytes() % 8 == storage.data_ptr() % 8 == 0:
                raw = raw.view(torch.int64)  # compared eight bytes at a time
            self._undo.append(partial(_rewrite, raw, raw.clone()))
        if not tensor.is_leaf or tensor.is_inference():
            return []
        for name in ("data", "grad", "requires_grad"):
            self._undo.append(partial(setattr, tensor, name, getattr(tensor, name)))
        return [tensor.grad]

    def rewind(self) -> None:
        """Put everything back; Ctrl-C and errors on the way are raised when the rest has been put back."""
        trouble: BaseException | None = None
        pending = self._undo[::-1]
        while pending:
            try:
                pending[-1]()
            except KeyboardInterrupt as interrupt:
                trouble = interrupt
                continue  # the same undo once more
            except Exception as error:
                trouble = trouble or error
            pending.pop()
        if trouble is not None:
            raise trouble

    def start_over(self, model: nn.Module) -> None:
        """The model as it came, in training mode, and the same random state each time: ready for a pass."""
        self.rewind()
        if not model.training:  # else what the caller froze in eval mode stays so
            model.train()
        _clone_inference_buffers(model)
        random.seed(0)
        np.random.seed(0)
        for generator in _generators():
            generator.manual_seed(0)


def _generators() -> list[torch.Generator]:
    """torch's own; torch.manual_seed would also seed devices that are still asleep."""
    awake = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's own
    return [torch.default_generator, *(torch.cuda.default_generators if awake else ())]


def _refill(container: dict[object, object] | list[object] | set[object] | deque[object], kept: list[object]) -> None:
    container.clear()
    if isinstance(container, (list, deque)):
        container.extend(kept)
    else:
        container.update(kept)  # type: ignore[arg-type]  # pairs for a dict, members for a set


def _rewrite(raw: Tensor, kept: Tensor) -> None:
    if not torch.equal(raw, kept):
        raw.copy_(kept)


@contextmanager
def guarded(*roots: object) -> Iterator[Guard]:
    """A Guard whose last act is to put everything back; inside, gradients are on and compiled code runs eagerly."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))  # which turns gradients on too
        if "torch._dynamo" in sys.modules:  # else nothing is compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        guard = Guard(*roots)
        try:
            for root in roots:
                if isinstance(root, nn.Module):
                    _clone_inference_buffers(root)
            yield guard
        finally:
            guard.rewind()


def _clone_inference_buffers(model: nn.Module) -> None:
    """Autograd cannot save them, and nobody may write to them."""
    clones: dict[int, Tensor] = {}
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_inference():
                module._buffers[name] = clones.setdefault(id(buffer), buffer.clone())
