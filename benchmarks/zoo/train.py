"""What training says: every case trained by SGD and Adam at four rates each, from each seed; writes truth.json.

`make truth`, or `python -m benchmarks.zoo.train --processes 4`. What is there already and still belongs to its case is
kept, so it may be stopped and started again. A case's labels come from what is stored, by `labels`.
"""

import argparse
import ast
import datetime
import hashlib
import json
import math
import multiprocessing
import os
import platform
import statistics
import time
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import sklearn
import torch
from torch import nn

from .cases import CASES, FAMILIES, Case
from .tasks import Task

TRUTH = Path(__file__).with_name("truth.json")
SEEDS = (0, 1, 2)
RATES = {"SGD": (0.1, 0.03, 0.01, 0.003), "Adam": (0.01, 0.003, 0.001, 0.0003)}
MOMENTUM = 0.9
LOOK = 15  # steps between two looks at what is held out
PATIENCE = 0.4  # of the steps; without a held-out loss that is better by a thousandth, a run ends
HEALTHY, FAILS = 0.8, 0.5  # of the family's best
LARGEST = 1e9  # stands for every loss beyond it
LEARNS = 0.15  # of the constant answer's loss: a family whose best takes away less has no truth


class Record(TypedDict):
    """One case from one seed: best held-out loss by optimiser, and what tells whether it is still the same network."""

    SGD: float
    Adam: float
    rates: list[float]  # of the two
    start: float  # loss before training, on the batch that a judge is given
    size: float  # Euclidean norm of all parameters
    steps: int


class Label(NamedTuple):
    """word: "healthy", "slow", "fails", or None where the family has no truth; p: the median; each: one a seed."""

    word: str | None
    p: float
    each: tuple[float, ...]

    @property
    def agreed(self) -> bool:
        return len({word_of(p) for p in self.each}) == 1


def word_of(p: float) -> str:
    return "healthy" if p >= HEALTHY else "slow" if p >= FAILS else "fails"


def descend(net: nn.Module, task: Task, optimiser: torch.optim.Optimizer, steps: int, seed: int) -> float:
    """The best held-out loss on the way (early stopping); a run that is lost, or gets no better, is cut short."""
    drawn = torch.Generator().manual_seed(seed)
    best = first = held_out(net, task)
    better = 0  # the step of the last real improvement
    for step in range(1, steps + 1):
        rows = torch.randint(0, len(task.x), (task.batch,), generator=drawn)
        optimiser.zero_grad()
        loss = task.loss(net(task.x[rows]), task.y[rows])
        loss.backward()
        optimiser.step()
        if step % LOOK == 0 or step == steps:
            held = held_out(net, task)
            better = step if held < best - 1e-3 * abs(best) else better
            best = min(best, held)
            if step - better >= PATIENCE * steps or not held < 1000 * max(first, task.constant):
                break
    return best


def held_out(net: nn.Module, task: Task) -> float:
    """In train mode, as a judge sees it: BatchNorm goes by the whole of what is held out."""
    with torch.no_grad():
        value = float(task.loss(net(task.held_x), task.held_y))
    return finite(value)


def finite(value: float) -> float:
    return min(value, LARGEST) if value == value else LARGEST


def identity(case: Case, seed: int) -> tuple[float, float]:
    """`start` and `size` of a Record."""
    problem = case.build(seed)
    size = math.sqrt(sum(float(p.detach().double().square().sum()) for p in problem.model.parameters()))
    with torch.no_grad():
        start = float(case.task.loss(problem.model(problem.x), problem.target))
    return start, size


def train(case: Case, seed: int) -> Record:
    best: dict[str, tuple[float, float]] = {}
    for name, rates in RATES.items():
        for rate in rates:
            net = case.model(seed)
            learning = [p for p in net.parameters() if p.requires_grad]
            optimiser: torch.optim.Optimizer = (
                torch.optim.SGD(learning, rate, MOMENTUM, fused=True)
                if name == "SGD"
                else torch.optim.Adam(learning, rate, fused=True)
            )
            value = descend(net, case.task, optimiser, FAMILIES[case.family].steps, seed)
            best[name] = min(best.get(name, (math.inf, rate)), (value, rate))
    start, size = identity(case, seed)
    return Record(
        SGD=digits(best["SGD"][0]), Adam=digits(best["Adam"][0]), rates=[best["SGD"][1], best["Adam"][1]],
        start=digits(start), size=digits(size), steps=FAMILIES[case.family].steps,
    )  # fmt: skip


