"""README and docs/: code blocks run and give what is written beside them, tables say what the code says."""

import ast
import doctest
import importlib.util
import inspect
import math
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import ClassVar

import check_site
import fastinit
import numpy as np
import pytest
from fastinit import reference
from fastinit.initializers import fans
from fastinit.probing import rules

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONAL = {"dask", "flax", "jax", "keras", "mpi4py"}  # what a page shows, and a machine may lack
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


# ---- code blocks -----------------------------------------------------------------------------------------------------


def given(path: Path) -> dict:
    """What a page's blocks take for granted."""
    text = path.read_text(encoding="utf-8")
    if not re.search(r"\bimport torch$|\bmodel\b.*state_dict", text, re.MULTILINE):
        return {}
    torch = pytest.importorskip("torch", reason=f"torch is not installed, and blocks of {path.name} need it")
    if path.name != "README.md":
        return {}
    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 2))
    return {"model": model, "W1": np.empty((8, 4)), "W2": np.empty((4, 2))}


def beside(code: str, node: ast.stmt):
    """The value written as a comment behind an expression, if it is one. A comment of words is none."""
    comment = re.search(r"  # (.*)$", code.splitlines()[node.end_lineno - 1])
    try:
        return (ast.literal_eval(comment[1]),) if comment else ()
    except (SyntaxError, ValueError):
        return ()


def same(value, expected) -> bool:
    if isinstance(expected, tuple):
        return isinstance(value, tuple) and len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(expected, float):
        return bool(value == pytest.approx(expected, rel=1e-6))
    return type(value) is type(expected) and value == expected


def lacking(code: str) -> set[str]:
    """What a block imports and this machine lacks."""
    found = set()
    for name in OPTIONAL.intersection(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)):
        try:
            importlib.import_module("mpi4py.MPI" if name == "mpi4py" else name)  # mpi4py may be there without an MPI
        except (ImportError, RuntimeError):
            found.add(name)
    return found


def run(text: str, namespace: dict) -> int:
    """Runs the python blocks of a page in one namespace; how many written results were compared."""
    compared, shown = 0, None
    for fence in FENCE.finditer(text):
        language, code = fence[1].strip(), fence[2]
        line = text[: fence.start()].count("\n") + 1
        if language == "" and shown is not None:  # what the block before it prints
            alike = doctest.OutputChecker().check_output(code, repr(shown) + "\n", doctest.ELLIPSIS)
            assert alike, f"line {line}: it is now\n{shown!r}"
            compared += 1
        shown = None
        if language != "python" or lacking(code):
            continue
        for node in ast.parse(code).body:
            if not isinstance(node, ast.Expr):
                exec(compile(ast.Module([node], []), f"line {line}", "exec"), namespace)
                continue
            shown = eval(compile(ast.Expression(node.value), f"line {line}", "eval"), namespace)
            for expected in beside(code, node):
                assert same(shown, expected), f"block of line {line}: {shown!r}, not {expected!r}"
                compared += 1
    return compared


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_blocks(path):
    text = path.read_text(encoding="utf-8")
    namespace = given(path)
    assert text.count("```") == 2 * len(FENCE.findall(text))  # no block is overlooked
    if "import jax\n" in text or "num_workers" in text:  # jax makes threads, and to fork where there are some may hang
        pytest.importorskip("torch")
        run_apart(path)
    elif "import torch\n" in text:
        with pytest.importorskip("torch").random.fork_rng():
            run(text, namespace)
    else:
        run(text, namespace)


