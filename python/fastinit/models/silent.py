"""torch's initialisers that tell no mode of themselves, made to tell. Importing this module imports torch.

Their code is exchanged while somebody listens, not their names: so whoever kept a function (a partial, a table, a name
bound at import) is reached, and its identity, its module and every binding stay what they were. On a thread where
nobody listens a function does what it always did.
"""

import threading
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import torch
from torch.overrides import handle_torch_function

from .laws import SILENT, Function


class Listener:
    """A mode that wants to be told."""


_PUBLIC: dict[str, FunctionType] = {name: getattr(torch.nn.init, name) for name in SILENT}
_OWN: dict[str, Function] = {
    name: FunctionType(f.__code__, f.__globals__, name, f.__defaults__, f.__closure__) for name, f in _PUBLIC.items()
}
for _name, _function in _PUBLIC.items():
    _OWN[_name].__kwdefaults__ = _function.__kwdefaults__
heard_by: Callable[[], list[object]] = torch.overrides._get_current_function_mode_stack
_lock, _listeners = threading.Lock(), 0


def own(func: Function) -> Function:
    """torch's function with the code that it came with."""
    return _OWN[func.__name__] if func in _PUBLIC.values() else func


def tell(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    """What a silent function does while somebody listens."""
    if not any(isinstance(mode, Listener) for mode in heard_by()):
        return _OWN[name](*args, **kwargs)
    tensor = kwargs["tensor"] if "tensor" in kwargs else args[0]
    return handle_torch_function(_PUBLIC[name], (tensor,), *args, **kwargs)


def _telling(name: str) -> CodeType:
    """The code of a function that calls `tell`; it finds everything by itself, whatever its globals are."""
    scope: dict[str, FunctionType] = {}
    text = f"def {name}(*args, **kwargs):\n    from {__name__} import tell\n    return tell({name!r}, args, kwargs)\n"
    exec(compile(text, __file__, "exec"), scope)
    return scope[name].__code__


_CODES = {name: (_telling(name), f.__code__) for name, f in _PUBLIC.items()}


def listen(change: int) -> None:
    """One listener more (1) or less (-1)."""
    global _listeners
    with _lock:
        _listeners += change
        if _listeners == max(change, 0):  # the first one came, or the last one went
            for name, (telling, silent) in _CODES.items():
                _PUBLIC[name].__code__ = telling if _listeners else silent
