"""Nothing of the caller's changes under a look at a model that writes to everything, nor after errors and Ctrl-C."""

from functools import partial

import fastinit
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from guarded_nets import Writes
from judged_nets import Wrapped, clouds, mlp


@pytest.mark.parametrize("fail", [None, ValueError("mine"), KeyboardInterrupt()], ids=["no error", "error", "Ctrl-C"])
def test_everything_is_put_back(fail):
    model, (x, y) = Writes(fail), clouds()
    before = model.state(x, y)
    if fail is None:
        fastinit.probe(model, x, y, loss="cross_entropy")
    else:
        with pytest.raises(type(fail)):
            fastinit.probe(model, x, y, loss="cross_entropy")
    assert model.state(x, y) == before


@pytest.mark.parametrize("at", [2, 3, 4, 30], ids=["stepped", "touched", "trial", "late in the trial"])
def test_an_interrupt_in_any_pass_leaves_the_model_as_it_came(at):
    calls = []  # of a closure, which is not put back

    def interrupted(out):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return out

    inner, (x, y) = mlp(), clouds()
    model = Wrapped(torch.nn.Sequential(inner, torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.1)), interrupted)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state, modes = torch.get_rng_state(), [m.training for m in model.eval().modules()]
    with pytest.raises(KeyboardInterrupt):
        fastinit.probe(model, x, y, steps=60, rate=1e-9)  # so slow that the trial goes on
    assert len(calls) == at and [m.training for m in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state) and all(p.grad is None for p in model.parameters())


def test_an_interrupt_while_putting_back_does_not_stop_it():
    from fastinit.guard import Guard

    model, fired = mlp(), set()
    guard = Guard(model)
    kept = [p.detach().clone() for p in model.parameters()]

    def interrupted(undo):
        if undo not in fired:
            fired.add(undo)
            raise KeyboardInterrupt
        undo()

    guard._undo = [partial(interrupted, undo) for undo in guard._undo]
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    with pytest.raises(KeyboardInterrupt):
        guard.rewind()
    assert all(torch.equal(a, b) for a, b in zip(kept, model.parameters(), strict=True))


def test_a_graph_of_the_callers_stays_valid():
    model, (x, y) = mlp(), clouds()
    loss = torch.nn.functional.cross_entropy(model(x), y)
    fastinit.probe(model, x, y, loss="cross_entropy")
    loss.backward()


def test_read_only_memory_is_not_written(tmp_path):
    x, y = clouds()
    x.numpy().tofile(tmp_path / "x")
    array = np.memmap(tmp_path / "x", np.float32, "r", shape=(64, 16))  # a write would end the process
    fastinit.probe(mlp(), array, y.numpy(), loss="cross_entropy")


def test_training_after_a_probe_is_as_without():
    def curve(probed):
        model, (x, y) = torch.nn.Sequential(mlp(), torch.nn.Dropout(0.3)), clouds()
        optimizer, losses = torch.optim.Adam(model.parameters(), 1e-2), []
        torch.manual_seed(3)
        for step in range(10):
            if probed and step in (0, 5):
                fastinit.probe(model, x, y, loss="cross_entropy")
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    assert curve(True) == curve(False)


def test_a_batch_that_the_first_layer_overwrites_and_a_table_that_is_renormed():
    x = torch.randn(8, 4)
    before = x.clone()
    fastinit.probe(torch.nn.Sequential(torch.nn.ReLU(inplace=True), torch.nn.Linear(4, 2)), x)
    assert torch.equal(x, before)
    table = torch.nn.Embedding(60, 16, max_norm=1.0)
    weight = table.weight.detach().clone()
    fastinit.probe(torch.nn.Sequential(table, torch.nn.Linear(16, 2)), torch.arange(60))
    assert torch.equal(table.weight, weight)


def test_lsuv_changes_weights_only_and_none_when_it_fails():
    model, (x, _) = torch.nn.Sequential(mlp(), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 4)), clouds()
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    fastinit.lsuv_(model, x, generator=0)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, kept[name])}
    assert changed == {name for name, p in model.named_parameters() if p.ndim == 2}
    assert torch.equal(torch.get_rng_state(), state)
    scaled = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="variance"):
        fastinit.lsuv_(model, torch.zeros_like(x), generator=0)
    assert all(torch.equal(value, scaled[name]) for name, value in model.state_dict().items())
