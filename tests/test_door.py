"""The door of fills opens in one call of C what the careful door opens, to the same bits, and leaves it all else."""

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import fastinit
import numpy as np
import pytest
from fastinit import _core
from fastinit.generator import default_generator
from fastinit.initializers import random, scaling
from fastinit.initializers.filling import fill_by, fill_carefully

torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
RULES: list[tuple[Callable[..., object], tuple[object, ...]]] = [
    (random._uniform, (0.0, 1.0)), (random._uniform, (-0.1, 3)), (random._uniform, (2.0, 1.0)),
    (random._normal, (0.0, 1.0)), (random._normal, (-0.0, 0.0)), (random._normal, (1, -2.0)),
    (random._normal, ("0", 1.0)), (random._normal, (np.float32(0.5), 1e300)),
    (random._truncated, (0.0, 1.0, -2.0, 2.0)), (random._truncated, (-4.0, 1.0, 0.0, 9.0)),
    (scaling._xavier, ("uniform", 1.0, "OI...", 1, None)), (scaling._xavier, ("normal", 1, "...IO", 1, None)),
    (scaling._kaiming, ("uniform", 0, "fan_in", "leaky_relu", "OI...", 1, None)),
    (scaling._kaiming, ("normal", 5**0.5, "FAN_OUT", "relu", "OI...", 1, None)),
    (scaling._kaiming, ("normal", 0.0, "fan_in", "frog", "OI...", 1, None)),
    (scaling._scaled, (2.0, "fan_avg", "truncated_normal", "IO...", 2, None)),
    (scaling._scaled, (2.0, "fan_avg", "truncated_normal", "IO...", 2.0, None)),
    (scaling._scaled, (2.0, "fan_avg", "truncated_normal", "IO...", True, None)),
    (scaling._scaled, (1.0, "fan_geo_avg", "uniform", "OI...", 1, (3, 4.5))),
]  # fmt: skip
DTYPES = [torch.float32] * 4 + [torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.int32,
                                torch.float8_e4m3fn]  # fmt: skip
# What torch.manual_seed(20261124) gave before there was a door: normal_, xavier_uniform_, kaiming_normal_ in a row
GOLDEN = [
    [[-0.007801897823810577, 0.07504992187023163], [-0.6310807466506958, -1.3558114767074585]],
    [[-0.2184525728225708, 0.4117394685745239], [1.0658273696899414, -0.3077334761619568]],
    [[-1.4099302291870117, 0.768633246421814], [1.3712060451507568, -0.8931319117546082]],
]


class Subclass(torch.Tensor):
    """A tensor of a class of somebody's own, with memory."""


def cow(t: Any) -> Any:
    return torch._lazy_clone(t)


def emptied(t: Any) -> Any:
    t.untyped_storage().resize_(0)
    return t


def misaligned(t: Any) -> Any:
    raw = torch.zeros(t.numel() * t.element_size() + 1, dtype=torch.uint8)
    return torch.from_numpy(raw.numpy()[1:].view(t.numpy().dtype).reshape(t.shape))


def inferred(t: Any) -> Any:
    with torch.inference_mode():
        return t.clone()


def fake(t: Any) -> Any:
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode().from_tensor(t)


