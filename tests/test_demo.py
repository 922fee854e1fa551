"""What `make demo` says is so: each claim of its table and picture holds for several seeds, by its own functions."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the demo trains on scikit-learn's digits")
pytest.importorskip("matplotlib", reason="the demo draws")
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "demo"))
demo, lesson, picture = map(importlib.import_module, ("demo", "lesson", "picture"))

SEEDS, MORE_SEEDS = range(3), range(3, 10)
GUESSES = {"loss": (2.25, 2.4), "right": (0, 0.2)}  # about ln 10, and one in ten

LEARNS = {"loss": (0, 0.25), "right": (0.8, 1)}
CLAIMS: dict[str, dict[str, tuple[float, float]]] = {  # the bounds hold for seeds 0 to 9
    "tanh, half": {**GUESSES, "signal_kept": (1e-5, 1e-4), "gradient_kept": (1e-5, 1e-4)},
    "tanh, Xavier": {**LEARNS, "right": (0.82, 0.98), "signal_kept": (0.1, 0.5), "gradient_kept": (0.07, 0.4)},
    "tanh, eight times": {**GUESSES, "signal_kept": (0.9, 1.1), "gradient_kept": (1e3, 2e4)},
    "ReLU, Xavier": {**GUESSES, "signal_kept": (3e-5, 1e-3), "gradient_kept": (5e-5, 1e-3)},
    "ReLU, He": {"loss": (0, 0.6), "right": (0.7, 1), "signal_kept": (0.1, 3), "gradient_kept": (0.2, 4)},
    "ReLU, std 1": {"broken": (1, 1), "signal_kept": (1e16, 1e18), "gradient_kept": (3e16, 1e18)},
    "sigmoid, 5 layers": {**LEARNS, "signal_kept": (0.6, 1.1), "gradient_kept": (0.05, 0.3)},
    "sigmoid, 16": {**GUESSES, "signal_kept": (0.6, 1.1), "gradient_kept": (3e-5, 5e-4)},
    "sigmoid, 103": {"loss": (0.8, 1.7), "right": (0.3, 0.65), "flat": (0.5, 0.6),
                     "signal_kept": (0.8, 1.2), "gradient_kept": (0.15, 1.6)},
    "zero": {**GUESSES, "moved": (0, 0), "signal_kept": (0, 0), "gradient_kept": (0, 0)},
    "constant": {"loss": (1.7, 2.2), "right": (0.12, 0.25), "apart": (0, 1e-5),
                 "signal_kept": (2, 6), "gradient_kept": (50, 200)},
    "chance": {**LEARNS, "apart": (0.3, 3), "signal_kept": (0.3, 0.8), "gradient_kept": (0.25, 0.7)},
}  # fmt: skip


@pytest.fixture(scope="module")
def data() -> Any:
    return lesson.digits()


def check(name: str, result: Any) -> None:
    assert (result.broken is not None) is ("broken" in CLAIMS[name])
    for what, (low, high) in CLAIMS[name].items():
        value = np.mean(getattr(result, what))
        assert low <= value <= high, f"{name}: {what} is {value}, not from {low} to {high}"


def test_each_case_makes_a_claim() -> None:
    assert list(CLAIMS) == list(lesson.CASES)
    assert sorted(name for row in picture.ROWS for name in row.labels) == sorted(CLAIMS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CLAIMS)
def test_claims(name: str, seed: int, data: Any) -> None:
    """Seed 0 as `make demo` has it; those that only guess are given up sooner after the others."""
    guesses = GUESSES.items() <= CLAIMS[name].items()
    check(name, lesson.train(lesson.CASES[name], data, seed, steps=150 if guesses and seed else lesson.STEPS))


@pytest.mark.long
@pytest.mark.parametrize("seed", [*SEEDS, *MORE_SEEDS])
@pytest.mark.parametrize("name", CLAIMS)
def test_claims_of_ten_seeds(name: str, seed: int, data: Any) -> None:
    check(name, lesson.train(lesson.CASES[name], data, seed))


# ---- the table and the picture ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(data: Any) -> dict[str, Any]:
    """Of all cases, hardly trained."""
    return {name: lesson.train(case, data, steps=25) for name, case in lesson.CASES.items()}


def test_rows_line_up_with_their_header(results: dict[str, Any]) -> None:
    rows = [demo.row(lesson.CASES[name], result) for name, result in results.items()]
    assert {len(row) for row in rows} == {len(demo.HEADER)}
    (broken,) = (row for row in rows if "NaN" in row)
    assert broken.split() == ["ReLU", "24", "std", "1", "9.5e+16", "2.8e+17", "NaN", "from", "step", "1", "-"]


def test_sigmoid_is_told_whole(results: dict[str, Any]) -> None:
    words = demo.about_sigmoid(results)
    assert "by 0.63 a layer" in words  # the wide network's; measured, by 19 layers:
    assert 0.58 < results["sigmoid, 16"].gradient_kept ** (1 / 19) < 0.67
    assert f"{results['sigmoid, 103'].flat.mean():.0%} of z" in words


@pytest.fixture(scope="module")
def figure(results: dict[str, Any]) -> Iterator[Any]:
    figure = picture.compose(results)
    yield figure
    picture.plt.close(figure)


def texts(figure: Any) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_picture_shows_what_is_zero_and_what_is_nan(figure: Any) -> None:
    for ax in figure.axes[-3:-1]:  # the last row, all equal: signal and gradient
        lines = [np.asarray(line.get_ydata()) for line in ax.lines]
        assert sum(len(line) == 5 and (line == picture.ZERO).all() for line in lines) == 1
        assert ax.get_ylim()[0] < picture.ZERO < 1e-5  # below all that is not 0
    assert texts(figure).count("all 0: exactly 0") == 2 and texts(figure).count("std 1: NaN from step 1") == 1


def test_picture_says_how_many_are_right(figure: Any, results: dict[str, Any]) -> None:
    for label, result in ((label, results[name]) for row in picture.ROWS for name, label in row.labels.items()):
        assert result.broken is not None or f"{label}: {result.right:.0%} right" in texts(figure)


def test_labels_keep_apart() -> None:
    figure, ax = picture.plt.subplots()
    picture.write_labels(
        ax, [(0.5, "b", "zero"), (0.5, "c", "chance"), (0.49, "a", "constant"), (1.0, "d", "zero")], 0.1
    )
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    picture.plt.close(figure)
    assert sorted(heights, key=lambda text: heights[text]) == ["a", "b", "c", "d"] and 0 < min(heights.values())
    assert np.diff(sorted(heights.values())).min() > 0.1 - 1e-9 and max(heights.values()) <= 1


@pytest.mark.parametrize(
    ("factor", "words"),
    [(0.0, "exactly 0"), (1.0, "kept"), (0.86, "kept"), (0.5, "÷ 2.0"), (98.2, "× 98"), (2.35e-5, "÷ 43,000"),
     (2.4e3, "× 2,400"), (9.5e16, r"× 10$^{17}$"), (1 / 9.47, "÷ 9.5"), (1 / 9.6, "÷ 10")],
)  # fmt: skip
def test_factors_in_words(factor: float, words: str) -> None:
    assert picture.times(factor) == words


def test_picture_is_small_enough_for_the_first_screen(figure: Any, tmp_path: Path) -> None:
    picture.save(figure, tmp_path / "out" / "demo.png")
    assert (tmp_path / "out" / "demo.png").read_bytes()[1:4] == b"PNG"
    for path in (tmp_path / "out" / "demo.png", ROOT / "docs" / "demo.png"):
        assert path.stat().st_size < 250_000


@pytest.mark.long
def test_whole_demo(tmp_path: Path) -> None:
    """From the command to the picture."""
    run = subprocess.run(
        [sys.executable, ROOT / "demo" / "demo.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"^(?:tanh|ReLU|sigmoid) +\d+ ", run.stdout, re.MULTILINE)) == len(lesson.CASES)
    assert "speed, float32" in run.stdout and (tmp_path / "out" / "demo.png").exists()
