"""A DTensor, and whatever else divides an array, gets in each part the values of the whole, bit for bit."""

import importlib.util
import itertools
import math
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import fastinit
import numpy as np
import pytest
from fastinit import sharding
from fastinit.sharding import Cut, runs_of

CHECKS = Path(__file__).parent / "on_ranks.py"
PAGE = (Path(__file__).parent.parent / "docs" / "sharding.md").read_text(encoding="utf-8")


# ---- on paper: no process --------------------------------------------------------------------------------------------


def indices(runs):
    return [i for a, b in runs for i in range(a, b)]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 9, 16, 37])
@pytest.mark.parametrize("mesh", [(1,), (2,), (4,), (2, 2), (4, 2), (2, 4), (3, 2, 2)])
def test_the_parts_of_an_axis_are_the_axis(length, mesh):
    """In order, each index once, and the sizes as equal as torch.chunk's."""
    parts = [runs_of(length, [Cut(n, i) for n, i in zip(mesh, place, strict=True)]) for place in np.ndindex(mesh)]
    assert indices(itertools.chain(*parts)) == list(range(length))
    assert all(len(runs) <= 1 for runs in parts)
    largest = length
    for n in mesh:
        largest = -(-largest // n)
    assert max(len(indices(runs)) for runs in parts) == largest


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7, 9, 16, 37])
@pytest.mark.parametrize(("dp", "tp"), [(2, 2), (4, 2), (2, 4), (3, 5), (8, 1)])
def test_fsdp_over_tp_divides_what_tp_has_divided(length, dp, tp):
    """Also where it comes out uneven: the rank (3, 0) of (4, 2) has nothing of 9."""
    for d, t in np.ndindex(dp, tp):
        ((a, b),) = runs_of(length, [Cut(tp, t)]) or [(0, 0)]
        inner = runs_of(b - a, [Cut(dp, d)])
        assert indices(runs_of(length, [Cut(dp, d, tp), Cut(tp, t)])) == [a + i for i in indices(inner)]


@pytest.mark.parametrize(("shape", "mesh"), [((9, 5), (4,)), ((4, 6), (2, 2)), ((3,), (3, 2)), ((8, 2, 3), (2, 2, 2))])
def test_every_placement_is_torchs(shape, mesh):
    torch = pytest.importorskip("torch")
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor.placement_types import _StridedShard

    whole = fastinit.normal_(torch.empty(shape), generator=3)
    places = torch.arange(math.prod(shape)).reshape(shape)
    known = [Replicate(), *map(Shard, range(len(shape))), Shard(-1), _StridedShard(0, split_factor=5)]
    of_local = SimpleNamespace(torch=torch)
    for placements, rank in itertools.product(itertools.product(known, repeat=len(mesh)), np.ndindex(mesh)):
        mine = places
        for placement, n, i in zip(placements, mesh, rank, strict=True):
            if not placement.is_replicate():
                mine = placement._split_tensor(mine, n, with_padding=False, contiguous=False)[0][i]
        local = torch.full(mine.shape, 77.0)
        tensor = SimpleNamespace(
            shape=shape, ndim=len(shape), placements=placements, to_local=lambda local=local: local, _spec=None,
            device_mesh=SimpleNamespace(size=mesh.__getitem__, get_coordinate=lambda rank=rank: rank, shape=mesh),
        )  # fmt: skip
        for part, offset in sharding.DTensors(of_local).parts(tensor):
            fastinit.normal_(part, generator=3, global_shape=shape, offset=offset)
        assert torch.equal(local, whole.flatten()[mine]), (placements, rank)


