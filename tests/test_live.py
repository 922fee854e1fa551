"""The live page, as far as no browser is needed: its network in C is the library's, its texts are whole, it builds.

What a browser shows is tested by live/test_page.py (`make test-browser`).
"""

import ast
import ctypes
import itertools
import json
import os
import re
import subprocess
from pathlib import Path

import check_site
import fastinit
import numpy as np
import pytest
import wasm

pytest.importorskip("sklearn", reason="scikit-learn is not installed, and the page shows its digits")
from live import build

pytestmark = pytest.mark.xdist_group("live")  # compiled once
LIVE = Path(build.__file__).parent
INPUTS, CLASSES, BATCH = 64, 10, 64
LAWS, ACTIVATIONS, WIRINGS = ("uniform", "normal", "truncated", "constant"), ("sigmoid", "tanh", "relu"), range(3)
PLAIN, RESIDUAL, NORMALISED = WIRINGS
SCRIPTS = {name: (LIVE / name).read_text(encoding="utf-8") for name in build.SCRIPTS}


# ---- the network in C, built by the compiler that builds the library -------------------------------------------------


class Network:
    """network.c, as a library of its own."""

    def __init__(self, path: Path) -> None:
        self.c = ctypes.CDLL(str(path))
        for name in ("weight", "bias", "values", "gradients", "labels", "measures"):
            getattr(self.c, f"page_{name}").restype = ctypes.c_void_p
        self.c.page_forward.restype = ctypes.c_double

    def fill(self, law: str, p: float, q: float, low: float, high: float, seed: int, number: int, n: int) -> np.ndarray:
        out = np.empty(n, np.float32)
        doubles = [ctypes.c_double(x) for x in (p, q, low, high, seed, number)]
        self.c.page_fill(LAWS.index(law), *doubles, n, out.ctypes.data_as(ctypes.c_void_p))
        return out

    def view(self, name: str, layer: int, shape: tuple[int, ...], kind: type = ctypes.c_float) -> np.ndarray:
        """What a layer holds, as an array that may be written."""
        at = getattr(self.c, f"page_{name}")(*([layer] if name not in ("labels", "measures") else []))
        return np.ctypeslib.as_array(ctypes.cast(at, ctypes.POINTER(kind)), shape)

    def make(self, depth: int, width: int, activation: str, wiring: int, scale: float) -> None:
        """A network with weights of n Var w = scale, some biases, a batch of images and labels."""
        self.sizes, self.activation, self.wiring = [INPUTS, *[width] * depth, CLASSES], activation, wiring
        self.c.page_shape(depth, width, ACTIVATIONS.index(activation), wiring)
        random = np.random.default_rng(0)
        for layer in range(1, depth + 2):
            n, m = self.sizes[layer - 1], self.sizes[layer]
            fastinit.variance_scaling_(self.weight(layer), scale, "fan_in", "normal", generator=layer)
            self.view("bias", layer, (m,))[:] = random.normal(0, 0.1, m)
            assert n % 4 == m % 2 == 0
        self.c.page_start()
        self.view("values", 0, (INPUTS, BATCH))[:] = random.normal(size=(INPUTS, BATCH))
        self.view("labels", 0, (BATCH,), ctypes.c_uint8)[:] = random.integers(CLASSES, size=BATCH)

    def weight(self, layer: int) -> np.ndarray:
        return self.view("weight", layer, (self.sizes[layer], self.sizes[layer - 1]))

    def forward(self) -> float:
        return float(self.c.page_forward(ctypes.byref(ctypes.c_int())))

    def step(self, rate: float) -> None:
        self.c.page_backward()
        self.c.page_measure()
        self.c.page_update(ctypes.c_float(rate))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    path = tmp_path_factory.mktemp("live") / "network.so"
    command = [*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-O1", *wasm.core_flags(), "-Werror"]
    command += ["-Wno-error=psabi", f"-I{wasm.CORE}", LIVE / "network.c", "-o", path]
    sources = [source for source in wasm.SOURCES if source.name != "dispatch.c"]  # it asks for the other levels
    subprocess.run([*command, *sources, "-lm", "-pthread"], check=True)
    return Network(path)


def parameters(network: Network) -> list[np.ndarray]:
    """Weights of layers 1 to the last, then biases: copies, in double."""
    last = len(network.sizes) - 1
    biases = [network.view("bias", layer, (network.sizes[layer],)) for layer in range(1, last + 1)]
    return [x.astype(np.float64) for x in [*map(network.weight, range(1, last + 1)), *biases]]


def in_double(network: Network, weights: list[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """The network in NumPy, with these parameters: its loss, and its activations (units, batch) from layer 0 on."""
    f = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
    a, last = [network.view("values", 0, (INPUTS, BATCH)).astype(np.float64)], len(weights) // 2
    for layer, (w, b) in enumerate(zip(weights[:last], weights[last:], strict=True), 1):
        z = w @ a[-1]
        if network.wiring == NORMALISED and layer < last:
            z = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5)
        z += b[:, None]
        out = z if layer == last else f[network.activation](z)
        a.append(out + a[-1] if network.wiring == RESIDUAL and 1 < layer < last else out)
    labels = network.view("labels", 0, (BATCH,), ctypes.c_uint8)
    return float((np.log(np.exp(a[-1]).sum(0)) - a[-1][labels, np.arange(BATCH)]).mean()), a


def slope(network: Network, weights: list[np.ndarray], which: int, at: tuple[int, ...], h: float = 1e-5) -> float:
    """dL / dW at one place, from two losses."""
    ends = []
    for shift in (h, -h):
        shifted = [w.copy() for w in weights]
        shifted[which][at] += shift
        ends.append(in_double(network, shifted)[0])
    return (ends[0] - ends[1]) / (2 * h)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).mean()))


