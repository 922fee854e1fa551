"""Memory that waits, and what is to be done to it. Importing this module imports torch.

Kept by storage, and weakly: memory that is freed unread is never filled. Only memory that was allocated while we
listened, and that nobody else has seen, may wait.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from . import pages
from .steps import Step

PLAIN = (Tensor, torch.nn.Parameter)
Storage: TypeAlias = int  # its address in C, which a weak reference keeps from being used again
_weakly: Any = StorageWeakRef


class Place(NamedTuple):
    """Where a tensor lies in its storage."""

    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


class Plan(NamedTuple):
    """What is to be done to a storage."""

    storage: Any  # a StorageWeakRef, which has no types
    steps: list[tuple[Place, Step]]

    def tensors(self) -> list[tuple[Tensor, Step]]:
        """The steps on tensors; none if the storage was freed: a tied head's own weight, say."""
        if self.storage.expired():
            return []
        storage = torch.UntypedStorage._new_with_weak_ptr(self.storage.cdata)
        return [
            (torch.empty(0, dtype=place.dtype).set_(storage, place.offset, place.shape, place.stride), step)
            for place, step in self.steps
        ]


class Waiting:
    """The storages that may wait, and those that do."""

    def __init__(self) -> None:
        self.plans: dict[Storage, Plan] = {}
        self._fresh: dict[Storage, Any] = {}
        self._many = 1 << 12

    def allow(self, tensor: Tensor) -> None:
        """The tensor's memory is new: it may wait."""
        storage = tensor.untyped_storage()
        self._fresh[storage._cdata] = _weakly(storage)
        if len(self._fresh) > self._many:  # forget what was freed
            self._fresh = {at: ref for at, ref in self._fresh.items() if not ref.expired()}
            self.plans = {at: plan for at, plan in self.plans.items() if at in self._fresh}
            self._many = max(self._many, 2 * len(self._fresh))

    def expose(self, storage: Storage) -> None:
        """From now on somebody else sees this memory: it waits no more."""
        self._fresh.pop(storage, None)

    def knows(self, storage: Storage) -> bool:
        """Whether this memory is new, and nobody else has seen it."""
        return storage in self._fresh

    def may_replace(self, tensor: Tensor) -> bool:
        """Whether a fill of this tensor may wait, and need not mind what waited before."""
        return tensor.untyped_storage()._cdata in self._fresh and covers(tensor)

    def replace(self, tensor: Tensor, step: Step) -> None:
        """The storage waits for this step alone."""
        at = tensor.untyped_storage()._cdata
        self.plans[at] = Plan(self._fresh[at], [(place(tensor), step)])

    def append(self, tensor: Tensor, step: Step) -> None:
        """The storage waits for this step too."""
        at = tensor.untyped_storage()._cdata
        if at not in self.plans:
            self.plans[at] = Plan(self._fresh[at], [])
        self.plans[at].steps.append((place(tensor), step))

    def copy(self, source: Tensor, target: Tensor) -> None:
        """The target, as large and laid out alike, waits for what its source waits for: equal values."""
        self.allow(target)
        at = target.untyped_storage()._cdata
        self.plans[at] = Plan(self._fresh[at], list(self.plans[source.untyped_storage()._cdata].steps))

    def forget(self, storage: Storage) -> None:
        """Everything is overwritten before it was read."""
        self.plans.pop(storage, None)

    def carry_out(self, these: Iterable[Storage]) -> None:
        """Do what these storages wait for."""
        filled = [tensors for at in these if (plan := self.plans.pop(at, None)) and (tensors := plan.tensors())]
        if not filled:
            return
        pages.ask(tensors[0][0] for tensors in filled)
        with torch.no_grad():
            for tensor, step in (pair for tensors in filled for pair in tensors):
                shape = tuple(tensor.shape)
                step.run(tensor, shape, (0,) * len(shape))

    def carry_out_all(self) -> None:
        """Do what every storage waits for."""
        self.carry_out(list(self.plans))


def place(tensor: Tensor) -> Place:
    return Place(int(tensor.storage_offset()), tuple(tensor.shape), tensor.stride(), tensor.dtype)


def covers(tensor: Tensor) -> bool:
    """Whether each element of a tensor's storage is one of the tensor's."""
    if tensor.numel() * tensor.element_size() != tensor.untyped_storage().nbytes():
        return False
    return tensor.is_contiguous() or apart(tensor)


def apart(tensor: Tensor) -> bool:
    """Whether no two elements of a tensor share memory, as far as the strides tell."""
    reach = 1
    for step, n in sorted((step, n) for step, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1):
        if step < reach:
            return False
        reach += step * (n - 1)
    return True


def storages(*values: object) -> Iterator[Storage]:
    """The storages of all tensors in arguments, those within lists, dicts and wrapping tensors too."""
    for value in values:
        if isinstance(value, Tensor):
            if type(value) not in PLAIN and hasattr(value, "__tensor_flatten__"):  # a DTensor, say
                yield from storages(*(getattr(value, name) for name in value.__tensor_flatten__()[0]))
                continue
            with suppress(NotImplementedError, RuntimeError):  # sparse ones have none, and are never ours
                yield value.untyped_storage()._cdata
        elif isinstance(value, (list, tuple)):
            yield from storages(*value)
        elif isinstance(value, dict):
            yield from storages(*value.values())
