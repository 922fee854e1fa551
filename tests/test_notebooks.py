"""The notebooks: committed as their sources say, every claim in them holds, their exercises tell right from wrong."""

import ast
import json
import re
from pathlib import Path

import build
import pytest
from fastinit.probing.rules import RULES

ROOT = Path(__file__).parent.parent
for needed in ("matplotlib", "sklearn"):
    pytest.importorskip(needed)

# The lesson, section by section: the cells that a student runs for each. (notebook, beginning of the cell's name)
LESSON = {
    "1 motivation": [
        (1, "1 motivation: all equal"),
        (1, "1 motivation: all zero"),
        (1, "1 motivation: negative constants"),
    ],
    "2.1 large weight": [(2, "2.1 sigmoid and its slope"), (2, "2.1 large weight"), (2, "2.1 flat ranges")],
    "2.2 good weights, deep net": [(2, "2.2 products"), (2, "2.2 five-layer chain")],
    "2.3 large weights and learning rate": [
        (3, "2.3 chain and wide net"),
        (3, "2.3 learning rate"),
        (3, "2.3 gradients of a large net"),
    ],
    "3.1 mean, variance, std": [(4, "3.1 mean and variance"), (4, "3.1 variance of a product")],
    "3.2 uniform and Gaussian": [(4, "3.2 uniform"), (4, "3.2 Gaussian")],
    "3.3 Maclaurin": [(5, "3.3 Maclaurin and its error"), (5, "3.3 more terms"), (5, "3.3 variance through the curve")],
    "two rules": [(6, "two rules: Var z"), (6, "two rules, measured: tanh")],
    "Xavier, tanh": [(6, "Xavier, tanh")],
    "Xavier, sigmoid": [(6, "Xavier, sigmoid")],
    "Glorot's own form": [(6, "Glorot's own form")],
    "He, ReLU": [(7, "He, ReLU"), (7, "He: half the variance")],
    "Glorot and Bengio 2010": [(8, "Glorot: histograms"), (8, "Glorot: Jacobians")],
    "He et al. 2015": [(7, "He: 22 and 30 layers")],
    "review questions": [(8, f"5 review {i:02}") for i in range(1, 23)],
}
# Every number that the lesson prints, and the cell that reproduces it or says where it comes from.
NUMBERS = {
    (2, "2.1 large weight"): ["6.74", "14.15", "7.157e-07", "0.9999992912", "9e-7"],
    (2, "2.1 flat ranges"): ["0.0177", "7%"],
    (2, "2.2 products"): ["100.0", "(10, 1, 0.1, 0.01, 0.001)", "0.25 **", "0.0625", "0.015625"],
    (2, "2.2 five-layer chain"): ["0.919", "0.01 *", "-0.0002", "0.919002"],
    (4, "3.1 mean and variance"): ["[1.0, 2.0, 3.0]", "[0.3, 0.4, 0.3]"],
    (4, "3.2 uniform"): ["1 / 6", "(20 - 5) / (b - a) == 0.25", "(b - a) ** 2 / 12"],
    (5, "3.3 Maclaurin and its error"): ["-0.5, 0.5", "1 / 2 + x / 4"],
    (8, "5 review 07"): ["0.000002"],
    (8, "5 review 16"): ["/ 60"],
    (8, "5 review 19"): ["1 / 16"],
}
SOURCES = {int(source.name[:2]): source for source in build.SOURCES}
IDS = [source.stem for source in build.SOURCES]


def named(number, start):
    return [cell for cell in build.cells(SOURCES[number], "en") if cell.metadata.get("name", "").startswith(start)]