def digits(value: float) -> float:
    """Five of them: what is stored."""
    return float(f"{value:.5g}")


# ---- the file --------------------------------------------------------------------------------------------------------


class Truth(TypedDict):
    """code: a hash; constants: the best constant answer's loss, by family; records: by case and seed."""

    code: str
    date: str
    versions: dict[str, str]
    seeds: list[int]
    constants: dict[str, float]
    records: dict[str, dict[str, Record]]


def code() -> str:
    """The hash of what every file here does that decides what training says; comments may change."""
    digest = hashlib.sha256()
    for path in sorted(TRUTH.parent.glob("*.py")):
        if path.name != "real.py":
            digest.update(ast.dump(ast.parse(path.read_text(encoding="utf-8"))).encode())
    return digest.hexdigest()[:16]


def load(path: Path = TRUTH) -> Truth:
    """What is stored; nothing, where there is no file."""
    if not path.exists():
        return Truth(code="", date="", versions={}, seeds=[], constants={}, records={})
    stored: Truth = json.loads(path.read_text())
    return stored


def save(records: dict[str, dict[str, Record]], path: Path = TRUTH) -> None:
    """One record a line, in the order of the zoo; the file is whole at every moment."""
    head = {
        "code": code(),
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "seeds": sorted({int(seed) for by_seed in records.values() for seed in by_seed}),
        "constants": {family: digits(row.task().constant) for family, row in FAMILIES.items()},
    }
    lines = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
    cases = [
        f'"{case.name}": {{\n'
        + ",\n".join(f'"{seed}": {json.dumps(record)}' for seed, record in sorted(records[case.name].items()))
        + "}"
        for case in CASES
        if case.name in records
    ]
    whole = "{\n" + ",\n".join([*lines, '"records": {\n' + ",\n".join(cases) + "}"]) + "}\n"
    beside = path.with_suffix(".part")
    beside.write_text(whole)
    os.replace(beside, path)


def belongs(record: Record, case: Case, seed: int) -> bool:
    """Whether the record is still of this network and this batch (to a thousandth, for machines round differently)."""
    if record["steps"] != FAMILIES[case.family].steps:
        return False
    return all(
        math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-6)
        for a, b in zip(identity(case, seed), (record["start"], record["size"]), strict=True)
    )


# ---- labels ----------------------------------------------------------------------------------------------------------


def labels(truth: Truth) -> dict[str, Label]:
    """p = (best constant answer's loss - best held-out loss) / (the same of the family's best); the median.

    Of the seeds from which the whole family was trained; of a family without one nothing is said.
    """
    found: dict[str, Label] = {}
    for family, row in FAMILIES.items():
        constant = truth["constants"].get(family, 0.0)
        records = {init: truth["records"].get(f"{family}: {init}", {}) for init in row.inits}
        seeds = [seed for seed in map(str, SEEDS) if all(seed in by_seed for by_seed in records.values())]
        gained = {
            init: [constant - min(by_seed[seed]["SGD"], by_seed[seed]["Adam"]) for seed in seeds]
            for init, by_seed in records.items()
        }
        best = [max(at_seed) for at_seed in zip(*gained.values(), strict=True)]
        known = bool(best) and statistics.median(best) >= LEARNS * constant
        for init, values in gained.items() if seeds else ():
            each = tuple(value / most if most > 0 else 0.0 for value, most in zip(values, best, strict=True))
            p = statistics.median(each)
            found[f"{family}: {init}"] = Label(word_of(p) if known else None, p, each)
    return found


def work(job: tuple[Case, int]) -> tuple[Case, int, Record, float]:
    torch.set_num_threads(1)
    started = time.perf_counter()
    case, seed = job
    return case, seed, train(case, seed), time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="one a core")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--again", action="store_true", help="also what is stored already")
    given = parser.parse_args()
    torch.set_num_threads(1)
    stored = load()["records"]
    records = {
        case.name: {}
        if given.again
        else {s: r for s, r in stored.get(case.name, {}).items() if belongs(r, case, int(s))}
        for case in CASES
    }
    jobs = [(case, seed) for seed in given.seeds for case in CASES if str(seed) not in records[case.name]]
    print(f"{len(jobs)} of {len(CASES) * len(given.seeds)} to train", flush=True)
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for case, seed, record, seconds in pool.imap_unordered(work, jobs):
            records[case.name][str(seed)] = record
            save({name: by_seed for name, by_seed in records.items() if by_seed})
            print(f"{case.name}, seed {seed}: SGD {record['SGD']}, Adam {record['Adam']} ({seconds:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
