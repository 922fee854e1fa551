"""What `describe` gives: the statistics of one tensor, and a table of several."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from .. import _core
from ..checks import did_you_mean, one_of
from ..show import plots, svg
from ..show.tables import as_html, as_text, number

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

# A bin is a float32's sign, exponent and three top bits of mantissa: lower edges of the 2048 sizes, and the last one's
# upper edge
_EDGES = np.append((np.arange(2040, dtype=np.uint32) << np.uint32(20)).view(np.float32).astype(np.float64), 2.0**128)
_SIZES = 2040  # those above hold what is not finite, and stay empty
# Where some values lie beyond those, or among float32's subnormals, which share 8 bins, there are wide bins too: of 0,
# then of an eighth of each octave from the smallest float64 on
_WIDE = 1 + 8 * (1024 + 1074)
_WIDE_EDGES = np.append(0.0, np.ldexp(8.0 + np.arange(_WIDE - 1) % 8, np.arange(_WIDE - 1) // 8 - 1077))
_WIDE_EDGES = np.append(_WIDE_EDGES, math.inf)
_FIRST_WIDE = 1 + 8 * 947  # less than bin b's wide bin by b

NEAR = (2.0**-150, 2.0**240)  # sizes whose fourth powers float64 holds, down to the last place's

# dtype -> (largest size that rounds to 0, smallest size that rounds to infinity or does not fit), both to one bin
_LIMITS = {
    "float16": (2.0**-25, 2.0**16), "bfloat16": (2.0**-134, 2.0**128), "float32": (2.0**-150, 2.0**128),
    "float8_e4m3": (2.0**-10, 1.875 * 2.0**8), "float8_e5m2": (2.0**-17, 1.875 * 2.0**15),
}  # fmt: skip


_COUNTS = ("size", "nan", "posinf", "neginf", "zero", "subnormal", "negative")
_MOMENTS = ("mean", "var", "std", "min", "max", "absmax", "mean_abs", "rms", "l2", "skew", "kurtosis")
_COLUMNS = (*_COUNTS, "saturated", *_MOMENTS)
_SHOWN = 60  # rows at most in a printed table


class Fits(NamedTuple):
    """Shares of the finite values that are not 0: lost to 0, and too large, in a narrower dtype.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.describe(np.array([1.0, 1e-9, 1e6, 0.0])).fits("float16")
    Fits(underflow=0.3333333333333333, overflow=0.3333333333333333)
    """

    underflow: float
    overflow: float


@dataclass(frozen=True, eq=False, repr=False)
class Stats:
    """What `describe` finds in one tensor. Moments are of the finite values, divided by their number (ddof 0).

    Attributes
    ----------
    name, shape, dtype
    size, nan, posinf, neginf, zero, subnormal, negative : int
        Exact counts; zero has -0.0 too, negative is finite and below 0.
    saturated : int or None
        Finite values beyond the saturation bounds of the activation that was named.
    mean, var, std, min, max, absmax, mean_abs, rms, l2 : float
        NaN if nothing is finite. Right for values of any size; var, a square, is 0 or infinite where float64 holds none
        such, and l2 may be infinite.
    skew, kurtosis : float
        Third and fourth standardised moments, the latter less 3 (0 for a normal); NaN where std is 0.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> s = fastinit.describe(np.array([1.0, 2.0, 3.0, np.nan]))
    >>> s.mean, s.nan, s.size
    (2.0, 1, 4)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    nan: int
    posinf: int
    neginf: int
    zero: int
    subnormal: int
    negative: int
    saturated: int | None
    moments: _core.Moments = field(repr=False)  # of x / 2**exponent; but for min and max, which are x's
    bins: npt.NDArray[np.uint64] | None = field(repr=False)
    exponent: int = field(default=0, repr=False)
    wide: npt.NDArray[np.uint64] | None = field(default=None, repr=False)  # positive and 0, negative

    @property
    def finite(self) -> int:
        return self.size - self.nan - self.posinf - self.neginf

    @property
    def mean(self) -> float:
        return self._scaled(self._mean)

    @property
    def var(self) -> float:
        return self._scaled(self._var, 2)

    @property
    def std(self) -> float:
        return self._scaled(math.sqrt(self._var))

    @property
    def min(self) -> float:
        return self.moments.min if self.finite else math.nan

    @property
    def max(self) -> float:
        return self.moments.max if self.finite else math.nan

    @property
    def absmax(self) -> float:
        return max(abs(self.moments.min), abs(self.moments.max)) if self.finite else math.nan

    @property
    def mean_abs(self) -> float:
        return self._scaled(self.moments.sum_abs / self.finite if self.finite else math.nan)

    @property
    def rms(self) -> float:
        return self._scaled(self._rms)

    @property
    def l2(self) -> float:
        return self._scaled(math.sqrt(self.finite) * self._rms) if self.finite else 0.0

    @property
    def skew(self) -> float:
        return self._standardised(self.moments.m3, 3)

    @property
    def kurtosis(self) -> float:
        return self._standardised(self.moments.m4, 4) - 3.0

    @property
    def _mean(self) -> float:
        return self.moments.pivot + self.moments.mean_offset if self.finite else math.nan

    @property
    def _var(self) -> float:
        return self.moments.m2 / self.finite if self.finite else math.nan

    @property
    def _rms(self) -> float:
        return math.sqrt(self._var + self._mean * self._mean)

    def _scaled(self, x: float, power: int = 1) -> float:
        """A moment of x / 2**exponent, as one of x: infinite if float64 holds no such number."""
        try:
            return math.ldexp(x, power * self.exponent) if self.exponent else x
        except OverflowError:
            return math.copysign(math.inf, x)

    def _standardised(self, moment: float, power: int) -> float:
        std = math.sqrt(self._var)
        if not std > 0.0:
            return math.nan
        return moment / self.finite / std / std / std / (std if power == 4 else 1.0)

    def __add__(self, other: "Stats") -> "Stats":
        """Of both tensors' values together: shards of one, or batches."""
        if not isinstance(other, Stats):
            return NotImplemented
        exponent = exponent_of(max((row.absmax for row in (self, other) if row.finite), default=0.0))
        is_wide = self.wide is not None or other.wide is not None
        return replace(
            self,
            shape=(self.size + other.size,),
            dtype=self.dtype if self.dtype == other.dtype else "mixed",
            **{count: getattr(self, count) + getattr(other, count) for count in _COUNTS},
            saturated=None if self.saturated is None or other.saturated is None else self.saturated + other.saturated,
            moments=_core.merge(self._moments_at(exponent), other._moments_at(exponent)),
            bins=None if self.bins is None or other.bins is None else self.bins + other.bins,
            exponent=exponent,
            wide=self._widened() + other._widened() if is_wide else None,
        )

    def _moments_at(self, exponent: int) -> _core.Moments:
        """The moments of x / 2**exponent."""
        n, *sums, low, high = self.moments
        powers = (1, 1, 2, 3, 4, 1)  # of pivot, mean_offset, m2, m3, m4, sum_abs
        down = self.exponent - exponent
        return _core.Moments((n, *(math.ldexp(x, k * down) for x, k in zip(sums, powers, strict=True)), low, high))

    def _binned(self) -> npt.NDArray[np.uint64]:
        if self.bins is None:
            raise ValueError("rows of by= keep no histogram; describe the row itself: describe(tensor[i])")
        return self.bins

    def _sizes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Edges of the bins of sizes, one more than bins; counts of positive values and 0, and of negative ones."""
        if self.wide is not None:
            return _WIDE_EDGES, self.wide[0], self.wide[1]
        bins = self._binned()
        return _EDGES, bins[:_SIZES], bins[2048 : 2048 + _SIZES]

    def _widened(self) -> npt.NDArray[np.uint64]:
        """The wide bins; made of the others where there was no need of them."""
        if self.wide is not None:
            return self.wide
        wide = np.zeros((2, _WIDE), np.uint64)
        _, *both = self._sizes()
        for counts, into in zip(both, wide, strict=True):
            into[0], into[_FIRST_WIDE + 8 : _FIRST_WIDE + _SIZES] = counts[0], counts[8:]
        return wide

    def _masses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower edges, upper edges and counts of the bins in use, from the smallest value to the largest."""
        edges, positive, negative = self._sizes()
        lower, upper = edges[:-1], np.append(0.0, edges[2:])  # nothing but 0 is in the first
        low, high = np.concatenate([-upper[::-1], lower]), np.concatenate([-lower[::-1], upper])
        counts = np.concatenate([negative[::-1], positive])
        used = counts > 0
        return np.clip(low[used], self.min, self.max), np.clip(high[used], self.min, self.max), counts[used]

    @overload
    def quantile(self, q: float) -> np.float64: ...
    @overload
    def quantile(self, q: Sequence[float] | np.ndarray) -> npt.NDArray[np.float64]: ...
    @np.errstate(all="ignore")
    def quantile(self, q: float | Sequence[float] | np.ndarray) -> np.float64 | npt.NDArray[np.float64]:
        """The value below which the share q of the finite values lies, to within its bin: an eighth of an octave.

        Parameters
        ----------
        q : float or sequence of float
            In [0, 1].

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> bool(abs(fastinit.describe(np.arange(1.0, 1001.0)).quantile(0.5) / 500 - 1) < 0.06)
        True
        """
        shares = np.asarray(q, float)
        if not ((shares >= 0) & (shares <= 1)).all():
            raise ValueError(f"q={q!r}; give shares in [0, 1]")
        values = np.full(shares.shape, math.nan)
        if self.finite:
            low, high, counts = self._masses()
            until = np.append(0, np.cumsum(counts))
            edges = np.ravel([until[:-1], until[1:]], "F")
            values = np.asarray(np.interp(shares * until[-1], edges, np.ravel([low, high], "F")))
        return values[()]

    def fits(self, dtype: str) -> Fits:
        """Which shares of the finite values that are not 0 would be lost in a narrower dtype, to one bin.

        Parameters
        ----------
        dtype : {"float16", "bfloat16", "float32", "float8_e4m3", "float8_e5m2"}

        Returns
        -------
        Fits

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> fastinit.describe(np.array([1.0, 1e-6, 1e5])).fits("bfloat16")
        Fits(underflow=0.0, overflow=0.0)
        """
        one_of("dtype", dtype, _LIMITS, "dtypes")
        edges, positive, negative = self._sizes()
        sizes = (positive + negative)[1:]  # the first holds zeros alone
        some = max(int(sizes.sum()), 1)
        small, large = _LIMITS[dtype]
        under, over = sizes[edges[2:] <= small].sum(), sizes[edges[1:-1] >= large].sum()
        return Fits(int(under) / some, int(over) / some)

    @np.errstate(all="ignore")
    def histogram(self, edges: Sequence[float] | np.ndarray) -> npt.NDArray[np.float64]:
        """Counts between edges of one's own, each bin's count spread evenly over the bin.

        Parameters
        ----------
        edges : sequence of float
            Increasing.

        Returns
        -------
        ndarray of float64, one shorter than ``edges``

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> fastinit.describe(np.array([-1.0, 1.0, 1.0, 3.0])).histogram([-2, 0, 2, 4])
        array([1., 2., 1.])
        """
        edges = np.asarray(edges, float)
        if not self.finite:
            return np.zeros(edges.size - 1)
        low, high, counts = self._masses()
        at = np.maximum(np.searchsorted(low, edges, "right") - 1, 0)  # the bin that begins before the edge
        share = (edges - low[at]) / (high - low)[at]
        share = np.where(high[at] > low[at], np.clip(share, 0.0, 1.0), edges > low[at])  # equal values: a step
        return np.diff((np.cumsum(counts) - counts)[at] + counts[at] * share)

    def to_dict(self) -> dict[str, object]:
        """Counts and moments by name.

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> fastinit.describe(np.zeros(4)).to_dict()["zero"]
        4
        """
        return {column: getattr(self, column) for column in ("name", "shape", "dtype", *_COLUMNS)}

    def __repr__(self) -> str:
        return repr(StatsTable([self]))

    def _repr_html_(self) -> str:
        return StatsTable([self])._repr_html_()


