"""Which rule fills which parameter, and what that rule is. Importing this module imports torch."""

import fnmatch
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn

import fastinit

from .names import Named
from .presets import Depends, neutral
from .recipe import Box, Recorded, Steps
from .steps import Call, Draw, Own, Step

Rule: TypeAlias = Callable[..., object] | float | Recorded | Depends | None
Rules: TypeAlias = Mapping[Any, Rule] | Iterable[tuple[Any, Rule]] | Callable[..., object]

_NAMES = frozenset(torch.nn.init.__all__) | {name for name in fastinit.__all__ if name.endswith("_")}
# of these the fans matter, and a shape alone may mislead
_SCALED = ("xavier", "kaiming", "glorot", "he_", "lecun", "variance_scaling")


class Chosen:
    """Rules in their order: the first that matches a parameter is its."""

    def __init__(self, rules: Rules) -> None:
        pairs = _for_weights(rules) if callable(rules) else rules.items() if isinstance(rules, Mapping) else rules
        self.pairs: list[tuple[Any, Rule]] = [_pair(pair) for pair in pairs]
        plain = ((n, pattern) for n, (pattern, _) in enumerate(self.pairs) if _is_name(pattern))
        self._by_name: dict[str, int] = {}
        for n, name in plain:
            self._by_name.setdefault(name, n)
        self._others = [n for n, (pattern, _) in enumerate(self.pairs) if not _is_name(pattern)]
        self._matched: set[int] = set()

    def of(self, p: Named) -> tuple[bool, Rule]:
        """Whether a rule matches, and which."""
        hits = [self._by_name[name] for name in p.names if name in self._by_name]
        first = min(hits, default=len(self.pairs))
        for n in self._others:
            if n > first:
                break
            if any(_matches(self.pairs[n][0], name, p) for name in p.names):
                first = n
                break
        if first == len(self.pairs):
            return False, None
        self._matched.update(hits, [first])
        return True, self.pairs[first][1]

    def unused(self, named: Sequence[Named]) -> str | None:
        """A pattern of names that no parameter has, a slip of the pen perhaps; recipes may have more than the model."""
        names = [name for p in named for name in p.names]
        for n, (pattern, rule) in enumerate(self.pairs):
            if n in self._matched or pattern == "*" or isinstance(rule, Recorded):
                continue
            if isinstance(pattern, str) and not fnmatch.filter(names, pattern):
                return repr(pattern)
            if isinstance(pattern, re.Pattern) and not any(map(pattern.fullmatch, names)):
                return repr(pattern.pattern)
        return None


def _for_weights(rule: Callable[..., object]) -> list[tuple[Any, Rule]]:
    """One initialiser, for weights; what nobody wants random beside it."""

    def is_weight(name: str, tensor: torch.Tensor, module: nn.Module) -> bool:
        return tensor.dim() > 1 and not isinstance(module, (nn.Embedding, nn.EmbeddingBag))

    return [(is_weight, rule), (nn.Embedding, None), (nn.EmbeddingBag, None), *neutral()]


def _pair(pair: object) -> tuple[Any, Rule]:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(f"rules hold {pair!r}; give pairs (pattern, rule), or a dict of them")
    pattern, rule = pair
    if not isinstance(pattern, (str, re.Pattern)) and not callable(pattern):
        raise TypeError(
            f"pattern {pattern!r} is unknown; give a name with * and ?, a compiled regular expression, a class of "
            "modules, or a function of (name, parameter, module)"
        )
    number = isinstance(rule, (int, float)) and not isinstance(rule, bool)
    if not (rule is None or number or callable(rule) or isinstance(rule, (Recorded, Depends))):
        raise TypeError(
            f"the rule for {pattern!r} is {rule!r}; give an initialiser, a partial of one, a number, any function of "
            "(tensor, generator=), or None to leave the parameter as it is"
        )
    return pattern, rule


def _is_name(pattern: object) -> bool:
    return isinstance(pattern, str) and not any(sign in pattern for sign in "*?[")


def _matches(pattern: Any, name: str, p: Named) -> bool:
    if isinstance(pattern, str):
        return fnmatch.fnmatchcase(name, pattern)
    if isinstance(pattern, re.Pattern):
        return pattern.fullmatch(name) is not None
    if isinstance(pattern, type):
        return isinstance(p.module, pattern) and p.tensor.dim() > 1
    return bool(pattern(name, p.tensor, p.module))


# ---- what a rule does to a parameter ---------------------------------------------------------------------------------


def steps(rule: Rule, p: Named) -> Steps | None:
    """A rule as steps; None: leave the parameter."""
    while isinstance(rule, Depends):
        rule = rule.choose(p.name, p.tensor, p.module)
    if rule is None or isinstance(rule, Recorded):
        return rule.steps if rule else None
    made: list[tuple[Box | None, Step]] = [(None, _step(rule, p))]
    if (
        isinstance(p.module, (nn.Embedding, nn.EmbeddingBag))
        and p.module.padding_idx is not None
        and p.leaf == "weight"
    ):
        made.append((Box((p.module.padding_idx, 0), (1, p.tensor.shape[1]), (1,)), Call("zero_")))
    return tuple(made)


def _step(rule: Callable[..., object] | float, p: Named) -> Step:
    if not callable(rule):
        return Call("fill_", (rule,))
    function, kwargs = rule, dict[str, Any]()
    while isinstance(function, functools.partial):
        if function.args:
            raise TypeError(f"{function} would give its numbers in the tensor's place; name them: partial(f, std=0.02)")
        kwargs, function = {**function.keywords, **kwargs}, function.func
    name, home = getattr(function, "__name__", ""), getattr(function, "__module__", None) or ""
    if name not in _NAMES or not (home.startswith("fastinit.") or home == "torch.nn.init"):
        return Own(rule)
    if name in ("zeros_", "ones_", "constant_") and not kwargs.keys() - {"val"}:
        return Call("fill_", (kwargs["val"] if name == "constant_" else float(name == "ones_"),))
    if name.startswith(_SCALED):
        kwargs = {**facts(p), **kwargs}
    generator = kwargs.pop("generator", None)
    if generator is not None:
        raise TypeError(
            f"{name} has a generator= of its own; a parameter's key comes from its name: give init_model_ it"
        )
    return Draw(name, (), {key: tuple(value) if isinstance(value, list) else value for key, value in kwargs.items()})


def facts(p: Named) -> dict[str, Any]:
    """The layout, groups and fans that a module's weight has, where its shape would mislead."""
    module, shape = p.module, p.tensor.shape
    if isinstance(module, nn.modules.conv._ConvNd) and p.leaf == "weight":
        return {"layout": "IO..." if module.transposed else "OI...", "groups": module.groups}
    if isinstance(module, nn.MultiheadAttention) and p.leaf == "in_proj_weight":  # three of them, stacked
        return {"fans": (module.embed_dim, module.embed_dim)}
    if isinstance(module, nn.RNNBase) and p.leaf.startswith(("weight_ih", "weight_hh")):  # gates are stacked
        return {"fans": (shape[1], shape[0] // {"LSTM": 4, "GRU": 3}.get(module.mode, 1))}
    if isinstance(module, nn.RNNCellBase) and p.leaf.startswith("weight"):
        return {"fans": (shape[1], module.hidden_size)}
    if type(module).__name__ == "Conv1D":  # GPT-2's: x @ W
        return {"layout": "...IO"}
    return {}