def formulas(text):
    """What stands between dollars, without words."""
    found = [a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", text, re.DOTALL)]
    return sorted(re.sub(r"\\(text|operatorname)\{[^}]*\}|\\q?quad|\s|[.,]$", "", formula.strip()) for formula in found)


@pytest.mark.parametrize("language", build.LANGUAGES)
@pytest.mark.parametrize("source", build.SOURCES, ids=IDS)
def test_committed_notebooks_are_those_of_their_sources(source, language):
    written = build.target(source, language).read_text(encoding="utf-8")
    assert written == build.notebook(source, language), "run `make notebooks`"
    for cell in json.loads(written)["cells"]:
        assert not cell.get("outputs"), "outputs are stripped"


def test_no_other_notebook_is_there():
    there = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert there == {build.target(source, language).name for source in build.SOURCES for language in build.LANGUAGES}


@pytest.mark.parametrize("source", build.SOURCES, ids=IDS)
def test_languages_share_code_and_match_in_words(source):
    english, vietnamese = (build.cells(source, language) for language in ("en", "vi"))
    assert [cell.cell_type for cell in english] == [cell.cell_type for cell in vietnamese]
    words = []
    for one, other in zip(english, vietnamese, strict=True):
        if "lang" not in one.metadata:
            assert one.source == other.source
        elif one.cell_type == "markdown":  # each section in both, and the same formulas
            assert one.source != other.source
            assert re.findall(r"^#+ ", one.source, re.MULTILINE) == re.findall(r"^#+ ", other.source, re.MULTILINE)
            assert formulas(one.source) == formulas(other.source)
        else:
            a, b = {}, {}
            exec(one.source, a), exec(other.source, b)
            words.append((a["hints"], b["hints"]))
    assert words
    for a, b in words:
        assert a.keys() == b.keys()
        assert all(a[key].count("{") == b[key].count("{") and a[key] != b[key] for key in a)


@pytest.mark.parametrize("source", build.SOURCES, ids=IDS)
def test_every_claim_holds_and_exercises_are_judged(source):
    """Runs the notebook's code, then its check on the empty exercise, every solution and every wrong answer."""
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    judged = dict.fromkeys(build.ANSWERS, 0)
    namespace = {}
    try:
        for cell in build.cells(source, "en"):
            if (
                cell.cell_type != "code" or cell.metadata.get("name") == "control"
            ):  # make test-browser moves the controls
                continue
            if "exercise" in cell.metadata.get("tags", ()):
                answers = [
                    (a, c.source)
                    for a in build.ANSWERS
                    for c in build.cells(source, "en", a)
                    if a in c.metadata.get("tags", ())
                ]
            elif cell.metadata.get("name") == "check":
                for answer, text in answers:
                    tried = dict(namespace)
                    exec(text, tried)
                    exec(compile(cell.source, f"{source.stem}: check", "exec"), tried)
                    assert (tried["hint"] is None) == (answer == "solution"), (answer, text, tried["hint"])
                    judged[answer] += 1
            else:
                exec(compile(cell.source, f"{source.stem}: {cell.metadata.get('name')}", "exec"), namespace)
            plt.close("all")
    finally:
        plt.close("all")
    assert (
        judged["exercise"]
        == judged["solution"]
        == sum("exercise" in c.metadata.get("tags", ()) for c in build.cells(source, "en"))
        > 0
    )
    assert judged["wrong"] >= judged["solution"]


@pytest.mark.parametrize("source", build.SOURCES, ids=IDS)
def test_a_control_stands_below_a_plain_figure_and_says_how_to_get_it(source):
    code = [cell for cell in build.cells(source, "en") if cell.cell_type == "code"]
    (place,) = (i for i, cell in enumerate(code) if cell.metadata.get("name") == "control")
    control = code[place]
    assert "remove-output" in control.metadata["tags"]
    assert "except ImportError" in control.source and "pip install ipywidgets" in control.source
    assert not any("ipywidgets" in cell.source for cell in code if cell is not control)
    drawn = "draw" if "draw(" in control.source.replace("redraw(", "") else "plot"
    loops = [
        node
        for cell in code[:place]
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.For | ast.ListComp)
    ]
    calls = {getattr(call.func, "id", getattr(call.func, "attr", None))
             for loop in loops for call in ast.walk(loop) if isinstance(call, ast.Call)}  # fmt: skip
    assert drawn in calls  # the same drawing, at several settings


def test_the_first_picture_takes_ten_lines():
    first = next(cell for cell in build.cells(SOURCES[1], "en") if cell.cell_type == "code")
    lines = [line for line in first.source.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 10 and lines[-1] == "plt.show()"


@pytest.mark.parametrize("row", LESSON)
def test_every_row_of_the_lesson_has_its_cells(row):
    for number, name in LESSON[row]:
        (cell,) = named(number, name)
        assert "assert " in cell.source, "a cell that claims something asserts it"


@pytest.mark.parametrize("place", NUMBERS, ids=lambda place: place[1])
def test_every_number_of_the_lesson_is_computed(place):
    (cell,) = named(*place)
    assert all(number in cell.source for number in NUMBERS[place])


def test_fastinit_does_every_fill_and_statistic():
    for source in build.SOURCES:
        for cell in build.cells(source, "en"):
            if cell.cell_type == "code":
                assert (
                    "np.random" not in cell.source
                    and "torch.nn.init" not in cell.source
                    and "np.tanh" not in cell.source
                )
                assert not any(word in cell.source for word in (".std(", ".var(", "np.std", "np.var"))


def test_names_of_cells_differ():
    for source in build.SOURCES:
        names = [
            c.metadata["name"]
            for c in build.cells(source, "en")
            if "name" in c.metadata and c.metadata["name"] not in ("figure", "control", "check", "words")
        ]
        assert len(names) == len(set(names))


def test_glossary_has_every_fault_that_the_probe_can_name():
    kinds = {rule.kind: rule.vi for rule in RULES}
    rows = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8").splitlines()
    terms = [tuple(cell.strip() for cell in row.split("|")[1:3]) for row in rows if row.startswith("| ")]
    assert set(kinds.items()) <= set(terms)