class StatsTable(Sequence[Stats]):
    """The `Stats` of several tensors: a sequence, indexed by number or name; a column is an attribute of that name.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> table = fastinit.describe({"w": np.ones(3), "b": np.zeros(2)})
    >>> table["w"].mean, table.size
    (1.0, array([3, 2]))

    Attributes
    ----------
    without : list of str
        Names that stood for None.
    """

    def __init__(self, rows: Sequence[Stats], without: Sequence[str] = ()) -> None:
        self._rows = rows
        self.without: list[str] = list(without)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Stats]:
        return iter(self._rows)

    @overload
    def __getitem__(self, key: int | str) -> Stats: ...
    @overload
    def __getitem__(self, key: slice) -> "StatsTable": ...
    def __getitem__(self, key: int | str | slice) -> "Stats | StatsTable":
        if isinstance(key, str):
            for row in self._rows:
                if row.name == key:
                    return row
            known = [row.name for row in self._rows]
            raise KeyError(f"no row is named {key!r}{did_you_mean(key, known)}; names: {', '.join(known[:20])}")
        return StatsTable(self._rows[key]) if isinstance(key, slice) else self._rows[key]

    def __getattr__(self, column: str) -> np.ndarray:
        if column in _COLUMNS:
            values = [getattr(row, column) for row in self._rows]
            return np.array([math.nan if v is None else v for v in values])
        meant = did_you_mean(column, _COLUMNS)
        raise AttributeError(f"StatsTable has no column {column!r}{meant}; columns: {', '.join(_COLUMNS)}")

    @property
    def names(self) -> list[str]:
        return [row.name for row in self._rows]

    def to_pandas(self) -> "pandas.DataFrame":
        """A pandas DataFrame, a row a tensor."""
        import pandas

        return pandas.DataFrame([row.to_dict() for row in self._rows]).set_index("name")

    def _shown(self) -> list[Stats | None]:
        """The rows, or the first and last of them with None for the gap."""
        half = _SHOWN // 2
        return [*self] if len(self) <= _SHOWN else [*self[:half], None, *self[-half:]]

    def _header(self) -> list[str]:
        optional = [name for name, some in (
            ("zero", any(r.zero for r in self)), ("nan", any(r.nan for r in self)),
            ("inf", any(r.posinf + r.neginf for r in self)), ("saturated", any(r.saturated is not None for r in self)),
        ) if some]  # fmt: skip
        return ["name", "shape", "mean", "std (n)", "min", "max", *optional]

    def _cells(self, row: Stats) -> dict[str, str]:
        def percent(count: int | None) -> str:
            return "" if count is None or not row.size else f"{100 * count / row.size:.3g}%"

        return {
            "name": row.name,
            "shape": "x".join(map(str, row.shape)) or "()",
            "mean": number(row.mean),
            "std (n)": number(row.std),
            "min": number(row.min),
            "max": number(row.max),
            "nan": str(row.nan),
            "inf": str(row.posinf + row.neginf),
            "zero": percent(row.zero),
            "saturated": percent(row.saturated),
        }

    def __repr__(self) -> str:
        header = self._header()
        gap = ["..."] + [""] * (len(header) - 1)
        rows = [gap if row is None else [self._cells(row)[h] for h in header] for row in self._shown()]
        return as_text(header, rows) + self._note()

    def _note(self) -> str:
        return f"\nwithout {', '.join(self.without)}: None" if self.without else ""

    def _repr_html_(self) -> str:
        header = self._header()
        rows: list[tuple[str, list[tuple[str, str]]]] = []
        for row in self._shown():
            if row is None:
                rows.append(("", [("", f"… {len(self) - _SHOWN} more …")] + [("", "")] * len(header)))
                continue
            named = self._cells(row)
            red = {h: ";color:#c00;font-weight:bold" if h in ("nan", "inf") and named[h] != "0" else "" for h in header}
            cells = [(red[h], html.escape(named[h])) for h in header]
            grey = "#999" if row.size and row.zero == row.size else "inherit"
            rows.append((f"color:{grey}", [*cells, ("", picture(row))]))
        return as_html([*header, "histogram"], rows) + html.escape(self._note())

    def plot(self, kind: str = "std", ax: "Axes | None" = None) -> "Axes":
        """Draw the spread by layer on a log axis ("std"), or each layer's histogram as a ridge ("ridge").

        Parameters
        ----------
        kind : {"std", "ridge"}
        ax : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes
        """
        one_of("kind", kind, ("std", "ridge"), "kinds")
        if kind == "std":
            return plots.spread(self.names, self.std, self.absmax, ax)
        drawn = [row for row in self if row.finite]
        reach = max((float(np.max(np.abs(row.quantile([0.001, 0.999])))) for row in drawn), default=1.0) or 1.0
        edges = reach * np.linspace(-1.0, 1.0, 121)
        return plots.ridge(self.names, edges, [row.histogram(edges) for row in self], ax)


def exponent_of(absmax: float) -> int:
    """By which power of 2 values are scaled for their moments' sake; 0, as almost always: they are not."""
    return 0 if NEAR[0] <= absmax <= NEAR[1] else math.frexp(absmax)[1]


@np.errstate(all="ignore")
def wide_bins(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Counts of finite values in wide bins: positive ones and 0, negative ones."""
    mantissa, exponent = np.frexp(np.abs(values))
    bins = np.where(values == 0.0, 0, 8 * (exponent + 1073) + (16.0 * mantissa).astype(int) - 7)
    signs = (values >= 0.0, values < 0.0)
    return np.array([np.bincount(bins[sign], minlength=_WIDE) for sign in signs], np.uint64)


@np.errstate(all="ignore")
def picture(row: Stats) -> str:
    """A small histogram between the 0.1% and 99.9% quantiles."""
    if row.bins is None or not row.finite:
        return ""
    low, high = map(float, row.quantile([0.001, 0.999]))
    if not high > low:
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    return svg.histogram(row.histogram(2.0 * np.linspace(low / 2.0, high / 2.0, 41)), low, high)
