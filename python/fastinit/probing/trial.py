"""The trial: some real steps on the caller's own batch."""

import math
from collections.abc import Callable

from .evidence import Bench, Evidence, Trial

ADAM, SGD = "Adam", "SGD"


def _plans(bench: Bench, rate: float) -> list[tuple[str, float]]:
    plans = [(ADAM, rate), (ADAM, 10.0 * rate), (SGD, 100.0 * rate)]
    return [(ADAM, 0.1 * rate), *plans] if bench.large else plans


def passes(bench: Bench, steps: int) -> int:
    """How many passes forward and back a trial may take."""
    return len(_plans(bench, 1.0)) * (steps + 1) * (2 if bench.labelled else 1)


def try_steps(
    bench: Bench, evidence: Evidence, steps: int, enough: float, tick: Callable[[], object] = lambda: None
) -> None:
    """The best of Adam at rate and 10 rate (at 0.1 rate first, if large) and SGD at 100 rate: with the targets, then
    with random ones. It ends where it has shown ``enough``; what would follow could only be better."""
    tried = False
    for labelled in (True, False) if bench.labelled else (False,):
        constants = bench.trial_constants(labelled)
        if constants is not None and not constants.best > 0.0:
            continue
        for optimiser, speed in _plans(bench, evidence.rate):
            tried = True
            if run(bench, evidence, labelled, optimiser, speed, steps, enough, tick):
                return
    if not tried:
        evidence.leave_out(
            "trial", "a constant answer reaches these targets already", "một đầu ra hằng đã đạt các nhãn này"
        )


def run(
    bench: Bench,
    evidence: Evidence,
    labelled: bool,
    optimiser: str,
    rate: float,
    steps: int,
    enough: float,
    tick: Callable[[], object],
) -> bool:
    """One run; whether it has shown enough."""
    constants = bench.trial_constants(labelled)
    height = constants.best if constants is not None else None
    still: dict[str, bool] = {}
    for k, (loss, moved) in enumerate(bench.train(labelled, rate, optimiser == SGD, steps)):
        tick()
        height = loss if height is None else height
        still = {name: still.get(name, True) and not moves for name, moves in moved.items()} or still
        if k == 2 and evidence.closed is None:
            close(bench, evidence, still)
        gain = (height - loss) / height if height else -math.inf
        if evidence.trial is None or gain > evidence.trial.gain:
            evidence.trial = Trial(gain, loss, height, k, steps, labelled, f"{optimiser} {rate:g}")
        if evidence.trial.gain > enough and (k > 1 or evidence.closed is not None):
            return True
    return False


def close(bench: Bench, evidence: Evidence, still: dict[str, bool]) -> None:
    """*closed*: whole tensors, for by single weights every embedding is."""
    sizes = bench.sizes()
    evidence.still = [name for name in sizes if still.get(name)]
    evidence.closed = sum(sizes[name] for name in evidence.still) / max(sum(sizes.values()), 1)