def test_fills_are_the_librarys(network):
    n, seed = 5001, 2**53 - 1
    uniform, normal, cut = (np.empty(n, np.float32) for _ in range(3))
    generator = fastinit.Generator(seed)
    fastinit.uniform_(uniform, -0.25, 0.5, generator=generator)
    fastinit.normal_(normal, 0.0, 0.3, generator=generator)
    fastinit.trunc_normal_(cut, 0.0, 0.3, -0.6, 0.6, generator=generator)
    assert network.fill("uniform", -0.25, 0.5, 0, 0, seed, 0, n).tobytes() == uniform.tobytes()
    assert network.fill("normal", 0, 0.3, 0, 0, seed, 1, n).tobytes() == normal.tobytes()
    assert network.fill("truncated", 0, 0.3, -0.6, 0.6, seed, 2, n).tobytes() == cut.tobytes()
    assert (network.fill("constant", 0.05, 0, 0, 0, 0, 0, 9) == np.float32(0.05)).all()


@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (128, 64), (16, 64), (10, 128)])
def test_orthogonal_is_the_librarys(network, shape):
    ours, theirs = np.empty(shape, np.float32), np.empty(shape, np.float32)
    gain, seed, number = map(ctypes.c_double, (1.5, 3, 0))
    network.c.page_orthogonal(*shape, gain, seed, number, ours.ctypes.data_as(ctypes.c_void_p))
    assert ours.tobytes() == fastinit.orthogonal_(theirs, 1.5, generator=fastinit.Generator(3)).tobytes()