def run_apart(path: Path):
    """The blocks of a page, in a process with eight devices for jax."""
    code = f"import test_docs, pathlib; print(test_docs.run(pathlib.Path({str(path)!r}).read_text('utf-8'), {{}}))"
    more = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "KERAS_BACKEND": "jax"}
    environment = {**os.environ, **more, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 1


def test_only_blocks_of_what_may_be_lacking_are_left_out(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "OPTIONAL", {"no_such_package"})
    assert run("```python\nfrom no_such_package import x\n1 + 1  # 3\n```\n", {}) == 0
    with pytest.raises(ModuleNotFoundError):
        run("```python\nimport no_such_package_either\n```\n", {})


def test_blocks_that_are_wrong_are_noticed():
    assert run('```python\na = 1\na + 1     # 2\nround(0.5, 1), "x"     # 0.5, "x"\na     # words\n```\n', {}) == 2
    for wrong in ("1 + 1     # 3", "1 + 1     # 2.5", "(1, 2)     # (1, 3)", "True     # 1", '"a"     # "b"'):
        with pytest.raises(AssertionError):
            run(f"```python\n{wrong}\n```\n", {})
    with pytest.raises(AssertionError):
        run("```python\n[1, 2]\n```\n\n```\n[1, 3]\n```\n", {})
    with pytest.raises(NameError):
        run("```python\nnothing_of_that_name\n```\n", {})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_links(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"[`\n]make ([a-z-]+)", text)) <= set(targets)
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        assert link.startswith("http") or (path.parent / link).exists(), link


# ---- pages beside the code -------------------------------------------------------------------------------------------


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def tables(text: str) -> list[list[dict]]:
    """The tables of a page: for each its rows, by column."""
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        header, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines())
        assert all(len(row) == len(header) for row in rows), table
        found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


def test_api_page_has_every_name():
    text = page("api")
    listed = set()
    for module, block in re.findall(r"currentmodule:: (\S+)(.*?)(?=currentmodule|\Z)", text, re.DOTALL):
        entries = re.findall(r"^   (\w+)$", block, re.MULTILINE)
        entries += re.findall(r"^(?:\.\. py:\w+::| {17}) ?(\w+)", block, re.MULTILINE)
        assert len(entries) == len(set(entries))
        listed |= {(module, name) for name in entries}
    assert listed == {("fastinit", name) for name in fastinit.__all__} | {
        ("fastinit.models.presets", name) for name in fastinit.presets.__all__
    } | {("fastinit.autograd", name) for name in ("sigmoid", "tanh")}
    if importlib.util.find_spec("torch"):
        assert importlib.import_module("fastinit.autograd").__all__ == ["sigmoid", "tanh"]


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in re.findall(r"(?<![\w^])\d+(?:\.\d+)?", text))


def test_the_judges_rules_are_the_codes():
    rows = {row["finding"]: row for row in tables(page("judge"))[0]}
    assert list(rows) == [rule.kind for rule in rules.RULES]
    for rule in rules.RULES:
        row = rows[rule.kind]
        cells = [row[severity] for severity in rules.SEVERITIES]
        assert (row["measure"], row["source"]) == (f"`{rule.measure}`", rule.source)
        if rule.limit is None:
            assert [cell and severity for cell, severity in zip(cells, rules.SEVERITIES, strict=True)].count(
                rule.severity
            ) == 1 and set(cells) == {"any", ""}
            continue
        sign = "<" if rule.limit.bad < rule.limit.note else ">"
        assert cells == [f"{sign} {at:g}" if math.isfinite(at) else "never" for at in rule.limit]
        assert row["healthy networks"] == "{:g} to {:g}".format(*rule.healthy)


def test_layouts_are_compute_fans():
    (rows,) = tables(page("layouts"))
    for row in rows:
        shape, layout = ast.literal_eval(row["weight's shape"]), re.search(r'`"(.*?)"`', row["`layout=`"])[1]
        found = fastinit.compute_fans(shape, layout=layout, groups=int(row["`groups=`"]))
        assert found == (int(row["fan_in"]), int(row["fan_out"])), row
        if importlib.util.find_spec("torch") and row["layer"].startswith("torch"):
            import torch

            layer = eval(re.search(r"`(.*?)`", row["layer"])[1], vars(torch.nn))
            assert tuple(layer.weight.shape) == shape, row
    assert {re.search(r'`"(.*?)"`', row["`layout=`"])[1] for row in rows} == set(fans.LAYOUTS)


def test_bounds_in_ulp_are_those_of_the_tests():
    for row in tables(page("accuracy"))[0]:
        file, name = re.search(r"(test_\w+\.py)::(\w+)", row["shown by"]).groups()
        source = (ROOT / "tests" / file).read_text()
        body = re.search(rf"((?:^@.*\n)*)^def {name}\(.*\n(?:(?:    .*)?\n)*", source, re.MULTILINE)[0]
        bound, dtypes = row["error below, in ulp"], re.findall(r"float\d\d", row["dtype"])
        if bound == "0":
            assert body.count("== reference.uniform(") == len(dtypes) == 2
        elif "parametrize" in body and "most" in body:
            assert f'("f{int(dtypes[0][5:]) // 8}", {bound})' in body
        else:
            assert re.search(rf"< {re.escape(bound)}$", body, re.MULTILINE), (bound, name)