PLAIN: list[Callable[[Any], Any]] = [
    lambda t: t, torch.nn.Parameter, lambda t: torch.nn.Parameter(t, requires_grad=False), cow, inferred,
]  # fmt: skip
KINDS: list[Callable[[Any], Any]] = [
    *PLAIN, *PLAIN,
    lambda t: t.requires_grad_(), lambda t: t.t(), lambda t: t[1:], lambda t: t[:, 1:], lambda t: t[::2],
    lambda t: t[:1].expand(4, *t.shape[1:]), lambda t: t[..., None], lambda t: t.reshape(-1), lambda t: t[None, :1],
    lambda t: t.as_strided((3, 3), (1, 1)), lambda t: t.unsqueeze(-1).expand(*t.shape, 2), lambda t: t.to("meta"),
    lambda t: t.reshape(*[1] * 9, *t.shape), lambda t: t[:0], lambda t: t[0, 0], lambda t: t.to_sparse(), emptied,
    lambda t: t.as_subclass(Subclass), fake, misaligned, torch._neg_view,
    lambda t: torch.nn.Parameter(torch._neg_view(t)), lambda t: torch.complex(t, t).conj(),
    lambda t: torch.complex(t, t).conj().imag, lambda t: torch.view_as_real(torch.complex(t, t)),
    torch._to_functional_tensor,
    lambda t: torch._efficientzerotensor(t.shape, dtype=t.dtype), lambda t: (t.requires_grad_() * 2)[1:],
    lambda t: torch.nn.Parameter(t)[1:], lambda t: t.numpy(), lambda t: t.numpy().T, lambda t: t.numpy()[1:],
    lambda t: t.numpy().astype(t.numpy().dtype.newbyteorder(">")), lambda t: np.broadcast_to(t.numpy(), t.shape),
    lambda t: t.numpy()[0, 0],
    lambda t: t.tolist(), lambda t: torch.nn.Linear(2, 2), lambda t: None,
]  # fmt: skip
GENERATORS: list[Callable[[], object]] = [
    lambda: None, lambda: None, lambda: fastinit.Generator(3), lambda: torch.Generator().manual_seed(4),
    lambda: -(2**63), lambda: 2**64 - 1, lambda: 2**64, lambda: -(2**63) - 1, lambda: True, lambda: np.int64(7),
    lambda: np.random.default_rng(5), lambda: "6", lambda: torch.Generator("meta"),
]  # fmt: skip


