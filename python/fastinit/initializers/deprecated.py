"""torch's old names, without the underscore at the end: they warn, and do the same."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..checks import warn
from .constants import constant_
from .matrices import dirac_, eye_, orthogonal_
from .random import normal_, sparse_, uniform_
from .scaling import kaiming_normal_, kaiming_uniform_, xavier_normal_, xavier_uniform_

P = ParamSpec("P")
R = TypeVar("R")


def _make_deprecate(meth: Callable[P, R]) -> Callable[P, R]:
    old = meth.__name__[:-1]

    def alias(*args: P.args, **kwargs: P.kwargs) -> R:
        warn(f"fastinit.{old} is deprecated; use fastinit.{old}_", FutureWarning)
        return meth(*args, **kwargs)

    alias.__name__ = alias.__qualname__ = old
    alias.__doc__ = f"Deprecated: use `{old}_`, which does the same and says that it works in place."
    return alias


constant = _make_deprecate(constant_)
dirac = _make_deprecate(dirac_)
eye = _make_deprecate(eye_)
kaiming_normal = _make_deprecate(kaiming_normal_)
kaiming_uniform = _make_deprecate(kaiming_uniform_)
normal = _make_deprecate(normal_)
orthogonal = _make_deprecate(orthogonal_)
sparse = _make_deprecate(sparse_)
uniform = _make_deprecate(uniform_)
xavier_normal = _make_deprecate(xavier_normal_)
xavier_uniform = _make_deprecate(xavier_uniform_)