def test_numbers_of_the_stream_page():
    text = page("stream")
    assert f"{reference.ROWS} rows of {reference.LANES} lanes" in text
    assert (
        f"to {math.sqrt(-2 * math.log(2.0**-31)):.2f} standard deviations" in text
    )  # the least u of reference.normal32
    assert f"two values; to {math.sqrt(-2 * math.log(2.0**-53)):.2f}" in text
    assert f"stream version {fastinit.show_config()['stream_version']}, **provisional**" in text


# ---- differences from torch: both sides of each row ------------------------------------------------------------------


def raises(kind, function, *args, **kwargs) -> bool:
    """Whether exactly this kind of error comes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(*args, **kwargs)
    except Exception as error:
        return type(error) is kind
    return False


class Sides:
    """One method a row of the table, by its first cell; a method takes a module and says what is so there."""

    def __init__(self, torch):
        self.torch, self.theirs, self.ours = torch, torch.nn.init, fastinit

    def seeded(self, seed, fill, *args, **kwargs):
        self.torch.manual_seed(seed)
        return fill(*args, **kwargs)

    def arrays(self):
        assert raises(AttributeError, self.theirs.uniform_, np.empty(3))
        assert isinstance(self.ours.uniform_(np.empty(3)), np.ndarray)

    def values(self):
        a, b = (self.seeded(0, m.uniform_, self.torch.empty(8)) for m in (self.theirs, self.ours))
        assert not self.torch.equal(a, b)

    def longer(self):
        for m, same_beginning in ((self.theirs, False), (self.ours, True)):
            a, b = (self.seeded(0, m.normal_, self.torch.empty(n)) for n in (15, 16))
            assert self.torch.equal(a, b[:15]) is same_beginning

    def transposed(self):
        for m, equal in ((self.theirs, False), (self.ours, True)):
            a, b = (self.seeded(0, m.normal_, t) for t in (self.torch.empty(40, 30), self.torch.empty(30, 40).t()))
            assert self.torch.equal(a, b) is equal

    def halves(self):
        for dtype in (self.torch.float16, self.torch.bfloat16):
            for m, equal in ((self.theirs, False), (self.ours, True)):
                a, b = (self.seeded(0, m.normal_, self.torch.empty(100, dtype=d)) for d in (self.torch.float32, dtype))
                assert self.torch.equal(a.to(dtype), b) is equal

    def draws(self):
        for m, equal in ((self.theirs, False), (self.ours, True)):
            states = []
            for n in (10, 1000):
                self.seeded(0, m.uniform_, self.torch.empty(n))
                states.append(self.torch.get_rng_state())
            assert self.torch.equal(*states) is equal

    def generators(self):
        for generator in (0, fastinit.Generator(0), np.random.default_rng(0)):
            assert raises(TypeError, self.theirs.uniform_, self.torch.empty(3), generator=generator)
            self.ours.uniform_(self.torch.empty(3), generator=generator)
        for m in (self.theirs, self.ours):
            m.uniform_(self.torch.empty(3), generator=self.torch.Generator())

    def sparse_generator(self):
        for m, equal in ((self.theirs, False), (self.ours, True)):
            filled = []
            for seed in (1, 2):
                generator = self.torch.Generator().manual_seed(5)
                filled.append(self.seeded(seed, m.sparse_, self.torch.empty(50, 20), 0.5, generator=generator))
            assert self.torch.equal(*filled) is equal

    def sparsity(self):
        for share in (-0.5, 1.5):
            self.theirs.sparse_(self.torch.empty(3, 3), share)
            assert raises(ValueError, self.ours.sparse_, self.torch.empty(3, 3), share)

    def truncated(self):
        from torch.utils._python_dispatch import TorchDispatchMode

        class Count(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                self.drawn += str(function).startswith(("aten.uniform_", "aten.normal_", "aten.random_"))
                return function(*args, **(kwargs or {}))

        def drawn(m, a, b):
            with Count() as count, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                count.drawn = 0
                values = m.trunc_normal_(self.torch.empty(500), a=a, b=b)
            assert a <= values.min() and values.max() <= b
            return count.drawn

        assert drawn(self.theirs, 5, 105) > 10 * drawn(self.theirs, 0.5, 1)
        assert drawn(self.ours, 5, 105) == drawn(self.ours, 0.5, 1) == 1

    def sigmas(self):
        assert "sigmas" in inspect.signature(self.ours.trunc_normal_).parameters
        assert "sigmas" not in inspect.signature(self.theirs.trunc_normal_).parameters

    def complex_uniform(self):
        for m, factor in ((self.theirs, 2.0), (self.ours, 1.0)):
            for name, variance in (("kaiming_uniform_", 2 / 200), ("xavier_uniform_", 1 / 200)):
                w = self.seeded(0, getattr(m, name), self.torch.empty(200, 200, dtype=self.torch.complex64))
                assert float((w.abs() ** 2).mean()) / variance == pytest.approx(factor, rel=0.05)
            normal = self.seeded(0, m.kaiming_normal_, self.torch.empty(200, 200, dtype=self.torch.complex64))
            assert float((normal.abs() ** 2).mean()) * 100 == pytest.approx(1.0, rel=0.05)

    def orthogonal_half(self):
        for dtype in (self.torch.float16, self.torch.bfloat16):
            assert raises(NotImplementedError, self.theirs.orthogonal_, self.torch.empty(3, 3, dtype=dtype))
            w = self.ours.orthogonal_(self.torch.empty(3, 3, dtype=dtype)).float()
            assert self.torch.allclose(w @ w.T, self.torch.eye(3), atol=0.02)

    def not_finite(self):
        for more in ({"mean": math.nan}, {"std": math.inf}):
            assert not self.theirs.normal_(self.torch.empty(9), **more).isfinite().any()
            assert raises(ValueError, self.ours.normal_, self.torch.empty(9), **more)

    def overflow(self):
        assert self.theirs.normal_(self.torch.empty(99, dtype=self.torch.float16), std=1e6).isinf().any()
        assert raises(ValueError, self.ours.normal_, self.torch.empty(99, dtype=self.torch.float16), std=1e6)

    def wrong_values(self):
        for name, args in (
            ("uniform_", (2, 1)),
            ("normal_", (0, -1)),
            ("trunc_normal_", (0, 1, 2, 1)),
            ("xavier_uniform_", (-1,)),
            ("xavier_normal_", (-1,)),
        ):
            assert raises(RuntimeError, getattr(self.theirs, name), self.torch.empty(3, 3), *args), name
            assert raises(ValueError, getattr(self.ours, name), self.torch.empty(3, 3), *args), name

    def integers(self):
        whole = self.torch.zeros(3, dtype=self.torch.int32)
        for name in ("normal_", "uniform_"):
            assert raises(NotImplementedError, getattr(self.theirs, name), whole) and raises(
                TypeError, getattr(self.ours, name), whole
            )

    def shared_memory(self):
        assert raises(RuntimeError, self.theirs.uniform_, self.torch.zeros(1).expand(3))
        assert raises(ValueError, self.ours.uniform_, self.torch.zeros(1).expand(3))

    def grouped(self):
        weight = self.torch.nn.Conv2d(8, 8, 3, groups=4).weight
        fan_in, fan_out = self.theirs._calculate_fan_in_and_fan_out(weight)
        assert self.ours.compute_fans(weight, groups=4) == (fan_in, fan_out / 4)
        assert self.ours.compute_fans(weight) == (fan_in, fan_out)

    def transposed_convolution(self):
        weight = self.torch.nn.ConvTranspose2d(8, 4, 3).weight
        theirs = self.theirs._calculate_fan_in_and_fan_out(weight)
        assert self.ours.compute_fans(weight, layout="IO...") == theirs[::-1] != theirs

    def given_fans(self):
        for name in ("fans", "global_shape", "offset"):
            assert name in inspect.signature(self.ours.xavier_uniform_).parameters
            assert name not in inspect.signature(self.theirs.xavier_uniform_).parameters

    def tails(self):
        from fastinit import autograd

        for name, last, first in (("sigmoid", 16.5, 17.0), ("tanh", 9.0, 9.5)):
            for m, z, zero in ((self.torch, last, False), (self.torch, first, True), (autograd, first, False)):
                x = self.torch.tensor([z], requires_grad=True)
                getattr(m, name)(x).backward()
                assert (x.grad.item() == 0.0) is zero

    ROWS: ClassVar = {
        "NumPy arrays": arrays,
        "values": values,
        "a longer tensor, same seed": longer,
        "a transposed tensor, same seed": transposed,
        "float16, bfloat16 normals": halves,
        "what a fill takes of torch's generator": draws,
        "`generator=`": generators,
        "`sparse_` and its generator": sparse_generator,
        "`sparse_`, sparsity outside [0, 1]": sparsity,
        "`trunc_normal_`": truncated,
        "`trunc_normal_`, bounds in sigmas": sigmas,
        "complex `kaiming_uniform_`, `xavier_uniform_`": complex_uniform,
        "`orthogonal_` in float16, bfloat16": orthogonal_half,
        "NaN or infinite mean, std": not_finite,
        "a std that overflows float16": overflow,
        "a > b, std < 0, gain < 0": wrong_values,
        "a random fill of integers": integers,
        "a tensor that shares memory with itself": shared_memory,
        "fans of a grouped convolution": grouped,
        "fans of a transposed convolution": transposed_convolution,
        "fans given outright, blocks of a larger tensor": given_fans,
        "gradient of sigmoid, tanh (`fastinit.autograd`)": tails,
    }


def test_every_difference_has_its_check():
    (rows,) = tables(page("differences-from-torch"))
    assert [row["what"] for row in rows if not row["what"].endswith("*")] == list(Sides.ROWS)


@pytest.mark.parametrize("what", Sides.ROWS)
def test_difference(what):
    torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
    with torch.random.fork_rng():
        Sides.ROWS[what](Sides(torch))


def test_what_torch_does_not_have():
    torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
    names = re.findall(r"`(\w+\*?)`", page("differences-from-torch").partition("## What torch does not have")[2])
    for name in names:
        for full in [n for n in fastinit.__all__ if n.startswith(name[:-1])] if name.endswith("*") else [name]:
            assert hasattr(fastinit, full) and not hasattr(torch.nn.init, full), full


# ---- the check of the built site -------------------------------------------------------------------------------------


def test_check_of_the_site_can_fail(tmp_path):
    assert check_site.faults(tmp_path)  # no page at all
    (tmp_path / "a.css").write_text("b { background: url('a.css') }")
    (tmp_path / "b.vi.html").write_text('<html lang="vi"><body id="x">')
    host = "https://example.org"
    good = (
        '<a href="b.vi.html#x">', '<a href="#top">', f'<a href="{host}/paper">', '<script src="a.css?v=1"></script>',
        '<link rel="stylesheet" href="a.css">', '<img src="data:image/png;base64,AA">',
    )  # fmt: skip
    bad = (
        '<a href="gone.html">', '<a href="b.vi.html#y">', '<a href="#y">', '<a href="../b.html">',
        f'<script src="{host}/a.js"></script>', '<link rel="stylesheet" href="//example.org/a.css">',
        '<img src="gone.png">', f'<img srcset="a.css, {host}/b.png 2x">', f"<style>@import '{host}/a.css'</style>",
        f'<p style="background: url({host}/a.png)">',
    )  # fmt: skip
    for text in good:
        (tmp_path / "a.html").write_text(f'<html lang="en"><p id="top">{text}')
        assert not check_site.faults(tmp_path), text
    for text in bad:
        (tmp_path / "a.html").write_text(f'<html lang="en"><p id="top">{text}')
        assert len(check_site.faults(tmp_path)) == 1, text
    (tmp_path / "a.html").write_text("")
    (tmp_path / "b.vi.html").write_text('<html lang="en">')
    assert len(check_site.faults(tmp_path)) == 1
    (tmp_path / "b.vi.html").unlink()
    (tmp_path / "a.css").write_text("@font-face { src: url(https://example.org/a.woff2) }")
    assert len(check_site.faults(tmp_path)) == 1