def test_what_4096_ranks_draw():
    """The table of docs/sharding.md, counted."""
    rows = re.findall(r"^\| .*\| `(\(.*?\))` \| `(\(.*?\))` \| `(.*?)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 5
    words = {"Shard": lambda axis, factor=1: (axis, factor), "Replicate": lambda: (None, 1)}
    for row in rows:
        shape, mesh, placements = (eval(cell, {}, dict(words)) for cell in row[:3])
        assert math.prod(mesh) == 4096 and len(mesh) == len(placements)
        cuts = [[(m, f) for m, (axis, f) in enumerate(placements) if axis == i] for i in range(len(shape))]
        held = [sharding.held(shape, mesh, place, cuts) for place in np.ndindex(mesh)]
        drawn = [math.prod(sum(b - a for a, b in runs) for runs in axes) for axes in held]
        least, most = (int(cell.replace(",", "")) for cell in row[3:])
        assert (min(drawn), max(drawn)) == (least, most), row
        copies = math.prod(n for n, (axis, _) in zip(mesh, placements, strict=True) if axis is None)
        assert sum(drawn) == copies * math.prod(shape), row


# ---- one process -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mesh():
    torch = pytest.importorskip("torch")
    dist = torch.distributed
    if not dist.is_available():
        pytest.skip("this torch has no distributed package")
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def of_local(local, mesh, placement, shape=None):
    from torch.distributed.tensor import DTensor

    shape = tuple(local.shape) if shape is None else shape
    strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    return DTensor.from_local(local, mesh, [placement], run_check=False, shape=shape, stride=strides)


def test_what_cannot_be_filled_says_so_and_stays(mesh):
    import torch
    from torch.distributed.tensor import Partial, Replicate, Shard

    class Interleaved(Shard):
        pass

    for tensor, kind, words in [
        (of_local(torch.full((3, 3), 77.0), mesh, Partial()), TypeError, "are to be summed"),
        (of_local(torch.full((3, 3), 77.0), mesh, Interleaved(0)), TypeError, "not known here"),
        (of_local(torch.full((3, 3), 77.0), mesh, Shard(0), (5, 3)), ValueError, r"shape \(3, 3\), where .* \(5, 3\)"),
    ]:
        state = torch.get_rng_state()
        for fill in (
            fastinit.xavier_uniform_, fastinit.normal_, fastinit.orthogonal_, fastinit.zeros_, fastinit.eye_,
            partial(fastinit.sparse_, sparsity=0.5), partial(fastinit.identity_, gain=2.0),
        ):  # fmt: skip
            with pytest.raises(kind, match=words):
                fill(tensor)
        assert (tensor.to_local() == 77).all()
        assert torch.equal(torch.get_rng_state(), state)
    half = of_local(torch.full((3, 3), 77.0, dtype=torch.float16), mesh, Replicate())
    for fill in (partial(fastinit.normal_, std=1e6), partial(fastinit.constant_, val=1e6)):
        with pytest.raises(ValueError):
            fill(half)
    for fill in (fastinit.normal_, partial(fastinit.normal_, global_shape=(4, 4), offset=(2, slice(0, 3)))):
        with pytest.raises((TypeError, ValueError)):
            fill(half if fill is not fastinit.normal_ else of_local(torch.ones(3, dtype=torch.int32), mesh, Shard(0)))
    assert (half.to_local() == 77).all()
    with pytest.raises(TypeError, match="full_tensor"):
        fastinit.describe(half)


def test_a_dtensor_is_filled_as_a_tensor_is(mesh):
    import torch
    from torch.distributed.tensor import Replicate, Shard

    for dtype in (torch.float32, torch.bfloat16, torch.complex64):
        tensor = of_local(torch.empty(6, 4, dtype=dtype), mesh, Shard(1))
        assert fastinit.lecun_normal_(tensor, generator=1) is tensor
        assert torch.equal(tensor.to_local(), fastinit.lecun_normal_(torch.empty(6, 4, dtype=dtype), generator=1))
    parameter = torch.nn.Parameter(of_local(torch.empty(6, 4), mesh, Replicate()))
    before = parameter._version
    torch.manual_seed(3)
    assert fastinit.kaiming_uniform_(parameter) is parameter
    assert parameter._version > before and parameter.grad_fn is None
    torch.manual_seed(3)
    assert torch.equal(parameter.to_local(), fastinit.kaiming_uniform_(torch.empty(6, 4)))
    block = fastinit.normal_(
        of_local(torch.empty(2, 3), mesh, Shard(0)), generator=1, global_shape=(9, 9), offset=(4, 5)
    )
    assert torch.equal(block.to_local(), fastinit.normal_(torch.empty(9, 9), generator=1)[4:6, 5:8])
    scalar = fastinit.normal_(of_local(torch.empty(()), mesh, Replicate()), generator=1)
    assert torch.equal(scalar.to_local(), fastinit.normal_(torch.empty(()), generator=1))
    meta = of_local(torch.empty(3, 3, device="meta"), mesh, Shard(0))
    assert fastinit.normal_(meta) is meta and fastinit.zeros_(meta) is meta


def test_nothing_is_asked_of_a_mesh_that_is_gone():
    """A fill sends nothing, so it needs no process group."""
    torch = pytest.importorskip("torch")
    dist = torch.distributed
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    tensor = of_local(torch.empty(6, 4), init_device_mesh("cpu", (1,)), Shard(0))
    dist.destroy_process_group()
    fastinit.normal_(tensor, generator=1)
    assert torch.equal(tensor.to_local(), fastinit.normal_(torch.empty(6, 4), generator=1))


# ---- processes -------------------------------------------------------------------------------------------------------


def on_ranks(world, tmp_path):
    """Every check of on_ranks.py, on so many ranks under gloo."""
    torch = pytest.importorskip("torch")
    if not torch.distributed.is_available():
        pytest.skip("this torch has no distributed package")
    environment = {**os.environ, "TORCH_CPP_LOG_LEVEL": "ERROR", "TORCH_LOGS": "-all"}
    command = [sys.executable, "-W", "ignore", str(CHECKS)]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(world), str(tmp_path / "store")],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(world)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=300)[0] for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [0] * world, "\n".join(said)


def test_two_ranks(tmp_path):
    on_ranks(2, tmp_path)


@pytest.mark.long
def test_four_ranks(tmp_path):
    on_ranks(4, tmp_path)


