"""The C extension. Private: the package's own modules are its only callers."""

import numpy as np

CHUNK: int
LANES: int

def fill(
    array: np.ndarray,
    dtype: str,
    transform: str,
    p0: float,
    p1: float,
    p2: float,
    p3: float,
    seed: int,
    stream: int,
    global_shape: tuple[int, ...] | None,
    offset: tuple[int, ...] | None,
    /,
) -> None: ...
def words(seed: int, stream: int, chunk: int, /) -> np.ndarray: ...
def threefry4x32(
    key: tuple[int, int, int, int], counter: tuple[int, int, int, int], /
) -> tuple[int, int, int, int]: ...
def sparse_mask(seed: int, stream: int, rows: int, columns: int, chosen: int, /) -> np.ndarray: ...
def truncated_moments(alpha: float, beta: float, /) -> tuple[float, float, float]: ...
def elementary(x: float, /) -> tuple[float, float, float]: ...
def levels() -> tuple[str, list[str]]: ...
def use_level(name: str, /) -> bool: ...
def set_threads(count: int, /) -> None: ...
def get_threads() -> int: ...
def take(state: list[int], /) -> tuple[int, int]: ...
def plain(array: object, /) -> str | None: ...

sigmoid: np.ufunc
dsigmoid: np.ufunc
tanh: np.ufunc
dtanh: np.ufunc
sigmoid_backward: np.ufunc
tanh_backward: np.ufunc
