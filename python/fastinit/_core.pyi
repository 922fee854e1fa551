"""The C extension. Private: the package's own modules are its only callers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar, final

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T")

CHUNK: Final[int]
LANES: Final[int]

@final
class Dtype(tuple[str | int | float, ...]):
    """A dtype that is drawn: one of DTYPES."""

    __match_args__: Final = ("name", "itemsize", "largest", "smallest_normal", "smallest_subnormal")
    n_fields: Final = 5
    n_sequence_fields: Final = 5
    n_unnamed_fields: Final = 0
    def __new__(cls, sequence: Iterable[str | int | float], dict: dict[str, object] = ...) -> Dtype: ...
    @property
    def name(self) -> str: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def largest(self) -> float: ...
    @property
    def smallest_normal(self) -> float: ...
    @property
    def smallest_subnormal(self) -> float: ...

@final
class Moments(tuple[float, ...]):
    """Sums of powers about the mean of the n finite values, which merge."""

    __match_args__: Final = ("n", "pivot", "mean_offset", "m2", "m3", "m4", "sum_abs", "min", "max")
    n_fields: Final = 9
    n_sequence_fields: Final = 9
    n_unnamed_fields: Final = 0
    def __new__(cls, sequence: Iterable[float], dict: dict[str, object] = ...) -> Moments: ...
    @property
    def n(self) -> float: ...
    @property
    def pivot(self) -> float: ...
    @property
    def mean_offset(self) -> float: ...
    @property
    def m2(self) -> float: ...
    @property
    def m3(self) -> float: ...
    @property
    def m4(self) -> float: ...
    @property
    def sum_abs(self) -> float: ...
    @property
    def min(self) -> float: ...
    @property
    def max(self) -> float: ...

@final
class Counts(tuple[int, ...]):
    """How many values are of each kind."""

    __match_args__: Final = ("nan", "posinf", "neginf", "zero", "subnormal", "negative")
    n_fields: Final = 6
    n_sequence_fields: Final = 6
    n_unnamed_fields: Final = 0
    def __new__(cls, sequence: Iterable[int], dict: dict[str, object] = ...) -> Counts: ...
    @property
    def nan(self) -> int: ...
    @property
    def posinf(self) -> int: ...
    @property
    def neginf(self) -> int: ...
    @property
    def zero(self) -> int: ...
    @property
    def subnormal(self) -> int: ...
    @property
    def negative(self) -> int: ...

DTYPES: Final[tuple[Dtype, ...]]

def fill_uniform(
    array: np.ndarray,
    dtype: Dtype,
    low: float,
    high: float,
    seed: int,
    stream: int,
    global_shape: tuple[int, ...] | None,
    offset: tuple[int, ...] | None,
    /,
) -> None: ...
def fill_normal(
    array: np.ndarray,
    dtype: Dtype,
    mean: float,
    std: float,
    seed: int,
    stream: int,
    global_shape: tuple[int, ...] | None,
    offset: tuple[int, ...] | None,
    /,
) -> None: ...
def fill_truncated(
    array: np.ndarray,
    dtype: Dtype,
    mean: float,
    std: float,
    low: float,
    high: float,
    seed: int,
    stream: int,
    global_shape: tuple[int, ...] | None,
    offset: tuple[int, ...] | None,
    /,
) -> None: ...
def fill_orthogonal(
    array: np.ndarray,
    dtype: Dtype,
    gain: float,
    seed: int,
    stream: int,
    global_shape: tuple[int, ...] | None,
    offset: tuple[int, ...] | None,
    rows: int,
    columns: int,
    /,
) -> None: ...
def fill_by(
    rule: Callable[..., object],
    tensor: _T,
    generator: object,
    global_shape: Sequence[int] | None,
    offset: Sequence[int | slice | tuple[int, int]] | None,
    /,
    *settings: object,
) -> _T: ...
def open_door(careful: Callable[..., object], generator_type: type, default_generator: object, /) -> None: ...
def open_torch_door(
    exchange: object,
    tensor: type,
    parameter: type,
    generator: type,
    scalar: object,
    function_modes: Callable[[], int],
    dispatch_modes: Callable[[], int],
    increment_version: Callable[..., None],
    /,
) -> bool: ...
def describe(array: np.ndarray, dtype: Dtype | None, /) -> tuple[Moments, Counts, npt.NDArray[np.uint64]]: ...
def describe_rows(
    array: np.ndarray, dtype: Dtype | None, outer: int, /
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]: ...
def merge(a: Moments, b: Moments, /) -> Moments: ...
def words(seed: int, stream: int, chunk: int, /) -> npt.NDArray[np.uint32]: ...
def threefry4x32(
    key: tuple[int, int, int, int], counter: tuple[int, int, int, int], /
) -> tuple[int, int, int, int]: ...
def sparse_mask(seed: int, stream: int, rows: int, columns: int, chosen: int, /) -> npt.NDArray[np.bool_]: ...
def truncated_moments(alpha: float, beta: float, /) -> tuple[float, float, float]: ...
def elementary(x: float, /) -> tuple[float, float, float]: ...
def levels() -> tuple[str, list[str]]: ...
def use_level(name: str, /) -> bool: ...
def set_threads(count: int, /) -> None: ...
def get_threads() -> int: ...
def take(state: list[int], /) -> tuple[int, int]: ...
def plain(array: object, /) -> Dtype | None: ...

sigmoid: np.ufunc
dsigmoid: np.ufunc
tanh: np.ufunc
dtanh: np.ufunc
sigmoid_backward: np.ufunc
tanh_backward: np.ufunc
