"""`probe`: the door. A driver makes a bench of the model, what is measured on it is judged, and a report holds it
all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from ..backends import is_module
from ..checks import is_integer, number
from ..networks import dense_layers
from ..show.progress import bar
from .causes import likely
from .cures import cure
from .draws import Draws
from .evidence import Bench, Evidence, measure
from .expectation import expect
from .numpy_driver import NumpyBench
from .report import Probe
from .rules import RULES, Finding, Limit, Say, judge
from .trial import passes, try_steps

__all__ = ["probe"]

SHORT = 10.0  # seconds: a trial that would take longer is made only if asked for
STEPS, MORE = (
    20,
    3,
)  # of a trial; so many times as many where nothing else speaks against a network, for some begin late


@dataclass(frozen=True)
class _Options:
    """What was asked for, checked."""

    steps: int | None
    rate: float
    limits: dict[str, Limit]
    say: Say


def probe(
    model: Any,  # Any: of torch, which is not imported here, or a list of Dense
    x: Any,
    target: Any = None,
    *,
    loss: str | Callable[..., Any] | None = None,
    steps: int | None = None,
    rate: float = 0.001,
    limits: Mapping[str, Limit] | None = None,
    names: Sequence[str] | None = None,
    generator: object = 0,
    language: str = "en",
) -> Probe:
    """What an initialisation does to a network, judged as training would, and looked at layer by layer.

    Training asks of an initialisation that a step tells inputs apart, that it does not throw the answers far, that the
    function is not rough, and that the gradient reaches back. One pass forward and back and two more forward measure
    that on the answers, whatever the architecture; then a trial of real steps on this batch. Everything is put back as
    it came, bit for bit: parameters, gradients, buffers, modes, hooks, x, target and every random generator.

    Parameters
    ----------
    model : list of Dense, or torch.nn.Module
        A Module's layers are the calls of linear, convolution and matrix product with a parameter, whoever makes them,
        and of other modules that own weights (recurrent, attention, embedding) as a whole. It is judged in training
        mode.
    x : ndarray or tensor, or a tuple or dict of them (torch)
        A batch, inputs along the first axis; 64 or more, if dead units are to be named.
    target : ndarray or tensor, optional
        Integers are labels, floats are values. Without it a fixed random dL/d(output) stands in, and random targets are
        learnt in the trial, whose failure is then only a note.
    loss : {"mse", "cross_entropy"} or callable, optional
        None: by the target's dtype. A callable of (output, target), or of (output) without target: returns the loss
        (torch), or the loss and dL/doutput (NumPy).
    steps : int, optional
        Of the trial; three times as many where nothing else speaks against the network, for some begin late. None: 20,
        where that (and the longer one) is predicted to take under 10 seconds, else none; 0: none.
    rate : float
        Of the training to come, as Adam's; the trial tries ten times as much too, and SGD.
    limits : dict of str to Limit, optional
        In place of a rule's own: ``{"far": Limit(2, 3, 5)}``, by the measure's name in `Evidence`.
    names : sequence of str, optional
        For the layers of a list of Dense.
    generator : int or Generator
        For what the measures draw. A Generator does not move on.
    language : {"en", "vi"}
        Of the report.

    Returns
    -------
    Probe

    Raises
    ------
    TypeError
        A model or a batch that cannot be judged; the sentence says why.
    ValueError
        An unknown loss, a loss without its target, a target that does not fit the answers, or an option out of range.

    References
    ----------
    Jacot, Gabriel and Hongler (2018); Poole et al. (2016); Schoenholz et al. (2017); Zhang, Dauphin and Ma (2019); Liu
    et al. (2020); Pascanu, Mikolov and Bengio (2013); each rule names its own.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((256, 64), np.float32), generator=1)
    >>> small = lambda weight, generator: fastinit.normal_(weight, std=0.1, generator=generator)
    >>> net = fastinit.mlp([64] * 30 + [10], "relu", init=small, generator=0)
    >>> found = fastinit.probe(net, x)
    >>> found.verdict
    'bad: tells nothing apart'
    >>> found.findings[0].cause
    'layer1 to layer30: n Var w is 0.654, relu needs 2'
    """
    options = _options(steps, rate, limits, language)
    draws = Draws(generator)
    if is_module(model):
        from . import torch_driver

        with torch_driver.bench(model, x, target, loss, draws) as bench:
            return _examine(bench, options)
    network = dense_layers(model)
    if names is not None and len(names) != len(network):
        raise ValueError(f"names has {len(names)} entries for {len(network)} layers; give as many")
    with np.errstate(all="ignore"):
        return _examine(NumpyBench(network, x, target, loss, names or (), draws), options)


def _options(steps: int | None, rate: float, limits: Mapping[str, Limit] | None, language: str) -> _Options:
    if steps is not None and not (is_integer(steps) and steps >= 0):
        raise ValueError(f"steps={steps!r}; give None, 0 or a positive integer")
    rate = number("rate", rate)
    if not 0.0 < rate < 1.0:
        raise ValueError(f"rate={rate!r}; give a number between 0 and 1")
    known = {rule.measure: rule.limit for rule in RULES if rule.limit is not None}
    for measure_, limit in (limits or {}).items():
        if measure_ not in known or not isinstance(limit, Limit):
            raise ValueError(
                f"limits={{{measure_!r}: {limit!r}}}; give a fastinit.Limit for one of {', '.join(sorted(known))}"
            )
    return _Options(steps, rate, {**known, **(limits or {})}, Say(language))


def _examine(bench: Bench, options: _Options) -> Probe:
    """Measure, try, judge, explain."""
    evidence = Evidence(rate=options.rate)
    measure(bench, evidence)
    steps = options.steps
    if steps is None:
        steps = STEPS if _fits(bench, STEPS) else 0
    if steps and evidence.seen and evidence.finite:
        _try(bench, evidence, options, steps)
        alone = [finding.kind for finding in _judge(bench, evidence, options)] == ["does not learn"]
        if alone and (options.steps is not None or _fits(bench, MORE * steps)):
            _try(bench, evidence, options, MORE * steps)
    expect(bench.network.layers)
    findings = tuple(_explained(finding, bench, evidence, options) for finding in _judge(bench, evidence, options))
    loss = bench.loss if bench.labelled else None
    return Probe(
        findings, evidence, tuple(bench.network.layers), loss, bench.network.batch, options.limits, options.say
    )


def _fits(bench: Bench, steps: int) -> bool:
    """Whether a trial is predicted to be short."""
    return passes(bench, steps) * bench.seconds < SHORT


def _try(bench: Bench, evidence: Evidence, options: _Options, steps: int) -> None:
    start, made = perf_counter(), 0
    with bar(passes(bench, steps), "trial") as tick:

        def count() -> None:
            nonlocal made
            made += 1
            tick()

        try_steps(bench, evidence, steps, options.limits["trial"].note, count)
    bench.seconds = (perf_counter() - start) / max(made, 1)  # as measured, with the optimiser


def _judge(bench: Bench, evidence: Evidence, options: _Options) -> list[Finding]:
    return judge(evidence, options.say, options.limits, only_way=bench.network.bottlenecks.__contains__)


def _explained(finding: Finding, bench: Bench, evidence: Evidence, options: _Options) -> Finding:
    cause = likely(finding.kind, evidence, bench.network, options.say)
    advice = cure(finding.kind, evidence, bench.network, options.say)
    if cause is None:
        return replace(finding, advice=advice)
    return replace(finding, cause=cause.text, layer=cause.layer, advice=advice)