# ---- slices, and who else divides an array ---------------------------------------------------------------------------

SHAPE = (103, 57)
fill = partial(fastinit.kaiming_normal_, nonlinearity="relu", layout="...IO", generator=7)


@pytest.fixture(scope="module")
def whole():
    return fill(np.empty(SHAPE, np.float32))


def block(index, shape=SHAPE):
    """What a tuple of slices asks for."""
    sizes = [len(range(*along.indices(n))) for along, n in zip(index, shape, strict=True)]
    return fill(np.empty(sizes, np.float32), global_shape=shape, offset=index)


def test_offset_takes_slices_pairs_and_integers(whole):
    for index in [np.s_[:, 20:40], np.s_[100:, :], np.s_[-3:, -17:], np.s_[5:5, :], np.s_[0:200, np.int64(3) : 9]]:
        assert np.array_equal(block(index), whole[index])
    for offset in [(100, slice(50, 57)), [(100, 103), (50, 57)], [slice(100, None), 50], np.array([100, 50])]:
        assert np.array_equal(fill(np.empty((3, 7), np.float32), global_shape=SHAPE, offset=offset), whole[100:, 50:])


def test_an_empty_block_takes_its_key():
    """A worker without an element keeps in step with the others."""
    generator = fastinit.Generator(3)
    fastinit.kaiming_normal_(np.empty((0, 5)), generator=generator, global_shape=(4, 5), offset=(4, 0))
    assert generator.get_state()["stream"] == 1


@pytest.mark.parametrize(
    ("offset", "kind", "words"),
    [
        (np.s_[0:4, 50:57], ValueError, "not the 3 neighbours"),
        (np.s_[101:104, 50:57], ValueError, "not the 3 neighbours"),
        (np.s_[0:6:2, 50:57], ValueError, "without a step"),
        (np.s_[3:0, 50:57], ValueError, "not the 3 neighbours"),
        (np.s_[0:3,], ValueError, "one entry for each of the 2"),
        ([(0, 3), (50, 57, 1)], TypeError, "an integer or a slice"),
        ((slice(0, 3), "a"), TypeError, "an integer or a slice"),
        ((slice(0, 3), ...), TypeError, "an integer or a slice"),
        (slice(0, 3), TypeError, "an integer or a slice"),
        ((101, slice(50, 57)), ValueError, "within global_shape"),
    ],
)
def test_slices_that_do_not_fit(offset, kind, words):
    array = np.full((3, 7), 77, np.float32)
    with pytest.raises(kind, match=words):
        fill(array, global_shape=SHAPE, offset=offset)
    with pytest.raises(ValueError, match="without global_shape"):
        fill(array, offset=offset)
    assert (array == 77).all()


@pytest.mark.parametrize("chunks", [(20, 10), (103, 57), (7, 57), ((1, 2, 100), (57,))])
def test_dask(chunks, whole):
    da = pytest.importorskip("dask.array")
    chunks = da.core.normalize_chunks(chunks, SHAPE)

    def draw(block_info=None):
        info = block_info[None]
        return fill(
            np.empty(info["chunk-shape"], np.float32), global_shape=info["shape"], offset=info["array-location"]
        )

    array = da.map_blocks(draw, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    assert np.array_equal(array.compute(scheduler="threads"), whole)


ON_JAX = """
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from test_sharded import block, fill

shape = (64, 40)
whole, called = fill(np.empty(shape, np.float32)), []
for sizes, spec in [((8,), P("a", None)), ((8,), P(None, "a")), ((2, 4), P("a", "b")), ((2, 4), P(("a", "b"), None)),
                    ((4, 2), P("b")), ((2, 4), P())]:
    mesh = Mesh(np.array(jax.devices()).reshape(sizes), ("a", "b")[: len(sizes)])
    array = jax.make_array_from_callback(
        shape, NamedSharding(mesh, spec), lambda index: called.append(index) or block(index, shape))
    assert np.array_equal(np.asarray(array), whole), (sizes, spec)
assert len(jax.devices()) == 8 and len(set(map(str, called))) > 20, called
"""


def test_jax():
    """In a process of its own: jax makes threads, and warns at every fork from then on."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    more = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    environment = {**os.environ, **more, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_mpi(tmp_path):
    """The page's example, on three ranks."""
    pytest.importorskip("mpi4py")
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if mpiexec is None:
        pytest.skip("no mpiexec here")
    (example,) = re.findall(r"^```python\n(from mpi4py import MPI\n(?:.*\n)*?)```$", PAGE, re.MULTILINE)
    (begin,) = re.findall(r"^```python\n(import numpy as np\n(?:.*\n)*?)```$", PAGE, re.MULTILINE)
    script = tmp_path / "this.py"
    script.write_text(f"{begin}\n{example}\nassert (part == whole[rows]).all()\nprint(ranks.size)\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = [mpiexec, "-n", "3", sys.executable, str(script)]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, "".join(done.stdout.split())) == (0, "333"), done.stdout + done.stderr
