"""Huge pages for memory that is about to be filled: the kernel hands out 2 MiB at a time instead of 4 KiB."""

import ctypes
import mmap
import sys
from collections.abc import Iterable

import torch

_PAGE = mmap.PAGESIZE
_NEAR = 1 << 16  # bytes between neighbours that are asked for as one
_WORTH = 1 << 22  # bytes from which NumPy asks for its own arrays, too
_madvise = ctypes.CDLL(None).madvise if sys.platform == "linux" else None


def ask(tensors: Iterable[torch.Tensor]) -> None:
    """Ask for huge pages under these tensors; a hint, which changes no value and may be refused."""
    if _madvise is None:
        return
    spans = sorted((t.data_ptr(), t.data_ptr() + t.numel() * t.element_size()) for t in tensors)
    begin, end = spans[0] if spans else (0, 0)
    for low, high in [*spans[1:], (1 << 63, 1 << 63)]:
        if low - end < _NEAR:
            end = max(end, high)
            continue
        if end - begin >= _WORTH:
            first = -begin % _PAGE + begin  # never a page that is not all ours
            _madvise(ctypes.c_void_p(first), ctypes.c_size_t(end // _PAGE * _PAGE - first), mmap.MADV_HUGEPAGE)
        begin, end = low, high
