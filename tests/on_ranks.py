"""What test_sharded.py runs on every rank: python on_ranks.py RANK WORLD STORE. A wrong value is an error."""

import itertools
import sys
import warnings

warnings.simplefilter("ignore")  # torch's own

import fastinit
import torch
import torch.distributed as dist
from fastinit.backends import InMemory
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor, empty
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

FILLS = [
    ("kaiming_normal_", ()), ("trunc_normal_", (0.0, 0.02)), ("uniform_", (-1.0, 1.0)), ("orthogonal_", ()),
    ("sparse_", (0.4,)), ("eye_", ()), ("identity_", (0.5,)), ("constant_", (0.25,)),
]  # fmt: skip
SHAPES = [(8, 12), (7, 5), (3, 2), (1, 9)]  # even, uneven, and with empty parts


class Net(nn.Module):
    """Parameters of one to three axes, of sizes that no mesh divides."""

    def __init__(self, width=11, words=13):
        super().__init__()
        self.emb = nn.Embedding(words, width)
        self.conv = nn.Conv1d(width, width, 3, padding=1)
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.head = nn.Linear(width, words, bias=False)

    def forward(self, words):
        x = self.conv(self.emb(words).mT).mT
        return self.head(self.norm(x + self.down(self.up(x).relu())))


def initialise(model):
    """By name, so that the order does not matter. Of each DTensor this rank draws its part, and no more."""
    root = fastinit.Generator(3)
    for name, parameter in model.named_parameters():
        drawn.clear()
        if parameter.ndim > 1:
            fastinit.xavier_uniform_(parameter, generator=root.fold_in(name))
        else:
            fastinit.normal_(parameter, 1.0, 0.02, generator=root.fold_in(name))
        if isinstance(parameter, DTensor):
            assert sum(drawn) == parameter.to_local().numel(), (name, drawn)
    return model


drawn = []  # elements, of each fill by the core


def counted(opened, *args, fill=InMemory.fill):
    drawn.append(opened.array.size)
    return fill(opened, *args)


InMemory.fill = counted


def divided(kind):
    """A Net divided over all ranks."""
    with torch.device("meta"):
        return divide(Net(), kind).to_empty(device="cpu")


def divide(model, kind):
    world = dist.get_world_size()
    shape = (world,) if kind in ("fsdp", "tp") else (2, world // 2) if kind == "hsdp" else (world // 2, 2)
    mesh = init_device_mesh("cpu", shape, mesh_dim_names=("dp", "tp")[: len(shape)])
    if kind in ("tp", "fsdp+tp"):
        plan = {"up": ColwiseParallel(), "down": RowwiseParallel()}
        parallelize_module(model, mesh if kind == "tp" else mesh["tp"], plan)
    if kind != "tp":
        fully_shard(model, mesh=mesh["dp"] if kind == "fsdp+tp" else mesh)
    return model


def whole(name, shape, args):
    more = {} if name in ("eye_", "identity_", "constant_") else {"generator": 7}
    return getattr(fastinit, name)(torch.empty(shape), *args, **more)


def check_models(kinds):
    want = dict(initialise(Net()).named_parameters())
    for kind in kinds:
        model = initialise(divided(kind))
        assert any(isinstance(parameter, DTensor) for parameter in model.parameters())
        for name, parameter in model.named_parameters():
            got = parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter
            assert torch.equal(got, want[name]), (kind, name)
        if kind in ("fsdp", "hsdp"):
            model(torch.tensor([[2, 3, 4]])).sum().backward()


class Whole(Net):
    """A tie, a padding row, a weight that is filled again in part and one that is packed, computed values, a buffer."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(13, 11, padding_idx=2)
        self.head.weight = self.emb.weight
        self.packed, self.slope = nn.Parameter(torch.empty(9, 7)), nn.Parameter(torch.arange(11.0).log1p())
        self.register_buffer("frequencies", torch.arange(5.0))
        with torch.no_grad():
            for begin in (0, 3, 6):
                nn.init.xavier_uniform_(self.packed[begin : begin + 3])
            self.up.weight[3:11].normal_()
            self.up.weight.mul_(0.5)
        nn.init.orthogonal_(self.down.weight)


def own(tensor, generator):
    fastinit.normal_(tensor, generator=generator).abs_()


def check_recipes(kinds):
    """deferred_init, divided, then init_model_ by its recipe and by rules: the bits of the whole model."""
    for rules in (None, [("packed", own), ("*norm*", 1), ("*.bias", 0), ("slope", 2), ("*", fastinit.xavier_normal_)]):
        reference = fastinit.deferred_init(Whole)
        fastinit.init_model_(reference, rules, 3)
        want = dict(reference.named_parameters())
        for kind in kinds:
            model = divide(fastinit.deferred_init(Whole), kind)
            fastinit.init_model_(model, rules, 3)
            assert model.frequencies.tolist() == [0, 1, 2, 3, 4]
            assert kind in ("tp", "fsdp+tp") or model.head.weight is model.emb.weight
            for name, parameter in model.named_parameters():
                got = parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter
                assert torch.equal(got, want[name]), (kind, name)
            if kind in ("fsdp", "hsdp"):
                model(torch.tensor([[2, 3, 4]])).sum().backward()
            if rules is not None:  # asked again, divided as it is
                fastinit.init_model_(model, {"slope": 1, **fastinit.recipe(model), "packed": 0}, 3)


def check_meshes(shapes):
    for mesh_shape in shapes:
        mesh = init_device_mesh("cpu", mesh_shape, mesh_dim_names=tuple("ab"[: len(mesh_shape)]))
        for placements in itertools.product([Replicate(), Shard(0), Shard(1)], repeat=len(mesh_shape)):
            for shape, (name, args) in itertools.product(SHAPES, FILLS):
                tensor = empty(shape, device_mesh=mesh, placements=placements)
                more = {} if name in ("eye_", "identity_", "constant_") else {"generator": 7}
                assert getattr(fastinit, name)(tensor, *args, **more) is tensor
                assert torch.equal(tensor.full_tensor(), whole(name, shape, args)), (mesh_shape, placements, name)
    four = distribute_tensor(torch.zeros(4, 2, 3), mesh, [Replicate()] * (mesh.ndim - 1) + [Shard(0)])
    assert torch.equal(fastinit.dirac_(four, 2).full_tensor(), fastinit.dirac_(torch.empty(4, 2, 3), 2))


def check_torchs_seed_and_ranks_outside(rank):
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    alone = DeviceMesh("cpu", [0], _init_backend=False)  # the other ranks are not of it
    torch.manual_seed(5)
    fastinit.normal_(empty((4, 3), device_mesh=alone, placements=[Shard(0)]))
    tensor = fastinit.normal_(empty((5, 3), device_mesh=mesh, placements=[Shard(0)])).full_tensor()
    torch.manual_seed(5)
    fastinit.normal_(torch.empty(4, 3))
    assert torch.equal(tensor, fastinit.normal_(torch.empty(5, 3)))


if __name__ == "__main__":
    rank, world = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{sys.argv[3]}", rank=rank, world_size=world)
    check_models(("fsdp", "tp") if world == 2 else ("fsdp", "tp", "fsdp+tp", "hsdp"))
    check_recipes(("fsdp", "tp") if world == 2 else ("fsdp", "tp", "fsdp+tp", "hsdp"))
    check_meshes([(2,)] if world == 2 else [(4,), (2, 2)])
    check_torchs_seed_and_ranks_outside(rank)
    dist.barrier()
    dist.destroy_process_group()