def tensor_of(seed: int) -> object:
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 7, rng.integers(2, 5)) if rng.random() < 0.9 else (100, 90)
    tensor = torch.ones(tuple(map(int, shape)), dtype=DTYPES[rng.integers(len(DTYPES))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what is deprecated or new
        return KINDS[rng.integers(len(KINDS))](tensor)


def state_of(generator: object) -> object:
    if isinstance(generator, torch.Generator):
        return generator.get_state().numpy().tobytes()
    return generator.get_state() if isinstance(generator, fastinit.Generator) else None


def outcome(door: Callable[..., object], seed: int) -> tuple[object, ...] | None:
    """What comes of a fill: its value or its error, what is in the memory, and where the generators are then."""
    rng = np.random.default_rng([seed, 1])
    rule, settings = RULES[rng.integers(len(RULES))]
    generator = GENERATORS[rng.integers(len(GENERATORS))]
    torch.manual_seed(1)
    fastinit.manual_seed(2)
    try:
        tensor: Any = tensor_of(seed)
        given = generator()
    except (TypeError, RuntimeError, NotImplementedError, IndexError, ValueError):
        return None  # torch cannot make this
    version = tensor._version if isinstance(tensor, torch.Tensor) and not tensor.is_inference() else 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said: object = door(rule, tensor, given, None, None, *settings) is tensor
        except Exception as error:
            said = type(error), str(error)
    bits: object = None
    if isinstance(tensor, np.ndarray):
        bits = tensor.tobytes()
    elif type(tensor) in (torch.Tensor, torch.nn.Parameter) and not torch._is_functional_tensor(tensor):
        if tensor.device.type == "cpu" and tensor.layout is torch.strided and not torch._is_zerotensor(tensor):
            bits = torch.empty(0, dtype=torch.uint8).set_(tensor.detach().untyped_storage()).numpy().tobytes()
        version = tensor._version - version if not tensor.is_inference() else 0
    warned = [str(warning.message) for warning in caught if "FakeTensor" not in str(warning.message)]  # torch's, once
    moved = [state_of(one) for one in (given, torch.default_generator, default_generator)]
    return said, warned, bits, version, moved


@pytest.fixture
def left() -> Iterator[list[object]]:
    """The tensors that are left to the careful door."""
    tensors: list[object] = []

    def careful(rule: Callable[..., Any], tensor: Any, *rest: Any) -> Any:
        tensors.append(tensor)
        return fill_carefully(rule, tensor, *rest)

    _core.open_door(careful, fastinit.Generator, default_generator)
    yield tensors
    _core.open_door(fill_carefully, fastinit.Generator, default_generator)


@pytest.mark.parametrize("part", range(4))
def test_both_doors_agree(part: int, left: list[object]) -> None:
    counts = {"filled": 0, "refused": 0, "at once": 0}
    for seed in range(part * 300, part * 300 + 300):
        left.clear()
        found = outcome(fill_by, seed)
        assert found == outcome(fill_carefully, seed), seed
        if found is not None:
            counts["filled" if found[0] is True else "refused"] += 1
            counts["at once"] += not left
    assert all(count > 30 for count in counts.values()), counts


@pytest.mark.parametrize("kind", ["function", "dispatch"])
def test_a_mode_of_torch_hears_the_fill(kind: str, left: list[object]) -> None:
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    heard: list[str] = []
    tensor, expected = torch.empty(4, 4), torch.empty(4, 4)

    def hear(function: object, args: tuple[object, ...]) -> None:
        if any(arg is tensor for arg in args) or "random_" in str(function):
            heard.append(str(function))

    class Function(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            hear(function, args)
            return function(*args, **(kwargs or {}))

    class Dispatch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            hear(function, args)
            return function(*args, **(kwargs or {}))

    fastinit.normal_(tensor)  # torch's door is open, and whatever is prepared for it is kept, by now
    left.clear()
    torch.manual_seed(5)
    fastinit.normal_(expected)
    assert not left
    torch.manual_seed(5)
    with Function() if kind == "function" else Dispatch():
        fastinit.normal_(tensor)
    assert torch.equal(tensor, expected)
    assert len(left) == 1 and left[0] is tensor
    assert any("random_" in name for name in heard), heard
    assert kind == "dispatch" or any("data_ptr" in name for name in heard), heard


def test_values_of_torchs_seed_are_what_they_were() -> None:
    torch.manual_seed(20261124)
    tensor = torch.nn.Parameter(torch.empty(2, 2))
    found = [fill(tensor).tolist() for fill in (fastinit.normal_, fastinit.xavier_uniform_, fastinit.kaiming_normal_)]
    generator = torch.Generator().manual_seed(20261124)
    assert fastinit.normal_(tensor, generator=generator).tolist() == found[0]
    assert found == GOLDEN


def test_settings_that_are_equal_but_not_the_same() -> None:
    tensor = torch.empty(4, 4)
    assert torch.signbit(fastinit.normal_(tensor, -0.0, 0.0, generator=0)).any()
    assert not torch.signbit(fastinit.normal_(tensor, 0.0, 0.0, generator=0)).any()
    fastinit.lecun_normal_(tensor, groups=2)
    for groups in (2.0, True):
        with pytest.raises(ValueError, match="groups"):
            fastinit.lecun_normal_(tensor, groups=groups)


def test_more_rules_shapes_and_settings_than_are_kept(left: list[object]) -> None:
    fastinit.normal_(torch.empty(2))
    left.clear()
    for n in range(1, 1500):
        array = np.empty(n, np.float32)
        fastinit.normal_(array, n, n, generator=1)
        fastinit.normal_(array[:1], n, n, generator=1)
        assert not left
        assert abs(array.mean() / n - 1) < 6 / n**0.5
    for spelt in ("".join(["rel", "u"]) for _ in range(300)):  # each a string of its own
        assert fastinit.kaiming_normal_(torch.empty(3, 3), nonlinearity=spelt, generator=1)[0, 0] != 0


def test_threads_do_not_share_what_they_draw_into() -> None:
    def draw(seed: int) -> list[float]:
        generator, tensor = torch.Generator().manual_seed(seed), torch.empty(4)
        return [fastinit.normal_(tensor, generator=generator)[0].item() for _ in range(500)]

    expected = [draw(seed) for seed in range(4)]
    found: list[list[float]] = [[]] * 4
    threads = [threading.Thread(target=lambda i=i: found.__setitem__(i, draw(i))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_inside_vmap_a_tensor_from_outside_is_refused_or_filled_alike() -> None:
    outside = torch.ones(3, 3)
    for randomness in ("error", "same"):
        said = []
        for door in (fill_by, fill_carefully):

            def body(x: Any, door: Callable[..., Any] = door) -> Any:
                torch.manual_seed(1)
                door(random._normal, outside, None, None, None, 0.0, 1.0)
                return x

            outside.fill_(1)
            try:
                torch.func.vmap(body, randomness=randomness)(torch.ones(2))
                said.append(outside.tolist())
            except Exception as error:
                said.append((type(error), str(error), outside.tolist()))
        assert said[0] == said[1]