@pytest.mark.parametrize(("activation", "wiring"), [*itertools.product(ACTIVATIONS, WIRINGS)])
def test_forward_and_backward(network, activation, wiring):
    """Loss and activations are those in double; a step of rate 1 takes off what differences of the loss say."""
    network.make(4, 32, activation, wiring, scale=2.0)
    before = parameters(network)
    loss, a = in_double(network, before)
    assert network.forward() == pytest.approx(loss, rel=1e-5)
    for layer, expected in enumerate(a):
        np.testing.assert_allclose(network.view("values", layer, expected.shape), expected, rtol=1e-4, atol=1e-5)
    network.step(rate=1.0)
    for which, (old, new) in enumerate(zip(before, parameters(network), strict=True)):
        for at in {(0,) * old.ndim, tuple(size // 2 for size in old.shape), tuple(size - 1 for size in old.shape)}:
            assert (old - new)[at] == pytest.approx(slope(network, before, which, at), rel=2e-3, abs=3e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_activations_are_the_librarys(network, activation):
    """Through the network: weights of 1 on the diagonal, biases 0."""
    network.make(1, 64, activation, PLAIN, scale=1.0)
    network.weight(1)[:], network.view("bias", 1, (64,))[:] = np.eye(64), 0
    z = network.view("values", 0, (64, 64))
    z[:] = np.linspace(-9, 9, z.size, dtype=np.float32).reshape(z.shape)
    network.forward()
    assert network.view("values", 1, (64, 64)).tobytes() == getattr(fastinit, activation)(z.copy()).tobytes()


@pytest.mark.parametrize("wiring", WIRINGS)
def test_measures(network, wiring):
    network.make(3, 48, "tanh", wiring, scale=4.0)
    before = parameters(network)
    network.forward()
    network.step(rate=0.5)
    after, a = parameters(network), in_double(network, before)[1]
    for layer in range(1, 5):
        mean, std, flat, dz, _, first, update = network.view("measures", 0, (5, 7), ctypes.c_double)[layer]
        old, new = before[layer - 1], after[layer - 1]
        gradient = network.view("gradients", layer, (network.sizes[layer], BATCH))
        np.testing.assert_allclose([mean, std], [a[layer].mean(), a[layer].std()], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose([dz, first, update], [rms(gradient), rms(old), rms(new - old) / rms(old)], rtol=1e-4)
        assert 0 <= flat <= 1
        if wiring == PLAIN and layer < 4:
            assert flat == pytest.approx((np.abs(a[layer]) > np.tanh(2.092)).mean(), abs=1e-3)


def test_units_that_are_copies_are_counted(network):
    network.make(2, 16, "tanh", PLAIN, scale=1.0)
    network.view("bias", 2, (16,))[:] = 0
    assert network.c.page_distinct(2) == 16
    network.weight(2)[3:7] = network.weight(2)[0]
    assert network.c.page_distinct(2) == 12


# ---- texts and pages -------------------------------------------------------------------------------------------------


def names(constant: str, value: str = r"\{", indent: str = "") -> set[str]:
    """Keys of an object in network.js whose values begin so."""
    block = re.search(rf"^const {constant} = \{{(.*?)\}};", SCRIPTS["network.js"], re.M | re.S)
    assert block
    return set(re.findall(rf"{indent}\b(\w+): {value}", block[1], re.M))


def test_every_text_is_used_and_every_text_used_is_there():
    en, vi = build.texts().values()
    assert all(text.strip() for text in [*en.values(), *vi.values()])
    source, groups = "\n".join(SCRIPTS.values()), names("PRESETS", indent="^  ")
    presets, kinds = names("PRESETS") - groups, {"start", "worse", "guessing", "learns", "slowly"}
    assert {"zero", "he", "residual"} <= presets and "symmetry" in groups
    asked = set(re.findall(r"\{\{(\w+)\}\}", build.read("page.html")))
    asked -= {"lang", "other", "css", "js", "wasm", "digits", "texts"}
    asked |= set(re.findall(r"\bT\.(\w+)", source)) | set(re.findall(r"\bsay\(\"(\w+)\"[,)]", source))
    families = {"preset_": presets, "claim_": presets, "group_": groups, "f_": names("FILLS"),
                "w_": names("WIRINGS", r"\d"), "s_": kinds}  # fmt: skip
    asked |= {family + name for family, members in families.items() for name in members}
    assert asked <= set(en)
    assert set(en) - asked <= set(re.findall(r"\"(\w+)\"", source)), "texts that nothing says"


def test_texts_in_one_language_only_are_refused(monkeypatch):
    texts = json.loads(build.read("texts.json"))
    for spoilt in (lambda vi: vi.pop("train"), lambda vi: vi.update(at_step="bước")):  # a text; a slot of one
        broken = json.loads(json.dumps(texts))
        spoilt(broken["vi"])
        monkeypatch.setattr(build, "read", lambda name, broken=broken: json.dumps(broken))
        with pytest.raises(ValueError, match="in one language only"):
            build.texts()


def test_pages_ask_for_nothing(tmp_path):
    """As the site's checker sees them: links between them hold, nothing is fetched, each says its language."""
    module = tmp_path / "network.wasm"
    module.write_bytes(os.urandom(50_000))
    pages = build.build(module, tmp_path / "site")
    assert [page.name for page in pages] == ["live.en.html", "live.vi.html"]
    assert check_site.faults(tmp_path / "site") == []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert page.stat().st_size < 2**18
        assert "default-src 'none'" in text and not re.search(r"https?:|\b(?:fetch|XMLHttpRequest|import)\(", text)


def test_a_page_too_large_is_refused(tmp_path):
    module = tmp_path / "network.wasm"
    module.write_bytes(os.urandom(2**20))
    with pytest.raises(ValueError, match="at most 1,048,576"):
        build.build(module, tmp_path)


def test_chapters_of_the_site_show_examples_that_there_are():
    block = re.search(r"^_LIVE = (\{.*?\})$", (LIVE.parent / "docs" / "conf.py").read_text(encoding="utf-8"), re.M)
    chapters = ast.literal_eval(block[1])
    assert set(chapters.values()) <= names("PRESETS") - names("PRESETS", indent="^  ")
    sources = {path.name[:2] for path in (LIVE.parent / "notebooks" / "source").glob("*.py")}
    assert set(chapters) <= sources


def test_scripts_are_lines_of_a_page():
    wide = [
        f"{name}: {line}"
        for name, text in {**SCRIPTS, "page.css": build.read("page.css")}.items()
        for line in text.splitlines()
        if len(line) > 120
    ]
    assert not wide
