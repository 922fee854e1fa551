"""A model's initial weights, straight to safetensors files, through one buffer. Importing this module imports torch.

A file is the length of its header (8 bytes), the header (JSON: dtype, shape and place of each tensor), the data.
"""

import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from ..generator import Randomness
from ..show.progress import bar
from .filling import Planned, computed, fill_part, planned
from .hearing import deaf
from .rules import Rules

BUFFER = 64 << 20  # bytes; it changes no value
_DTYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class Entry(NamedTuple):
    """A tensor of a file: what it is called, and where its values come from, a plan or a buffer of the model."""

    name: str
    tensor: torch.Tensor
    plan: Planned | None

    @property
    def size(self) -> int:
        return self.tensor.numel() * self.tensor.element_size()


def init_safetensors(
    model: nn.Module, directory: str | os.PathLike[str], rules: Rules | None, generator: Randomness, strict: bool,
    max_shard_size: int | str, buffer: int = BUFFER,
) -> dict[str, str]:  # fmt: skip
    """See doors.init_safetensors."""
    limit, folder = _bytes(max_shard_size), Path(directory)
    entries = _entries(model, [computed(one) for one in planned(model, rules, generator, strict)])
    files, size = _files(entries, limit), sum(entry.size for entry in entries)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    index = {entry.name: name for name, part in files.items() for entry in part}
    try:
        with deaf(), torch.no_grad(), bar(size, "safetensors", size >= 1 << 30, unit="B", unit_scale=True) as tick:
            for name, part in files.items():
                written.append(folder / f"{name}.partial")
                with open(written[-1], "wb") as file:
                    file.write(_header(part))
                    for entry in part:
                        for block in _blocks(entry, buffer):
                            file.write(block)
                            tick(len(block))
            if len(files) > 1:
                written.append(folder / "model.safetensors.index.json.partial")
                total = {"total_size": size}
                written[-1].write_text(json.dumps({"metadata": total, "weight_map": index}, indent=2) + "\n")
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(
                error.errno, f"{error.strerror} while writing {size:,} bytes to {folder}; nothing was left there"
            ) from error
        raise
    for path in written:  # the index last
        path.replace(path.with_suffix(""))
    return index


def _entries(model: nn.Module, plan: list[Planned]) -> list[Entry]:
    """Every parameter under its first name, then every buffer that a checkpoint has."""
    for one in plan:
        if not one.steps and one.tensor.is_meta:
            raise ValueError(f"{one.p.name} is on the meta device and has no values that could be left; give it a rule")
        if type(one.tensor) is not nn.Parameter:
            raise TypeError(f"{one.p.name} is a {type(one.tensor).__name__}; give the model before it is divided")
        if one.tensor.dtype not in _DTYPES:
            raise TypeError(f"{one.p.name} has dtype {one.tensor.dtype}; a safetensors file here holds {_known()}")
    stored = set(model.state_dict(keep_vars=True))
    entries = [Entry(one.p.name, one.tensor, one) for one in plan]
    for name, buffer in model.named_buffers():
        if name in stored:
            if buffer.is_meta:
                raise ValueError(f"buffer {name} is on the meta device, where its values were lost; compute it first")
            entries.append(Entry(name, buffer, None))
    return entries


def _known() -> str:
    return ", ".join(str(dtype).removeprefix("torch.") for dtype in _DTYPES)


def _files(entries: list[Entry], limit: int) -> dict[str, list[Entry]]:
    """Which tensors go into which file, in order: as many as the limit lets in, one at least."""
    parts: list[list[Entry]] = [[]]
    for entry in entries:
        if parts[-1] and sum(other.size for other in parts[-1]) + entry.size > limit:
            parts.append([])
        parts[-1].append(entry)
    if len(parts) == 1:
        return {"model.safetensors": parts[0]}
    return {f"model-{i:05d}-of-{len(parts):05d}.safetensors": part for i, part in enumerate(parts, 1)}


def _header(part: list[Entry]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for entry in part:
        begin, end = end, end + entry.size
        header[entry.name] = {
            "dtype": _DTYPES[entry.tensor.dtype], "shape": list(entry.tensor.shape), "data_offsets": [begin, end],
        }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _blocks(entry: Entry, buffer: int) -> Iterator[memoryview]:
    """The tensor's values, some rows at a time."""
    tensor = entry.tensor.detach()
    if not tensor.numel():
        return
    length, *inner = tensor.shape or (1,)
    rows = max(1, buffer // (math.prod(inner) * tensor.element_size()))
    memory = torch.empty((min(rows, length), *inner), dtype=tensor.dtype)
    for begin in range(0, length, rows):
        rest = memory[: length - begin]
        block, offset = (rest, (begin, *(0 for _ in inner))) if tensor.dim() else (rest[0], ())
        if not tensor.is_meta:
            block.copy_(tensor[begin : begin + rows] if tensor.dim() else tensor)
        if entry.plan is not None:
            fill_part(entry.plan, block, offset)
        values: Any = rest.view(torch.uint8).numpy()  # a buffer, which NumPy's types tell from Python 3.12 on
        yield memoryview(values).cast("B")


def _bytes(size: int | str) -> int:
    """A number of bytes, or such text as "5GB"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(size))
    unit = found and _UNITS.get(found[2].upper())
    if not found or not unit or isinstance(size, (bool, float)) or (count := int(float(found[1]) * unit)) < 1:
        raise ValueError(f"max_shard_size={size!r}; give a number of bytes, or text such as '5GB' or '500MiB'")
    return count
